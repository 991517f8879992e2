/* curve: numbers of trainers' logs over steps, as lines. */
#ifndef APP_PLOT_CURVE_H
#define APP_PLOT_CURVE_H

#include "app/plot.h"

/* One line: a field of a log. */
struct curve {
    char *name;
    double *x, *y; /* [n]; y is NaN where the log says null: the line has a gap there, unless most are */
    size_t n, room;
};

struct curves {
    struct curve *at;
    size_t n;
    const char *x_name;
    char *y_name;
    bool log;      /* a logarithmic y axis */
    size_t hidden; /* of a logarithmic axis: values that are not above 0 */
};

/* Adds the fields of `fields` (separated by commas) over the field x from each of the logs, which hold a JSON
 * object a line. A row without x or without a field says nothing about it; a field that no row of a log has is
 * STATUS_DATA, and the fields there are are named; so is anything that is not JSON, with file and line. x_name
 * must outlive it. */
int curves_read(struct curves *c, char **paths, int n_paths, const char *x_name, const char *fields, struct err *e);

/* Draws them into a new canvas. */
int curves_draw(struct curves *c, const struct plot_config *config, struct plot *p, struct err *e);

void curves_free(struct curves *c);

#endif
