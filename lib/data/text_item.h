/* text_item: tokens and marks into items, and items into parts.
 *
 * A part is what becomes one row of a stream: an item, or a piece of one that is longer than TEXT_PART tokens (or
 * whose kept text is longer than TEXT_PART_BYTES), the pieces behind the first being marked as continued. What items
 * are:
 *
 *   line        each line, empty ones too, so that items count as lines do
 *   paragraph   lines up to an empty one (white space alone is empty where white space is no token); never empty
 *   file        a file, with its line ends as tokens; a file without a single byte is none
 *   pair        a line `source TAB target`: an item with two sides
 *
 * Where white space is no token (text_level_white), line ends inside a paragraph are none either. */
#ifndef DATA_TEXT_ITEM_H
#define DATA_TEXT_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/stream.h"
#include "data/text_split.h"

enum text_item_kind { TEXT_LINE, TEXT_PARAGRAPH, TEXT_FILE, TEXT_PAIR };

enum { TEXT_PART = STREAM_MAX_ITEM_TOKENS, TEXT_PART_BYTES = STREAM_BATCH_BYTES };

/* Who receives the parts: the tokens of a part, some at a time, then its end. side: 0; 1 for the target of a pair. Of
 * labeled lines also the labels, in the order of the items, each before or behind the tokens of its item; else `label`
 * may be NULL. */
struct text_part_receiver {
    void *context;
    int (*tokens)(void *context, int side, const struct text_word *words, size_t n, struct err *e);
    int (*part)(void *context, bool continued, struct err *e);
    int (*label)(void *context, const char *label, size_t length, struct err *e);
};

/* Set the first five, zero the rest. It takes no memory. */
struct text_item {
    enum text_item_kind kind;
    bool white;      /* white space is a token: text_level_white */
    bool drop_punct; /* tokens of nothing but punctuation are left out */
    bool keep_text;  /* the text of tokens counts for the length of a part */
    struct text_part_receiver to;
    /* private */
    const char *label;
    uint64_t line; /* of the file at hand, from 1 */
    int side;
    bool open;      /* an item has begun */
    bool continued; /* the part at hand continues the one before */
    bool full_line; /* something stands in the line at hand */
    bool line_end;  /* paragraph: a line end waits for the next line */
    size_t tokens[2], bytes;
};

/* A file begins, which messages call `label` (kept, not copied). */
void text_item_begin(struct text_item *t, const char *label);
/* For a text_receiver whose context is a struct text_item. */
int text_item_tokens(void *item, const struct text_word *words, size_t n, struct err *e);
int text_item_mark(void *item, char mark, struct err *e);
/* The file ends; `last` is its last byte, 0 when it has none. */
int text_item_end(struct text_item *t, char last, struct err *e);

#endif
