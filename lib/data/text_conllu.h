/* text_conllu: sentences of a treebank in CoNLL-U (universaldependencies.org/format.html) into tokens with tags.
 *
 * A line is a comment (#...), a word of ten columns divided by TABs, or empty, which ends a sentence. Words are
 * numbered 1, 2, 3, ... in each sentence; ranges (1-2, as it is written) and empty nodes (1.1) are checked for their
 * form and left out: the tokens are the syntactic words. A token is a FORM (column 2), blanks in it included; its tag
 * is what stands in one other column. A sentence is an item; one without words is none. */
#ifndef DATA_TEXT_CONLLU_H
#define DATA_TEXT_CONLLU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/text_fold.h"
#include "data/text_item.h"

enum { TEXT_CONLLU_LINE = 1 << 20 }; /* bytes; a longer line is refused, unless it is a comment */

/* Set the first three, zero the rest; text_conllu_close at the end. */
struct text_conllu {
    int column;             /* of the tag, from 1 */
    struct text_fold *fold; /* borrowed */
    struct text_item *item; /* of lines; borrowed */
    /* private */
    const char *file;
    uint64_t line;
    uint64_t words;  /* of the sentence at hand */
    bool comment;    /* the line at hand is one */
    struct buf row;  /* the line at hand, as far as it has come */
    struct buf word; /* folded */
};

/* A file begins, which messages call `file` (kept, not copied). */
void text_conllu_begin(struct text_conllu *c, const char *file);
/* Takes sound text, cut anywhere. What is not CoNLL-U is STATUS_DATA (file:line). */
int text_conllu_add(struct text_conllu *c, const char *text, size_t length, struct err *e);
/* The file ends: so do its last line and sentence. */
int text_conllu_end(struct text_conllu *c, struct err *e);
void text_conllu_close(struct text_conllu *c);

#endif
