/* score: a trained network run over a stream, and what it has to say as columns.
 *
 *     state.L, state.L.c   [H]    states of layer L after reading input t (h, and what else the cell has, by its name);
 *                                 state.L.reverse, state.L.reverse.c after reading it from the other end
 *     gates.L              [G*H]  its gates at that step; meta `gates` names them in order; gates.L.reverse
 *     logits               [O]    outputs of the last layer: by class, or what the head makes numbers of
 *     prob                 [K]    probabilities by class, in the numbering of the model
 *     loss, logprob               what the target cost, in nats (squared errors: in squared units), and its negative
 *     pred.ids, pred.NAME, pred.vec     the likeliest id, class of column NAME, value
 *
 * States and gates of row t are those after input t was read. Where the next id is learned, the others stand beside the
 * token they are about: row t is token t as seen from the tokens before it, the first from <s> and a zero state where
 * the model was trained item by item, else from </s> and the state that the text before has left. Where a column over
 * the inputs is learned, row t is about the target of row t; where one over the items is, they have a row for each
 * item. pred.vec of row t is what was foretold, after vector t, of the vector behind it; its loss is that of row t, and
 * the last row of an item, or of a part of one, has none (0). Beside items stand `score`, the sum of logprob over the
 * item, and `perplexity`, exp(-score / rows).
 *
 * A model that starts from a feature writes captions: pred.ids over items, as the sampler's options choose (sample.h).
 *
 * Items of a model that was trained by item are independent and run many at a time; by text one after the other, the
 * state carried. A row's values do not depend on that, nor on how the stream is cut into batches.
 *
 * Classes go by their names: a class of the stream that the model does not know has the probability 0 (a loss without
 * end), is counted, and left out of the sums. Predictions are in the numbering of the stream; names that it lacks are
 * added behind its own, and all of the model's where it brings none. */
#ifndef NET_SCORE_H
#define NET_SCORE_H

#include "base/opt.h"
#include "net/corpus.h"
#include "net/respell.h"
#include "net/rnnfile.h"
#include "net/sample.h"

struct score_config {
    const char *emit; /* words of SCORE_EMIT, joined by commas */
    bool score;
    /* beside the options */
    bool judge;                       /* targets must be there: predictions and losses are added for a report */
    bool predict;                     /* add predictions, whatever else is wanted */
    const struct sample_config *draw; /* of captions; needed for models that start from a feature */
    struct rng rng;
};
#define SCORE_EMIT "states|gates|logits|prob|loss"

extern const struct opt score_options[]; /* --emit --score */

/* What is predicted, added up. */
struct score_sum {
    double loss;      /* nats, of what is counted next */
    uint64_t tokens;  /* targets, ends of items among them */
    uint64_t unseen;  /* targets of classes that the model does not know: not among those */
    uint64_t unknown; /* words that the model's vocabulary lacks */
};

struct score_column;
struct score_sequence;

/* What a sequence has read last, to be read again where it goes on. */
struct score_input {
    uint32_t id, spelt;
    real *vec;
};

struct scorer {
    struct rnnfile *file;
    const struct score_config *config;
    bool next;           /* the next id is predicted: a mark is read before the first token, and the end predicted */
    bool whole;          /* items must be whole: they are read from both ends, or have one target */
    bool carries;        /* the state goes on from item to item */
    bool decodes;        /* captions are written */
    bool reads;          /* the inputs are read, and something is told of them */
    bool judges;         /* the target column is looked at */
    uint32_t begin, end; /* <s> and </s> of the model */
    struct score_column *columns; /* what is added to every batch */
    size_t n_columns;
    size_t row_bytes;  /* of all columns together, for an input */
    size_t step_reals; /* about what a pass keeps of a step of a row */
    /* of the present segment */
    struct vocab words;              /* its own */
    uint32_t *to_model, *from_model; /* ids of it and of the model; NULL: the same */
    uint32_t *class_to, *class_from; /* classes of it and of the model; NULL: the same */
    size_t n_classes;                /* that it names */
    struct respell spell;
    /* of the item that may go on */
    bool open;
    real *state, *before; /* behind its last step, and before that */
    struct score_input last;
    double end_loss; /* of the end, should the item end here */
    /* of the present batch */
    const struct corpus_columns *k;
    struct score_sequence *sequences, **order;
    size_t n_sequences, room_sequences;
    double *losses; /* of each row, or item: NaN without a target, infinite of an unseen class */
    size_t n_losses, room_losses;
    /* of the present pass: [steps, rows] */
    size_t room; /* positions */
    uint32_t *ids, *targets, *lengths, *spelt;
    real *vec, *wanted, *states, *features;
    real *row; /* outputs of one */
    struct chooser chooser;
    struct score_sum sum;
};

/* STATUS_MISUSED when the config asks for what is not known, or what the model has not. */
int scorer_make(struct scorer *s, struct rnnfile *file, const struct score_config *config, struct err *e);
/* The profiles of streams that it takes. */
const char *scorer_wants(const struct scorer *s);
/* A new segment; names of classes may be added to it. */
int scorer_segment(struct scorer *s, struct segment *segment, struct err *e);
/* Adds the columns to a batch. */
int scorer_batch(struct scorer *s, struct batch *batch, struct err *e);
/* Behind a segment's last batch. */
void scorer_end(struct scorer *s);
/* How many items of a batch to hand over at a time, so that the columns stay small. */
uint64_t scorer_items(const struct scorer *s, const struct batch *batch, uint64_t from);
void scorer_free(struct scorer *s);

#endif
