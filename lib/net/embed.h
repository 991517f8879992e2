/* embed: word vectors at work: looked up for a stream, searched for neighbours. */
#ifndef NET_EMBED_H
#define NET_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "data/stream.h"
#include "data/vocab.h"

/* The vectors of a model/w2v. */
struct embed {
    struct vocab vocab;
    size_t v, d;     /* V words, D numbers each */
    real *vec;       /* [V, D], the model's `w.in` */
    char digest[33]; /* of the model */
};

/* Reads a model. STATUS_DATA: another profile, no `w.in`, one that is not [V, D], or NaN in it. */
int embed_load(struct embed *m, const char *path, struct err *e);
void embed_free(struct embed *m);

/* A word's id as it is written or, where the vocabulary lacks that, in lower case (A-Z alone); VOCAB_NONE. */
uint32_t embed_find(const struct embed *m, const char *word);

/* Has this word a vector that is not zeros? */
bool embed_has(const struct embed *m, uint32_t id);

/* The word of the vocabulary spelled most like this one, within two edits, the more frequent first; false when none is. */
bool embed_spelled_like(const struct embed *m, const char *word, char *near, size_t room);

/* embed_find for a word that must be there and have a vector: STATUS_MISUSED names it, and the one spelled most
 * like it. */
int embed_need(const struct embed *m, const char *word, uint32_t *id, struct err *e);

/* ---- Lookup ------------------------------------------------------------------------------------------------------ */

/* Adds `<prefix>vec` f32[M, D], over the same offsets as `<prefix>ids`: row `map[id]` of the matrix for each id, zeros where
 * that is VOCAB_UNKNOWN. map has n_map entries (vocab_map from the stream's vocabulary to the model's). *unknown counts. */
int embed_add(const struct embed *m, const uint32_t *map, size_t n_map, const char *prefix, struct batch *batch,
              uint64_t *unknown, struct err *e);

/* How many of a batch's items, from `low` on, get vectors of about STREAM_BATCH_BYTES: at least 1. The ids are those of
 * every column `<prefix>ids`, for prefixes ending with NULL. */
uint64_t embed_items(const struct embed *m, const struct batch *batch, const char *const *prefixes, uint64_t low);

/* ---- Search ------------------------------------------------------------------------------------------------------ */

/* The vectors of candidates, scaled to length 1 and packed for products. Special tokens and words with a vector of zeros
 * are none. */
struct embed_index {
    const struct embed *m;
    size_t n;        /* candidates */
    uint32_t *ids;   /* [n] by falling count */
    uint32_t *place; /* [V] where an id stands in `ids`; VOCAB_NONE for one that is no candidate */
    real *panels;    /* [panels][D][64] (gemm.h) */
    real *unit;      /* [V, D] all vectors scaled to length 1 */
};

/* most > 0: only so many candidates, those with the largest counts. */
void embed_index_make(struct embed_index *x, const struct embed *m, size_t most);
void embed_index_free(struct embed_index *x);

struct embed_hit {
    uint32_t id; /* VOCAB_NONE behind the last candidate */
    real score;  /* cosine */
};

enum { EMBED_EXCEPT = 3 };

/* For each of n query vectors ([n, D], of length 1) the `top` candidates with the largest products, best first, the more
 * frequent first among equals; never one of a query's EMBED_EXCEPT ids (VOCAB_NONE: none). hits is [n, top]. */
void embed_search(const struct embed_index *x, const real *queries, size_t n, const uint32_t *except, size_t top,
                  struct embed_hit *hits);

/* Neighbours (size 1: of words[q]) or analogies (size 3: "words[3q] is to words[3q + 1] as words[3q + 2] is to ...") of n
 * questions: the `top` words of largest cosine but for those asked with, best first. hits is [n, top]. */
void embed_ask(const struct embed *m, const uint32_t *words, size_t n, size_t size, size_t most, size_t top,
               struct embed_hit *hits);

/* The query of "a is to b as c is to ...": b - a + c, of length 1 (3CosAdd; Mikolov et al. 2013). */
void embed_analogy(const struct embed_index *x, uint32_t a, uint32_t b, uint32_t c, real *query);

#endif
