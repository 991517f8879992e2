/* dropout: rows times a random mask that is drawn again, the same, for their gradient.
 *
 *     y = x m / (1 - p)     m: 0 with probability p, else 1           (N. Srivastava et al., JMLR 15, 2014)
 *
 * Element k of row r depends on the generator, r and k alone, so rows may be done in any order by any thread. */
#ifndef NET_DROPOUT_H
#define NET_DROPOUT_H

#include <stddef.h>

#include "base/real.h"
#include "base/rng.h"

/* Rows low .. high-1 of x [rows, width], `row` reals apart, into y (may be x), `y_row` apart. 0 < share < 1. */
void dropout(const real *x, size_t row, real *y, size_t y_row, size_t width, size_t low, size_t high, real share,
             struct rng rng);

#endif
