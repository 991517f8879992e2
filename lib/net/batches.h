/* batches: a corpus, or a part of it, cut into minibatches.
 *
 * By text. The positions low .. high are laid out as B columns of equal length, and a minibatch is the next `bptt`
 * steps of all columns: column b goes on where it stopped in the minibatch before, so the state is carried from one to
 * the next. A part of a corpus is a range of such minibatches: what is held out for validation is the end of every
 * column.
 *
 *     column 0   a b c d | e f g h | i j k l          minibatch 0 holds a b c d, m n o p, ...
 *     column 1   m n o p | q r s t | u v w x
 *
 * By item. Items are shuffled for every epoch and taken B at a time, those of like length together: each window of
 * BATCH_WINDOW minibatches is sorted by length and its minibatches are shuffled again. A minibatch longer than `bptt`
 * is cut into several that carry the state; the first of them starts from zeros.
 *
 * Positions and their order depend on the corpus, the sizes, seed and epoch alone. */
#ifndef NET_BATCHES_H
#define NET_BATCHES_H

#include "base/rng.h"
#include "net/corpus.h"
#include "net/model.h"

enum { BATCH_WINDOW = 64 };

struct batches {
    const struct corpus *corpus;
    size_t rows, steps;    /* B and T as wanted; what there is may be less (short texts, the last items) */
    uint64_t column;       /* by text: positions of a column */
    uint64_t low, high;    /* the part: minibatches of the text, or items */
    uint64_t tokens;       /* steps in an epoch; where the target is one of the item, inputs */
    uint64_t *order;       /* by item: the items of the part as they are taken; 8 bytes each */
    uint64_t items;        /* by item: how many those are */
    uint64_t at;           /* by text: the next minibatch; by item: index in `order` of the present group's first */
    size_t group, longest; /* by item: rows of the present group, steps of its longest item */
    size_t done;           /* by item: steps of the present group that were given out */
    /* of the present minibatch */
    uint64_t inputs; /* its share of `tokens` */
    uint32_t *ids, *targets, *lengths, *spelt;
    real *vec, *wanted, *features;
    size_t room; /* positions there is room for */
    /* one row as it is read */
    uint32_t *row_ids;
    real *row_reals;
    size_t row_room;
};

/* Cuts a corpus into minibatches of `rows` sequences and `bptt` steps (0: all there are); the last `held` (0 <= held <
 * 1) of it becomes `valid` (untouched when held is 0). A text too short for B columns of `bptt` steps is cut into fewer
 * columns: train->rows says how many. STATUS_DATA when one part would be empty. Where the target is one of the item,
 * items are whole: bptt must be 0. */
int batches_make(struct batches *train, struct batches *valid, const struct corpus *corpus, size_t rows, size_t bptt,
                 double held, struct err *e);

/* Starts an epoch. `rng` shuffles items; NULL: they stay in order. */
void batches_start(struct batches *b, const struct rng *rng);

/* The next minibatch: 1, and `fresh` says whether it starts from a zero state; 0 at the end of the epoch; -1. It lasts
 * until the next call. */
int batches_next(struct batches *b, struct minibatch *m, bool *fresh, struct err *e);

/* Passes over the next `count` minibatches without reading them. */
void batches_skip(struct batches *b, uint64_t count);

void batches_free(struct batches *b);

#endif
