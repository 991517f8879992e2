/* w2v_draw: all that chance decides in word2vec, drawn ahead of the arithmetic, chunk by chunk.
 *
 * Which words subsampling keeps, how far windows reach, which negatives they meet. That a step is drawn before it is
 * learned from lets its rows be fetched ahead, and tells which steps of others it must not be taken together with. */
#ifndef NET_W2V_DRAW_H
#define NET_W2V_DRAW_H

#include "base/err.h"
#include "base/rng.h"
#include "net/w2v.h"
#include "net/w2v_corpus.h"

/* Negatives by falling count: the inverse of the distribution function of count^0.75 (Mikolov et al. 2013, section
 * 2.2), sampled at equal steps and straight between them. Exact wherever a step holds one word; words that share a
 * step, all of them rare, share its mass. Small enough to stay in the cache, unlike a table of words. */
enum { W2V_NOISE_BITS = 12, W2V_NOISE_STEPS = 1 << W2V_NOISE_BITS };

struct w2v_noise {
    uint32_t points[W2V_NOISE_STEPS + 1]; /* ranks in fixed point */
    unsigned shift;                       /* bits behind the point */
    uint32_t *ids;                        /* the id of a rank; owned */
    bool in_order;                        /* ids go up one by one from the first, as tokenize numbers them */
    uint32_t first;
    size_t n; /* ids that occur */
};

void w2v_noise_make(struct w2v_noise *n, const uint64_t *counts, size_t n_vocab);
uint32_t w2v_noise_draw(const struct w2v_noise *n, struct rng *rng);
void w2v_noise_free(struct w2v_noise *n);

/* What all draws of a training share. */
struct w2v_chances {
    const struct w2v_config *config;
    const struct w2v_corpus *corpus;
    uint32_t *keep; /* [V] a word is kept when 32 random bits are not above this */
    struct w2v_noise noise;
    const struct huffman *tree; /* hs */
};

/* The corpus must be finished; it, the configuration and the tree (NULL but for hs) are kept. */
void w2v_chances_make(struct w2v_chances *c, const struct w2v_config *config, const struct w2v_corpus *corpus,
                      const struct huffman *tree);
void w2v_chances_free(struct w2v_chances *c);

/* The chance that subsampling keeps a word that is a share `f` of the corpus: sqrt(sample / f) + sample / f, at most 1;
 * 1 when sample is 0. (The released word2vec; the paper's formula (5) is without the second term.) */
double w2v_keep(double sample, double f);

/* Some hundreds of steps, and the words they take: step s has its inputs, outputs and those to be fetched in ids, from
 * steps[s].at on. */
enum { W2V_CHUNK_STEPS = 512, W2V_CHUNK_SLACK = 3 };

struct w2v_chunk {
    size_t n;
    struct w2v_draw_step {
        size_t at;
        uint32_t in, out, fetch;  /* how many; fetch: words whose input rows will be taken soon, for the first time */
        struct w2v_shares shares; /* of the inputs */
        uint32_t centres;         /* 1 or 2; ns: the first outputs */
        uint32_t present;         /* of one centre: outputs that were there, the first ones */
        real rate;
    } steps[W2V_CHUNK_STEPS];
    uint32_t *ids; /* with W2V_CHUNK_SLACK more that may be read, and mean nothing */
    size_t n_ids, room;
    uint64_t words; /* of the part, behind this chunk in this epoch, before subsampling */
    bool last;      /* nothing of this epoch is left */
};

/* Draws for one part of the corpus, from a generator of its own. */
struct w2v_draw {
    const struct w2v_chances *chances;
    struct w2v_reader reader;
    struct rng seed, rng;
    int64_t epoch;      /* from 0 */
    uint64_t words;     /* of this epoch, read so far */
    uint32_t *sentence; /* [limit] kept words */
    size_t limit;       /* of a sentence before it is cut */
    size_t n, i, seen;  /* words; the next centre; where words to be fetched begin */
    real rate;          /* of this sentence */
};

void w2v_draw_open(struct w2v_draw *d, const struct w2v_chances *chances, size_t part, size_t parts, struct rng seed);
void w2v_draw_epoch(struct w2v_draw *d, int64_t epoch);
/* The next steps: W2V_CHUNK_STEPS of them, or fewer where the part ends. */
int w2v_draw_chunk(struct w2v_draw *d, struct w2v_chunk *c, struct err *e);
void w2v_draw_close(struct w2v_draw *d);
void w2v_chunk_free(struct w2v_chunk *c);

#endif
