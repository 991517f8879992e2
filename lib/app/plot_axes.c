/* Axes: round numbers, lines, names. */
#include <math.h>
#include <stdio.h>

#include "app/plot.h"

static double share(double value, double low, double high)
{
    return high > low ? (value - low) / (high - low) : 0.5;
}

double plot_x(const struct plot_axes *a, double x)
{
    return a->left + share(x, a->x_low, a->x_high) * (a->right - a->left);
}

double plot_y(const struct plot_axes *a, double y)
{
    double at = a->y_log ? share(log10(y), log10(a->y_low), log10(a->y_high)) : share(y, a->y_low, a->y_high);
    return a->bottom - at * (a->bottom - a->top);
}

double plot_step(double low, double high, int wanted)
{
    double rough = (high - low) / (wanted > 0 ? wanted : 1);
    if (!(rough > 0))
        return 1;
    double power = pow(10, floor(log10(rough))), part = rough / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

void plot_number(double value, double step, char text[32])
{
    int digits = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (fabs(value) < step * 1e-9)
        value = 0; /* no "-0.0" */
    if (digits > 5 || fabs(value) >= 1e6)
        snprintf(text, 32, "%.6g", value);
    else
        snprintf(text, 32, "%.*f", digits, value);
}

static void line(struct plot *p, double x0, double y0, double x1, double y1, struct colour colour)
{
    plot_colour(p, colour);
    cairo_set_line_width(p->draw, 1);
    cairo_move_to(p->draw, floor(x0) + 0.5, floor(y0) + 0.5);
    cairo_line_to(p->draw, floor(x1) + 0.5, floor(y1) + 0.5);
    cairo_stroke(p->draw);
}

static const struct plot_style number_style = {.size = 11.5, .colour = {0.42, 0.45, 0.50}};

static void mark_x(struct plot *p, const struct plot_axes *a, double value, double step)
{
    struct plot_style style = number_style;
    char text[32];
    plot_number(value, step, text);
    style.align = 0.5;
    line(p, plot_x(a, value), a->top, plot_x(a, value), a->bottom, plot_grid);
    plot_text(p, plot_x(a, value), a->bottom + 6, text, &style);
}

static void mark_y(struct plot *p, const struct plot_axes *a, double value, double step)
{
    struct plot_style style = number_style;
    char text[32];
    if (step > 0)
        plot_number(value, step, text);
    else
        snprintf(text, sizeof text, "%g", value);
    style.align = 1;
    style.middle = 0.5;
    line(p, a->left, plot_y(a, value), a->right, plot_y(a, value), plot_grid);
    plot_text(p, a->left - 8, plot_y(a, value), text, &style);
}

/* Marks of a logarithmic axis: powers of ten, with 2 and 5 between them where there are few; round steps within one. */
static void mark_log(struct plot *p, const struct plot_axes *a)
{
    double decades = log10(a->y_high) - log10(a->y_low), step = plot_step(a->y_low, a->y_high, 8);
    int skip = (int)ceil(decades / 10);
    if (decades < 1) {
        for (double k = ceil(a->y_low / step); k * step <= a->y_high; k++)
            mark_y(p, a, k * step, step);
        return;
    }
    for (int power = (int)floor(log10(a->y_low)); power <= (int)ceil(log10(a->y_high)); power++)
        for (int k = 0; k < (decades < 3 ? 3 : 1); k++) {
            double value = pow(10, power) * (double[]){1, 2, 5}[k];
            if (value >= a->y_low && value <= a->y_high && power % skip == 0)
                mark_y(p, a, value, 0);
        }
}

enum { MOST_MARKS = 400 }; /* an end where numbers are too large for their distance */

void plot_axes_draw(struct plot *p, const struct plot_axes *a)
{
    struct plot_style name = {.size = 13, .colour = plot_ink, .align = 0.5};
    double x_step = plot_step(a->x_low, a->x_high, (int)((a->right - a->left) / 90));
    double y_step = plot_step(a->y_low, a->y_high, (int)((a->bottom - a->top) / 55));
    double x_first = ceil(a->x_low / x_step - 1e-9), y_first = ceil(a->y_low / y_step - 1e-9);
    for (int k = 0; k < MOST_MARKS && (x_first + k) * x_step <= a->x_high + 1e-9 * x_step; k++)
        mark_x(p, a, (x_first + k) * x_step, x_step);
    if (a->y_log)
        mark_log(p, a);
    else
        for (int k = 0; k < MOST_MARKS && (y_first + k) * y_step <= a->y_high + 1e-9 * y_step; k++)
            mark_y(p, a, (y_first + k) * y_step, y_step);
    line(p, a->left, a->bottom, a->right, a->bottom, plot_faint);
    line(p, a->left, a->top, a->left, a->bottom, plot_faint);
    name.longest = a->right - a->left;
    plot_text(p, (a->left + a->right) / 2, a->bottom + 28, a->x_name, &name);
    name.angle = -M_PI / 2;
    name.longest = a->bottom - a->top;
    plot_text(p, 14, (a->top + a->bottom) / 2, a->y_name, &name);
}
