/* score: a trained network run over a stream, and what it has to say about every token as columns.
 *
 * Row t of a column stands beside token t:
 *
 *     state.L, state.L.c   [H]    states of layer L after reading token t (h, and what else the cell has, under its name)
 *     gates.L              [G*H]  its gates at that step; meta `gates` names them in order
 *     logits, prob         [K]    what was predicted for token t from the tokens before it, by class
 *     loss, logprob               -log and log of the probability of token t, in nats
 *     pred.ids                    the likeliest token
 *
 * The first token of an item is predicted from <s> and a zero state where the model was trained item by item, else from </s>
 * and the state that the text before has left. A model that was trained on a target column predicts, from the tokens up to t,
 * the class of token t; then all columns are of step t and the likeliest class is pred.TARGET. Beside items stand `score`, the
 * sum of logprob over the item, and `perplexity`, exp(-score / tokens). */
#ifndef NET_SCORE_H
#define NET_SCORE_H

#include "base/opt.h"
#include "net/rnnfile.h"

struct score_config {
    const char *emit; /* words of SCORE_EMIT, joined by commas */
    bool score;
};
#define SCORE_EMIT "states|gates|logits|prob|loss"

extern const struct opt score_options[]; /* --emit --score */

/* What is predicted, added up. */
struct score_sum {
    double loss;      /* nats */
    uint64_t tokens;  /* predictions, ends of items among them */
    uint64_t unknown; /* words that the model's vocabulary lacks */
};

struct score_column;

struct scorer {
    struct rnnfile *file;
    const struct score_config *config;
    struct score_column *columns; /* what is added to every batch */
    size_t n_columns;
    size_t row_bytes;                /* of all columns together, for a token */
    bool targets;                    /* this stream brings the target column, or is its own */
    uint32_t *to_model, *from_model; /* ids of the present segment and of the model; NULL: the same */
    size_t input_words;              /* ids there are in this segment */
    uint32_t begin, end;             /* <s> and </s> of the model */
    bool open;                       /* an item has begun and may go on */
    real *state, *before;            /* carried; before the last token */
    uint32_t last;                   /* the last token, and its vector: read again where an item goes on */
    real *last_vec, *vec, *row;
    uint32_t *ids, *classes;
    double end_loss; /* of the end, should the item end here */
    struct score_sum sum;
};

/* STATUS_MISUSED when config->emit names something unknown. */
int scorer_make(struct scorer *s, struct rnnfile *file, const struct score_config *config, struct err *e);
/* A new segment of tokens or vectors. */
int scorer_segment(struct scorer *s, const struct segment *segment, struct err *e);
/* Adds the columns to a batch. */
int scorer_batch(struct scorer *s, struct batch *batch, struct err *e);
/* Behind a segment's last batch. */
void scorer_end(struct scorer *s);
/* How many items of a batch to hand over at a time, so that the columns stay small. */
uint64_t scorer_items(const struct scorer *s, const struct batch *batch, uint64_t from);
void scorer_free(struct scorer *s);

#endif
