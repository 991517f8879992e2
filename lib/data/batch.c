/* Batches and segments in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/stream.h"

static struct tensor *find(struct tensor *tensors, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    return NULL;
}

/* "a, b, c": what there is, for messages; shortened when it is long. */
static void list_names(const struct tensor *tensors, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n && out->len < 300; i++)
        buf_printf(out, "%s%.60s", i ? ", " : "", tensors[i].name);
    if (out->len >= 300)
        buf_text(out, ", ...");
}

struct tensor *batch_find(const struct batch *batch, const char *name)
{
    return find(batch->columns, batch->n_columns, name);
}

struct tensor *batch_need(const struct batch *batch, const char *name, enum dtype dtype, int rank, struct err *e)
{
    struct tensor *t = batch_find(batch, name);
    if (!t) {
        struct buf names = {0};
        list_names(batch->columns, batch->n_columns, &names);
        err_fail(e, STATUS_DATA, "the input has no column '%s' (it has %s)", name, buf_string(&names));
        buf_free(&names);
        return NULL;
    }
    return tensor_expect(t, dtype, rank, e) < 0 ? NULL : t;
}

const uint64_t *batch_offsets(const struct batch *batch, const char *name, struct err *e)
{
    char key[TENSOR_MAX_NAME + 16];
    const struct tensor *t = batch_find(batch, name);
    const char *over = t ? meta_get(&t->meta, "over") : NULL;
    snprintf(key, sizeof key, "%s.offsets", over ? over : name);
    const struct tensor *offsets = batch_need(batch, key, DTYPE_U64, 1, e);
    if (offsets && offsets->dims[0] != batch->n + 1) { /* they run over something else, as tok.text.offsets may */
        err_fail(e, STATUS_DATA, "column '%s' is not divided among the items: '%s' has %llu rows for %llu of them",
                 name, key, (unsigned long long)offsets->dims[0], (unsigned long long)batch->n);
        return NULL;
    }
    return offsets ? offsets->data : NULL;
}

int batch_add(struct batch *batch, struct tensor column, struct err *e)
{
    if (batch_find(batch, column.name)) {
        err_fail(e, STATUS_DATA, "the input has a column '%s' already (drop it first: tns drop '%s')", column.name,
                 column.name);
        tensor_free(&column);
        return -1;
    }
    batch->columns = mem_grow(batch->columns, batch->n_columns + 1, sizeof *batch->columns);
    batch->columns[batch->n_columns++] = column;
    return 0;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_columns; i++)
        tensor_free(&batch->columns[i]);
    free(batch->columns);
    *batch = (struct batch){0};
}

const char *segment_profile(const struct segment *segment)
{
    const char *profile = meta_get(&segment->head, "profile");
    return profile ? profile : "";
}

struct tensor *segment_find(const struct segment *segment, const char *name)
{
    return find(segment->tensors, segment->n, name);
}

struct tensor *segment_need(const struct segment *segment, const char *name, struct err *e)
{
    struct tensor *t = segment_find(segment, name);
    if (!t) {
        struct buf names = {0};
        list_names(segment->tensors, segment->n, &names);
        err_fail(e, STATUS_DATA, "there is no tensor '%s' (there is %s)", name,
                 segment->n ? buf_string(&names) : "none");
        buf_free(&names);
    }
    return t;
}

void segment_free(struct segment *segment)
{
    meta_free(&segment->head);
    for (size_t i = 0; i < segment->n; i++)
        tensor_free(&segment->tensors[i]);
    free(segment->tensors);
    *segment = (struct segment){0};
}
