/* respell: the words a stream brings, as spellings in the characters that a model knows. */
#ifndef NET_RESPELL_H
#define NET_RESPELL_H

#include "net/speller.h"

struct respell {
    const struct vocab *words; /* of the ids; borrowed */
    struct speller speller;
    struct spellings spellings; /* spelling 0 is empty: a mark */
    uint32_t *of_id;            /* [words->n]; VOCAB_NONE until it is asked for */
};

/* Begins with `words` (may be empty, where there are texts alone). What is not among `characters` is <unk>. */
void respell_begin(struct respell *r, const struct vocab *words, const struct vocab *characters);

/* The number of the spelling of a text, or of the word of an id below words->n. */
uint32_t respell_text(struct respell *r, const char *text, size_t length);
uint32_t respell_id(struct respell *r, uint32_t id);

/* Forgets all spellings when they have become too many: numbers given out before are void. */
void respell_trim(struct respell *r);

/* Does nothing to one that is zero. */
void respell_free(struct respell *r);

#endif
