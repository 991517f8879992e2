/* corpus_reader: a corpus while it is read: what corpus.c, which goes through the segments, and corpus_put.c, which
 * spools their batches, have in common. */
#ifndef NET_CORPUS_READER_H
#define NET_CORPUS_READER_H

#include <xxhash.h>

#include "net/corpus.h"
#include "net/speller.h"

struct corpus_reader {
    struct corpus *c;
    const struct corpus_want *want;
    XXH3_state_t *hash;
    /* of the present segment */
    struct vocab vocab;       /* where it is not the corpus's own */
    const struct vocab *read; /* wherever it is: the one its ids are of */
    uint32_t *map;            /* its ids to those of the vocabulary; NULL: the same */
    uint32_t *classes;        /* its classes to those of the labels; NULL: the same */
    size_t n_classes;         /* that it names; 0: they have no names */
    uint32_t *spelt_as;       /* [read->n]: the spelling of each word, VOCAB_NONE until it is asked for */
    /* of all */
    unsigned kinds;      /* of target column that will do */
    uint32_t begin, end; /* <s>, </s> */
    real *zeros;         /* the vector of a mark */
    uint32_t *words;     /* ids or classes on their way to a spool */
    size_t n_words;      /* at least 1 */
    uint64_t n_starts;
    struct speller speller;
    bool open;     /* an item has begun and not ended */
    bool started;  /* the first batch has been seen */
    bool labelled; /* ... and the names of its classes */
};

/* Are ids spooled: as inputs, or as targets? */
static inline bool corpus_wants_ids(const struct corpus *c)
{
    return !c->dim || (c->kind == TARGET_NEXT_ID && !c->target);
}

/* The columns that are wanted of a batch; r->kinds, c->dim, c->target are known, c->kind where there is no column. */
int corpus_find_columns(const struct corpus_reader *r, struct corpus_columns *k, const struct batch *batch,
                        struct err *e);

/* Spools a batch. */
int corpus_put_batch(struct corpus_reader *r, const struct batch *batch, struct err *e);

/* Ends the item that is open, if one is. */
int corpus_end_item(struct corpus_reader *r, struct err *e);

#endif
