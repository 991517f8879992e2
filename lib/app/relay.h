/* relay: the frame of a filter that reads a stream, adds to it and passes it on, segment by segment. */
#ifndef APP_RELAY_H
#define APP_RELAY_H

#include "data/stream.h"

struct relay {
    const char *wants; /* the profiles of inputs that it takes: "tokens or vectors" */
    /* The output's profile for an input's. NULL: the same. */
    const char *(*profile)(const char *input);
    /* After HEAD and TENSORs were read and before they are written: may add TENSORs to the segment. May be NULL. */
    int (*begin)(void *context, struct segment *segment, struct err *e);
    /* How many of a batch's items, from item `low` on, become one batch of the output (at least 1): for a tool whose
     * columns are far larger than those it reads. NULL: all. */
    uint64_t (*items)(void *context, const struct batch *batch, uint64_t low);
    /* Each batch before it is written: adds columns, may set batch->n to 0 to drop it. */
    int (*batch)(void *context, struct batch *batch, struct err *e);
    /* After the END of the input was read. May be NULL. */
    int (*end)(void *context, struct sink *sink, struct err *e);
    /* Digests of further inputs (models), space-separated, for `parent`; NULL: none. */
    const char *parents;
};

/* Reads `path` (NULL: standard input) to its end. The tool's output is opened by it. */
int relay_run(const struct relay *r, const char *path, void *context, struct err *e);

#endif
