#include "data/slice.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct range {
    uint64_t low, high;
};

bool is_offsets(const char *name)
{
    size_t n = strlen(name), m = strlen(".offsets");
    return n > m && !strcmp(name + n - m, ".offsets");
}

uint64_t batch_items(const struct batch *b)
{
    if (!b->n_columns || !b->columns[0].rank)
        return 0;
    uint64_t rows = b->columns[0].dims[0];
    return is_offsets(b->columns[0].name) ? rows - (rows > 0) : rows;
}

/* The rows that the column's offsets give to its kept units; `units` where it has no offsets. */
static struct range rows_over(const struct batch *b, const struct range *rows, size_t at, const char *name,
                              struct range units)
{
    char key[TENSOR_MAX_NAME + 16];
    snprintf(key, sizeof key, "%s.offsets", name);
    for (size_t i = 0; i < at; i++)
        if (!strcmp(b->columns[i].name, key))
            return rows[i];
    return units;
}

/* Offsets of units.low .. units.high, counted from the first of them. */
static struct tensor cut_offsets(const struct tensor *t, struct range units)
{
    uint64_t dim = units.high - units.low + 1, *to;
    const uint64_t *from = (const uint64_t *)t->data + units.low;
    struct tensor cut = tensor_make(t->name, t->dtype, 1, &dim);
    to = cut.data;
    for (uint64_t i = 0; i < dim; i++)
        to[i] = from[i] - from[0];
    return cut;
}

static struct tensor cut_rows(const struct tensor *t, struct range rows)
{
    uint64_t dims[TENSOR_MAX_RANK];
    memcpy(dims, t->dims, sizeof dims);
    dims[0] = rows.high - rows.low;
    size_t row = tensor_row(t) * dtype_size(t->dtype);
    return tensor_view(t->name, t->dtype, t->rank, dims, (const char *)t->data + rows.low * row);
}

void batch_slice(const struct batch *b, uint64_t low, uint64_t high, struct batch *part)
{
    const struct range items = {low, high};
    struct range *rows = mem_get(b->n_columns, sizeof *rows); /* of offsets columns: what the kept units own */
    batch_free(part);
    assert(low < high && high <= b->n);
    part->n = high - low;
    part->row0 = b->row0 + low;
    part->n_columns = b->n_columns;
    part->columns = mem_get(b->n_columns, sizeof *part->columns);
    for (size_t i = 0; i < b->n_columns; i++) {
        const struct tensor *t = &b->columns[i];
        const char *over = meta_get(&t->meta, "over");
        struct range units = over ? rows_over(b, rows, i, over, items) : items;
        if (is_offsets(t->name)) {
            const uint64_t *offsets = t->data;
            rows[i] = (struct range){offsets[units.low], offsets[units.high]};
            part->columns[i] = cut_offsets(t, units);
        } else {
            part->columns[i] = cut_rows(t, over ? units : rows_over(b, rows, i, t->name, units));
        }
        meta_copy(&part->columns[i].meta, &t->meta);
    }
    free(rows);
}
