#include "app/plot_strokes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WIDTH = 960, TALLEST = 150, LEFT = 58, RIGHT = 24, TOP = 20, BOTTOM = 20, GAP = 26, PEN = 2 };

/* The paper an item covers. */
struct extent {
    double left, top, width, height;
};

static struct extent extent_of(const struct stroke_item *s)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    if (!s->n)
        return (struct extent){0};
    for (size_t i = 0; i < s->n; i++)
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], s->at[i][k]);
            high[k] = fmax(high[k], s->at[i][k]);
        }
    return (struct extent){low[0], low[1], high[0] - low[0], high[1] - low[1]};
}

/* The largest extents of all items, and their heights added up. */
struct paper {
    double width, height, heights;
};

static struct paper measure(const struct strokes *s, struct extent *extents)
{
    struct paper all = {0};
    for (size_t k = 0; k < s->n; k++) {
        extents[k] = extent_of(&s->items[k]);
        all.width = fmax(all.width, extents[k].width);
        all.height = fmax(all.height, extents[k].height);
        all.heights += extents[k].height;
    }
    return all;
}

/* One item with the upper left corner of its extent at x, y. A stroke of one point is a dot. */
static void draw_item(struct plot *p, const struct stroke_item *s, const struct extent *extent, double scale, double x,
                      double y)
{
    plot_colour(p, plot_ink);
    cairo_set_line_width(p->draw, PEN);
    cairo_set_line_cap(p->draw, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(p->draw, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < s->n; i++) {
        double to_x = x + scale * (s->at[i][0] - extent->left), to_y = y + scale * (s->at[i][1] - extent->top);
        if (s->begins[i])
            cairo_move_to(p->draw, to_x, to_y);
        if (!s->begins[i] || i + 1 == s->n || s->begins[i + 1])
            cairo_line_to(p->draw, to_x, to_y);
    }
    cairo_stroke(p->draw);
}

int strokes_draw(const struct strokes *s, const struct plot_config *config, struct plot *p, struct err *e)
{
    struct extent *extents = mem_get(s->n + 1, sizeof *extents);
    struct paper all = measure(s, extents);
    struct plot_style number = {.size = 12, .colour = plot_faint, .align = 1, .middle = 0.5, .longest = LEFT - 20};
    double width = config->width ? (double)config->width : WIDTH, top = TOP + plot_title_room(config);
    double gaps = GAP * (double)(s->n - 1), scale = INFINITY;
    if (all.width > 0)
        scale = (width - LEFT - RIGHT) / all.width;
    if (config->height && all.heights > 0)
        scale = fmin(scale, ((double)config->height - top - BOTTOM - gaps) / all.heights);
    else if (all.height > 0)
        scale = fmin(scale, TALLEST / all.height);
    if (!isfinite(scale))
        scale = 1;
    int result = scale > 0 ? 0 : err_fail(e, STATUS_MISUSED, "these strokes want a larger picture (--width, --height)");
    if (result == 0) {
        double height = config->height ? (double)config->height : top + BOTTOM + gaps + scale * all.heights;
        result = plot_open(p, config, width, fmax(height, top + BOTTOM + GAP), e);
    }
    if (result == 0) {
        plot_title(p, config);
        for (size_t k = 0; k < s->n; k++) {
            char text[24];
            snprintf(text, sizeof text, "%llu", (unsigned long long)s->items[k].number);
            plot_text(p, LEFT - 16, top + scale * extents[k].height / 2, text, &number);
            draw_item(p, &s->items[k], &extents[k], scale, LEFT, top);
            top += scale * extents[k].height + GAP;
        }
        result = plot_finish(p, e);
    }
    free(extents);
    return result;
}
