#include "data/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/frame.h"

void schema_begin(struct schema *c)
{
    c->at = 0;
    c->n = 0;
}

/* What must not change from batch to batch. */
static void kind_of(const struct tensor *t, struct buf *out)
{
    buf_printf(out, "%s", dtype_name(t->dtype));
    for (unsigned i = 1; i < t->rank; i++)
        buf_printf(out, ",%" PRIu64, t->dims[i]);
    buf_char(out, '\n');
    meta_encode(&t->meta, out);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && !strcmp(text + n - m, end);
}

/* The offsets column of `name` among those of this batch: "<name>.offsets". */
static const struct schema_column *offsets_of(const struct schema *c, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < c->at; i++)
        if (c->columns[i].offsets && !strncmp(c->columns[i].name, name, n) &&
            !strcmp(c->columns[i].name + n, ".offsets"))
            return &c->columns[i];
    return NULL;
}

static int check_offsets(struct schema_column *column, const struct tensor *t, struct err *e)
{
    const uint64_t *offset = t->data;
    if (t->dtype != DTYPE_U64 || t->rank != 1 || !t->dims[0])
        return err_fail(e, STATUS_DATA, "offsets are u64 of rank 1 with at least one element");
    if (offset[0])
        return err_fail(e, STATUS_DATA, "offsets do not begin with 0");
    for (uint64_t i = 1; i < t->dims[0]; i++)
        if (offset[i] < offset[i - 1])
            return err_fail(e, STATUS_DATA, "offset %" PRIu64 " is smaller than the one before it", i);
    column->last = offset[t->dims[0] - 1];
    column->offsets = true;
    buf_clear(&column->offset); /* kept: the frame's own memory may be gone when a shape is checked against it */
    buf_add(&column->offset, offset, t->bytes);
    return 0;
}

/* How many rows a column must have. */
static int rows_due(struct schema *c, const struct tensor *t, bool offsets, uint64_t *rows, struct err *e)
{
    const char *over = meta_get(&t->meta, "over");
    const struct schema_column *ragged = over ? offsets_of(c, over) : offsets ? NULL : offsets_of(c, t->name);
    if (over && !ragged)
        return err_fail(e, STATUS_DATA, "runs over '%.60s', but no column '%.60s.offsets' stands before it", over,
                        over);
    if (!over && !c->at) { /* the first column gives the number of items */
        c->n = t->dims[0] - (offsets ? 1 : 0);
        if (!c->n)
            return err_fail(e, STATUS_DATA, "the batch is empty");
    }
    *rows = (ragged ? ragged->last : c->n) + (offsets ? 1 : 0);
    return 0;
}

/* Matrices of items: their shapes must give their lengths. */
static int check_matrices(const struct schema *c, const struct tensor *t, struct err *e)
{
    if (!ends_with(t->name, ".shape") || t->dtype != DTYPE_U32 || t->rank != 2 || t->dims[1] != 2)
        return 0;
    char base[TENSOR_MAX_NAME + 1];
    size_t n = strlen(t->name) - strlen(".shape");
    memcpy(base, t->name, n);
    base[n] = 0;
    const struct schema_column *offsets = offsets_of(c, base);
    if (!offsets || offsets->offset.len != 8 * (t->dims[0] + 1))
        return 0;
    const uint64_t *offset = (const uint64_t *)offsets->offset.data;
    const uint32_t *shape = t->data;
    for (uint64_t i = 0; i < t->dims[0]; i++)
        if ((uint64_t)shape[2 * i] * shape[2 * i + 1] != offset[i + 1] - offset[i])
            return err_fail(e, STATUS_DATA, "matrix %" PRIu64 " of the batch is not as long as its shape says", i);
    return 0;
}

static int same_as_before(const struct schema *c, const struct tensor *t, const struct buf *kind, bool last,
                          struct err *e)
{
    if (c->at >= c->n_columns)
        return err_fail(e, STATUS_DATA, "is one column more than the first batch has");
    const struct schema_column *column = &c->columns[c->at];
    if (strcmp(column->name, t->name))
        return err_fail(e, STATUS_DATA, "stands where the first batch has '%.60s'", column->name);
    if (kind->len != column->kind.len || memcmp(kind->data, column->kind.data, kind->len))
        return err_fail(e, STATUS_DATA, "has another type, shape or metadata than in the first batch");
    if (last != (c->at + 1 == c->n_columns))
        return err_fail(e, STATUS_DATA, "the batch has not as many columns as the first");
    return 0;
}

static int add(struct schema *c, const struct tensor *t, struct buf *kind, struct err *e)
{
    for (size_t i = 0; i < c->n_columns; i++)
        if (!strcmp(c->columns[i].name, t->name))
            return err_fail(e, STATUS_DATA, "the column stands twice in the batch");
    if (c->n_columns == FRAME_MAX_COLUMNS)
        return err_fail(e, STATUS_DATA, "a batch has more than %d columns", FRAME_MAX_COLUMNS);
    if (c->n_columns == c->room) {
        c->room = c->room ? 2 * c->room : 8;
        c->columns = mem_grow(c->columns, c->room, sizeof *c->columns);
    }
    c->columns[c->n_columns++] = (struct schema_column){.name = mem_copy(t->name), .kind = *kind};
    *kind = (struct buf){0};
    return 0;
}

int schema_column(struct schema *c, const struct tensor *t, bool last, struct err *e)
{
    bool offsets = ends_with(t->name, ".offsets");
    struct buf kind = {0};
    uint64_t rows = 0;
    if (!t->rank)
        return err_fail(e, STATUS_DATA, "a column has no rows (rank 0)");
    kind_of(t, &kind);
    int result = c->known ? same_as_before(c, t, &kind, last, e) : add(c, t, &kind, e);
    buf_free(&kind);
    if (result < 0)
        return -1;
    struct schema_column *column = &c->columns[c->at];
    if (offsets && check_offsets(column, t, e) < 0)
        return -1;
    if (rows_due(c, t, offsets, &rows, e) < 0)
        return -1;
    if (t->dims[0] != rows)
        return err_fail(e, STATUS_DATA, "has %" PRIu64 " rows where %" PRIu64 " are due", t->dims[0], rows);
    if (check_matrices(c, t, e) < 0)
        return -1;
    c->at++;
    c->known |= last;
    return 0;
}

void schema_free(struct schema *c)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        free(c->columns[i].name);
        buf_free(&c->columns[i].kind);
        buf_free(&c->columns[i].offset);
    }
    free(c->columns);
    *c = (struct schema){0};
}
