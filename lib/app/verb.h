/* verb: tools whose first operand says what to do, by one table. */
#ifndef APP_VERB_H
#define APP_VERB_H

#include "base/buf.h"
#include "base/err.h"

struct verb {
    const char *name;
    const char *usage; /* of its options and operands: "[-n N] [FILE]" */
    const char *help;  /* what it does, without a full stop */
    int low, high;     /* how many operands behind it; high < 0: any number */
    unsigned groups;   /* bit g: it takes the options of the tool's group g */
    int (*run)(char **operands, int n, struct err *e);
};

/* Finds the tool's verb that cli.operands[0] names, checks that it takes the options and operands that were given, and
 * runs it. Of the tool's groups of options the first n_groups belong to verbs, the others to all. */
int verb_run(unsigned n_groups, struct err *e);

/* "ls|text|head"; lasts until the next call. */
const char *verb_names(const struct verb *verbs);

/* A line for each, as --help shows them. */
void verb_help(const struct verb *verbs, struct buf *out);

#endif
