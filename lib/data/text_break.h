/* text_break: words and characters, exactly as ICU has them, at many times the speed of its iterators.
 *
 * ICU's rules (UAX #29 with its tailorings) come compiled, as categories of characters and a table of states, and
 * ubrk_getBinaryRules hands these out. They are run here over UTF-8 as it stands, so that there is no second set of
 * rules that could differ from those of the ICU that is installed. Words in ASCII are found by text_block, where that
 * agrees with the tables on a random text. Runs that ICU divides by dictionary (Chinese, Japanese, Thai, Lao, Khmer,
 * Burmese), and all text where the rules come in a form that is not known here, go through ICU's iterator. */
#ifndef DATA_TEXT_BREAK_H
#define DATA_TEXT_BREAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum text_break_what { TEXT_BREAK_WORDS, TEXT_BREAK_CHARACTERS };

struct text_break;

/* Of words: segments as of UAX #29, white space and punctuation too. Of characters: extended grapheme clusters. */
struct text_break *text_break_open(enum text_break_what what, struct err *e);

/* The fastest way that is taken, and from here on none but the last: what the others are tested against. */
enum text_break_way { TEXT_BREAK_BY_BITS, TEXT_BREAK_BY_TABLE, TEXT_BREAK_BY_ICU };
enum text_break_way text_break_way(const struct text_break *b);
void text_break_by_icu(struct text_break *b);

/* Begins a text: UTF-8 of less than 2 GiB, with TEXT_BLOCK more bytes that can be read behind it, whatever they are. It
 * must stay until the last segment has been asked for. `keep_white`: segments of nothing but white space are not left
 * out. */
int text_break_start(struct text_break *b, const char *text, size_t length, bool keep_white, struct err *e);

struct text_segment {
    uint32_t start, end;
};
/* The next segments, at most `room`. Returns how many, 0 when there are no more, -1. */
long text_break_next(struct text_break *b, struct text_segment *segments, size_t room, struct err *e);

void text_break_close(struct text_break *b);

#endif
