/* corpus: the data of a training run, read once from a stream and spooled, to be read again epoch by epoch.
 *
 * A corpus is a row of positions, cut into items or not. Each position has an input (an id, or a vector of D reals; of
 * a word its spelling as well), and there are targets of one of these kinds:
 *
 *   the next id       TARGET_NEXT_ID: the ids, one position on. Behind every item stands </s>; by items, <s> stands in
 *                     front of every one as well. (Of a position put in so the vector is zeros.)
 *   the next vector   TARGET_NEXT_VEC: the vectors, one position on; an item of T vectors has T - 1 steps. By text the
 *                     vectors of all items are one series. Nothing is put in, here and below.
 *   a class a step    TARGET_STEP_CLASS: a column of whole numbers over the inputs (tags, target)
 *   a class an item   TARGET_ITEM_CLASS: a column of whole numbers over items (label)
 *   reals a step      TARGET_STEP_REAL: a column [rows, K], or [rows], over the inputs (target)
 *   reals an item     TARGET_ITEM_REAL: a column [N, K], or [N], over items (target)
 *
 * Classes have names where the stream brings their vocabulary (tag.vocab.*, label.vocab.*, else NAME.vocab.*); they are
 * then mapped by name to those of the model, and one that training has not seen is no target (TARGET_NONE), but
 * counted. A feature of an item [F] (caption) is a column of reals or whole numbers over items.
 *
 * An item that goes on in parts (the column `continued`) is one item here, its label and feature those of its first
 * part. Memory does not grow with the data, but for 8 bytes an item where items are kept apart, and for the spellings
 * of distinct words. */
#ifndef NET_CORPUS_H
#define NET_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/real.h"
#include "base/spool.h"
#include "data/stream.h"
#include "data/vocab.h"
#include "net/spelling.h"
#include "net/task.h"

/* How a corpus is read: as one long text, or item by item; AUTO: as the task does. */
enum corpus_by { CORPUS_AUTO, CORPUS_TEXT, CORPUS_ITEM };
#define CORPUS_BY_CHOICES "auto|text|item"

enum { CORPUS_MAX_CLASSES = 1 << 24 }; /* of a target column without names */

struct corpus {
    struct vocab vocab; /* of the ids; empty when the stream brings none */
    size_t dim;         /* D where inputs are vectors; 0: they are ids */
    char *target;       /* the column of the targets; NULL: the next id or vector */
    enum target_kind kind;
    struct vocab labels;        /* names of the classes of a target column; empty: they have none */
    size_t outputs;             /* classes: words, labels, or the largest class + 1; reals: K */
    size_t feature;             /* F; 0: none */
    struct vocab characters;    /* of spellings: <pad> <unk> <s> </s>, then code points */
    struct spellings spellings; /* spelling 0 is empty */
    bool by_item;
    uint64_t n;       /* positions */
    uint64_t steps;   /* positions that have a target, or that lead to one */
    uint64_t *starts; /* by item: [items + 1], item i has positions starts[i] up to starts[i + 1] */
    uint64_t items;
    uint64_t skipped; /* items too short to have a step: they are there, and batches pass over them */
    uint64_t unknown; /* words that the vocabulary asked for lacks */
    uint64_t unseen;  /* classes that the labels asked for lack */
    struct spool ids, vec, targets, wanted, features, spelt;
    char digest[33];  /* of everything spooled: the identity of the data */
    char *parents;    /* digests of the segments read, for END's `parent` */
    struct meta head; /* of the first segment: the history of the data */
};

struct corpus_want {
    const struct task *task;
    const char *target; /* the column of the targets; NULL: the task's own */
    enum corpus_by by;
    bool spell; /* spellings are wanted: of the column tok.text, or of the vocabulary's words without one */
    const struct corpus *like; /* what was read before, for a validation stream: its kind of inputs and targets is asked
                                * for; words, labels and characters are mapped to its, and the corpus read has none of
                                * its own; NULL: no such wish */
    const struct vocab *labels, *characters; /* of a model that training starts from: they become the corpus's own, and
                                              * others are mapped to them as to those of `like`; NULL, empty: none */
};

/* Reads all segments of a stream of tokens or vectors into an empty corpus. Refused, as STATUS_DATA: another profile, a
 * partial segment, segments of different vocabularies or kinds, ids and targets out of range, NaN, a target column or
 * feature that is missing, of another kind or length, classes without names beside named ones or of which none is
 * known, and nothing to learn. STATUS_MISUSED: what does not go together in `want`. Classes of later segments that have
 * other names than the first one's come behind those. */
int corpus_read(struct corpus *c, struct source *s, const struct corpus_want *want, struct err *e);

/* Copies `count` positions from `first` on: ids[count], vec[count * D], targets[count], wanted[count * K],
 * spelt[count]. The corpus must have them. Of kinds over items, targets and wanted have one row an item, as features
 * [count * F] has; `first` is then an item. Wanted next vectors are `vec`, one on. */
int corpus_ids(const struct corpus *c, uint64_t first, size_t count, uint32_t *ids, struct err *e);
int corpus_vec(const struct corpus *c, uint64_t first, size_t count, real *vec, struct err *e);
int corpus_targets(const struct corpus *c, uint64_t first, size_t count, uint32_t *targets, struct err *e);
int corpus_wanted(const struct corpus *c, uint64_t first, size_t count, real *wanted, struct err *e);
int corpus_features(const struct corpus *c, uint64_t first, size_t count, real *features, struct err *e);
int corpus_spelt(const struct corpus *c, uint64_t first, size_t count, uint32_t *spelt, struct err *e);

/* Steps of an item: 0 when it has no target at all. (Of kinds over items, its inputs, of which there may be none.) */
static inline uint64_t corpus_item_steps(const struct corpus *c, uint64_t item)
{
    uint64_t n = c->starts[item + 1] - c->starts[item];
    return n && target_is_next(c->kind) ? n - 1 : n;
}

/* Does nothing to one that is zero. */
void corpus_free(struct corpus *c);

/* ---- One batch (corpus_columns.c) -------------------------------------------------------------------------------- */

/* The columns of a batch that a network takes, found and checked. */
struct corpus_columns {
    const uint64_t *offsets;      /* [N+1]: rows of item i */
    const uint8_t *continued;     /* [N]: does item i go on with the one before; NULL: none does */
    const uint32_t *ids;          /* [rows]; NULL: not asked for */
    const real *vec;              /* [rows, D], finite; NULL: not asked for */
    enum target_kind kind;        /* of the target column */
    const struct tensor *targets; /* classes [rows] or [N], for corpus_class; NULL: none */
    size_t outputs;               /* K of `wanted` */
    const real *wanted;           /* reals [rows, K] or [N, K], finite; NULL: none */
    size_t feature;               /* F */
    const real *features;         /* [N, F], finite; NULL: not asked for */
    const uint64_t *text_offsets; /* [rows+1]: bytes of row r in `text`; NULL: there are none, or not asked for */
    const char *text;
    real *owned[3];
};

/* The inputs. dim 0: they are `ids`, else `vec` of that dimension; `ids` may be asked for beside it; target: a column
 * of classes a step, or NULL. All run over the same rows. To be freed by corpus_columns_free, also on failure. The
 * further ones are asked for behind it. */
int corpus_columns(struct corpus_columns *k, const struct batch *batch, size_t dim, bool ids, const char *target,
                   struct err *e);
/* The target column: `kinds` are those that will do, bits 1 << enum target_kind; k->kind says which it is. A column
 * that runs over the items is one of an item, one that runs over the inputs one of a step; classes are whole
 * numbers. */
int corpus_columns_target(struct corpus_columns *k, const struct batch *batch, const char *target, unsigned kinds,
                          struct err *e);
/* The feature of each item, of whatever F. */
int corpus_columns_features(struct corpus_columns *k, const struct batch *batch, const char *feature, struct err *e);
/* The text of each input: the column tok.text, where there is one. */
int corpus_columns_text(struct corpus_columns *k, const struct batch *batch, struct err *e);
void corpus_columns_free(struct corpus_columns *k);

/* The kinds of target column that a task takes, as bits for corpus_columns_target. */
unsigned corpus_kinds(const struct task *task);

/* One class number of a target column, below `limit`. */
int corpus_class(const struct tensor *t, size_t row, uint64_t limit, uint32_t *class, struct err *e);

/* One id, below `limit`: what the vocabulary has. */
int corpus_id(const uint32_t *ids, size_t row, size_t limit, struct err *e);

/* ---- Names of classes (corpus_labels.c) -------------------------------------------------------------------------- */

/* The prefix of the vocabulary of a target column: "label." of label, "tag." of tags, else "NAME.". Owned by the
 * caller. */
char *corpus_labels_prefix(const char *target);

/* Reads the names of a target column's classes that a segment, or a model, brings; left empty when it brings none. */
int corpus_labels_read(struct vocab *labels, const char *target, const struct segment *segment, struct err *e);

/* map[class of `from`] = class of that name in `to`; TARGET_NONE where it lacks the name. Owned by the caller. */
uint32_t *corpus_labels_map(const struct vocab *from, const struct vocab *to);

#endif
