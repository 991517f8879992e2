/* tsne: points in the plane that have the neighbours they have in space (van der Maaten and Hinton, "Visualizing Data
 * using t-SNE", JMLR 9, 2008). Exact: time and memory grow with the square of the points.
 *
 *     p_j|i = exp(-b_i |x_i - x_j|^2) / sum over k != i of the same, b_i such that row i has the perplexity   (1)
 *     p_ij  = (p_j|i + p_i|j) / 2n
 *     q_ij  = w_ij / Z,  w_ij = 1 / (1 + |y_i - y_j|^2),  Z = sum of all w_kl, k != l                          (4)
 *     C     = sum p_ij log(p_ij / q_ij),    dC/dy_i = 4 sum_j (p_ij - q_ij) w_ij (y_i - y_j)                   (5)
 *
 * Descent with momentum and a gain for each coordinate, as there; while the first quarter of the steps lasts, at most
 * 250, the p_ij are 12 times as large. It starts from the first two principal components, small, rather than from
 * chance (Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics", 2019), with steps of n / 12 / 4
 * of the gradient, at least 50 (Belkina et al., "Automated optimized parameters for T-distributed stochastic neighbor
 * embedding", 2019).
 *
 * The arithmetic is the same on every CPU and for any number of threads: the way is long, and a last bit at its start
 * is another picture at its end. */
#ifndef MATH_TSNE_H
#define MATH_TSNE_H

#include <stddef.h>

#include "base/real.h"

struct tsne_config {
    double
        perplexity; /* about how many neighbours a point looks at: 1 at least, (n - 1) / 3 at most, or taken for that */
    size_t iterations;
};

/* x[n,d], which is centred in place, to places[n,2], whose mean is 0. */
void tsne(double *x, size_t n, size_t d, const struct tsne_config *c, double *places);

/* ---- Its parts --------------------------------------------------------------------------------------------------- */

/* Elements from a row of p to the next; those behind n are zeros. */
size_t tsne_row(size_t n);

double tsne_perplexity(const struct tsne_config *c, size_t n);

/* p[n, tsne_row(n)] from points x[n,d]. */
void tsne_affinities(const double *x, size_t n, size_t d, double perplexity, real *p);

/* dC/dy of places y[n,2], with p_ij `exaggeration` times as large. spare has 2 * tsne_row(n) reals. */
void tsne_gradient(const real *p, const double *y, size_t n, double exaggeration, double *gradient, real *spare);

#endif
