/* corpus: the data of a training run, read once from a stream and spooled, to be read again epoch by epoch.
 *
 * A corpus is a row of positions. Each has an input (an id, or a vector of D reals) and, one way or the other, a target:
 *
 *   the next id         the targets are the ids, one position on. Behind every item stands </s>; by items, <s> stands in
 *                       front of every one as well. (Of a position put in so the vector is zeros.)
 *   a target column     a class for each position, given beside it; nothing is put in.
 *
 * An item that goes on in parts (the column `continued`) is one item here. Memory does not grow with the data, but for 8
 * bytes an item where items are kept apart. */
#ifndef NET_CORPUS_H
#define NET_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/real.h"
#include "base/spool.h"
#include "data/stream.h"
#include "data/vocab.h"

/* How a corpus is read: as one long text, or item by item; AUTO is by item where there is a target column. */
enum corpus_by { CORPUS_AUTO, CORPUS_TEXT, CORPUS_ITEM };
#define CORPUS_BY_CHOICES "auto|text|item"

enum { CORPUS_MAX_CLASSES = 1 << 24 }; /* of a target column */

struct corpus {
    struct vocab vocab; /* empty when the stream brings none */
    size_t dim;         /* D where inputs are vectors; 0: they are ids */
    char *target;       /* the column of the targets; NULL: the next id */
    bool by_item;
    uint64_t n;       /* positions */
    uint64_t steps;   /* positions that have a target */
    size_t outputs;   /* classes: the size of the vocabulary, or the largest target + 1 */
    uint64_t *starts; /* by item: [items + 1], item i has positions starts[i] up to starts[i + 1] */
    uint64_t items;
    uint64_t unknown; /* words that the vocabulary asked for lacks */
    struct spool ids, vec, targets;
    char digest[33];  /* of everything spooled: the identity of the data */
    char *parents;    /* digests of the segments read, for END's `parent` */
    struct meta head; /* of the first segment: the history of the data */
};

struct corpus_want {
    const char *target; /* the column of the targets; NULL: `target` where there is one */
    enum corpus_by by;
    const struct corpus *like; /* what was read before, for a validation stream: its kind of inputs and targets is asked
                                * for, and words are mapped to its vocabulary; NULL: no such wish */
};

/* Reads all segments of a stream of tokens or vectors into an empty corpus. Refused, as STATUS_DATA: another profile, a
 * partial segment, segments of different vocabularies or kinds, ids and targets out of range, NaN, and no item at all. */
int corpus_read(struct corpus *c, struct source *s, const struct corpus_want *want, struct err *e);

/* Copies `count` positions from `first` on: ids[count], vec[count * D], targets[count]. The corpus must have them. */
int corpus_ids(const struct corpus *c, uint64_t first, size_t count, uint32_t *ids, struct err *e);
int corpus_vec(const struct corpus *c, uint64_t first, size_t count, real *vec, struct err *e);
int corpus_targets(const struct corpus *c, uint64_t first, size_t count, uint32_t *targets, struct err *e);

/* The columns of a batch that a network takes, found and checked. */
struct corpus_columns {
    const uint64_t *offsets;  /* [N+1]: rows of item i */
    const uint8_t *continued; /* [N]: does item i go on with the one before; NULL: none does */
    const uint32_t *ids;      /* NULL: not asked for */
    const real *vec;          /* [rows, D], finite; NULL: not asked for */
    const struct tensor *targets;
    real *owned;
};

/* dim 0: inputs are `ids`, else `vec` of that dimension; `ids` may be asked for beside it; target NULL: none. All run over
 * the same rows. To be freed by corpus_columns_free, also on failure. */
int corpus_columns(struct corpus_columns *k, const struct batch *batch, size_t dim, bool ids, const char *target,
                   struct err *e);
void corpus_columns_free(struct corpus_columns *k);

/* One class number of a target column, below `limit`. */
int corpus_class(const struct tensor *t, size_t row, uint64_t limit, uint32_t *class, struct err *e);

/* One id, below `limit`: what the vocabulary has. */
int corpus_id(const uint32_t *ids, size_t row, size_t limit, struct err *e);

/* Does nothing to one that is zero. */
void corpus_free(struct corpus *c);

#endif
