/* text_pipe: bytes of files through text_clean, text_split and text_item: out come parts of items. */
#ifndef DATA_TEXT_PIPE_H
#define DATA_TEXT_PIPE_H

#include "data/text_clean.h"
#include "data/text_item.h"

/* Zero-initialize; text_pipe_close at the end. `clean` and `item` may be read for what they counted. */
struct text_pipe {
    struct text_clean clean;
    struct text_split *split;
    struct text_item item;
    struct buf sound; /* text between two steps */
    char last;        /* the last byte of the file at hand */
};

/* Sets it up. `strict`: text that is not UTF-8 is refused; `keep_text`: it counts for the length of parts; `window`:
 * TEXT_WINDOW, or less to test with. The pipe must not be moved afterwards. */
int text_pipe_open(struct text_pipe *p, const struct text_options *o, enum text_item_kind kind, bool strict,
                   bool keep_text, size_t window, const struct text_part_receiver *to, struct err *e);
void text_pipe_begin(struct text_pipe *p, const char *label);
int text_pipe_add(struct text_pipe *p, const char *bytes, size_t length, struct err *e);
int text_pipe_end(struct text_pipe *p, struct err *e);
void text_pipe_close(struct text_pipe *p);

#endif
