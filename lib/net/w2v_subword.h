/* w2v_subword: word vectors that are means of parts (subword.h), learned.
 *
 * The vector of a word, row `in` of the model, is the mean of the word's own row and its n-grams' rows. What moves the
 * vector moves each of them whole, as in the released fastText: n times what the mean's own derivative would be, n
 * being their number.
 *
 * Neighbouring steps take the same words again and again. So a word is opened when a step first takes it, its parts'
 * mean becoming its vector, and closed W2V_OPEN_STEPS steps later: then what it was moved by in between goes to the
 * parts. Words that are open at once and share n-grams do not see each other's moves for so long. */
#ifndef NET_W2V_SUBWORD_H
#define NET_W2V_SUBWORD_H

#include "base/err.h"
#include "base/rng.h"
#include "data/vocab.h"
#include "net/w2v.h"

enum { W2V_OPEN_STEPS = 16 };

/* Gives a model own rows of words, zeros, and rows of n-grams, those of all words but the special ones, in the order in
 * which words and the n-grams in them stand: a vocabulary that goes on behind another has the other's rows first. Those
 * of n-grams are uniform in +-1/D, by seed and bucket. STATUS_MISUSED when there are more than can be. */
int w2v_subwords_make(struct w2v *w, const struct subword_rule *rule, const struct vocab *vocab, struct rng seed,
                      struct err *e);
void w2v_subwords_free(struct w2v *w);

/* Sets the vectors of all words from their parts, where the model has such. No word may be open. */
void w2v_subwords_compose(struct w2v *w);

/* The parts of a word that is to be opened soon are fetched into the cache. */
void w2v_subwords_fetch(const struct w2v *w, uint32_t id);

/* The words that one learner has open. */
struct w2v_composer {
    const struct w2v *w;
    /* private */
    struct w2v_opened {
        uint32_t id;
        uint64_t step; /* that took it first */
        real *was;     /* [stride] its vector then; owned */
    } * queue;         /* a ring of `room`, from the one opened first */
    size_t first, n, room;
    uint64_t step;
    bool *open;   /* [V] */
    real **parts; /* [longest list + 1] of one word */
};

void w2v_composer_open(struct w2v_composer *c, const struct w2v *w);
void w2v_composer_close(struct w2v_composer *c);

/* The next step takes these words: closes those that have been open long enough, opens those that are not. */
void w2v_composer_step(struct w2v_composer *c, const uint32_t *ids, size_t n);
/* Closes all. */
void w2v_composer_settle(struct w2v_composer *c);

#endif
