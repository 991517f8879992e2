/* cell: one step of a recurrent layer for a batch. Adding a cell is a file cell_NAME.h with its equations, forward
 * and backward, a row of the table in net_source.h, and its name in CELL_CHOICES.
 *
 * A step is
 *
 *     z = W_x x_t + W_h h_{t-1} + b        (the layer's products, done by rnn)
 *     gates, states_t = cell(z, states_{t-1})
 *
 * for all gates at once (gates may lack one of the two products: gru-reset-after). Cells with a product that needs a
 * gate first (the gru's W_n (r * h)) have two phases: the gates of the first are finished and `carry` = r * h written
 * before the product of the second is added to its gates.
 *
 * Layout. Units are padded to whole vectors of CELL_LANES. Packed column (phase, unit block, gate of the phase,
 * lane): the gates of a unit block lie side by side, an LSTM's in one panel of 64. Gates that only the input weights
 * have come first, those that only the recurrent weights have last, so that a matrix's columns lie together; the
 * others are zero in its values and gradients. z is stored as panels,
 * z[panel][row][64]; states are rows of `state_row` reals. Forward turns z into gate activations in place (the elman
 * cell has none and leaves z); backward turns those into dz in place. Rows are independent, so any range of them may
 * be computed by any thread. */
#ifndef NET_CELL_H
#define NET_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

enum { CELL_LANES = 16, CELL_STATES = 2, CELL_VECTORS = 4, CELL_PHASES = 2, CELL_GATES = 4 };

/* What forward leaves of a gate: 1 / (1 + e^-z), tanh z, or no activation at all. */
enum gate_kind { GATE_SIGMOID, GATE_TANH, GATE_LINEAR };

enum activation { ACTIVATION_TANH, ACTIVATION_RELU, ACTIVATION_SIGMOID };
#define ACTIVATION_CHOICES "tanh|relu|sigmoid"

/* The operands of one step. Pointers are to row 0 of the step. */
struct cell_step {
    enum activation activation;       /* of cells that let it be chosen */
    real *z;                          /* [panel][row][64]: in z, out gates (forward); in gates, out dz (backward) */
    size_t z_panel;                   /* reals from a panel to the next */
    size_t first_panel[CELL_PHASES];  /* of each phase's gates */
    const real *before[CELL_STATES];  /* states at t-1; state 0 is h, the layer's output */
    real *after[CELL_STATES];         /* states at t: out (forward), in (backward) */
    size_t state_row;                 /* reals from a row of a state to the next */
    const real *vector[CELL_VECTORS]; /* the cell's own parameter vectors (peepholes), one real a unit, padded */
    real *carry;               /* two phases: what the second product multiplies (r * h) in place of h; forward out */
    const real *dcarry;        /* backward of phase 0: gradient of carry */
    const real *dh;            /* backward: gradient of h_t, everything added up */
    real *dh_before;           /* backward: gradient of h_{t-1}; a cell adds its elementwise part (gru) */
    real *dstate[CELL_STATES]; /* backward, states 1..: in the gradient of the state at t, out that at t-1 */
};

/* Rows low <= row < high and unit blocks of 16 first <= block < last. */
struct cell_range {
    size_t low, high, first, last;
};

struct cell {
    const char *name;
    int gates, states;
    int phases, phase_gates[CELL_PHASES];  /* gates of each phase; they add up to `gates` */
    int place[CELL_GATES];                 /* where a gate lies among its phase's */
    int input_only, recurrent_only;        /* the first, the last gates, where a panel is one block */
    enum gate_kind gate_kinds[CELL_GATES]; /* in the natural order */
    const char *gate_names[CELL_GATES], *state_names[CELL_STATES]; /* for --emit; likewise */
    const char *vector_names[CELL_VECTORS]; /* the cell's own vectors: parameter rnn.L.NAME [H]; NULL ends them */
    int forget_gate;                        /* natural number of the gate --forget-bias goes to; -1: none */
    bool activation;                        /* does --activation apply? */
    void (*forward)(const struct cell_step *s, struct cell_range r, int phase);
    void (*backward)(const struct cell_step *s, struct cell_range r, int phase);
    /* Adds the gradients of the cell's own vectors for one step's rows, for unit blocks first .. last; NULL: it has
     * none. Called after the sweep, when s->z holds dz. */
    void (*vectors)(const struct cell_step *s, struct cell_range r, real *const *dvector);
};

/* The choices of --cell; the row of one by its index among them, with the code of kern_level(). */
#define CELL_CHOICES "elman|lstm|lstm-peephole|lstm-peephole-out|gru|gru-reset-after"
const struct cell *cell_at(int index);

/* Blocks of 16 that hold `hidden` units. */
static inline size_t cell_blocks(size_t hidden)
{
    return (hidden + CELL_LANES - 1) / CELL_LANES;
}

/* Packed columns of a phase that are used; the same rounded up to panels; that of all phases. */
static inline size_t cell_phase_columns(const struct cell *c, size_t hidden, int phase)
{
    return cell_blocks(hidden) * CELL_LANES * (size_t)c->phase_gates[phase];
}
size_t cell_phase_width(const struct cell *c, size_t hidden, int phase);
size_t cell_width(const struct cell *c, size_t hidden);

/* What has rows that are gates; how many of the cell's gates it has (the bias: all of them). */
enum cell_part { CELL_BIAS, CELL_INPUT, CELL_RECURRENT, CELL_PARTS };
int cell_gates(const struct cell *c, enum cell_part part);

/* columns[g * H + j] = packed column of unit j of the part's g-th gate: the map of params_add_panels. Owned by the
 * caller. */
uint32_t *cell_columns(const struct cell *c, size_t hidden, enum cell_part part);

#endif
