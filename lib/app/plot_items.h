/* items: the vectors of a stream's items, read for a picture. */
#ifndef APP_PLOT_ITEMS_H
#define APP_PLOT_ITEMS_H

#include <stdint.h>

#include "data/stream.h"

/* Calls `take` for up to `count` items from the number `first` on, from 0 over all segments; `item` counts within the
 * batch, `number` in the stream. The stream (NULL or "-": standard input) is read to its end. Without any such item:
 * STATUS_MISUSED. */
typedef int plot_take(void *context, const struct batch *batch, uint64_t item, uint64_t number, struct err *e);
int plot_items(const char *path, uint64_t first, uint64_t count, plot_take *take, void *context, struct err *e);

/* The rows that a column of numbers has in an item: x [n,dim], owned by the caller. A column that is missing, not of
 * numbers or not divided among items is STATUS_DATA, and so is NaN, named with row and column. */
struct item_rows {
    double *x;
    size_t n, dim;
};
int item_rows(struct item_rows *r, const struct batch *batch, const char *name, uint64_t item, struct err *e);

#endif
