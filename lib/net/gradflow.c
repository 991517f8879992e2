#include "net/gradflow.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/rnn_jacobian.h"

/* The power iteration ends when a step adds less than this share, or after so many. */
static const double SINGULAR_CLOSE = 1e-13;
enum { SINGULAR_STEPS = 5000 };

static const char *const quantity_columns[GRADFLOW_QUANTITIES] = {"flow.h", "flow.c", "bound"};

void gradflow_free(struct gradflow *g)
{
    for (size_t i = 0; i < g->n; i++) {
        for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
            free(g->records[i].flow[q]);
        free(g->records[i].saturation);
    }
    free(g->records);
    free(g->gates);
    *g = (struct gradflow){0};
}

/* A new record of zeros with room for its quantities. */
static struct gradflow_record *add(struct gradflow *g, size_t lags, const bool *there)
{
    if (g->n == g->room) {
        g->room = g->room ? 2 * g->room : 8;
        g->records = mem_grow(g->records, g->room, sizeof *g->records);
    }
    struct gradflow_record *r = &g->records[g->n++];
    *r = (struct gradflow_record){.lags = lags, .saturation = mem_get(g->n_gates + 1, sizeof *r->saturation)};
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        if (there[q])
            r->flow[q] = mem_get(lags + 1, sizeof *r->flow[q]);
    return r;
}

/* ---- Recording --------------------------------------------------------------------------------------------------- */

/* By v = w'w v / |w'w v|, from a fixed start; |w v| rises to the value sought. */
double gradflow_singular(const real *w, size_t n)
{
    double *v = mem_get(2 * n, sizeof *v), *wv = v + n, sigma = 0, before = -1;
    struct rng rng = rng_seed(1);
    for (size_t i = 0; i < n; i++)
        v[i] = rng_unit(&rng) - 0.5;
    for (int step = 0; step < SINGULAR_STEPS && sigma > before * (1 + SINGULAR_CLOSE); step++) {
        double length = 0, sum = 0;
        for (size_t i = 0; i < n; i++)
            length += v[i] * v[i];
        length = sqrt(length);
        before = step ? sigma : -1;
        for (size_t r = 0; r < n; r++) {
            wv[r] = 0;
            for (size_t c = 0; c < n; c++)
                wv[r] += (double)w[r * n + c] * v[c];
            wv[r] = length > 0 ? wv[r] / length : 0;
            sum += wv[r] * wv[r];
        }
        sigma = sqrt(sum);
        memset(v, 0, n * sizeof *v);
        for (size_t r = 0; r < n; r++)
            for (size_t c = 0; c < n; c++)
                v[c] += (double)w[r * n + c] * wv[r];
    }
    free(v);
    return sigma;
}

/* The weights W_h [H,H] of a cell of one gate, which the caller frees. */
static real *recurrent(const struct rnn *n, const struct params *p, size_t layer)
{
    real *natural = mem_get(n->hidden * n->hidden, sizeof *natural);
    for (size_t i = 0; i < p->n_views; i++)
        if (p->views[i].offset == n->layer[layer].recurrent[0])
            params_export(&p->views[i], p->value, natural);
    return natural;
}

static void record_bound(const struct rnn *n, const struct params *p, size_t layer, size_t lags, double *bound)
{
    real *w = recurrent(n, p, layer);
    double factor = gradflow_singular(w, n->hidden) * (n->activation == ACTIVATION_SIGMOID ? 0.25 : 1);
    free(w);
    for (size_t lag = 0; lag < lags; lag++)
        bound[lag] = fmin(pow(factor, (double)lag), DBL_MAX);
}

static size_t row_length(const struct rnn_pass *pass, size_t row)
{
    return pass->lengths ? pass->lengths[row] : pass->steps;
}

/* Means over the first `rows` rows, at each lag of those that are long enough. */
static void record_norms(const struct rnn *n, const struct params *p, const struct rnn_pass *pass, size_t layer,
                         size_t rows, int state, double *mean)
{
    struct arena arena = {0};
    double *norm = mem_get(pass->steps + 1, sizeof *norm);
    size_t *count = mem_get(pass->steps + 1, sizeof *count);
    for (size_t row = 0; row < rows; row++) {
        size_t steps = row_length(pass, row);
        arena_reset(&arena);
        rnn_jacobian(n, p, pass, layer, row, state, norm, &arena);
        for (size_t lag = 0; lag < steps; lag++)
            mean[lag] += (fmin(norm[lag], DBL_MAX) - mean[lag]) / (double)++count[lag];
    }
    free(norm);
    free(count);
    arena_free(&arena);
}

static bool saturated(enum activation f, double value)
{
    switch (f) {
    case ACTIVATION_TANH:
        return fabs(value) > 0.9;
    case ACTIVATION_RELU:
        return value <= 0;
    case ACTIVATION_SIGMOID:
        return value < 0.1 || value > 0.9;
    }
    return false;
}

/* How many values of each gate of one step and row are saturated. */
static void count_saturated(const struct rnn *n, const real *values, double *saturation)
{
    size_t at = 0;
    for (int gate = 0; gate < n->cell->gates; gate++) {
        enum gate_kind kind = n->cell->gate_kinds[gate];
        if (kind == GATE_LINEAR && !n->cell->activation)
            continue;
        enum activation f = n->cell->activation    ? n->activation
                            : kind == GATE_SIGMOID ? ACTIVATION_SIGMOID
                                                   : ACTIVATION_TANH;
        for (size_t j = 0; j < n->hidden; j++)
            saturation[at] += saturated(f, (double)values[(size_t)gate * n->hidden + j]);
        at++;
    }
}

static void record_saturation(const struct gradflow *g, const struct rnn *n, const struct rnn_pass *pass, size_t layer,
                              double *saturation)
{
    real *values = mem_get((size_t)n->cell->gates * n->hidden, sizeof *values);
    size_t count = 0;
    for (size_t row = 0; row < pass->rows; row++)
        for (size_t t = 0; t < row_length(pass, row); t++, count += n->hidden) {
            if (n->cell->activation) /* such a cell has no gate; what it squashes is its output */
                rnn_state(n, pass, layer, 0, t, row, values);
            else
                rnn_gates(n, pass, layer, t, row, values);
            count_saturated(n, values, saturation);
        }
    for (size_t k = 0; count && k < g->n_gates; k++)
        saturation[k] /= (double)count;
    free(values);
}

static void name_gates(struct gradflow *g, const struct cell *cell)
{
    struct buf names = {0};
    if (cell->activation)
        buf_text(&names, cell->state_names[0]);
    for (int gate = 0; gate < cell->gates; gate++)
        if (cell->gate_kinds[gate] != GATE_LINEAR)
            buf_printf(&names, "%s%s", names.len ? "," : "", cell->gate_names[gate]);
    g->n_gates = 1;
    for (const char *c = names.data; *c; c++)
        g->n_gates += *c == ',';
    g->gates = names.data;
}

void gradflow_record(struct gradflow *g, const struct rnn *n, const struct params *p, const struct rnn_pass *pass,
                     uint64_t epoch, size_t rows)
{
    const bool there[GRADFLOW_QUANTITIES] = {true, n->cell->states > 1, n->cell->activation};
    size_t lags = 0;
    if (!g->gates)
        name_gates(g, n->cell);
    g->rows = rows;
    g->directions = n->directions > 1;
    rows = rows < pass->rows ? rows : pass->rows;
    for (size_t row = 0; row < rows; row++)
        lags = row_length(pass, row) > lags ? row_length(pass, row) : lags;
    for (size_t i = 0; i < n->layers * n->directions; i++) {
        struct gradflow_record *r = add(g, lags, there);
        r->epoch = epoch;
        r->layer = (uint32_t)(i / n->directions);
        r->direction = (uint32_t)(i % n->directions);
        for (int state = 0; state < n->cell->states; state++)
            record_norms(n, p, pass, i, rows, state, r->flow[state]);
        if (there[GRADFLOW_BOUND])
            record_bound(n, p, i, lags, r->flow[GRADFLOW_BOUND]);
        record_saturation(g, n, pass, i, r->saturation);
    }
}

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

static int put_records(const struct gradflow *g, size_t first, size_t last, struct sink *k, struct err *e)
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
    int result = sink_batch(k, &batch, e);
    batch_free(&batch);
    return result;
}

int gradflow_write(const struct gradflow *g, struct sink *k, struct err *e)
{
    for (size_t first = 0, last; first < g->n; first = last) {
        size_t bytes = 0;
        for (last = first; last < g->n && bytes < STREAM_BATCH_BYTES; last++)
            bytes += g->records[last].lags * GRADFLOW_QUANTITIES * sizeof(double);
        if (put_records(g, first, last, k, e) < 0)
            return -1;
    }
    return 0;
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
    struct gradflow_record *r = add(g, lags, there);
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

static int read_segment(struct gradflow *g, struct source *s, const struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    int got = segment_wants(segment, "tensors", e);
    while (got == 0 && (got = source_batch(s, &batch, e)) == 1) {
        struct columns c = {0};
        got = find(&c, &batch, e) < 0 || take_gates(g, c.saturation, e) < 0 ? -1 : 0;
        for (size_t i = 0; got == 0 && i < batch.n; i++)
            if (take_record(g, &c, i, e) < 0)
                got = err_where(e, "record %llu", (unsigned long long)(batch.row0 + i));
    }
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
