/* text_level: into what pieces text is split, and pieces put back together as text.
 *
 * The table below is the one place where a level is named. Splitting (text_split.h) takes ICU and therefore lies
 * apart; this half needs nothing, so that whatever shows tokens can use it. */
#ifndef DATA_TEXT_LEVEL_H
#define DATA_TEXT_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "data/vocab.h"

/* X(constant, name, function that splits, function that joins, are line ends and white space tokens?) */
#define TEXT_LEVELS(X)                                                                                                 \
    X(SPACE, "space", split_space, join_spaced, false)                                                                 \
    X(WORD, "word", split_word, join_words, false)                                                                     \
    X(GRAPHEME, "grapheme", split_grapheme, join_plain, true)                                                          \
    X(BYTE, "byte", split_byte, join_bytes, true)                                                                      \
    X(BPE, "bpe", split_bpe, join_bytes, true)

#define TEXT_LEVEL_CONSTANT(constant, name, split, join, white) TEXT_##constant,
enum text_level { TEXT_LEVELS(TEXT_LEVEL_CONSTANT) TEXT_N_LEVELS };

/* For the option table: "space|word|..." (each row brings a bar; the first is skipped). */
#define TEXT_LEVEL_CHOICE(constant, name, split, join, white) "|" name
#define TEXT_LEVEL_CHOICES                                    &(TEXT_LEVELS(TEXT_LEVEL_CHOICE))[1]

extern const bool text_level_white[TEXT_N_LEVELS];

/* The level a vocabulary was made with (`tokenize.level` in its meta); TEXT_SPACE where it does not say. */
enum text_level text_level_of(const struct vocab *v);

/* Joins tokens into text, one at a time, so that text can be shown while it is being generated:
 *
 *     struct text_join join = {.level = text_level_of(&vocab)};
 *     for (...) text_join_add(&join, word, length, &out);
 *
 * space: a single space between tokens. word: spaces as one would type them, by the punctuation beside, and none
 * where a script is written without; for reading, since the spaces that stood there are lost. grapheme, byte, bpe:
 * exactly the text that was tokenized. A line end that is a token is a line end. Begin anew ({.level = ...}) for
 * each item. */
struct text_join {
    enum text_level level;
    uint32_t last; /* last character so far; 0: nothing yet */
    bool quoted;   /* an odd number of straight quotes so far */
};
void text_join_add(struct text_join *join, const char *word, size_t length, struct buf *out);

/* The same for an id: <pad>, <s> and </s> add nothing. */
void text_join_id(struct text_join *join, const struct vocab *v, uint32_t id, struct buf *out);

/* How a byte is spelt as a token: an ASCII one as it is, others as "<0xE6>", so that a vocabulary is always UTF-8.
 * Returns the length. text_byte is the way back: the byte, or -1 when the token is no byte. */
enum { TEXT_BYTE_ROOM = 8 };
size_t text_byte_spell(unsigned char byte, char spelt[TEXT_BYTE_ROOM]);
int text_byte(const char *word, size_t length);

#endif
