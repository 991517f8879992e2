/* gradflow: how far gradients reach back in time, measured.
 *
 * Within one recurrent layer (and direction) the Jacobian of the last state with respect to an earlier one is a product
 * of one matrix a step, dh_T/dh_k = prod_{t=k+1..T} dh_t/dh_{t-1}; where its norm falls to nothing, what stood at k
 * cannot be learned from (S. Hochreiter, 1991; Y. Bengio, P. Simard and P. Frasconi, "Learning long-term dependencies
 * with gradient descent is difficult", IEEE Trans. Neural Networks 5, 1994). Recorded are, by the lag T-k = 0 .. T-1,
 *
 *     flow.h[lag]    mean over the rows of || dh_T / dh_{T-lag} ||_F
 *     flow.c[lag]    mean over the rows of || dc_T / dc_{T-lag} ||_F, for cells with a second state c (the LSTMs)
 *     bound[lag]     (s g)^lag for the elman cell: s the largest singular value of W_h, g the activation's largest
 *                    slope (1; sigmoid: 1/4). ||dh_T/dh_k||_2 is never above it (R. Pascanu, T. Mikolov and Y. Bengio,
 *                    "On the difficulty of training recurrent neural networks", ICML 2013), ||.||_F never above sqrt(H)
 *                    times it
 *     saturation[g]  the share of gate g's values, over all rows and steps, at which its slope is nearly gone: a
 *                    sigmoid below 0.1 or above 0.9, a tanh beyond 0.9 either way; of the elman cell its output h
 *                    (relu: the share of zeros)
 *
 * An LSTM's two states at a step count as independent of each other: dh_T/dh_k holds c_k fixed, dc_T/dc_k holds h_k
 * fixed; what happens behind k follows. At lag 0 the Jacobian is the identity and its norm sqrt(H). It is exact
 * (rnn_jacobian.h), at the price of T H rows of backward work for every row of the batch, so only a few rows are looked
 * at.
 *
 * T is a row's own length; a row of length 0 has no part in it. A mean at a lag is over the rows that are long enough.
 * The reverse direction of a bidirectional layer has its last state at the first step.
 *
 * The stream is of profile `tensors`; its items are records, one for each epoch, layer and direction, epochs never
 * falling:
 *
 *     epoch         u64 [N]      epochs that were done: 0 before training
 *     layer         u32 [N]      from 0
 *     direction     u32 [N]      0 forward, 1 reverse; only of bidirectional networks
 *     saturation    f64 [N,G]    meta gates=i,f,g,o: names of the G columns
 *     flow.h.offsets, flow.h     f64 by lag; meta rows=8: the means are over at most so many
 *     flow.c, bound              f64, over=flow.h; only where they exist */
#ifndef NET_GRADFLOW_H
#define NET_GRADFLOW_H

#include "data/stream.h"
#include "net/rnn.h"

enum gradflow_quantity { GRADFLOW_H, GRADFLOW_C, GRADFLOW_BOUND, GRADFLOW_QUANTITIES };

/* The records of a run. Zero-initialize; gradflow_free. */
struct gradflow {
    char *gates; /* "i,f,g,o": those of `saturation` */
    size_t n_gates;
    bool directions; /* is there a column that says them? */
    size_t rows;     /* the means are over at most so many */
    size_t n, room;
    struct gradflow_record {
        uint64_t epoch;
        uint32_t layer, direction;
        size_t lags;                       /* T, of the longest row */
        double *flow[GRADFLOW_QUANTITIES]; /* [lags] each; NULL: the cell has no such thing */
        double *saturation;                /* [n_gates] */
    } * records;
};

/* Adds a record for each layer and direction of a pass, after its forward and before its backward half; with the
 * weights it was made with, refreshed. The Jacobians are those of the first `rows` rows, and `rows` is the same in
 * every call; saturation is over all of them. */
void gradflow_record(struct gradflow *g, const struct rnn *n, const struct params *p, const struct rnn_pass *pass,
                     uint64_t epoch, size_t rows);

/* The largest singular value of w [n,n], row-major. */
double gradflow_singular(const real *w, size_t n);

/* Writes all records as batches of a segment whose HEAD is written. */
int gradflow_write(const struct gradflow *g, struct sink *k, struct err *e);

/* Adds the records of a stream to its end. STATUS_DATA: another profile, a column that is missing or of another kind,
 * NaN and negative numbers, records of cells with other gates than those before. */
int gradflow_read(struct gradflow *g, struct source *s, struct err *e);

/* The same records as TENSORs whose names begin with `prefix`, for checkpoints; none without records. Restoring adds
 * those of a segment; one that has none is fine. */
int gradflow_save(const struct gradflow *g, const char *prefix, struct sink *k, struct err *e);
int gradflow_restore(struct gradflow *g, const char *prefix, const struct segment *segment, struct err *e);

/* A new record of zeros with room for the quantities that are there. It lasts until the next one. */
struct gradflow_record *gradflow_add(struct gradflow *g, size_t lags, const bool *there);

void gradflow_free(struct gradflow *g);

#endif
