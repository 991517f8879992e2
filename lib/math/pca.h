/* pca: the directions in which points spread most (Pearson, "On lines and planes of closest fit to systems of
 * points in space", 1901).
 *
 * By orthogonal iteration on the points themselves: a block Q [D,b] is multiplied by X'X, which is never formed,
 * and made orthonormal, until the variances along it stand still; b is a little larger than what is asked for,
 * which makes it quick. Everything is in double and starts from fixed numbers: the same points give the same
 * bytes. */
#ifndef MATH_PCA_H
#define MATH_PCA_H

#include <stddef.h>

/* Points x[n,d], which are centred in place. scores[n,k] are the coordinates along the k directions of largest
 * variance, in falling order; each direction's sign is such that its largest part by size is positive. share[k] is
 * the part of the whole variance that each explains, 0 when there is none. Directions beyond min(n - 1, d) have
 * zeros. k at most 8. */
void pca(double *x, size_t n, size_t d, size_t k, double *scores, double *share);

#endif
