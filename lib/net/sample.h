/* sample: text from a language model, one token after another.
 *
 *     p = softmax(o / temperature), cut to the likeliest, drawn from        (D. Ackley, G. Hinton, T. Sejnowski 1985)
 *
 * <pad>, <unk> and <s> are never drawn. Drawing </s> ends an item: where the model was trained item by item the next
 * one begins with a zero state and <s>, else the text goes on behind it. */
#ifndef NET_SAMPLE_H
#define NET_SAMPLE_H

#include "base/opt.h"
#include "base/rng.h"
#include "net/respell.h"
#include "net/rnnfile.h"

struct sample_config {
    int64_t generate;  /* tokens, or steps */
    const char *prime; /* text to begin with */
    double temperature;
    bool greedy;
    int64_t top_k; /* 0: all */
    double top_p;  /* smallest set of tokens with this probability; 1: all */
    int64_t max_words;
    /* of models over vectors (sample_vec.h) */
    double bias;
    int64_t items;
    bool keep_prime;
};

/* --generate --prime --temperature --greedy --top-k --top-p --max-words --bias --items --keep-prime */
extern const struct opt sample_options[];

/* ---- Choosing a token -------------------------------------------------------------------------------------------- */

struct chooser {
    const struct sample_config *config;
    size_t classes;
    uint32_t begin; /* <s> */
    real *prob;     /* [classes], zeros behind */
    double *block;  /* sums of so many of them */
    struct sample_choice {
        double weight;
        uint32_t id;
    } * choices;
};

void chooser_make(struct chooser *c, const struct sample_config *config, size_t classes, uint32_t begin);
/* One token by its logits [classes]; draws from rng unless the config says greedy. */
uint32_t chooser_next(struct chooser *c, const real *logits, struct rng *rng);
void chooser_free(struct chooser *c);

/* ---- A text ------------------------------------------------------------------------------------------------------ */

struct sampler {
    struct rnnfile *file;
    const struct sample_config *config;
    struct rng rng;
    uint32_t begin, end; /* <s>, </s> */
    real *state, *logits;
    struct chooser chooser;
    struct respell spell; /* of models that spell */
};

/* Begins a text. STATUS_DATA: the model is none of a language over ids, or wants features. */
int sampler_make(struct sampler *s, struct rnnfile *file, const struct sample_config *config, struct rng rng,
                 struct err *e);
/* Reads a token that is given. */
void sampler_read(struct sampler *s, uint32_t id);
/* Draws the next token and reads it. */
uint32_t sampler_next(struct sampler *s);
void sampler_free(struct sampler *s);

/* Splits text as near to the tokenizer's way as the vocabulary alone tells (its level and its words: where a level does
 * not settle the cut, the longest word that fits is taken), and gives one id after the other. What fits no word is
 * <unk>. `text` moves on; false at its end. `lower`: the tokenizer made letters small, and so are ASCII ones here. */
bool sample_split(const struct vocab *v, const char **text, uint32_t *id);

#endif
