/* model: a network for a task: (embedding ->) rnn -> linear -> softmax. A language model predicts the class (the next
 * id, or a given target) at every step.
 *
 *     for each minibatch:
 *         loss = model_forward(&m, &batch, state, state)     carried state: truncated back-propagation through time
 *         model_backward(&m, &batch)                         adds to m.params.gradient
 *         norm = optim_step(&o, &m.params, lr)               clips, updates, zeroes the gradient
 *         model_refresh(&m)
 *
 * Saving: for each view of m.params, params_export(view, m.params.value (or moment[i]), natural). Loading: model_make
 * with the recorded options and the shape, params_import each view, model_refresh. Nothing is allocated within a step
 * once one of that size has run. */
#ifndef NET_MODEL_H
#define NET_MODEL_H

#include "base/opt.h"
#include "base/rng.h"
#include "net/loss.h"
#include "net/rnn.h"
#include "net/spelling.h"
#include "net/task.h"

struct model_config {
    int task, cell, activation; /* indices among their choices */
    int64_t layers, hidden;
    double init_range;  /* weights start uniform within +-this; 0: 1/sqrt(H) */
    double forget_bias; /* what the forget gate's bias starts at */
};

/* --task --cell --activation --layers --hidden --init-range --forget-bias, all recorded; the config is model_config. */
extern const struct opt model_options[];

/* What the data decides. From stored views: rnn.0.input is [G*H, inputs] or, with `embedding` [V, D], [G*H, D];
 * out.weight is [classes, H]. */
struct model_shape {
    bool ids;           /* items are ids, else vectors */
    uint64_t inputs;    /* ids: vocabulary V; vectors: dimension I */
    uint64_t embedding; /* ids: dimension D of an embedding in front, 0: one-hot into the first layer */
    uint64_t classes;   /* K: vocabulary of the targets */
};

/* Data of one pass. Step-major: position t*B+b is step t of row b. Owned by the caller, kept until model_backward is
 * done. Of a task whose target is one of the item, targets and wanted have a row for each of the B items. */
struct minibatch {
    size_t steps, rows;      /* T, B: at least 1 */
    const uint32_t *ids;     /* [T,B] below inputs (any valid id behind a row's end) */
    const real *vec;         /* [T,B,I] finite; exactly one of ids and vec */
    const uint32_t *targets; /* [T,B] or [B], below classes or TARGET_NONE (no loss); NULL: none at all */
    const uint32_t *lengths; /* [B] of 0..T; NULL: all T. Behind its length a row's state is frozen, its loss 0 */
    const real *wanted;      /* [T,B,K] or [B,K]: real targets, those of which `targets` (NULL: none) says TARGET_NONE
                              * left out */
    const real *features;    /* [B,F]: of a caption, set the initial state */
    const uint32_t *spelt;   /* [T,B]: spelling of each word; NULL: not asked for */
    const struct spellings *spellings;
};

struct model {
    struct model_config config;
    struct model_shape shape;
    struct params params;
    struct rnn rnn;
    size_t embedding, out_weight, out_bias; /* offsets */
    real *out_back;                         /* transposed output weights */
    struct arena arena;                     /* of the present pass */
    struct rnn_pass pass;
    real *logits, *norm; /* [T*B, logits_row], [T*B] */
    size_t logits_row;
    double *losses;         /* [T*B] nats, after a forward pass with targets */
    bool in_logits;         /* logits still hold logits (backward turns them into their gradient) */
    const uint32_t *masked; /* targets with those behind a row's end taken out */
};

/* Builds the network with all values zero. Sizes are checked: a model over 2^34 parameters is STATUS_MISUSED. */
int model_make(struct model *m, const struct model_config *config, const struct model_shape *shape, struct err *e);

/* Draws initial values: uniform within +-init_range, biases zero but the forget gate's. Depends on seed and shapes
 * alone. */
void model_init(struct model *m, struct rng rng);

/* To be called whenever values have changed (model_init does it). */
void model_refresh(struct model *m);
void model_free(struct model *m);

/* Parameters, padding not counted. Reals in a carried state for `rows` rows: [layers, states, rows, hidden],
 * row-major. */
uint64_t model_parameters(const struct model *m);
size_t model_state_size(const struct model *m, size_t rows);

/* Runs the network. `state` NULL: zeros; `state_out` NULL: not wanted; they may be the same array. With targets
 * returns the loss summed over all positions (NaN or infinite when it has diverged) and the positions that had one.
 * What the pass left can be looked at until the next one. */
struct tally model_forward(struct model *m, const struct minibatch *batch, const real *state, real *state_out);

/* After a forward pass with targets: adds the gradient of loss / rows to params.gradient. Logits are gone then, gates
 * hold the gradients of their pre-activations. */
void model_backward(struct model *m, const struct minibatch *batch);

/* One step for `rows` rows, as in generation: reads and replaces `state`, writes logits [rows, classes]. */
void model_step(struct model *m, size_t rows, const uint32_t *ids, const real *vec, real *state, real *logits);

/* Looking into the last forward pass: one position's logits [K], probabilities [K], loss (nats), gates [G*H], state s
 * [H]. */
void model_logits(const struct model *m, size_t step, size_t row, real *logits);
void model_probabilities(const struct model *m, size_t step, size_t row, real *probabilities);
double model_loss(const struct model *m, size_t step, size_t row);
void model_gates(const struct model *m, size_t layer, size_t step, size_t row, real *gates);
void model_states(const struct model *m, size_t layer, int s, size_t step, size_t row, real *state);

#endif
