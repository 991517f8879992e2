/* subword: what the characters of a word say about it (Bojanowski et al., "Enriching Word Vectors with Subword
 * Information", 2017).
 *
 * The n-grams of a word are all runs of MIN to MAX code points of "<word>", lone brackets left out. Each falls in one
 * of so many buckets by its hash, and a bucket has a row of a matrix; the vector of a word is the mean of its n-grams'
 * rows and, when it is in the vocabulary, of a row of its own. Hash, brackets and which n-grams there are are those of
 * the released fastText.
 *
 * Only buckets that some word of the vocabulary falls in have a row: rows stand in the order they were first met, and a
 * model says which bucket each belongs to.
 *
 *     w.in          f32[V, D]   the vectors of the vocabulary's words: means as above
 *     w.word        f32[V, D]   their own rows
 *     w.sub         f32[N, D]   the rows of n-grams
 *     w.sub.bucket  u32[N]      their buckets; its meta has subword.min, subword.max, subword.buckets */
#ifndef NET_SUBWORD_H
#define NET_SUBWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "data/stream.h"

enum {
    SUBWORD_MAX_LENGTH = 32,
    SUBWORD_MAX_BUCKETS = 100000000,
};
#define SUBWORD_NONE UINT32_MAX

struct subword_rule {
    size_t low, high; /* code points of an n-gram, 1 .. SUBWORD_MAX_LENGTH */
    uint32_t buckets; /* 1 .. SUBWORD_MAX_BUCKETS */
};

/* Reads "MIN-MAX", or "N" for both. STATUS_MISUSED. */
int subword_rule_read(struct subword_rule *r, const char *text, int64_t buckets, struct err *e);

/* The buckets of a word's n-grams, of each as often as it occurs, by its place in the word and then its length; how
 * many. NULL: only counts them. */
size_t subword_grams(const struct subword_rule *r, const char *word, size_t length, uint32_t *buckets);

/* The buckets that have rows. Zero-initialize it but for the rule. */
struct subwords {
    struct subword_rule rule;
    size_t n;
    uint32_t *buckets; /* [n] that of each row; owned */
    /* private */
    uint32_t *slots; /* open addressing: row + 1, 0 empty */
    size_t n_slots;
};

/* The row of a bucket: SUBWORD_NONE when it has none; subwords_add gives it one behind the others then. */
uint32_t subwords_find(const struct subwords *s, uint32_t bucket);
uint32_t subwords_add(struct subwords *s, uint32_t bucket);
void subwords_free(struct subwords *s);

/* Writes / reads the tensor `w.sub.bucket`: reading gives 1, or 0 where the segment has no subwords. STATUS_DATA:
 * options or buckets that cannot be. */
int subwords_write(const struct subwords *s, struct sink *k, struct err *e);
int subwords_read(struct subwords *s, const struct segment *segment, struct err *e);

/* ---- The subwords of a model, for words it does not know --------------------------------------------------------- */

struct subword_model {
    struct subwords grams;
    size_t d;
    real *rows; /* [grams.n, D]; owned */
};

/* Takes `w.sub.bucket` and `w.sub` of a model whose vectors are D numbers: 1; 0 when it has no subwords, and `m` is
 * zeros; STATUS_DATA when they are not as above or not finite. */
int subword_load(struct subword_model *m, const struct segment *segment, size_t d, struct err *e);
void subword_unload(struct subword_model *m);

/* The vector [D] of any word from its n-grams alone: the mean of the rows of those that the model has met. False, and
 * zeros, when it has met none. */
bool subword_compose(const struct subword_model *m, const char *word, size_t length, real *vector);

#endif
