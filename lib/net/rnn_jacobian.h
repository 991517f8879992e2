/* rnn_jacobian: how the last state of a layer depends on its earlier ones, within one row of a pass. */
#ifndef NET_RNN_JACOBIAN_H
#define NET_RNN_JACOBIAN_H

#include "net/rnn.h"

/* norm[lag] = || ds_T / ds_{T-lag} ||_F for lag = 0 .. T-1, T the row's length, for state `state` (0: h) of layer and
 * direction `layer` = l * D + d, after a forward pass and before backward. Both states at T-lag count as independent of
 * each other: dh_T/dh_k holds c_k fixed. n->refresh'ed weights; scratch memory comes from the arena.
 *
 * The sweep has H rows, row j of which begins with ds_T = e_j, and runs the cell's own backward step by step. All
 * gradients are scaled by a power of two when they become small or large, which the norms take back: these have the
 * range of double. Costs T backward steps of H rows; memory for one. */
void rnn_jacobian(const struct rnn *n, const struct params *p, const struct rnn_pass *pass, size_t layer, size_t row,
                  int state, double *norm, struct arena *arena);

#endif
