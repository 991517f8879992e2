/* w2v_draw: all that chance decides in word2vec, drawn ahead of the arithmetic, chunk by chunk.
 *
 * Which words subsampling keeps, how far each window reaches, which negatives it meets. That a chunk is drawn before it is
 * learned from lets rows be fetched ahead, and lets another thread draw the next chunk meanwhile: the draws of an epoch
 * come in the order of its words from one generator, whoever makes them. */
#ifndef NET_W2V_DRAW_H
#define NET_W2V_DRAW_H

#include "base/err.h"
#include "base/rng.h"
#include "net/w2v.h"
#include "net/w2v_corpus.h"

/* Negatives by falling count: the inverse of the distribution function of count^0.75 (Mikolov et al. 2013, section 2.2),
 * sampled at equal steps and straight between them. Exact wherever a step holds one word; words that share a step, all of
 * them rare, share its mass. Small enough to stay in the cache, unlike a table of words. */
enum { W2V_NOISE_STEPS = 1 << 14 };

struct w2v_noise {
    uint32_t points[W2V_NOISE_STEPS + 1]; /* ranks in fixed point */
    unsigned shift;                       /* bits behind the point */
    uint32_t *ids;                        /* the id of a rank; owned */
    size_t n;                             /* ids that occur */
};

void w2v_noise_make(struct w2v_noise *n, const uint64_t *counts, size_t n_vocab);
uint32_t w2v_noise_draw(const struct w2v_noise *n, struct rng *rng);
void w2v_noise_free(struct w2v_noise *n);

/* A few thousand kept words with what was drawn for them. */
struct w2v_chunk {
    size_t n, n_sentences;
    uint32_t *ids;   /* [n] */
    uint32_t *reach; /* [n] words to either side */
    uint32_t *noise; /* [n, negative] distinct, never the centre; VOCAB_NONE behind the last where they ran out */
    struct w2v_sentence {
        size_t start; /* the words start .. next sentence's start - 1 */
        double rate;
    } * sentences; /* [n_sentences + 1], the last one's start being n */
    size_t room, room_sentences;
    uint64_t words; /* of the corpus behind this chunk in this epoch, before subsampling */
    bool last;      /* nothing of this epoch is left */
};

struct w2v_draw {
    const struct w2v_config *config;
    struct w2v_corpus *corpus;
    struct rng seed, rng;
    uint32_t *keep; /* [V] a word is kept when 32 random bits are not above this */
    struct w2v_noise noise;
    int64_t epoch;  /* from 0 */
    uint64_t words; /* of this epoch, read so far */
    size_t limit;   /* kept words of a sentence before it is cut */
};

/* The corpus must be finished; it, the configuration and the generator's value are kept. */
void w2v_draw_open(struct w2v_draw *d, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed);
int w2v_draw_epoch(struct w2v_draw *d, int64_t epoch, struct err *e);
int w2v_draw_chunk(struct w2v_draw *d, struct w2v_chunk *c, struct err *e);
void w2v_draw_close(struct w2v_draw *d);
void w2v_chunk_free(struct w2v_chunk *c);

/* The chance that subsampling keeps a word that is a share `f` of the corpus: sqrt(sample / f) + sample / f, at most 1; 1
 * when sample is 0. (The released word2vec; the paper's formula (5) is without the second term.) */
double w2v_keep(double sample, double f);

#endif
