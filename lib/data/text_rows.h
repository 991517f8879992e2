/* text_rows: parts of items become the columns of batches. What text_tokens.c has put apart, and of no use elsewhere. */
#ifndef DATA_TEXT_ROWS_H
#define DATA_TEXT_ROWS_H

#include "data/text_tokens.h"

extern const char *const text_prefixes[2]; /* of the columns of pairs: "src.", "tgt." */

static inline int text_sides(const struct text_tokens *t)
{
    return t->pairs ? 2 : 1;
}

/* Takes a row: a part of each side. */
typedef int text_row_taker(struct text_tokens *t, const struct text_part parts[2], bool continued, struct err *e);

/* Adds it to the batch at hand, with its label or tags, which wait in their spool; writes the batch when it is full. */
text_row_taker text_rows_add;
/* Writes the batch at hand. */
int text_rows_write(struct text_tokens *t, struct err *e);

/* Hands on the part at hand, words of t->bpe, in pieces: as one row or several. */
int text_rows_pieces(struct text_tokens *t, bool continued, text_row_taker *take, struct err *e);

/* Makes parts empty. */
void text_rows_empty(struct text_tokens *t, struct text_part parts[2]);

#endif
