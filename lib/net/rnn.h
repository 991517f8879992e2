/* rnn: stacked recurrent layers, forward in time or in both directions, over a batch of sequences.
 *
 * Layer by layer over all T steps: the input product of many steps is one gemm, each step adds its recurrent product
 * and runs the cell, and the weight gradients are one gemm after the backward sweep:
 *
 *     z_t = W_x x_t + W_h h_{t-1} + b          dh_{t-1} += W_h' dz_t      dx_t = W_x' dz_t
 *     (h_t, ...) = cell(z_t, h_{t-1}, ...)     dW_h += sum dz_t h_{t-1}'  dW_x += sum dz_t x_t'   db += sum dz_t
 *
 * The reverse direction of a layer (M. Schuster and K. Paliwal, "Bidirectional recurrent neural networks", IEEE Trans.
 * Signal Processing 45, 1997) reads each row from its own last step to step 0; y_t is then [h_t forward, h_t reverse].
 * Dropout (W. Zaremba, I. Sutskever and O. Vinyals, "Recurrent neural network regularization", 2014) is drawn over
 * what a layer hands up, never over what it hands on to its next step.
 *
 * In bf16 x, h and dz go rounded into these products (product.h); all else is the same.
 *
 * Rows of a batch are independent and split among threads; weight gradients are split by columns, so the bytes do not
 * depend on the number of threads, nor a row's result on the rows beside it. */
#ifndef NET_RNN_H
#define NET_RNN_H

#include "base/mem.h"
#include "base/rng.h"
#include "net/cell.h"
#include "net/params.h"
#include "net/product.h"

struct rnn_shape {
    const char *name; /* of its parameters: NAME.0.input ... */
    const struct cell *cell;
    enum activation activation;
    size_t layers, hidden, inputs; /* L, H, I: the width or, when sparse, the vocabulary of what layer 0 reads */
    bool sparse;                   /* layer 0 reads ids: its input product is a row of the matrix */
    bool both;                     /* both directions */
};

/* One layer's and direction's place in the parameter blocks, and copies of its weights, made by refresh. */
struct rnn_layer {
    size_t inputs;                     /* I: width of what comes in */
    struct weights input, recurrent;   /* W_x, W_h */
    size_t bias, vector[CELL_VECTORS]; /* offsets into a block */
};

struct rnn {
    const struct cell *cell;
    enum activation activation;
    size_t layers, hidden; /* L, H */
    size_t directions;     /* D: 1 or 2 */
    size_t outputs;        /* D * H: width of y */
    size_t width;          /* packed columns of all gates */
    size_t row;            /* reals of a row of states, padding included */
    bool sparse;
    enum precision precision;      /* of the products: float, or what the caller sets before rnn_refresh */
    uint32_t *columns[CELL_PARTS]; /* natural gate row -> packed column, of each cell_part */
    struct rnn_layer *layer;       /* [L * D]: layer l, direction d is l * D + d; d 1 is the reverse one */
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
    real dropout;      /* share of what a layer hands up that is dropped, the rest scaled by 1 / (1 - share); 0: none */
    struct rng chance; /* draws it */
    struct rnn_trace {
        real *gates;               /* [panel][T*B][64]: gate activations, after backward dz */
        real *state[CELL_STATES];  /* [(T+1)*B, row]. Forward: slot t+1 is behind step t, slot 0 the initial state;
                                    * reverse: slot t is behind step t, slot T the initial state */
        real *carry, *dcarry;      /* [T*B, row], cells of two phases */
        bf16 *half, *half_carry;   /* state 0, carry rounded, where products are in bf16; rows gemm16_row(H) apart */
        real *dh;                  /* [(T+1)*B, row]: gradient of h, in the same slots */
        real *dstate[CELL_STATES]; /* [B, row]: after backward, the gradient of the initial state (states 1..) */
    } * trace;                     /* [L * D] */
    struct rnn_between {
        const real *y; /* [T*B, row]: what a layer hands up; its h itself where there is one direction and no dropout */
        real *dy;      /* its gradient, likewise dh itself */
        size_t row;
        bf16 *half; /* y rounded, rows half_row apart */
        size_t half_row;
    } * between;                                      /* [L] */
    bf16 *half_vec;                                   /* input.vec rounded, rows gemm16_row(I) apart */
    bf16 *half_dz, *turned_x, *turned_h[CELL_PHASES]; /* backward, of the present layer and direction */
    real *dinput;                                     /* [T*B, dinput_row]: gradient of vec, when it was asked for */
    size_t dinput_row;
};

/* Adds the views NAME.L.input, NAME.L.recurrent, NAME.L.bias (and the cell's own) for all layers to `p`, which is not
 * allocated yet; those of the reverse direction are NAME.L.reverse.input ... The rnn frees by rnn_free. */
void rnn_make(struct rnn *n, const struct rnn_shape *shape, struct params *p);
void rnn_free(struct rnn *n);

/* Makes the copies of weights again, after values or n->precision have changed: those of W' that backward needs, and in
 * bf16 all that products do. */
void rnn_refresh(struct rnn *n, const struct params *p);

/* Runs all layers. `state` [L*D, S, B, H] is the initial state, NULL for zeros; read before anything is written to
 * `state_out` (the same shape, may be the same array, NULL: not wanted), which gets each row's state after its last
 * step (in the reverse direction: after step 0). pass->{steps, rows, lengths, input, dropout, chance} are set by the
 * caller; the rest comes from the arena. */
void rnn_forward(const struct rnn *n, const struct params *p, struct rnn_pass *pass, const real *state, real *state_out,
                 struct arena *arena);

/* The top layer's y [T*B, outputs], row 0 of step 0; rows lie rnn_output_row reals apart. Behind a row's end y is its
 * last state (forward) and its initial one (reverse). */
const real *rnn_output(const struct rnn *n, const struct rnn_pass *pass);
size_t rnn_output_row(const struct rnn *n, const struct rnn_pass *pass);
struct rows rnn_output_rows(const struct rnn *n, const struct rnn_pass *pass); /* for products */

/* Makes the top layer's gradient array and returns row 0 of step 0: the caller writes the gradient of every output
 * there (all T*B rows, the same distance apart, each padded with zeros to a multiple of 16), before rnn_backward. */
real *rnn_output_gradient(const struct rnn *n, struct rnn_pass *pass, struct arena *arena);

/* Adds all parameter gradients. Makes pass->dinput when `want_input` (not with ids). */
void rnn_backward(const struct rnn *n, struct params *p, struct rnn_pass *pass, bool want_input, struct arena *arena);

/* After backward: the gradient of the initial state, [L*D, S, B, H]. */
void rnn_state_gradient(const struct rnn *n, const struct rnn_pass *pass, real *dstate);

/* One row's values in natural order, for --emit and tests: gates [G*H] of (layer, direction, step, row), state s [H]
 * behind a step. `layer` is l * D + d. */
void rnn_gates(const struct rnn *n, const struct rnn_pass *pass, size_t layer, size_t step, size_t row, real *gates);
void rnn_state(const struct rnn *n, const struct rnn_pass *pass, size_t layer, int s, size_t step, size_t row,
               real *state);

#endif
