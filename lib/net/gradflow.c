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

struct gradflow_record *gradflow_add(struct gradflow *g, size_t lags, const bool *there)
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
        if (p->views[i].offset == n->layer[layer].recurrent.at)
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
        struct gradflow_record *r = gradflow_add(g, lags, there);
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
