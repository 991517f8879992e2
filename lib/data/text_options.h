/* text_options: the options that say how text becomes tokens.
 *
 * They belong to a vocabulary as much as its words do: they are kept in its meta (`tokenize.level=word` ...), go
 * with it into streams and models, and are taken from there when text is to be split as the training text was. */
#ifndef DATA_TEXT_OPTIONS_H
#define DATA_TEXT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "data/meta.h"

enum text_normal { TEXT_AS_IS, TEXT_NFC, TEXT_NFKC };
enum text_punct { TEXT_KEEP, TEXT_DROP };

struct text_options {
    int level; /* of enum text_level */
    bool lower;
    int normalize;  /* of enum text_normal */
    int punct;      /* of enum text_punct */
    int64_t merges; /* level bpe: how many to learn */
};
extern const struct opt text_option_rows[];

/* Refuses what does not go together (STATUS_MISUSED). */
int text_options_check(const struct text_options *o, struct err *e);

/* Refuses --merges, if it was given, where the level is none that has merges. `groups` as below. */
int text_options_check_merges(struct opt_group *groups, const struct text_options *o, struct err *e);

/* Keeps the options in a vocabulary's meta; the number of merges at level bpe alone. */
void text_options_keep(const struct text_options *o, struct meta *meta);

/* Sets the options as a vocabulary's meta has them. `groups` holds text_option_rows as parsed: an option that was
 * given and differs is STATUS_MISUSED and names both, one that is not known here is STATUS_DATA. A meta that says
 * nothing (the vocabulary came from elsewhere) changes nothing. */
int text_options_restore(struct opt_group *groups, const struct meta *meta, struct err *e);

#endif
