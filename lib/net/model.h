/* model: a network for a task.
 *
 *     ids, vectors, spellings -> (embedding) -> dropout -> rnn -> (pooling) -> linear -> head
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
#include "net/head.h"
#include "net/pool.h"
#include "net/rnn.h"
#include "net/spelling.h"
#include "net/task.h"

#define REGRESS_CHOICES "squared|mixture" /* heads of regress: HEAD_SQUARED and on */
#define START_CHOICES   "uniform|identity"
enum start { START_UNIFORM, START_IDENTITY };

struct model_config {
    int task, cell, activation, recurrent, pool, head; /* indices among their choices */
    int64_t layers, hidden, mixtures;
    int64_t embed_dim, spell; /* dimension of an embedding, units of the spelling encoder; 0: none */
    bool both, tied;
    double dropout, dropout_input;
    double init_range;  /* weights start uniform within +-this; 0: by the size of what they read */
    double forget_bias; /* what the forget gate's bias starts at */
};

/* The network's options, all recorded; the config is model_config. */
extern const struct opt model_options[];

/* What the data decides. From stored views: rnn.0.input is [G*H, I]; out.weight is [K, outputs of the rnn]. */
struct model_shape {
    bool ids;            /* items are ids, else vectors */
    bool item;           /* a target for each item, from pooled outputs; else for each step */
    uint64_t inputs;     /* ids: vocabulary V; vectors: dimension I */
    uint64_t embedding;  /* ids: dimension D of an embedding in front, 0: none (one-hot into the first layer, unless
                          * words are spelt) */
    uint64_t characters; /* C: words are spelt; 0: they are not */
    uint64_t feature;    /* F: a feature of each item sets the initial state; 0: none */
    uint64_t classes;    /* K: vocabulary of the targets, or their dimension; 0: no head, only states */
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
    const struct rng *chance; /* training: draws what is dropped; NULL: nothing is */
};

struct model {
    struct model_config config;
    struct model_shape shape;
    struct params params;
    struct rnn rnn;
    struct spelling spelling;
    const struct head *head;
    bool frozen;                     /* the embedding does not learn */
    size_t embedding, out_bias;      /* offsets */
    struct weights linear;           /* of the linear layer */
    size_t start_weight, start_bias; /* of the map from a feature to the initial state */
    size_t outputs;                  /* of the linear layer: K, or what the head makes of it */
    size_t front;                    /* width of what the rnn reads; sparse: V */
    struct arena arena;              /* of the present pass */
    struct rnn_pass pass;
    real *x;           /* [T*B, front]: what the rnn reads, where it is not the caller's */
    real *pooled;      /* [B, pooled_row] */
    uint32_t *largest; /* [B, outputs of the rnn]: the step each maximum came from */
    size_t pooled_row;
    bool started;     /* a feature set the initial state of this pass */
    real *out, *norm; /* [n, out_row], [n]; n: T*B, or B for a target an item */
    size_t n_out, out_row;
    bf16 *half_pooled, *half_out, *turned; /* pooled and, backward, out rounded; what the linear layer read, turned */
    double *losses;                        /* [n] nats, after a forward pass with targets */
    bool in_logits;                        /* out still holds outputs (backward turns them into their gradient) */
    const uint32_t *masked;                /* [n]: TARGET_NONE behind a row's end */
    const real *wanted;
};

/* Refuses, as STATUS_MISUSED, options that do not go together. */
int model_check(const struct model_config *config, struct err *e);

/* Builds the network with all values zero. Sizes are checked: a model over 2^34 parameters is STATUS_MISUSED. */
int model_make(struct model *m, const struct model_config *config, const struct model_shape *shape, struct err *e);

/* Draws initial values: uniform, biases zero but the forget gate's. Depends on seed and shapes alone. */
void model_init(struct model *m, struct rng rng);

/* Leaves the words' vectors as they are from now on. */
void model_freeze(struct model *m);

/* To be called whenever values have changed (model_init does it). */
void model_refresh(struct model *m);

/* The products of the rnn and of the linear layer are in this precision from now on (float before), which
 * precision_choose has been asked for. Those of spellings and of features stay in float: they are few. */
void model_precision(struct model *m, enum precision precision);
void model_free(struct model *m);

/* Parameters, padding not counted. Reals in a carried state for `rows` rows: [layers * directions, states, rows,
 * hidden], row-major. */
uint64_t model_parameters(const struct model *m);
size_t model_state_size(const struct model *m, size_t rows);

/* Runs the network. `state` NULL: zeros, or what the features say; `state_out` NULL: not wanted; they may be the same
 * array. With targets returns the loss summed over all positions (NaN or infinite when it has diverged) and the
 * positions that had one. What the pass left can be looked at until the next one. */
struct tally model_forward(struct model *m, const struct minibatch *batch, const real *state, real *state_out);

/* After a forward pass with targets: adds the gradient of loss / rows to params.gradient. Outputs are gone then, gates
 * hold the gradients of their pre-activations. */
void model_backward(struct model *m, const struct minibatch *batch);

/* The initial state [L*D, S, rows, H] that features [rows, F] set. */
void model_start(struct model *m, size_t rows, const real *features, real *state);

/* One step for `rows` rows, as in generation: reads and replaces `state`, writes outputs [rows, model outputs]. */
void model_step(struct model *m, size_t rows, const uint32_t *ids, const real *vec, real *state, real *outputs);

/* Looking into the last forward pass: one position's outputs, probabilities [K], loss (nats), the value a head over
 * reals stands for [K], gates [G*H], state s [H]. Of a target an item `step` is not looked at. `layer` is l * D + d. */
void model_logits(const struct model *m, size_t step, size_t row, real *logits);
void model_probabilities(const struct model *m, size_t step, size_t row, real *probabilities);
double model_loss(const struct model *m, size_t step, size_t row);
uint64_t model_hits(const struct model *m); /* positions whose likeliest class is their target */
void model_value(const struct model *m, size_t step, size_t row, real *value);
void model_gates(const struct model *m, size_t layer, size_t step, size_t row, real *gates);
void model_states(const struct model *m, size_t layer, int s, size_t step, size_t row, real *state);

#endif
