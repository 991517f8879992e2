/* embed: word vectors at work: looked up for a stream, searched for neighbours and analogies. */
#ifndef NET_EMBED_H
#define NET_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "data/stream.h"
#include "data/vocab.h"
#include "net/subword.h"

enum { EMBED_TERMS = 16 }; /* words a question may have */

/* The vectors of a model/w2v. */
struct embed {
    struct vocab vocab;
    size_t v, d;              /* V words, D numbers each */
    real *vec;                /* [V, D], the model's `w.in` */
    struct subword_model sub; /* zeros in a model without subwords */
    char digest[33];          /* of the model */
    /* private */
    real *composed; /* [EMBED_TERMS, D] vectors of words that were composed last */
    size_t n_composed;
};

/* Reads a model. STATUS_DATA: another profile, no `w.in`, one that is not [V, D], subwords that are not as subword.h
 * says, or NaN in them. */
int embed_load(struct embed *m, const char *path, struct err *e);
void embed_free(struct embed *m);

/* A word's id as it is written or, where the vocabulary lacks that, in lower case (A-Z alone); VOCAB_NONE. */
uint32_t embed_find(const struct embed *m, const char *word);

/* The vector [D] of a word, also of a composed one. */
static inline const real *embed_row(const struct embed *m, uint32_t id)
{
    return id < m->v ? m->vec + (size_t)id * m->d : m->composed + (id - m->v) * m->d;
}

/* Has this word a vector that is not zeros? */
bool embed_has(const struct embed *m, uint32_t id);

/* The word of the vocabulary spelled most like this one, within two edits, the more frequent first; false when none
 * is. */
bool embed_spelled_like(const struct embed *m, const char *word, char *near, size_t room);

/* Composes the vector of a word from its subwords. The id, at or above V, is good until EMBED_TERMS others were made;
 * VOCAB_NONE when the model has no subwords or has met none of the word's. */
uint32_t embed_compose(struct embed *m, const char *word);

/* embed_find, or else embed_compose, for a word that must have a vector: STATUS_MISUSED names it, and the one spelled
 * most like it. */
int embed_need(struct embed *m, const char *word, uint32_t *id, struct err *e);

/* ---- Lookup ------------------------------------------------------------------------------------------------------ */

/* The words of a stream: its vocabulary, and vocab_map from that to the model's. */
struct embed_words {
    struct vocab vocab;
    uint32_t *map;
    uint64_t composed, unknown; /* tokens so far whose vector is made of subwords; that have none */
};

/* Reads the vocabulary of `<prefix>`; frees what was there, counts go on. */
int embed_words_read(struct embed_words *w, const struct embed *m, const char *prefix, const struct segment *segment,
                     struct err *e);
void embed_words_free(struct embed_words *w);

/* Adds `<prefix>vec` f32[M, D], over the same offsets as `<prefix>ids`: a row of the matrix for each id. A word that
 * the model lacks gets its vector from its subwords, <unk> from those of `<prefix>tok.text` where that is there (with
 * A-Z in lower case when the model's words are), and zeros where that cannot be. */
int embed_add(const struct embed *m, struct embed_words *w, const char *prefix, struct batch *batch, struct err *e);

/* How many of a batch's items, from `low` on, get vectors of about STREAM_BATCH_BYTES: at least 1. The ids are those of
 * every column `<prefix>ids`, for prefixes ending with NULL. */
uint64_t embed_items(const struct embed *m, const struct batch *batch, const char *const *prefixes, uint64_t low);

/* ---- Search ------------------------------------------------------------------------------------------------------ */

/* The candidates among which answers are looked for. Special tokens and words with a vector of zeros are none. */
struct embed_index {
    const struct embed *m;
    size_t n;        /* candidates */
    uint32_t *ids;   /* [n] by falling count */
    uint32_t *place; /* [V] where an id stands in `ids`; VOCAB_NONE for one that is no candidate */
    const real *vec; /* [n, D] their vectors: the model's own, where they stand there in this order */
    real *inverse;   /* [n] 1 over their lengths */
    real *copy;      /* of the vectors where that is not so, or NULL */
};

/* most > 0: only so many candidates, those with the largest counts. The model must outlast the index. */
void embed_index_make(struct embed_index *x, const struct embed *m, size_t most);
void embed_index_free(struct embed_index *x);

/* A word's vector scaled to length 1, or zeros; and the cosine of two words, 0 where one has zeros. */
void embed_unit(const struct embed *m, uint32_t id, real *unit);
double embed_cosine(const struct embed *m, uint32_t a, uint32_t b);

/* By what analogies are answered: the cosine with b - a + c, all three of length 1 (3CosAdd; Mikolov et al.,
 * "Linguistic Regularities in Continuous Space Word Representations", 2013), or the product of cosines of search.h
 * (3CosMul). */
enum embed_method { EMBED_COSADD, EMBED_COSMUL };
#define EMBED_METHODS "cosadd|cosmul"

/* Questions gathered, to be answered as one product. Zero-initialize it but for the method, which holds for questions
 * put by embed_ask_analogy; all of one lot must be put by the same function where it is EMBED_COSMUL. */
struct embed_questions {
    enum embed_method method;
    size_t n, room, d;
    real *queries;    /* [n, D] of length 1; EMBED_COSMUL: [n, 3, D] */
    uint32_t *except; /* [n, EMBED_TERMS] ids that are no answers, the question's own; VOCAB_NONE behind the last */
};

/* What is nearest to the sum of terms: words[i] scaled to length 1, taken away where minus[i] (NULL: nowhere). One word
 * asks for its neighbours. */
void embed_ask_sum(struct embed_questions *q, const struct embed *m, const uint32_t *words, const bool *minus,
                   size_t terms);
/* "words[0] is to words[1] as words[2] is to what?" */
void embed_ask_analogy(struct embed_questions *q, const struct embed *m, const uint32_t words[3]);
void embed_questions_clear(struct embed_questions *q); /* keeps the room */
void embed_questions_free(struct embed_questions *q);

struct embed_hit {
    uint32_t id; /* VOCAB_NONE behind the last candidate */
    real score;
};

/* For each question the `top` best candidates, best first, the more frequent first among equals. hits is [n, top]. What
 * one question gets does not depend on how many stand beside it. */
void embed_search(const struct embed_index *x, const struct embed_questions *q, size_t top, struct embed_hit *hits);

#endif
