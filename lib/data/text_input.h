/* text_input: the options that say what files hold and what becomes an item. */
#ifndef DATA_TEXT_INPUT_H
#define DATA_TEXT_INPUT_H

#include <stdbool.h>

#include "base/opt.h"
#include "data/text_item.h"
#include "data/text_options.h"

/* X(constant, name, what a line is, or NULL where --item says what items are) */
#define TEXT_INPUTS(X)                                                                                                 \
    X(PLAIN, "text", NULL)                                                                                             \
    X(PAIRS, "pairs", "each line is an item")                                                                          \
    X(LABELED, "labeled", "each line is an item")                                                                      \
    X(CONLLU, "conllu", "each sentence is an item")

#define TEXT_INPUT_CONSTANT(constant, name, items) TEXT_INPUT_##constant,
enum text_input_kind { TEXT_INPUTS(TEXT_INPUT_CONSTANT) TEXT_N_INPUTS };

struct text_input {
    int kind;        /* of enum text_input_kind */
    int item;        /* of enum text_item_kind; plain text */
    bool label_last; /* labeled lines: text TAB label */
    int tags;        /* treebanks: which column holds the tag; see text_input_column */
    bool keep_text;  /* tokens come with their text */
    bool strict;     /* text that is not UTF-8 is refused */
};
extern const struct opt text_input_rows[];

/* Refuses what does not go together (STATUS_MISUSED); `groups` holds text_input_rows and text_option_rows as parsed. Of
 * a treebank the level is set: forms are tokens, as between white space. */
int text_input_check(struct opt_group *groups, const struct text_input *in, struct text_options *how, struct err *e);

/* The same for a level that came from a vocabulary. */
int text_input_check_level(const struct text_input *in, const struct text_options *how, struct err *e);

/* A vocabulary of tags says which they are (`tags=xpos` in its meta): takes --tags from there, or refuses another one
 * that was given; a meta that does not say it gets it. Other inputs: nothing. */
int text_input_tags(struct opt_group *groups, const struct text_input *in, struct meta *meta, struct err *e);

/* The number of the column that --tags names, from 1. */
int text_input_column(const struct text_input *in);

#endif
