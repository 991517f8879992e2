/* text_label: takes the label out of each line `label TAB text` (or `text TAB label`) and leaves a line of text.
 *
 * The first TAB of a line ends the label; behind it a TAB is white space like others. Where the label comes last, the
 * last TAB begins it. A label is taken as it stands, blanks and capitals included; one has 1 to TEXT_LABEL_BYTES bytes.
 * Every line has one, so that labels and lines count alike. */
#ifndef DATA_TEXT_LABEL_H
#define DATA_TEXT_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/text_item.h"

enum { TEXT_LABEL_BYTES = 1024 };

/* Set the first two, zero the rest; text_label_close at the end. */
struct text_label {
    bool last; /* text TAB label */
    struct text_part_receiver to;
    /* private: the file and the line at hand */
    const char *file;
    uint64_t line;
    bool begun;      /* something stands in the line */
    bool tab;        /* its TAB has come */
    struct buf held; /* what is the label, or may be */
};

/* A file begins, which messages call `file` (kept, not copied). */
void text_label_begin(struct text_label *l, const char *file);
/* Takes sound text, cut anywhere; hands labels to the receiver and adds lines of text to `out`: at most `length` bytes
 * and what was held back. What is no such line is STATUS_DATA (file:line). */
int text_label_add(struct text_label *l, const char *text, size_t length, struct buf *out, struct err *e);
/* The file ends; the last line gets its line end. */
int text_label_end(struct text_label *l, struct buf *out, struct err *e);
void text_label_close(struct text_label *l);

#endif
