/* alignment: the pairs of an alignment stream one by one, with their words, and the forms of text others read them
 * in. */
#ifndef DATA_ALIGNMENT_H
#define DATA_ALIGNMENT_H

#include "base/buf.h"
#include "base/err.h"
#include "data/stream.h"
#include "data/vocab.h"

/* One pair, a view into its batch. */
struct alignment {
    uint64_t item;             /* of the batch */
    uint64_t sources, targets; /* words: columns, rows */
    const struct tensor *attn; /* weight of (target j, source i): element first + j * sources + i */
    uint64_t first;
    const uint32_t *links; /* [n_links,2] source, target; every one within the pair */
    uint64_t n_links;
};

/* Pair `item` of a batch that has attn, attn.shape and links, checked against each other. */
int alignment_item(const struct batch *batch, uint64_t item, struct alignment *a, struct err *e);

/* The words of one side of a segment's pairs, or of its only side (prefix ""): the strings of the columns
 * tok.text, else the vocabulary's words for the column ids. Zero-initialize; item_words_free. */
struct item_words {
    const char *prefix;      /* "src.", "tgt.", "" */
    struct vocab vocab;      /* n 0: none */
    const uint64_t *offsets; /* of the words over items */
    const uint64_t *ends;    /* of tok.text over words, or NULL */
    const char *text;
    const uint32_t *ids;
};

/* Takes the vocabulary a segment brings, if it does. `prefix` must outlive it. */
int item_words_begin(struct item_words *w, const char *prefix, const struct segment *segment, struct err *e);
/* Finds the columns of the next batch; a batch that has neither is STATUS_DATA. */
int item_words_batch(struct item_words *w, const struct batch *batch, struct err *e);
uint64_t item_words_count(const struct item_words *w, uint64_t item);
/* Word k of an item: its bytes and length. An id beyond the vocabulary is STATUS_DATA. */
const char *item_words_at(const struct item_words *w, uint64_t item, uint64_t k, size_t *length, struct err *e);
void item_words_free(struct item_words *w);

/* The text forms: a row of the table in alignment.c each.
 *   pharaoh  a line a pair: its links, `source-target`, in the order of the target
 *   marian   a line a pair: for each target word its weights, commas between, blanks between target words
 *   nematus  a block a pair: `number ||| target words ||| score ||| source words ||| I J`, a line of weights for each
 *            target word, an empty line. The score is the sum of the logarithms of each target word's largest
 *            weight. */
enum alignment_format { ALIGNMENT_PHARAOH, ALIGNMENT_MARIAN, ALIGNMENT_NEMATUS };

/* Adds a pair, the stream's `number`-th from 0. `sides` are source and target; only nematus looks at them. */
int alignment_text(enum alignment_format format, const struct alignment *a, uint64_t number,
                   const struct item_words sides[2], struct buf *out, struct err *e);
bool alignment_wants_words(enum alignment_format format);

#endif
