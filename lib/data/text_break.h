/* text_break: where words and characters end, exactly as ICU has it, at many times the speed of its iterators.
 *
 * ICU's rules (UAX #29 with its tailorings) come compiled, as categories of characters and a table of states, and
 * ubrk_getBinaryRules hands these out. They are run here over UTF-8 as it stands, ASCII through a table of its own and
 * letters sixteen at a time. So there is no second set of rules that could differ from those of the ICU that is installed.
 * Runs that ICU divides by dictionary (Chinese, Japanese, Thai, Lao, Khmer, Burmese), and all text where the rules come
 * in a form that is not known here, go through ICU's iterator. */
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

/* From here on ICU's iterator looks at all text: what the tables are tested against. Returns whether there are tables
 * at all. */
bool text_break_by_icu(struct text_break *b);

/* Begins a text: UTF-8 of less than 2 GiB, with ASCII_BEHIND more bytes that can be read behind it, whatever they are. It
 * must stay until the last boundary has been asked for. */
int text_break_start(struct text_break *b, const char *text, size_t length, struct err *e);
/* The next boundaries, at most `room`: where a segment ends and the next begins, the last of them the end of the text.
 * Returns how many, 0 when there are no more, -1. */
long text_break_next(struct text_break *b, uint32_t *ends, size_t room, struct err *e);

void text_break_close(struct text_break *b);

#endif
