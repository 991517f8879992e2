#include "app/plot_map.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    WIDTH = 1000,
    HEIGHT = 800,
    LEFT = 74,
    RIGHT = 24,
    TOP = 24,
    BOTTOM = 58,
    LONGEST = 220,
    CROWD = 120,
    RINGS = 8
};

static const double dot_radius = 3.2;

struct box {
    double left, top, right, bottom;
};

/* Do they come closer than `air` pixels, from side to side? */
static bool overlap(const struct box *a, const struct box *b, double air)
{
    return a->left - air < b->right && b->left < a->right + air && a->top < b->bottom && b->top < a->bottom;
}

/* Both axes have one scale, so that distances can be compared; the room left over is shared out. */
static void fit(const struct map *m, struct plot_axes *a)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t k = 0; k < 2 * m->n; k++) {
        low[k % 2] = fmin(low[k % 2], m->places[k]);
        high[k % 2] = fmax(high[k % 2], m->places[k]);
    }
    double scale = 1.16 * fmax((high[0] - low[0]) / (a->right - a->left), (high[1] - low[1]) / (a->bottom - a->top));
    if (!(scale > 0))
        scale = 1 / (a->right - a->left);
    double x = (low[0] + high[0]) / 2, y = (low[1] + high[1]) / 2;
    a->x_low = x - scale * (a->right - a->left) / 2;
    a->x_high = x + scale * (a->right - a->left) / 2;
    a->y_low = y - scale * (a->bottom - a->top) / 2;
    a->y_high = y + scale * (a->bottom - a->top) / 2;
}

/* ---- Labels: each at the nearest free place around its point ---- */

struct labels {
    const struct map *m;
    const struct plot_axes *axes;
    struct box *dots, *boxes; /* [n]; boxes of labels, right < left where there is none */
    double (*sizes)[2];       /* [n] width, height */
};

static bool stands(const struct labels *l, size_t k)
{
    return l->boxes[k].right > l->boxes[k].left;
}

enum { NOBODY = -1, MANY = -2 };

/* Whose label is in the way when label k takes a box: an index, NOBODY, or MANY, which are also dots and the edge. */
static int in_the_way(const struct labels *l, size_t k, const struct box *box)
{
    int found = NOBODY;
    if (box->left < l->axes->left + 2 || box->right > l->axes->right - 2 || box->top < l->axes->top + 2 ||
        box->bottom > l->axes->bottom - 2)
        return MANY;
    for (size_t o = 0; o < l->m->n; o++)
        if (o != k && overlap(box, &l->dots[o], 4))
            return MANY;
    for (size_t o = 0; o < l->m->n; o++)
        if (o != k && stands(l, o) && overlap(box, &l->boxes[o], 5)) {
            if (found != NOBODY)
                return MANY;
            found = (int)o;
        }
    return found;
}

/* Where label k may stand: step s of rings of 12 directions, to the right first, ever farther out. */
static struct box candidate(const struct labels *l, size_t k, int s)
{
    static const int order[12] = {0, 6, 3, 9, 1, 11, 5, 7, 2, 10, 4, 8}; /* right, left, below, above, ... */
    double distance = dot_radius + 3 + (s / 12) * 9, angle = order[s % 12] * M_PI / 6;
    double x = (l->dots[k].left + l->dots[k].right) / 2 + distance * cos(angle);
    double y = (l->dots[k].top + l->dots[k].bottom) / 2 + distance * sin(angle);
    double width = l->sizes[k][0], height = l->sizes[k][1];
    /* the side or corner of the box that faces the point touches the ring */
    double left = x - width * (1 - cos(angle)) / 2, top = y - height * (1 - sin(angle)) / 2;
    return (struct box){left, top, left + width, top + height};
}

static const struct box no_box = {1, 0, 0, 0};

/* A thin line from a point to a label that had to move away. */
struct lead {
    double x, y, to_x, to_y;
};

static bool has_lead(const struct labels *l, size_t k, const struct box *box, struct lead *lead)
{
    double x = (l->dots[k].left + l->dots[k].right) / 2, y = (l->dots[k].top + l->dots[k].bottom) / 2;
    *lead = (struct lead){x, y, fmin(fmax(x, box->left), box->right), fmin(fmax(y, box->top + 3), box->bottom - 3)};
    return hypot(lead->to_x - x, lead->to_y - y) >= dot_radius + 8;
}

/* Does the line pass over the box? What is left of it, from 0 to 1, when each side has cut away what is beyond it. */
static bool passes(const struct lead *lead, const struct box *box)
{
    double from = 0, to = 1, dx = lead->to_x - lead->x, dy = lead->to_y - lead->y;
    double step[4] = {-dx, dx, -dy, dy};
    double room[4] = {lead->x - box->left, box->right - lead->x, lead->y - box->top, box->bottom - lead->y};
    for (int k = 0; k < 4; k++) {
        if (step[k] > 0)
            to = fmin(to, room[k] / step[k]);
        else if (step[k] < 0)
            from = fmax(from, room[k] / step[k]);
        else if (room[k] < 0)
            return false;
    }
    return from < to;
}

/* Would the line to label k in this box pass over another's dot or label, or another's line over the box? */
static bool tangled(const struct labels *l, size_t k, const struct box *box)
{
    struct lead own, others;
    bool lead = has_lead(l, k, box, &own);
    for (size_t o = 0; o < l->m->n; o++) {
        if (o == k)
            continue;
        if (lead && (passes(&own, &l->dots[o]) || (stands(l, o) && passes(&own, &l->boxes[o]))))
            return true;
        if (stands(l, o) && has_lead(l, o, &l->boxes[o], &others) && passes(&others, box))
            return true;
    }
    return false;
}

/* Puts label k where nothing is in the way, if it can be where no lines and names get tangled; false when all is taken
 * within its reach. */
static bool place(struct labels *l, size_t k)
{
    l->boxes[k] = no_box;
    for (int s = 0; s < 12 * RINGS; s++) {
        struct box box = candidate(l, k, s);
        if (in_the_way(l, k, &box) != NOBODY)
            continue;
        if (!tangled(l, k, &box)) {
            l->boxes[k] = box;
            return true;
        }
        if (!stands(l, k))
            l->boxes[k] = box;
    }
    return stands(l, k);
}

/* The same where one other label may be moved out of the way. */
static bool squeeze_in(struct labels *l, size_t k)
{
    for (int s = 0; s < 12 * RINGS; s++) {
        struct box box = candidate(l, k, s), before;
        int other = in_the_way(l, k, &box);
        if (other < 0)
            continue;
        before = l->boxes[other];
        l->boxes[k] = box;
        if (place(l, (size_t)other))
            return true;
        l->boxes[other] = before;
        l->boxes[k] = no_box;
    }
    return false;
}

/* All of them, as far as there is room; how many there is none for. */
static size_t place_all(struct labels *l)
{
    size_t hidden = 0, before;
    for (size_t k = 0; k < l->m->n; k++)
        l->boxes[k] = no_box;
    for (size_t k = 0; k < l->m->n; k++)
        hidden += !place(l, k);
    do {
        before = hidden;
        for (size_t k = 0; k < l->m->n && hidden; k++)
            if (!stands(l, k))
                hidden -= squeeze_in(l, k);
    } while (hidden && hidden < before);
    for (size_t k = 0; k < l->m->n; k++) /* some that came later have made room, or lie under a line */
        if (stands(l, k) && tangled(l, k, &l->boxes[k]))
            place(l, k);
    return hidden;
}

static void draw_lead(struct plot *p, const struct labels *l, size_t k)
{
    struct lead lead;
    if (!has_lead(l, k, &l->boxes[k], &lead))
        return;
    plot_colour(p, plot_faint);
    cairo_set_line_width(p->draw, 0.7);
    cairo_move_to(p->draw, lead.x, lead.y);
    cairo_line_to(p->draw, lead.to_x, lead.to_y);
    cairo_stroke(p->draw);
}

static size_t draw_labels(struct plot *p, const struct map *m, const struct plot_axes *a)
{
    struct plot_style style = {.size = m->n <= CROWD ? 13 : 11, .colour = plot_ink, .longest = LONGEST, .halo = true};
    struct labels l = {m, a, mem_get(m->n, sizeof *l.dots), mem_get(m->n, sizeof *l.boxes),
                       mem_get(m->n, sizeof *l.sizes)};
    for (size_t k = 0; k < m->n; k++) {
        double x = plot_x(a, m->places[2 * k]), y = plot_y(a, m->places[2 * k + 1]);
        l.dots[k] = (struct box){x - dot_radius, y - dot_radius, x + dot_radius, y + dot_radius};
        plot_text_size(p, m->words[k], &style, &l.sizes[k][0], &l.sizes[k][1]);
    }
    size_t hidden = place_all(&l);
    for (size_t k = 0; k < m->n; k++)
        if (stands(&l, k))
            draw_lead(p, &l, k);
    for (size_t k = 0; k < m->n; k++) {
        plot_colour(p, plot_series(0));
        cairo_arc(p->draw, (l.dots[k].left + l.dots[k].right) / 2, (l.dots[k].top + l.dots[k].bottom) / 2, dot_radius,
                  0, 2 * M_PI);
        cairo_fill(p->draw);
    }
    for (size_t k = 0; k < m->n; k++)
        if (stands(&l, k))
            plot_text(p, l.boxes[k].left, l.boxes[k].top, m->words[k], &style);
    free(l.dots);
    free(l.boxes);
    free(l.sizes);
    return hidden;
}

static void name_axes(const struct map *m, char *x, char *y, size_t room)
{
    if (m->projection == MAP_TSNE) {
        snprintf(x, room, "1st dimension of t-SNE (perplexity %.3g)", m->perplexity);
        snprintf(y, room, "2nd dimension of t-SNE");
    } else {
        snprintf(x, room, "1st principal component (%.1f %% of the variance)", 100 * m->share[0]);
        snprintf(y, room, "2nd principal component (%.1f %%)", 100 * m->share[1]);
    }
}

int map_draw(const struct map *m, const struct plot_config *c, struct plot *p, size_t *hidden, struct err *e)
{
    double crowd = m->n > CROWD ? sqrt((double)m->n / CROWD) : 1; /* as much room for each of many as of a few */
    double width = c->width ? (double)c->width : round(WIDTH * crowd);
    double height = c->height ? (double)c->height : round(HEIGHT * crowd);
    char x_name[64], y_name[64];
    struct plot_axes a = {.left = LEFT,
                          .top = TOP + plot_title_room(c),
                          .right = width - RIGHT,
                          .bottom = height - BOTTOM,
                          .x_name = x_name,
                          .y_name = y_name};
    name_axes(m, x_name, y_name, sizeof x_name);
    if (a.bottom - a.top < 20 || a.right - a.left < 20)
        return err_fail(e, STATUS_MISUSED, "a map wants %d x %.0f pixels at least (--width, --height)",
                        LEFT + RIGHT + 20, a.top + BOTTOM + 20);
    if (plot_open(p, c, width, height, e) < 0)
        return -1;
    fit(m, &a);
    plot_title(p, c);
    plot_axes_draw(p, &a);
    *hidden = draw_labels(p, m, &a);
    return plot_finish(p, e);
}
