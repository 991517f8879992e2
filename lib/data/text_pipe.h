/* text_pipe: bytes of files become parts of items.
 *
 *   text, pairs   text_clean -> text_split -> text_item
 *   labeled       text_clean -> text_label -> text_split -> text_item
 *   conllu        text_clean -> text_conllu -> text_item, what is not UTF-8 being refused */
#ifndef DATA_TEXT_PIPE_H
#define DATA_TEXT_PIPE_H

#include "data/text_clean.h"
#include "data/text_conllu.h"
#include "data/text_input.h"
#include "data/text_item.h"
#include "data/text_label.h"

/* Zero-initialize; text_pipe_close at the end. `clean` and `item` may be read for what they counted. */
struct text_pipe {
    enum text_input_kind kind;
    struct text_clean clean;
    struct text_label label;
    struct text_conllu conllu;
    struct text_fold *fold;   /* conllu */
    struct text_split *split; /* all others */
    struct text_item item;
    struct buf sound, lines; /* text between two steps */
    char last;               /* the last byte of the file at hand */
};

/* Sets it up. Where `in` says that text is kept, it counts for the length of parts, and the tokens of labeled lines and
 * of treebanks come with what they were before they were folded. `window`: TEXT_WINDOW, or less to test with. The pipe
 * must not be moved afterwards. */
int text_pipe_open(struct text_pipe *p, const struct text_options *o, const struct text_input *in, size_t window,
                   const struct text_part_receiver *to, struct err *e);
void text_pipe_begin(struct text_pipe *p, const char *label);
int text_pipe_add(struct text_pipe *p, const char *bytes, size_t length, struct err *e);
int text_pipe_end(struct text_pipe *p, struct err *e);
/* Words that were cut because they are longer than a window. */
uint64_t text_pipe_cuts(const struct text_pipe *p);
void text_pipe_close(struct text_pipe *p);

#endif
