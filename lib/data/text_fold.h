/* text_fold: normalization and small letters, as ICU has them, the same under every locale.
 *
 * ICU is asked once about a character that it leaves alone or makes another, whatever stands beside it, and the answer
 * is kept in a table; words with any other character (a capital sigma, an accent that may join the letter before it) go
 * through ICU each time. */
#ifndef DATA_TEXT_FOLD_H
#define DATA_TEXT_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/text_options.h"

struct text_fold;

struct text_fold *text_fold_open(const struct text_options *o, struct err *e);
/* Adds `text`, folded, to `out`: normalized, then made small, then normalized once more, since small letters need
 * not be normal. The text is UTF-8 and begins and ends where characters do not join. */
int text_fold(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e);
/* The same, and for each byte added a uint32_t of `origins`, which leads from tokens back to the text as it was
 * written: what became the bytes a to b is text[origins[a] .. origins[b]), where `base` is added to all origins and one
 * that is not there yet stands for the end. Letters that became one, or several, belong to the token in which they
 * begin. */
int text_fold_traced(struct text_fold *f, const char *text, size_t length, struct buf *out, struct buf *origins,
                     uint32_t base, struct err *e);
/* From here on all text goes through ICU: what the tables are tested against. */
void text_fold_by_icu(struct text_fold *f);
void text_fold_close(struct text_fold *f);

#endif
