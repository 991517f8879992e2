/* rnn_sweep: one direction of one layer over all steps of a pass. Private to the rnn. */
#ifndef NET_RNN_SWEEP_H
#define NET_RNN_SWEEP_H

#include "math/gemm.h"
#include "net/rnn.h"

/* As the threads share it. */
struct sweep {
    const struct rnn *n;
    struct params *p;
    struct rnn_pass *pass;
    const struct rnn_layer *at;
    struct rnn_trace *trace;
    bool reverse;
    struct rows x; /* [T*B]: what comes in; .x NULL for ids */
    real *dx;      /* [T*B, dx_row]: its gradient; NULL: not wanted */
    size_t dx_row;
    enum gemm_start dx_start; /* GEMM_ADD: another direction's is there already */
};

/* Parts for split_work: rows low .. high-1 of the batch through all steps, gates and states written; the same back,
 * gates turned into dz. */
void sweep_forward(void *sweep, size_t low, size_t high);
void sweep_backward(void *sweep, size_t low, size_t high);

/* Rows of steps whose products with the input weights are done together. */
size_t sweep_together(const struct rnn_pass *pass);

/* In bf16, before sweep_weights: turns what it reads, for parts first .. last-1 of PRODUCT_ROWS rows. */
void sweep_turn(void *sweep, size_t first, size_t last);

/* After backward: adds the gradients of weights and bias in panels first .. last-1; of the cell's own vectors for
 * unit blocks first .. last-1. */
void sweep_weights(void *sweep, size_t first, size_t last);
void sweep_vectors(void *sweep, size_t first, size_t last);

#endif
