/* text_rows: parts of items become the columns of batches. What text_tokens.c has put apart, and of no use
 * elsewhere. */
#ifndef DATA_TEXT_ROWS_H
#define DATA_TEXT_ROWS_H

#include "data/text_tokens.h"

extern const char *const text_prefixes[2]; /* of the columns of pairs: "src.", "tgt." */

static inline int text_sides(const struct text_tokens *t)
{
    return t->pairs ? 2 : 1;
}

/* The end of a row in text_part.ends: how many ids come before it, and whether it continues the row before. */
#define TEXT_ROW_CONTINUED 0x80000000u

static inline size_t text_rows(const struct text_part *part)
{
    return part->ends.len / sizeof(uint32_t);
}

/* The ids added so far, those that are looked up and those that are not yet, make a row. */
void text_rows_end(struct text_part *part, bool continued);

/* Is there enough to go on? So that what is done for each row is little, and words are looked up many at a time. */
bool text_rows_full(const struct text_part *part);

/* Takes rows: parts that have as many on each side. */
typedef int text_rows_taker(struct text_tokens *t, const struct text_part parts[2], struct err *e);

/* Adds them to the batch at hand, with their labels or tags, which wait in their spool; writes the batch when it is
 * full. */
text_rows_taker text_rows_add;
/* Writes the batch at hand. */
int text_rows_write(struct text_tokens *t, struct err *e);

/* Hands on the parts at hand, words of t->bpe, in pieces; a row may become several. */
int text_rows_pieces(struct text_tokens *t, text_rows_taker *take, struct err *e);

/* Makes parts empty. */
void text_rows_empty(struct text_tokens *t, struct text_part parts[2]);

#endif
