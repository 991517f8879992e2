/* curve: numbers over numbers, as lines with a legend: fields of trainers' logs over steps, and what plot_gradflow.h
 * and plot_series.h read. */
#ifndef APP_PLOT_CURVE_H
#define APP_PLOT_CURVE_H

#include "app/plot.h"

enum { CURVES_MOST = 200 }; /* in a picture */

enum curve_line { CURVE_SOLID, CURVE_DASHED, CURVE_DOTTED };

struct curve {
    char *name;    /* in the legend; NULL: it does not stand there. One without points stands there alone */
    double *x, *y; /* [n]; y is NaN where nothing is known: the line has a gap there, unless most are */
    size_t n, room;
    size_t series; /* its colour, of plot_series */
    double pale;   /* how much whiter than that */
    enum curve_line line;
    bool loose; /* does not widen the axes, and is cut off where they end */
};

struct curves {
    struct curve *at;
    size_t n, room;
    const char *x_name;
    char *y_name;
    bool log;       /* a logarithmic y axis */
    double floor;   /* of a logarithmic axis: what is below is drawn here, with a line that says so; 0: none */
    size_t hidden;  /* of a logarithmic axis without a floor: values that are not above 0 */
    size_t floored; /* values below the floor */
};

/* Adds a curve without points, solid and in the next colour; the name (NULL: none) is then owned by `c`. The pointer
 * lasts until the next call. */
struct curve *curves_add(struct curves *c, char *name);

void curve_point(struct curve *curve, double x, double y);

/* Adds the fields of `fields` (separated by commas) over the field x from each of the logs, which hold a JSON
 * object a line. A row without x or without a field says nothing about it; a field that no row of a log has is
 * STATUS_DATA, and the fields there are are named; so is anything that is not JSON, with file and line. x_name
 * must outlive it. */
int curves_read(struct curves *c, char **paths, int n_paths, const char *x_name, const char *fields, struct err *e);

/* Draws them into a new canvas. */
int curves_draw(struct curves *c, const struct plot_config *config, struct plot *p, struct err *e);

void curves_free(struct curves *c);

#endif
