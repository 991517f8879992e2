/* score_parts: what the files of the scorer have in common. score.c takes batches and sums up, score_run.c runs items
 * through the network, score_columns.c is the table of columns, score_names.c goes between the words and classes of a
 * stream and of the model, score_caption.c writes captions. */
#ifndef NET_SCORE_PARTS_H
#define NET_SCORE_PARTS_H

#include "net/score.h"

enum { SCORE_ROWS = 64 }; /* items at a time */

/* An item, its parts in this batch put together. */
struct score_sequence {
    uint64_t low, high;   /* its rows in the batch */
    uint64_t item, parts; /* the items it is made of */
    uint64_t steps;
    bool goes_on; /* with what the last batch has left open */
    bool last;    /* of the batch: it may go on */
    double end_loss;
};

/* ---- score_columns.c ---- */

enum score_kind {
    SCORE_STATE,
    SCORE_GATES,
    SCORE_LOGITS,
    SCORE_PROB,
    SCORE_LOSS,
    SCORE_LOGPROB,
    SCORE_CLASS,
    SCORE_VALUE
};

struct score_column {
    enum score_kind kind;
    char *name;
    size_t layer, index; /* STATE, GATES: layer * directions + direction, which state */
    size_t width;        /* numbers a row; 0: one, as a column of rank 1 */
    enum dtype dtype;
    struct tensor t; /* of the present batch */
};

int score_columns_make(struct scorer *s, struct err *e);
/* New columns for `rows` inputs, which run over `over`, and `items`. */
void score_columns_begin(struct scorer *s, uint64_t rows, uint64_t items, const char *over);
/* What a step of a row of the pass tells: about the network (`inside`), or about what it predicts. */
void score_columns_fill(struct scorer *s, size_t step, size_t b, uint64_t row, bool inside);
/* Hands them to the batch, the losses last of all known; with result < 0 drops them. */
int score_columns_end(struct scorer *s, struct batch *batch, int result, struct err *e);

/* ---- score_run.c ---- */

/* Runs the sequences of a batch: fills columns and losses. */
int score_run(struct scorer *s, struct err *e);
void score_run_make(struct scorer *s);
void score_run_free(struct scorer *s);

/* ---- score_names.c ---- */

int score_names(struct scorer *s, struct segment *segment, struct err *e);
void score_names_free(struct scorer *s);
/* The model's id of row `row`; words it lacks are counted where `count` says so. */
int score_id(struct scorer *s, uint64_t row, bool count, uint32_t *id, struct err *e);
/* The model's class of a row of the target column; TARGET_NONE for one it does not know. */
int score_class(struct scorer *s, uint64_t row, uint32_t *class, struct err *e);
/* The number of the spelling of row `row`. */
int score_spelt(struct scorer *s, uint64_t row, uint32_t *spelt, struct err *e);

/* ---- score_caption.c ---- */

/* Adds pred.ids.offsets and pred.ids to a batch. */
int score_captions(struct scorer *s, struct batch *batch, struct err *e);

#endif
