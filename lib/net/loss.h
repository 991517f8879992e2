/* loss: softmax cross-entropy.
 *
 *     p = softmax(o)      loss = sum over positions of -log p[target]
 *
 * The gradient is of that sum divided by the rows of the batch (summed over steps, averaged over the batch):
 * do = (p - onehot(target)) / B. Positions whose target is TARGET_NONE have loss 0 and gradient 0. */
#ifndef NET_LOSS_H
#define NET_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

#define TARGET_NONE UINT32_MAX

/* A running total in double: nats and positions. */
struct tally {
    double loss;
    uint64_t count;
};

/* Rows low .. high-1 of logits [rows, stride] with `classes` (K) used columns each; the padding up to a whole vector
 * of 16 is overwritten. norm[row] = log sum exp, so that log p[k] = logits[k] - norm. losses[row] = -log p[target] (0
 * without one). */
void softmax_loss(real *logits, size_t stride, size_t classes, const uint32_t *targets, size_t low, size_t high,
                  real *norm, double *losses);

/* Turns those logits into their gradient in place, times `scale` (1/B); padding becomes 0. */
void softmax_gradient(real *logits, size_t stride, size_t classes, const uint32_t *targets, size_t low, size_t high,
                      const real *norm, real scale);

/* One row's probabilities [classes] from logits and norm; may be in place. */
void softmax_probabilities(const real *logits, size_t classes, real norm, real *probabilities);

#endif
