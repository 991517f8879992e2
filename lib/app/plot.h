/* plot: pictures. A canvas in pixels from the upper left, written as PNG or SVG; what is drawn on it stands in
 * plot_heatmap.h, plot_map.h, plot_curve.h and plot_strokes.h.
 *
 * Drawing is cairo's and text pango's, so that any script finds a font. The bytes hold no date and no chance: the
 * same picture, fonts and libraries give the same file. */
#ifndef APP_PLOT_H
#define APP_PLOT_H

#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/opt.h"

/* What is asked of every picture. */
struct plot_config {
    int64_t width, height; /* pixels; 0: what suits the picture */
    const char *title;     /* NULL: none */
    int format;            /* index into the formats; 0: by the suffix of the output */
};
extern const struct opt plot_options[];

/* Settles the format by the output's name, where the options leave it open, and says whether it is binary. A
 * suffix that is no format is STATUS_MISUSED. */
int plot_config_settle(struct plot_config *c, const char *output, bool *binary, struct err *e);

struct plot {
    double width, height;
    cairo_t *draw;
    /* private */
    cairo_surface_t *surface;
    PangoLayout *text;
    struct buf bytes;
    const struct plot_format *format;
};

/* A white canvas. plot_finish puts the picture's bytes into p->bytes; plot_close releases everything, also a zero
 * one. */
int plot_open(struct plot *p, const struct plot_config *c, double width, double height, struct err *e);
int plot_finish(struct plot *p, struct err *e);
void plot_close(struct plot *p);

/* ---- Colours ---- */

struct colour {
    double red, green, blue; /* 0 .. 1 */
};
/* For text, lesser text, lines, and what is pointed out. */
extern const struct colour plot_ink, plot_faint, plot_grid, plot_mark;

void plot_colour(struct plot *p, struct colour c);

/* Of several series, told apart also by the colour-blind: the eight of Okabe and Ito, 2008, without yellow and
 * with grey. */
struct colour plot_series(size_t index);

/* A colour as much whiter: 0 as it is, 1 white. */
struct colour plot_pale(struct colour c, double share);

/* The scale of a matrix: white at `low` to dark at `high`; around 0, red below, where values are of both signs. */
struct plot_scale {
    double low, high;
};
struct colour plot_shade(const struct plot_scale *s, double value);

/* ---- Text ---- */

struct plot_style {
    double size; /* pixels of an em */
    struct colour colour;
    double align, middle; /* where x and y lie in the text: 0 left, top; 1 right, bottom */
    double angle;         /* radians, clockwise, around x and y */
    double longest;       /* pixels; what is longer ends in an ellipsis; 0: all of it */
    bool bold;
    bool halo; /* white around the letters */
};

void plot_text(struct plot *p, double x, double y, const char *text, const struct plot_style *style);
void plot_text_size(struct plot *p, const char *text, const struct plot_style *style, double *width, double *height);

/* Text as it can be shown, whatever its bytes; what a series that comes from a file is called: the file's own name.
 * Owned by the caller. */
char *plot_shown(const char *text);
char *plot_file_name(const char *path);

/* "a,b" as a list. The caller frees its first word, which holds the memory of all, and the list. */
size_t plot_list(const char *text, char ***list);

/* The height kept for the title, and the title itself, drawn in the top of the canvas. */
double plot_title_room(const struct plot_config *c);
void plot_title(struct plot *p, const struct plot_config *c);

/* ---- Axes ---- */

/* A rectangle of the canvas that shows x low .. high from left to right and y low .. high from bottom to top. */
struct plot_axes {
    double left, top, right, bottom;
    double x_low, x_high, y_low, y_high;
    bool y_log;
    const char *x_name, *y_name;
};

double plot_x(const struct plot_axes *a, double x);
double plot_y(const struct plot_axes *a, double y);

/* The distance of marks at round numbers, so that about `wanted` fit between low and high. */
double plot_step(double low, double high, int wanted);

/* A number as short as its axis allows: "0.25", "1500", "2e+06". */
void plot_number(double value, double step, char text[32]);

/* Lines at round numbers, their numbers, names and a frame. */
void plot_axes_draw(struct plot *p, const struct plot_axes *a);

#endif
