/* text_split: sound text into tokens, by level, in constant memory.
 *
 * Text is gathered in a window and cut where tokens surely end: before white space, else between characters as one
 * sees them (grapheme clusters), never inside one. The cuts depend on the text alone, not on how it arrives. What a
 * token is:
 *
 *   space      a run of anything but white space (Unicode White_Space)
 *   word       a segment of UAX #29: a word, a number, a punctuation mark; words of Chinese, Japanese, Thai, Lao,
 *              Khmer and Burmese by ICU's dictionaries; white space is dropped
 *   grapheme   an extended grapheme cluster, white space included
 *   byte       a byte of the UTF-8, spelt by text_byte_spell
 *   bpe        a segment of UAX #29 as at level word, white space included: what text_tokens divides further
 *
 * A line end is not a token here but a mark; what it means, the receiver knows. */
#ifndef DATA_TEXT_SPLIT_H
#define DATA_TEXT_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/text_options.h"

enum { TEXT_WINDOW = 1 << 16 }; /* bytes; a word that is longer may be cut */

/* A token, and what it was in the text. */
struct text_word {
    const char *word; /* normalized, made small, as the options say */
    size_t length;
    const char *written; /* as it was read, when that was asked for; else the same as `word` */
    size_t written_length;
    const char *tag; /* of a treebank; NULL where there is none */
    size_t tag_length;
};

/* Who receives the tokens, some at a time, and the marks between them. Either function returns -1 with *e set to have
 * the whole stopped. */
struct text_receiver {
    void *context;
    int (*tokens)(void *context, const struct text_word *words, size_t n, struct err *e);
    int (*mark)(void *context, char mark, struct err *e); /* '\n', and '\t' when tabs are asked for */
};

struct text_split;

/* `tabs`: a TAB is a mark at every level. `written`: tokens come with what they were before they were folded; letters
 * that became several tokens stand at the first of these, bytes are what they are. `window`: TEXT_WINDOW, or less to
 * test with (at least 64). */
struct text_split *text_split_open(const struct text_options *o, bool tabs, bool written, size_t window,
                                   const struct text_receiver *to, struct err *e);
/* Takes UTF-8, cut anywhere. */
int text_split_add(struct text_split *s, const char *text, size_t length, struct err *e);
/* The text ends here: hands out what was held back. More text may follow, as another text. */
int text_split_end(struct text_split *s, struct err *e);
/* Words that were cut because they are longer than a window. */
uint64_t text_split_cuts(const struct text_split *s);
/* From here on ICU finds and folds everything by itself: what the fast ways are tested against. */
void text_split_by_icu(struct text_split *s);
void text_split_close(struct text_split *s);

/* Is it nothing but punctuation and symbols (general categories P and S)? */
bool text_is_punctuation(const char *word, size_t length);

#endif
