/* spelling: words from their characters, beside (or in place of) a row of a table.
 *
 *     w = [last state forward, last state reverse] of a recurrent net over the characters of the word
 *     (W. Ling et al., "Finding function in form", EMNLP 2015)
 *
 * Each distinct word of a minibatch is read once, words of like length together in one pass of the net, so that the
 * cost is near the sum of the lengths of distinct words. A word's vector does not depend on the words beside it, nor
 * any bytes on the number of threads. Once the largest pass has run nothing is allocated. */
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
    uint32_t *seen; /* [room] scratch, owned, grows to spellings.n: zeros between passes */
    size_t room;
    /* of the present pass, in the arena */
    size_t positions, distinct;
    uint32_t *word_of; /* [distinct]: the words that are read, by length; the empty one is not among them */
    uint32_t *at;      /* [positions]: which of them stands there, or SPELLING_EMPTY */
    struct spelling_group {
        size_t first;         /* pass.rows words of word_of from here on */
        struct rnn_pass pass; /* over them, all long */
    } * group;
    size_t groups;
};
#define SPELLING_EMPTY UINT32_MAX

/* Adds its parameters to `p`. `hidden` (H) units in each direction. */
void spelling_make(struct spelling *s, const struct cell *cell, size_t characters, size_t hidden, struct params *p);
void spelling_refresh(struct spelling *s, const struct params *p);
void spelling_free(struct spelling *s);

/* x[i * x_row .. + width) = vector of the word words[i], for n positions. */
void spelling_forward(struct spelling *s, const struct params *p, const struct spellings *spellings,
                      const uint32_t *words, size_t n, real *x, size_t x_row, struct arena *arena);
/* Adds the gradients of the parameters from dx, laid out as x. Same arena, not reset in between. */
void spelling_backward(struct spelling *s, struct params *p, const real *dx, size_t dx_row, struct arena *arena);

#endif
