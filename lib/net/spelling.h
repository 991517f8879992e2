/* spelling: words from their characters, beside (or in place of) a row of a table.
 *
 *     w = [last state forward, last state reverse] of a recurrent net over the characters of the word
 *     (W. Ling et al., "Finding function in form", EMNLP 2015)
 *
 * Each distinct word of a minibatch is read once, words of like length together. */
#ifndef NET_SPELLING_H
#define NET_SPELLING_H

#include "net/rnn.h"

/* The spellings of a corpus: word i is characters[offsets[i]] up to offsets[i + 1], ids of a vocabulary of characters.
 * The empty spelling is legal (a mark, padding): its vector is zeros. */
struct spellings {
    size_t n;
    uint64_t *offsets;    /* [n + 1] */
    uint32_t *characters; /* each below C */
};

struct spelling {
    struct rnn rnn; /* parameters spell.0.input ..., one bidirectional layer, one-hot characters */
    size_t width;   /* of a word: 2 H */
    /* of the present pass, in the arena */
    struct rnn_pass pass;
    size_t n;           /* distinct words */
    uint32_t *position; /* [positions]: which of the distinct words stands there */
    uint32_t *word_of;  /* [distinct]: sorted by length */
    uint32_t *stamp;    /* [spellings.n] scratch, owned, grows */
    size_t room;
};

/* Adds its parameters to `p`. */
void spelling_make(struct spelling *s, const struct cell *cell, size_t characters, size_t hidden, struct params *p);
void spelling_refresh(struct spelling *s, const struct params *p);
void spelling_free(struct spelling *s);

/* x[i * x_row .. + width) = vector of the word words[i], for n positions. */
void spelling_forward(struct spelling *s, const struct params *p, const struct spellings *spellings,
                      const uint32_t *words, size_t n, real *x, size_t x_row, struct arena *arena);
/* Adds the gradients of the parameters from dx, laid out as x. Same arena, not reset in between. */
void spelling_backward(struct spelling *s, struct params *p, const real *dx, size_t dx_row, struct arena *arena);

#endif
