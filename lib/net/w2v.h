/* w2v: word vectors by skip-gram and CBOW with negative sampling (Mikolov et al., "Distributed Representations of Words
 * and Phrases and their Compositionality", 2013).
 *
 * Two matrices over the vocabulary: `in`, the vectors one keeps, and `out`, which scores the words met. A window is one
 * word, its centre o, and the words within its reach, its context. With m negatives drawn from count^0.75 its loss is
 *
 *     L(h) = -log s(out_o . h) - sum over negatives k of log s(-out_k . h)       s(x) = 1 / (1 + exp(-x)), equation (4)
 *
 * skip-gram: the sum of L(in_c) over the context words c;
 * CBOW:      L(h) of the mean h of their rows. Each row is moved by the gradient of h undivided, as in the released
 *            word2vec: n times what the mean's own derivative would be, n being the number of context words.
 *
 * Hierarchical softmax (Morin and Bengio 2005; equation (3)) has in place of that, over the inner nodes k above the
 * centre in a Huffman tree, each with a row of `out`:
 *
 *     L(h) = - sum over nodes k of log s(+-out_k . h)     + where the way to the centre takes bit 0, - where it takes 1
 *
 * The full softmax: w2v_softmax.h.
 *
 * A step is a window; with negative sampling two neighbouring ones, unless they are wide, whose centres share reach and
 * negatives: the sum of both losses, with each context word's row and each negative's row taken once. It learns from
 * all pairs at once (Ji et al., "Parallelizing Word2Vec in Shared and Distributed Memory", 2016): gradients are those
 * of the values before the step. Of very wide windows 32 words are taken at a time.
 *
 * The corpus is learned from in W2V_STREAMS places in turn, a step here, a step there. Several threads do the same:
 * each has places of its own, and waits before a step that shares a row with an earlier one until that is done. So the
 * result is that of one thread, to the last bit. */
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
#include "net/huffman.h"
#include "net/subword.h"
#include "net/w2v_corpus.h"

enum w2v_kind { W2V_SKIPGRAM, W2V_CBOW };
enum w2v_loss_kind { W2V_NS, W2V_HS, W2V_SOFTMAX };

struct w2v_config {
    int model, loss;  /* enum w2v_kind, enum w2v_loss_kind */
    int64_t dim;      /* D */
    int64_t window;   /* words to either side, at most */
    bool dynamic;     /* each window's reach is drawn from 1 .. window, else it is `window` */
    int64_t negative; /* negatives a window meets, or two that share them (w2v_draw.c) */
    double sample;    /* subsampling threshold; 0: none */
    int64_t epochs;
    double rate;          /* learning rate at the start; 0: the model's usual one */
    const char *subwords; /* lengths of n-grams, "3-6"; NULL: none */
    int64_t buckets;      /* of them */
    bool lock_free;       /* threads do not wait for each other: faster, and never twice the same */
};

extern const struct opt w2v_options[];

/* Puts in what depends on other options: the learning rate. */
void w2v_config_settle(struct w2v_config *config);
/* Refuses, as STATUS_MISUSED, options that cannot be, and those given on the command line that nothing has a use
 * for. */
int w2v_config_check(const struct w2v_config *config, const struct opt_group *groups, struct err *e);

/* A sentence is cut when it has so many words (behind subsampling): 1000, or four windows where that is more. */
size_t w2v_sentence_words(const struct w2v_config *config);

/* The two matrices, V rows of D numbers, each row `stride` long (D padded with zeros to a multiple of W2V_LANES). */
struct w2v {
    size_t v, d, stride;
    real *in, *out;
    /* Subwords (w2v_subword.h); NULL without. `in` are means then, made anew at each epoch's end. */
    real *word, *sub; /* own rows of words, rows of n-grams */
    struct subwords grams;
    uint64_t *gram_at;   /* [V + 1] where a word's n-grams begin in */
    uint32_t *gram_rows; /* rows of sub */
    struct huffman tree; /* hs: its inner node k has row k of `out`; the rows behind the root's are zeros */
    const struct w2v_code *code;
};

/* Both matrices, zeros. STATUS_MISUSED when so large a model cannot be. */
int w2v_make(struct w2v *w, size_t v, size_t d, struct err *e);

/* Rows of `in` that are zeros become uniform in +-0.5/D, row by row from the seed, but for those of words with count
 * 0. */
void w2v_start(struct w2v *w, const uint64_t *counts, struct rng seed);

/* Makes what the loss needs beside the matrices, from counts that are kept with the model: those of its vocabulary, so
 * that training that goes on finds the same tree. */
void w2v_prepare(struct w2v *w, const struct w2v_config *config, const uint64_t *counts);
void w2v_free(struct w2v *w);

/* What one thread needs to learn. Starts as zeros but for the model and its kind. */
struct w2v_learner {
    const struct w2v *w;
    enum w2v_kind kind;
    /* private */
    struct w2v_step *step;
    struct w2v_weighed {
        size_t outputs, centres, present, first, second, rows;
    } weighed;                     /* what the step's weights are for */
    real *centre;                  /* CBOW: the means of two contexts and what they are moved by */
    real **rows;                   /* CBOW: those of the contexts */
    struct w2v_composer *composer; /* subwords */
    struct w2v_softmax *softmax;
    size_t room;
};

void w2v_learner_open(struct w2v_learner *l, const struct w2v *w, enum w2v_kind kind);
/* The loss becomes the softmax over the words whose count is not 0 (w2v_softmax.h); windows have one centre then, and
 * it is their only output. */
void w2v_learner_softmax(struct w2v_learner *l, const uint64_t *counts);
void w2v_learner_close(struct w2v_learner *l);

/* One window, or two: their context (ids; a word may stand there several times), all of it `first` for one, W2V_MAX_IN
 * words at most for two; their outputs, centres first (rows, distinct): words, or with hs the inner nodes above one
 * centre. */
struct w2v_windows {
    const uint32_t *in, *out;
    struct w2v_shares shares;
    size_t centres, n_out;
    real rate;
    size_t present; /* with one centre: so many outputs were there, the first ones; the others were not */
};

/* Learns from them, and adds to the loss. With subwords, w2v_settle gives the rows of words and n-grams what they have
 * coming: behind that nothing of the model is under way. */
void w2v_learn(struct w2v_learner *l, const struct w2v_windows *windows, struct w2v_loss *loss);
void w2v_settle(struct w2v_learner *l);

/* An empty sum; and what has come together, in nats, which empties it. */
void w2v_loss_start(struct w2v_loss *loss);
double w2v_loss_take(struct w2v_loss *loss);

/* ---- Training ---------------------------------------------------------------------------------------------------- */

/* How training goes, since the report before. */
struct w2v_report {
    int64_t epoch;  /* from 1 */
    uint64_t words; /* of the corpus, all epochs, before subsampling; in all */
    uint64_t pairs; /* losses L taken */
    double loss;    /* their mean, nats */
    double rate;
    bool epoch_ended;
};

/* Where training stands, between two turns. It begins with zeros. */
struct w2v_at {
    uint64_t epoch, turn; /* done: whole epochs, turns of this one */
    uint64_t places;      /* of the corpus, that a turn goes on in */
    uint64_t words;       /* of the corpus, all epochs */
    uint64_t reported;    /* words, at the last report */
    uint64_t pairs;       /* losses since then */
    double loss;          /* their sum */
};

/* What training asks and tells, always between turns, when nothing runs. */
struct w2v_watch {
    void *context;
    int (*report)(void *context, const struct w2v_report *r, struct err *e);
    bool (*due)(void *context, bool epoch_ended); /* is it time to save? Both NULL: it never is */
    int (*save)(void *context, struct err *e);    /* all numbers of the model are finite */
};

enum {
    W2V_REPORT_WORDS = 250000, /* a report comes after about so many words, and at each epoch's end */
    W2V_STREAMS = 2,           /* places of the corpus; only lock-free has more threads anything to do */
};

/* Goes over the corpus config->epochs times, from where `at` stands, which moves along. The draws of turns that are
 * done are made again and nothing is learned from them: so the model becomes that of a run from the start.
 * STATUS_DIVERGED when the loss or a number of the model is no longer finite; STATUS_DATA when the epoch has not so
 * many turns. */
int w2v_train(struct w2v *w, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed,
              struct w2v_at *at, const struct w2v_watch *watch, struct err *e);

#endif
