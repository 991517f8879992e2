/* Records as streams, and in checkpoints. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"
#include "data/schema.h"
#include "net/gradflow.h"

static const char *const quantity_columns[GRADFLOW_QUANTITIES] = {"flow.h", "flow.c", "bound"};

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static struct tensor *put(struct batch *batch, const char *name, enum dtype dtype, unsigned rank, uint64_t rows,
                          uint64_t columns)
{
    struct err none;
    batch_add(batch, tensor_make(name, dtype, rank, (uint64_t[]){rows, columns}), &none);
    return &batch->columns[batch->n_columns - 1];
}

static void put_flow(struct batch *batch, const struct gradflow *g, size_t first, size_t last, int q)
{
    uint64_t at = 0, *offsets = NULL, lags = 0;
    for (size_t i = first; i < last; i++)
        lags += g->records[i].lags;
    if (q == GRADFLOW_H)
        offsets = put(batch, "flow.h.offsets", DTYPE_U64, 1, last - first + 1, 0)->data;
    struct tensor *t = put(batch, quantity_columns[q], DTYPE_F64, 1, lags, 0);
    if (q == GRADFLOW_H)
        meta_setf(&t->meta, "rows", "%zu", g->rows);
    else
        meta_set(&t->meta, "over", quantity_columns[GRADFLOW_H]);
    for (size_t i = first; i < last; i++) {
        const struct gradflow_record *r = &g->records[i];
        memcpy((double *)t->data + at, r->flow[q], r->lags * sizeof(double));
        at += r->lags;
        if (offsets)
            offsets[i - first + 1] = at;
    }
}

/* The columns of records first .. last-1. */
static struct batch batch_of(const struct gradflow *g, size_t first, size_t last)
{
    struct batch batch = {.n = last - first};
    uint64_t *epoch = put(&batch, "epoch", DTYPE_U64, 1, batch.n, 0)->data;
    uint32_t *layer = put(&batch, "layer", DTYPE_U32, 1, batch.n, 0)->data;
    uint32_t *direction = g->directions ? put(&batch, "direction", DTYPE_U32, 1, batch.n, 0)->data : NULL;
    struct tensor *saturation = put(&batch, "saturation", DTYPE_F64, 2, batch.n, g->n_gates);
    meta_set(&saturation->meta, "gates", g->gates);
    for (size_t i = first; i < last; i++) {
        const struct gradflow_record *r = &g->records[i];
        epoch[i - first] = r->epoch;
        layer[i - first] = r->layer;
        if (direction)
            direction[i - first] = r->direction;
        memcpy((double *)saturation->data + (i - first) * g->n_gates, r->saturation, g->n_gates * sizeof(double));
    }
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        if (g->records[first].flow[q])
            put_flow(&batch, g, first, last, q);
    return batch;
}

int gradflow_write(const struct gradflow *g, struct sink *k, struct err *e)
{
    int result = 0;
    for (size_t first = 0, last; first < g->n && result == 0; first = last) {
        size_t bytes = 0;
        for (last = first; last < g->n && bytes < STREAM_BATCH_BYTES; last++)
            bytes += g->records[last].lags * GRADFLOW_QUANTITIES * sizeof(double);
        struct batch batch = batch_of(g, first, last);
        result = sink_batch(k, &batch, e);
        batch_free(&batch);
    }
    return result;
}

int gradflow_save(const struct gradflow *g, const char *prefix, struct sink *k, struct err *e)
{
    if (!g->n)
        return 0;
    struct batch batch = batch_of(g, 0, g->n);
    int result = 0;
    for (size_t i = 0; i < batch.n_columns && result == 0; i++) {
        struct tensor *t = &batch.columns[i];
        char *name = mem_printf("%s%s", prefix, t->name);
        free(t->name);
        t->name = name;
        result = sink_tensor(k, t, e);
    }
    batch_free(&batch);
    return result;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* A norm or a share: no NaN, not negative. */
static int take(const struct tensor *t, size_t at, size_t count, double *out, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = tensor_at(t, at + i);
        if (isnan(out[i]) || out[i] < 0)
            return err_fail(e, STATUS_DATA, "'%s' is %g at %zu (from 0)", t->name, out[i], i);
    }
    return 0;
}

static int take_gates(struct gradflow *g, const struct tensor *saturation, struct err *e)
{
    const char *gates = meta_get(&saturation->meta, "gates");
    size_t n = gates && *gates ? 1 : 0;
    for (const char *c = gates; c && *c; c++)
        n += *c == ',';
    if (!gates || n != saturation->dims[1])
        return err_fail(e, STATUS_DATA, "'saturation' has %llu columns, and its meta 'gates' names %zu",
                        (unsigned long long)saturation->dims[1], n);
    if (g->gates && strcmp(g->gates, gates))
        return err_fail(e, STATUS_DATA, "the gates are %.60s, and were %.60s before", gates, g->gates);
    if (!g->gates)
        g->gates = mem_copy(gates);
    g->n_gates = n;
    return 0;
}

/* The columns of a batch; NULL where one need not be there. */
struct columns {
    const struct tensor *epoch, *layer, *direction, *saturation, *flow[GRADFLOW_QUANTITIES];
    const uint64_t *offsets[GRADFLOW_QUANTITIES];
};

static int find(struct columns *c, const struct batch *batch, struct err *e)
{
    if (!(c->epoch = batch_need(batch, "epoch", DTYPE_U64, 1, e)) ||
        !(c->layer = batch_need(batch, "layer", DTYPE_U32, 1, e)) ||
        !(c->saturation = batch_need(batch, "saturation", DTYPE_F64, 2, e)))
        return -1;
    c->direction = batch_find(batch, "direction");
    if (c->direction && tensor_expect(c->direction, DTYPE_U32, 1, e) < 0)
        return -1;
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        if (q == GRADFLOW_H || batch_find(batch, quantity_columns[q])) {
            if (!(c->flow[q] = batch_need(batch, quantity_columns[q], DTYPE_F64, 1, e)) ||
                !(c->offsets[q] = batch_offsets(batch, quantity_columns[q], e)))
                return -1;
            if (memcmp(c->offsets[q], c->offsets[GRADFLOW_H], (batch->n + 1) * sizeof(uint64_t)) != 0)
                return err_fail(e, STATUS_DATA, "'%s' has other lags than '%s'", quantity_columns[q],
                                quantity_columns[GRADFLOW_H]);
        }
    return 0;
}

static int take_record(struct gradflow *g, const struct columns *c, size_t i, struct err *e)
{
    bool there[GRADFLOW_QUANTITIES];
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        there[q] = c->flow[q];
    size_t at = c->offsets[GRADFLOW_H][i], lags = c->offsets[GRADFLOW_H][i + 1] - at;
    struct gradflow_record *r = gradflow_add(g, lags, there);
    r->epoch = ((const uint64_t *)c->epoch->data)[i];
    if (g->n > 1 && r->epoch < r[-1].epoch)
        return err_fail(e, STATUS_DATA, "is of epoch %llu, behind one of epoch %llu", (unsigned long long)r->epoch,
                        (unsigned long long)r[-1].epoch);
    r->layer = ((const uint32_t *)c->layer->data)[i];
    r->direction = c->direction ? ((const uint32_t *)c->direction->data)[i] : 0;
    g->directions |= c->direction != NULL;
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        if (c->flow[q] && take(c->flow[q], at, lags, r->flow[q], e) < 0)
            return -1;
    return take(c->saturation, i * g->n_gates, g->n_gates, r->saturation, e);
}

static int take_batch(struct gradflow *g, const struct batch *batch, struct err *e)
{
    struct columns c = {0};
    int64_t rows;
    if (find(&c, batch, e) < 0 || take_gates(g, c.saturation, e) < 0)
        return -1;
    const char *most = meta_get(&c.flow[GRADFLOW_H]->meta, "rows");
    if (most && opt_int(most, 0, INT64_MAX, &rows))
        g->rows = (size_t)rows;
    for (size_t i = 0; i < batch->n; i++)
        if (take_record(g, &c, i, e) < 0)
            return err_where(e, "record %llu", (unsigned long long)(batch->row0 + i));
    return 0;
}

static int read_segment(struct gradflow *g, struct source *s, const struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    int got = segment_wants(segment, "tensors", e);
    while (got == 0 && (got = source_batch(s, &batch, e)) == 1)
        got = take_batch(g, &batch, e);
    batch_free(&batch);
    return got;
}

int gradflow_read(struct gradflow *g, struct source *s, struct err *e)
{
    struct segment segment = {0};
    int got;
    while ((got = source_segment(s, &segment, e)) == 1)
        if (read_segment(g, s, &segment, e) < 0) {
            got = -1;
            break;
        }
    segment_free(&segment);
    return got < 0 ? err_where(e, "%s", source_label(s)) : 0;
}

int gradflow_restore(struct gradflow *g, const char *prefix, const struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    struct schema schema = {0};
    size_t length = strlen(prefix);
    int result = 0;
    schema_begin(&schema);
    for (size_t i = 0; i < segment->n && result == 0; i++) {
        const struct tensor *t = &segment->tensors[i];
        if (strncmp(t->name, prefix, length) != 0)
            continue;
        struct tensor column = tensor_view(t->name + length, t->dtype, t->rank, t->dims, t->data);
        meta_copy(&column.meta, &t->meta);
        result = schema_column(&schema, &column, false, e) < 0 ? err_where(e, "'%s'", t->name) : 0;
        batch.n = schema.n;
        if (result < 0)
            tensor_free(&column);
        else
            result = batch_add(&batch, column, e);
    }
    if (result == 0 && batch.n)
        result = take_batch(g, &batch, e);
    schema_free(&schema);
    batch_free(&batch);
    return result;
}
