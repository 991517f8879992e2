/* opt: options as tables.
 *
 * Each module owns a configuration struct and a table of rows that says how its fields are set. A tool lists the tables
 * it takes; from them come parsing (getopt_long: -x v, --name v, --name=v, --no-name), --help, the OPTIONS of its
 * manual page, shell completion, and the key=value lines kept in models and histories. Adding an option is adding a
 * row. */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum opt_kind {
    OPT_SWITCH, /* bool: --name sets it, --no-name clears it */
    OPT_INT,    /* int64_t within low .. high; 10, 1e6 and 64k, 2M are understood */
    OPT_REAL,   /* double within low .. high */
    OPT_TEXT,   /* const char *: points into argv, NULL without default */
    OPT_CHOICE, /* int: index of the word in `choices` */
    OPT_LIST,   /* struct opt_list: may be given several times */
};

enum opt_flag {
    OPT_RECORD = 1,   /* kept in models and histories: changes the result */
    OPT_FILE = 2,     /* names a file: completion offers files; several values where `value` ends in "..." */
    OPT_LOW_OPEN = 4, /* `low` itself is not allowed (a learning rate above 0) */
};

struct opt_list {
    const char **items;
    size_t n;
};

struct opt {
    const char *name; /* long name without dashes; NULL ends a table */
    char letter;      /* short name or 0 */
    enum opt_kind kind;
    size_t at;            /* offsetof the field in the module's configuration */
    unsigned flags;       /* of enum opt_flag */
    const char *value;    /* what help calls the value: "N", "FILE"; NULL for switches and choices */
    const char *fallback; /* the default as a user would type it; NULL: field stays zero */
    double low, high;     /* OPT_INT, OPT_REAL */
    const char *choices;  /* OPT_CHOICE: "tanh|relu|sigmoid" */
    const char *help;     /* one sentence without a full stop */
};

/* One module's rows and the configuration they fill. A list of groups ends with a NULL title. */
struct opt_group {
    const char *title;
    const struct opt *rows;
    void *config;
    uint64_t given; /* bit r: row r stood on the command line (at most 64 rows a table) */
};

/* Fills every field with its default, then reads the command line. On success the operands stand in argv[*first ..].
 * A bad option is STATUS_MISUSED and says what was meant, as far as that can be guessed. */
int opt_parse(struct opt_group *groups, int argc, char **argv, int *first, struct err *e);

/* Sets one option from its recorded text, as a model holds it. Unknown names and bad values are errors. */
int opt_set(struct opt_group *groups, const char *name, const char *text, struct err *e);

/* Did the option stand on the command line? The name must exist. */
bool opt_given(const struct opt_group *groups, const char *name);

/* Adds the present value as text ("128", "tanh", "yes"); false for an unset one. */
bool opt_value(const struct opt *row, const void *config, struct buf *text);

/* Calls row(context, name, value) for every recorded option that has a value. */
void opt_recorded(const struct opt_group *groups, void (*row)(void *context, const char *name, const char *value),
                  void *context);

/* The help text; the same as roff for a manual page's OPTIONS; a completion script, where `verbs` ("ls|text", or NULL)
 * may stand first. */
void opt_help(const struct opt_group *groups, struct buf *out);
void opt_roff(const struct opt_group *groups, struct buf *out);
void opt_completion(const struct opt_group *groups, const char *tool, const char *verbs, bool zsh, struct buf *out);

/* One row of the help text: what is typed, and what it means. */
void opt_help_row(const char *left, const char *right, struct buf *out);

/* Frees what lists hold. */
void opt_free(struct opt_group *groups);

/* Numbers from text, whole and in range, or false. Used for options and wherever else text holds numbers. */
bool opt_int(const char *text, int64_t low, int64_t high, int64_t *value);
bool opt_real(const char *text, double *value);

/* Index of `word` among `words` (joined by '|'), or -1. */
int opt_choice(const char *words, const char *word);

/* The word of `words` (joined by '|') nearest to `word` within two edits, copied to `near`; false when none is. */
bool opt_nearest(const char *word, const char *words, char *near, size_t room);

#endif
