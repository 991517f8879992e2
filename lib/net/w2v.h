/* w2v: word vectors by skip-gram and CBOW with negative sampling (Mikolov et al., "Distributed Representations of Words
 * and Phrases and their Compositionality", 2013).
 *
 * Two matrices over the vocabulary: `in`, the vectors one keeps, and `out`, which scores the words met. A window is one
 * word, its centre o, and the words within its reach, its context. With m negatives drawn from count^0.75 its loss is
 *
 *     L(h) = -log s(out_o . h) - sum over negatives k of log s(-out_k . h)        s(x) = 1 / (1 + exp(-x)), equation (4)
 *
 * skip-gram: the sum of L(in_c) over the context words c, all of which share the window's negatives and are learned from
 *            at once (Ji et al., "Parallelizing Word2Vec in Shared and Distributed Memory", 2016), 32 of them at a time;
 * CBOW:      L(h) of the mean h of their rows. Each row is moved by the gradient of h undivided, as in the released
 *            word2vec: n times what the mean's own derivative would be, n being the number of context words.
 *
 * Gradients are taken from the values before the step. Work is the same for every number of threads: one learns, another
 * draws what comes next (w2v_draw.h). */
#ifndef NET_W2V_H
#define NET_W2V_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/real.h"
#include "base/rng.h"
#include "math/w2v_step.h"
#include "net/w2v_corpus.h"

enum w2v_kind { W2V_SKIPGRAM, W2V_CBOW };

struct w2v_config {
    int model, loss;  /* enum w2v_kind; only negative sampling so far */
    int64_t dim;      /* D */
    int64_t window;   /* words to either side, at most */
    bool dynamic;     /* each window's reach is drawn from 1 .. window, else it is `window` */
    int64_t negative; /* negatives a window */
    double sample;    /* subsampling threshold; 0: none */
    int64_t epochs;
    double rate; /* learning rate at the start; 0: the model's usual one */
};

extern const struct opt w2v_options[];

/* Puts in what depends on other options: the learning rate. */
void w2v_config_settle(struct w2v_config *config);

/* A sentence is cut when it has so many words (behind subsampling): 1000, or four windows where that is more. */
size_t w2v_sentence_words(const struct w2v_config *config);

/* The two matrices, V rows of D numbers, each row `stride` long (D padded with zeros to a multiple of W2V_LANES). */
struct w2v {
    size_t v, d, stride;
    real *in, *out;
    /* private */
    const struct w2v_code *code;
    struct w2v_step *step;
    real *centre; /* CBOW: the mean of a context and what it is moved by */
    real **rows;  /* CBOW: those of a context */
    size_t room;
};

/* `in` uniform in +-0.5/D, row by row from the seed; `out`, and rows of words with count 0, are zeros. STATUS_MISUSED
 * when so large a model cannot be. */
int w2v_make(struct w2v *w, size_t v, size_t d, const uint64_t *counts, struct rng seed, struct err *e);

/* Learns from one window: the centre out[0] with its negatives out[1..m-1] (ids, distinct) and its context (ids; a word may
 * stand there several times). The loss is added to *loss. */
void w2v_learn(struct w2v *w, enum w2v_kind kind, const uint32_t *context, size_t n, const uint32_t *out, size_t m,
               double rate, struct w2v_loss *loss);

/* How training goes, since the report before. */
struct w2v_report {
    int64_t epoch;  /* from 1 */
    uint64_t words; /* of the corpus, all epochs, before subsampling; in all */
    uint64_t pairs; /* losses L taken */
    double loss;    /* their mean, nats */
    double rate;
    bool epoch_ended;
};

enum {
    W2V_REPORT_WORDS = 250000, /* a report comes after about so many words, and at each epoch's end */
    W2V_THREADS = 2,           /* more than so many threads have nothing to do */
};

/* Goes over the corpus config->epochs times. STATUS_DIVERGED when the loss or a number of the model is no longer finite. */
int w2v_train(struct w2v *w, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed,
              int (*report)(void *context, const struct w2v_report *r, struct err *e), void *context, struct err *e);

/* Takes the padding out of both matrices, in place: [V, D]. Nothing can be learned behind this. */
void w2v_pack(struct w2v *w);
void w2v_free(struct w2v *w);

#endif
