/* schema: what the batches of a segment must look like, checked column by column (stream(5), "Items, batches,
 * columns"). */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include <stdbool.h>

#include "data/tensor.h"

struct schema {
    struct schema_column {
        char *name;
        struct buf kind; /* dtype, trailing dimensions, meta: the same in every batch */
        bool offsets;
        struct buf offset; /* offsets columns: this batch's, u64[rows + 1] */
        uint64_t last;     /* the last of them */
    } * columns;
    size_t n_columns, room;
    size_t at;  /* the next column's place */
    uint64_t n; /* items of this batch */
    bool known; /* the first batch has been read: no further columns */
};

void schema_begin(struct schema *c);
/* Checks the next column of a batch; `last` says that it is the batch's last. */
int schema_column(struct schema *c, const struct tensor *t, bool last, struct err *e);
void schema_free(struct schema *c);

#endif
