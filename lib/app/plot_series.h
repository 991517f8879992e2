/* series: the numbers of one item step by step, and what was predicted of them, made into curves. */
#ifndef APP_PLOT_SERIES_H
#define APP_PLOT_SERIES_H

#include "app/plot_curve.h"

struct series_choice {
    const char *components; /* which numbers of the vectors, from 0, separated by commas; NULL: all */
    int64_t ahead;          /* steps by which columns called pred.* are drawn later: what stands at step t is about step
                             * t + ahead. -1: 1, or 0 where there is a column `target` */
};
extern const struct opt series_options[];

/* Adds a curve for each component of each column of `columns` (separated by commas; NULL: `target` or else `vec`, and
 * `pred.vec` where it is there) of an item, from 0. Where there are several components, a component has one colour and
 * all columns but the first are dashed. */
int series_read(struct curves *c, const char *path, uint64_t item, const char *columns,
                const struct series_choice *choice, struct err *e);

#endif
