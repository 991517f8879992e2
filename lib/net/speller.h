/* speller: texts of words to their spellings, each distinct one kept once.
 *
 * A spelling is the code points of a word, as ids of a vocabulary of characters: <pad> <unk> <s> </s>, then code points
 * in the order in which they first came. Only the first SPELLER_LONGEST of a word count. A byte that is no UTF-8 is
 * <unk>. */
#ifndef NET_SPELLER_H
#define NET_SPELLER_H

#include "data/vocab.h"
#include "net/spelling.h"

enum { SPELLER_LONGEST = 64 }; /* characters of a word */

struct speller {
    struct spellings *spellings;
    struct vocab *characters;  /* grows with what comes; NULL: the known ones are all */
    const struct vocab *known; /* what is not among them is <unk>; NULL: none */
    struct vocab texts;        /* of spelling i, cut to length: word i */
    size_t room, character_room;
};

/* Begins with the empty spelling, number 0, in `spellings`, which must be zero. Either `characters` is given, empty or
 * as it was before, or `known`. */
void speller_begin(struct speller *s, struct spellings *spellings, struct vocab *characters, const struct vocab *known);

/* The number of the spelling of a text. */
uint32_t speller_word(struct speller *s, const char *text, size_t length);

/* The text of a word of a vocabulary as it is spelt: none, of length 0, where it is <pad>, <unk>, <s> or </s>. */
const char *speller_text(const struct vocab *vocab, uint32_t id, size_t *length);

/* Leaves the spellings, which spellings_free frees. */
void speller_free(struct speller *s);
void spellings_free(struct spellings *s);

#endif
