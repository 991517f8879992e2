/* series: tables of numbers as columns of a stream.
 *
 * A row of fields is a step of an item: the stream gets NAME.offsets u64[N+1], NAME f32[rows,D], continued bool[N] and,
 * where fields are chosen as targets, target f32[rows,K] over NAME. An item of more than STREAM_MAX_ITEM_TOKENS rows
 * goes on in parts. Or each row is an item: NAME f32[N,D] and target f32[N,K] alone. */
#ifndef DATA_SERIES_H
#define DATA_SERIES_H

#include "data/format.h"

struct series {
    bool *wanted; /* [fields]: does the field go into a column? */
    size_t fields;
    /* private */
    struct sink *sink;
    const char *name;
    bool by_row;         /* each row is an item */
    struct meta meta;    /* of the column */
    struct series_part { /* a column: which fields, and its rows so far */
        size_t *field, n;
        struct buf rows;
    } vec, target;
    struct buf starts,
        continued;        /* of each item of the batch: its first row, u64; does it go on with the one before? */
    uint64_t rows, items; /* in the batch */
};

/* Chooses the fields: want->columns and want->target_columns are lists of names, numbers from 1 and ranges of them;
 * without want->columns all are taken that are neither targets nor `item`, the field (fields: none) that tells items
 * apart. `names` are the fields' names or NULL. A field that is not there is STATUS_DATA. Zero-initialize; the sink
 * stays the caller's. */
int series_begin(struct series *s, const struct format_want *want, const char *const *names, size_t fields, size_t item,
                 struct sink *k, struct err *e);

/* The field that a name or number means: 1; 0: it is a name and no field is called so; -1: STATUS_DATA. */
int series_field(const char *word, const char *const *names, size_t fields, size_t *field, struct err *e);

/* Begins an item (not where rows are items); adds a row [fields] of finite numbers, of which the wanted ones are looked
 * at. */
int series_item(struct series *s, struct err *e);
int series_row(struct series *s, const float *row, struct err *e);

/* Writes what is left. */
int series_end(struct series *s, struct err *e);
void series_free(struct series *s);

#endif
