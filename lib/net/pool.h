/* pool: the outputs of all steps of an item as one row.
 *
 *     last   p = [y_{T-1} forward, y_0 reverse]        mean   p = 1/T sum_t y_t        max   p_j = max_t y_tj
 *
 * T is the item's own length; an item without a step has zeros. */
#ifndef NET_POOL_H
#define NET_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

#define POOL_CHOICES "last|mean|max"
enum pool { POOL_LAST, POOL_MEAN, POOL_MAX };

struct pooling {
    enum pool kind;
    size_t steps, rows, width; /* T, B, and the width of y */
    size_t forward;            /* how many of those are of the forward direction: the first */
    const uint32_t *lengths;   /* [B]; NULL: all T */
    size_t y_row, pooled_row;  /* reals from a row to the next */
    uint32_t *largest;         /* [B, width], max: the step each came from; forward out, backward in */
};

/* pooled [B, pooled_row] from y [T*B, y_row]. */
void pool_forward(const struct pooling *p, const real *y, real *pooled);
/* dy, all of it, from dpooled. */
void pool_backward(const struct pooling *p, const real *dpooled, real *dy);

#endif
