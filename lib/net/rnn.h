/* rnn: stacked recurrent layers over a batch of sequences.
 *
 * Layer by layer over all T steps: the input product of many steps is one gemm, each step adds its recurrent product
 * and runs the cell, and the weight gradients are one gemm after the backward sweep:
 *
 *     z_t = W_x x_t + W_h h_{t-1} + b          dh_{t-1} += W_h' dz_t      dx_t = W_x' dz_t
 *     (h_t, ...) = cell(z_t, h_{t-1}, ...)     dW_h += sum dz_t h_{t-1}'  dW_x += sum dz_t x_t'   db += sum dz_t
 *
 * Rows of a batch are independent and split among threads; weight gradients are split by columns, so the bytes do not
 * depend on the number of threads, nor a row's result on the rows beside it. */
#ifndef NET_RNN_H
#define NET_RNN_H

#include "base/mem.h"
#include "net/cell.h"
#include "net/params.h"

/* One layer's place in the parameter blocks, and copies of its weights transposed for the backward sweep. */
struct rnn_layer {
    size_t inputs;                                                    /* I: width of what comes in */
    size_t input, recurrent[CELL_PHASES], bias, vector[CELL_VECTORS]; /* offsets into a block */
    real *input_back, *recurrent_back[CELL_PHASES]; /* panels of the transposed weights; made by refresh */
};

struct rnn {
    const struct cell *cell;
    enum activation activation;
    size_t layers, hidden;   /* L, H */
    size_t width;            /* packed columns of all gates */
    size_t row;              /* reals of a row of states, padding included */
    bool sparse;             /* layer 0 reads ids: its input product is a row of the matrix */
    uint32_t *columns;       /* natural gate row -> packed column */
    struct rnn_layer *layer; /* [L] */
};

/* What layer 0 reads: exactly one of the two. Row t*B+b belongs to step t of item b. */
struct rnn_input {
    const uint32_t *ids; /* [T,B] below layer[0].inputs; stands for one-hot rows */
    const real *vec;     /* [T*B, vec_row] */
    size_t vec_row;
};

/* Everything a pass keeps, in the caller's arena. */
struct rnn_pass {
    size_t steps, rows;      /* T, B */
    const uint32_t *lengths; /* [B]; NULL: every row has T steps. Behind its end a row's state stays as it was */
    struct rnn_input input;
    struct rnn_trace {
        real *gates;               /* [panel][T*B][64]: gate activations, after backward dz */
        real *state[CELL_STATES];  /* [(T+1)*B, row]: step -1 (the initial state) first */
        real *carry, *dcarry;      /* [T*B, row], cells of two phases */
        real *dh;                  /* [(T+1)*B, row]: gradient of h, that of the initial state first */
        real *dstate[CELL_STATES]; /* [B, row]: after backward, the gradient of the initial state (states 1..) */
    } * trace;                     /* [L] */
    real *dinput;                  /* [T*B, dinput_row]: gradient of vec, when it was asked for */
    size_t dinput_row;
};

/* Adds the views rnn.L.input, rnn.L.recurrent, rnn.L.bias (and the cell's own) for all layers to `p`, which is not
 * allocated yet. `inputs`: vocabulary or dimension. The rnn frees by rnn_free. */
void rnn_make(struct rnn *n, const struct cell *cell, enum activation activation, size_t layers, size_t hidden,
              size_t inputs, bool sparse, struct params *p);
void rnn_free(struct rnn *n);

/* Makes the transposed copies again after values have changed; only backward needs them. */
void rnn_refresh(struct rnn *n, const struct params *p);

/* Runs all layers. `state` [L, S, B, H] is the initial state, NULL for zeros; read before anything is written to
 * `state_out` (the same shape, may be the same array, NULL: not wanted), which gets each row's state after its last
 * step. pass->{steps, rows, lengths, input} are set by the caller; the rest comes from the arena. */
void rnn_forward(const struct rnn *n, const struct params *p, struct rnn_pass *pass, const real *state, real *state_out,
                 struct arena *arena);

/* The top layer's output h, row 0 of step 0; rows lie n->row reals apart. */
const real *rnn_output(const struct rnn *n, const struct rnn_pass *pass);

/* Makes the top layer's gradient array (zeroed where the caller does not write it) and returns row 0 of step 0: the
 * caller writes the gradient of every output there, [T*B, row], before rnn_backward. */
real *rnn_output_gradient(const struct rnn *n, struct rnn_pass *pass, struct arena *arena);

/* Adds all parameter gradients. Makes pass->dinput when `want_input` (not with ids). */
void rnn_backward(const struct rnn *n, struct params *p, struct rnn_pass *pass, bool want_input, struct arena *arena);

/* One row's values in natural order, for --emit and tests: gates [G*H] of (layer, step, row), state s [H] (step -1:
 * initial). */
void rnn_gates(const struct rnn *n, const struct rnn_pass *pass, size_t layer, size_t step, size_t row, real *gates);
void rnn_state(const struct rnn *n, const struct rnn_pass *pass, size_t layer, int s, long step, size_t row,
               real *state);

#endif
