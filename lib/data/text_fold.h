/* text_fold: normalization and small letters, by ICU, the same under every locale. */
#ifndef DATA_TEXT_FOLD_H
#define DATA_TEXT_FOLD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/text_options.h"

struct text_fold;

struct text_fold *text_fold_open(const struct text_options *o, struct err *e);
/* Adds `text`, folded, to `out`: normalized, then made small, then normalized once more, since small letters need
 * not be normal. The text is UTF-8 and begins and ends where characters do not join. */
int text_fold(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e);
void text_fold_close(struct text_fold *f);

#endif
