#include "app/plot_curve.h"

#include <math.h>

enum { WIDTH = 960, HEIGHT = 560, LEFT = 84, RIGHT = 28, TOP = 26, BOTTOM = 58, FEW = 40, LONGEST = 260 };

static bool shown(const struct curves *c, double y)
{
    return !isnan(y) && (!c->log || y > 0);
}

/* What the axes must show, a little more above and below. */
static int fit(struct curves *c, struct plot_axes *a, struct err *e)
{
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->at[k].n; i++) {
            double x = c->at[k].x[i], y = c->at[k].y[i];
            c->hidden += !isnan(y) && !shown(c, y);
            if (!shown(c, y))
                continue;
            x_low = fmin(x_low, x), x_high = fmax(x_high, x);
            y_low = fmin(y_low, y), y_high = fmax(y_high, y);
        }
    if (y_low > y_high)
        return err_fail(e, STATUS_DATA, "there is nothing to draw: every value is null%s",
                        c->log ? " or not above 0" : "");
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

static void draw_curve(struct plot *p, const struct curves *c, size_t k, const struct plot_axes *a)
{
    const struct curve *curve = &c->at[k];
    bool down = false, join = seldom(curve);
    size_t points = 0;
    plot_colour(p, plot_series(k));
    cairo_set_line_width(p->draw, 1.8);
    cairo_set_line_join(p->draw, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < curve->n; i++) {
        bool visible = shown(c, curve->y[i]);
        points += visible;
        if (visible && down)
            cairo_line_to(p->draw, plot_x(a, curve->x[i]), plot_y(a, curve->y[i]));
        else if (visible)
            cairo_move_to(p->draw, plot_x(a, curve->x[i]), plot_y(a, curve->y[i]));
        down = visible || (join && down);
    }
    cairo_stroke(p->draw);
    for (size_t i = 0; i < curve->n; i++) {
        /* points where they are few, or stand alone between gaps */
        bool alone = !join && (!i || !shown(c, curve->y[i - 1])) && (i + 1 == curve->n || !shown(c, curve->y[i + 1]));
        if (!shown(c, curve->y[i]) || (points > FEW && !alone))
            continue;
        cairo_arc(p->draw, plot_x(a, curve->x[i]), plot_y(a, curve->y[i]), 3, 0, 2 * M_PI);
        cairo_fill(p->draw);
    }
}

enum { ROW = 20, SAMPLE = 24, PAD = 10 };

/* The names on the right, beside the field. */
static double legend_width(struct plot *probe, const struct curves *c)
{
    struct plot_style style = {.size = 12, .longest = LONGEST};
    double most = 0, width, height;
    for (size_t k = 0; k < c->n; k++) {
        plot_text_size(probe, c->at[k].name, &style, &width, &height);
        most = fmax(most, width);
    }
    return fmin(most, LONGEST) + SAMPLE + 2 * PAD;
}

static void draw_legend(struct plot *p, const struct curves *c, const struct plot_axes *a)
{
    struct plot_style style = {.size = 12, .colour = plot_ink, .middle = 0.5, .longest = LONGEST};
    for (size_t k = 0; k < c->n; k++) {
        double y = a->top + ROW * ((double)k + 0.5), x = a->right + PAD;
        if (y > p->height - ROW)
            break;
        plot_colour(p, plot_series(k));
        cairo_set_line_width(p->draw, 2.5);
        cairo_move_to(p->draw, x, y);
        cairo_line_to(p->draw, x + SAMPLE - 6, y);
        cairo_stroke(p->draw);
        plot_text(p, x + SAMPLE, y, c->at[k].name, &style);
    }
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
    if (c->n > 1)
        a.right -= legend_width(p, c);
    if (a.bottom - a.top < 20 || a.right - a.left < 20)
        return err_fail(e, STATUS_MISUSED, "these curves want a larger picture (--width, --height)");
    plot_title(p, config);
    plot_axes_draw(p, &a);
    for (size_t k = 0; k < c->n; k++)
        draw_curve(p, c, k, &a);
    if (c->n > 1)
        draw_legend(p, c, &a);
    return plot_finish(p, e);
}
