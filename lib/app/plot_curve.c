#include "app/plot_curve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { WIDTH = 960, HEIGHT = 560, LEFT = 84, RIGHT = 28, TOP = 26, BOTTOM = 58, FEW = 40, LONGEST = 260 };

struct curve *curves_add(struct curves *c, char *name)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 8;
        c->at = mem_grow(c->at, c->room, sizeof *c->at);
    }
    c->at[c->n] = (struct curve){.name = name, .series = c->n};
    return &c->at[c->n++];
}

void curve_point(struct curve *curve, double x, double y)
{
    if (curve->n == curve->room) {
        curve->room = curve->room ? 2 * curve->room : 256;
        curve->x = mem_grow(curve->x, curve->room, sizeof *curve->x);
        curve->y = mem_grow(curve->y, curve->room, sizeof *curve->y);
    }
    curve->x[curve->n] = x;
    curve->y[curve->n++] = y;
}

void curves_free(struct curves *c)
{
    for (size_t k = 0; k < c->n; k++) {
        free(c->at[k].name);
        free(c->at[k].x);
        free(c->at[k].y);
    }
    free(c->at);
    free(c->y_name);
    *c = (struct curves){0};
}

/* ---- Axes ---- */

static bool shown(const struct curves *c, double y)
{
    return !isnan(y) && (!c->log || y > 0 || c->floor > 0);
}

/* What the axes must show, a little more above and below. */
static int fit(struct curves *c, struct plot_axes *a, struct err *e)
{
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    size_t points = 0;
    for (size_t k = 0; k < c->n; points += c->at[k++].n)
        for (size_t i = 0; !c->at[k].loose && i < c->at[k].n; i++) {
            double x = c->at[k].x[i], y = c->at[k].y[i];
            c->hidden += !isnan(y) && !shown(c, y);
            if (!shown(c, y))
                continue;
            c->floored += c->floor > 0 && y < c->floor;
            y = fmax(y, c->floor > 0 ? c->floor : y);
            x_low = fmin(x_low, x), x_high = fmax(x_high, x);
            y_low = fmin(y_low, y), y_high = fmax(y_high, y);
        }
    if (y_low > y_high)
        return err_fail(e, STATUS_DATA, "there is nothing to draw: %s%s", points ? "every value is null" : "no values",
                        points && c->log ? " or not above 0" : "");
    if (y_high - y_low > 1e300 || x_high - x_low > 1e300)
        return err_fail(e, STATUS_DATA, "the numbers lie too far apart to be drawn");
    double x_room = x_high > x_low ? 0 : fmax(0.5, 1e-3 * fabs(x_low));
    double y_room = y_high > y_low ? 0.05 * (y_high - y_low) : fmax(0.5, 1e-3 * fabs(y_low));
    a->x_low = x_low - x_room, a->x_high = x_high + x_room;
    a->y_low = y_low - y_room, a->y_high = y_high + y_room;
    if (c->log) {
        double factor = fmax(pow(y_high / y_low, 0.05), 1.05);
        a->y_low = y_low / factor, a->y_high = y_high * factor;
    } else if (y_low >= 0 && a->y_low < 0) {
        a->y_low = 0;
    }
    return 0;
}

/* A field that is null in most rows is one that is measured now and then: its points are joined over them. */
static bool seldom(const struct curve *curve)
{
    size_t nulls = 0;
    for (size_t i = 0; i < curve->n; i++)
        nulls += isnan(curve->y[i]);
    return 2 * nulls > curve->n;
}

/* The colour and stroke of a curve. */
static void set_line(struct plot *p, const struct curve *curve, double width)
{
    static const double dashes[][2] = {[CURVE_DASHED] = {6, 3.5}, [CURVE_DOTTED] = {1.5, 3}};
    plot_colour(p, plot_pale(plot_series(curve->series), curve->pale));
    cairo_set_line_width(p->draw, width);
    cairo_set_line_join(p->draw, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(p->draw, dashes[curve->line], curve->line == CURVE_SOLID ? 0 : 2, 0);
}

/* Where the point i stands. */
static double height(const struct curves *c, const struct curve *curve, size_t i, const struct plot_axes *a)
{
    return plot_y(a, c->floor > 0 ? fmax(curve->y[i], c->floor) : curve->y[i]);
}

static void draw_points(struct plot *p, const struct curves *c, const struct curve *curve, size_t points,
                        const struct plot_axes *a)
{
    bool join = seldom(curve);
    for (size_t i = 0; i < curve->n; i++) {
        /* points where they are few, or stand alone between gaps */
        bool alone = !join && (!i || !shown(c, curve->y[i - 1])) && (i + 1 == curve->n || !shown(c, curve->y[i + 1]));
        if (!shown(c, curve->y[i]) || ((points > FEW || curve->line != CURVE_SOLID) && !alone))
            continue;
        cairo_arc(p->draw, plot_x(a, curve->x[i]), height(c, curve, i, a), 3, 0, 2 * M_PI);
        cairo_fill(p->draw);
    }
}

static void draw_curve(struct plot *p, const struct curves *c, const struct curve *curve, const struct plot_axes *a)
{
    bool down = false, join = seldom(curve);
    size_t points = 0;
    cairo_save(p->draw);
    if (curve->loose) {
        cairo_rectangle(p->draw, a->left, a->top, a->right - a->left, a->bottom - a->top);
        cairo_clip(p->draw);
    }
    set_line(p, curve, 1.8);
    for (size_t i = 0; i < curve->n; i++) {
        bool visible = shown(c, curve->y[i]);
        points += visible;
        if (visible && down)
            cairo_line_to(p->draw, plot_x(a, curve->x[i]), height(c, curve, i, a));
        else if (visible)
            cairo_move_to(p->draw, plot_x(a, curve->x[i]), height(c, curve, i, a));
        down = visible || (join && down);
    }
    cairo_stroke(p->draw);
    draw_points(p, c, curve, points, a);
    cairo_restore(p->draw);
}

/* The floor, where something lies on it. */
static void draw_floor(struct plot *p, const struct curves *c, const struct plot_axes *a)
{
    struct plot_style style = {.size = 11.5, .colour = plot_faint, .middle = 1, .longest = a->right - a->left - 8};
    double y = plot_y(a, c->floor);
    char text[64];
    snprintf(text, sizeof text, "%.3g and below", c->floor);
    plot_colour(p, plot_faint);
    cairo_set_line_width(p->draw, 1);
    cairo_move_to(p->draw, a->left, y);
    cairo_line_to(p->draw, a->right, y);
    cairo_stroke(p->draw);
    plot_text(p, a->left + 6, y - 4, text, &style);
}

/* ---- Legend ---- */

enum { ROW = 20, SAMPLE = 24, PAD = 10 };

static size_t names(const struct curves *c)
{
    size_t n = 0;
    for (size_t k = 0; k < c->n; k++)
        n += c->at[k].name != NULL;
    return n;
}

/* The names on the right, beside the field. */
static double legend_width(struct plot *probe, const struct curves *c)
{
    struct plot_style style = {.size = 12, .longest = LONGEST};
    double most = 0, width, height;
    for (size_t k = 0; k < c->n; k++)
        if (c->at[k].name) {
            plot_text_size(probe, c->at[k].name, &style, &width, &height);
            most = fmax(most, width);
        }
    return fmin(most, LONGEST) + SAMPLE + 2 * PAD;
}

static void draw_legend(struct plot *p, const struct curves *c, const struct plot_axes *a)
{
    struct plot_style style = {.size = 12, .colour = plot_ink, .middle = 0.5, .longest = LONGEST};
    double y = a->top + ROW * 0.5, x = a->right + PAD;
    for (size_t k = 0; k < c->n && y <= p->height - ROW; k++) {
        if (!c->at[k].name)
            continue;
        set_line(p, &c->at[k], 2.5);
        cairo_move_to(p->draw, x, y);
        cairo_line_to(p->draw, x + SAMPLE - 6, y);
        cairo_stroke(p->draw);
        plot_text(p, x + SAMPLE, y, c->at[k].name, &style);
        y += ROW;
    }
    cairo_set_dash(p->draw, NULL, 0, 0);
}

int curves_draw(struct curves *c, const struct plot_config *config, struct plot *p, struct err *e)
{
    double width = config->width ? (double)config->width : WIDTH,
           height = config->height ? (double)config->height : HEIGHT;
    struct plot_axes a = {.left = LEFT,
                          .top = TOP + plot_title_room(config),
                          .right = width - RIGHT,
                          .bottom = height - BOTTOM,
                          .y_log = c->log,
                          .x_name = c->x_name,
                          .y_name = c->y_name};
    if (fit(c, &a, e) < 0 || plot_open(p, config, width, height, e) < 0)
        return -1;
    if (names(c) > 1)
        a.right -= legend_width(p, c);
    if (a.bottom - a.top < 20 || a.right - a.left < 20)
        return err_fail(e, STATUS_MISUSED, "these curves want a larger picture (--width, --height)");
    plot_title(p, config);
    plot_axes_draw(p, &a);
    if (c->floored)
        draw_floor(p, c, &a);
    for (size_t k = 0; k < c->n; k++)
        draw_curve(p, c, &c->at[k], &a);
    if (names(c) > 1)
        draw_legend(p, c, &a);
    return plot_finish(p, e);
}
