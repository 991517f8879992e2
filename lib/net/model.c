#include "net/model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "math/gemm.h"
#include "net/net_code.h"

enum { LOSS_ROWS = 256 };
#define MODEL_MOST ((uint64_t)1 << 34) /* parameters */

#define AT(field) offsetof(struct model_config, field)
const struct opt model_options[] = {
    {"task", 0, OPT_CHOICE, AT(task), OPT_RECORD, NULL, "lm", 0, 0, TASK_CHOICES,
     "what is learned: lm, the next id or a given target at every step"},
    {"cell", 0, OPT_CHOICE, AT(cell), OPT_RECORD, NULL, "lstm", 0, 0, CELL_CHOICES, "the recurrent cell"},
    {"activation", 0, OPT_CHOICE, AT(activation), OPT_RECORD, NULL, "tanh", 0, 0, ACTIVATION_CHOICES,
     "the activation of the elman cell"},
    {"layers", 0, OPT_INT, AT(layers), OPT_RECORD, "N", "1", 1, 64, NULL, "recurrent layers, one on top of the other"},
    {"hidden", 0, OPT_INT, AT(hidden), OPT_RECORD, "N", "128", 1, 65536, NULL, "units of each layer"},
    {"init-range", 0, OPT_REAL, AT(init_range), OPT_RECORD, "R", "0", 0, 1e3, NULL,
     "let weights start uniform within -R and R (0: one over the root of the units)"},
    {"forget-bias", 0, OPT_REAL, AT(forget_bias), OPT_RECORD, "B", "1", -1e3, 1e3, NULL,
     "what the bias of a forget gate starts at"},
    {0},
};

/* Would the model's parameters be too many, or overflow on the way to that sum? */
static bool too_large(const struct model_config *c, const struct model_shape *s)
{
    uint64_t first = s->embedding ? s->embedding : s->inputs, gates = 4 * (uint64_t)c->hidden, table = 0, total = 0,
             part;
    if (s->inputs > MODEL_MOST || s->embedding > MODEL_MOST || s->classes > MODEL_MOST)
        return true;
    if (s->embedding && (!mem_product(s->inputs, s->embedding, &table) || table > MODEL_MOST))
        return true;
    if (!mem_product(gates, first + (2 * (uint64_t)c->layers) * (uint64_t)c->hidden, &total) || total > MODEL_MOST)
        return true;
    return !mem_product(s->classes, (uint64_t)c->hidden, &part) || part > MODEL_MOST ||
           table + total + part > MODEL_MOST;
}

int model_make(struct model *m, const struct model_config *config, const struct model_shape *shape, struct err *e)
{
    *m = (struct model){.config = *config, .shape = *shape};
    assert(shape->inputs > 0 && shape->classes > 0 && (shape->ids || !shape->embedding));
    if (too_large(config, shape))
        return err_fail(e, STATUS_MISUSED,
                        "a model of more than %llu parameters (fewer units, or a smaller vocabulary)",
                        (unsigned long long)MODEL_MOST);
    struct params *p = &m->params;
    if (shape->embedding)
        m->embedding = params_add(p, "embedding", 2, (uint64_t[]){shape->inputs, shape->embedding});
    rnn_make(&m->rnn,
             &(struct rnn_shape){.name = "rnn",
                                 .cell = cell_at(config->cell),
                                 .activation = (enum activation)config->activation,
                                 .layers = (size_t)config->layers,
                                 .hidden = (size_t)config->hidden,
                                 .inputs = (size_t)(shape->embedding ? shape->embedding : shape->inputs),
                                 .sparse = shape->ids && !shape->embedding},
             p);
    m->out_weight = params_add_panels(p, "out.weight", 2, (uint64_t[]){shape->classes, (uint64_t)config->hidden},
                                      (size_t)shape->classes, NULL);
    m->out_bias = params_add_panels(p, "out.bias", 1, (uint64_t[]){shape->classes}, (size_t)shape->classes, NULL);
    params_allocate(p);
    m->logits_row = lanes_up((size_t)shape->classes);
    if (m->logits_row % 512 == 0)
        m->logits_row += 16; /* away from powers of two: see rnn_make */
    return 0;
}

static bool is_bias(const struct view *v)
{
    return v->rank == 1;
}

void model_init(struct model *m, struct rng rng)
{
    struct params *p = &m->params;
    double range = m->config.init_range > 0 ? m->config.init_range : 1 / sqrt((double)m->config.hidden);
    const struct cell *cell = m->rnn.cell;
    size_t hidden = m->rnn.hidden;
    for (size_t i = 0; i < p->n_views; i++) {
        const struct view *v = &p->views[i];
        real *natural = mem_get(view_count(v), sizeof(real));
        struct rng draw = rng_fork(rng, v->name, 0);
        for (size_t k = 0; !is_bias(v) && k < view_count(v); k++)
            natural[k] = (real)((2 * rng_unit(&draw) - 1) * range);
        if (is_bias(v) && v->columns && cell->forget_gate >= 0)
            for (size_t j = 0; j < hidden; j++)
                natural[(size_t)cell->forget_gate * hidden + j] = (real)m->config.forget_bias;
        params_import(v, p->value, natural);
        free(natural);
    }
    model_refresh(m);
}

void model_refresh(struct model *m)
{
    size_t classes = (size_t)m->shape.classes, hidden = m->rnn.hidden;
    rnn_refresh(&m->rnn, &m->params);
    if (!m->out_back)
        m->out_back = mem_aligned(panels(hidden) * panels(classes), PANEL * PANEL * sizeof(real));
    gemm_transpose(m->params.value + m->out_weight, hidden, classes, m->out_back);
}

void model_free(struct model *m)
{
    rnn_free(&m->rnn);
    params_free(&m->params);
    arena_free(&m->arena);
    free(m->out_back);
    *m = (struct model){0};
}

uint64_t model_parameters(const struct model *m)
{
    uint64_t total = 0;
    for (size_t i = 0; i < m->params.n_views; i++)
        total += view_count(&m->params.views[i]);
    return total;
}

size_t model_state_size(const struct model *m, size_t rows)
{
    return m->rnn.layers * (size_t)m->rnn.cell->states * rows * m->rnn.hidden;
}

/* ---- Forward ------------------------------------------------------------------------------------------------- */

/* What the first layer reads: ids, the caller's vectors, or x[t*B+b] = embedding[ids[t*B+b]]. */
static struct rnn_input input_of(struct model *m, const struct minibatch *batch)
{
    size_t width = (size_t)m->shape.embedding, n = batch->steps * batch->rows;
    if (!m->shape.ids)
        return (struct rnn_input){.vec = batch->vec, .vec_row = (size_t)m->shape.inputs};
    if (width == 0)
        return (struct rnn_input){.ids = batch->ids};
    real *x = arena_get(&m->arena, n * width, sizeof(real));
    const real *table = m->params.value + m->embedding;
    for (size_t i = 0; i < n; i++)
        memcpy(x + i * width, table + batch->ids[i] * params_row(width), width * sizeof(real));
    return (struct rnn_input){.vec = x, .vec_row = width};
}

/* Targets, those behind their row's end taken out. */
static const uint32_t *mask_targets(struct model *m, const struct minibatch *batch)
{
    size_t n = batch->steps * batch->rows;
    if (!batch->targets || !batch->lengths)
        return batch->targets;
    uint32_t *masked = arena_get(&m->arena, n, sizeof *masked);
    for (size_t i = 0; i < n; i++)
        masked[i] = i / batch->rows < batch->lengths[i % batch->rows] ? batch->targets[i] : TARGET_NONE;
    return masked;
}

static void output_forward(void *context, size_t low, size_t high)
{
    struct model *m = context;
    size_t classes = (size_t)m->shape.classes, hidden = m->rnn.hidden;
    struct gemm g = {.rows = m->pass.steps * m->pass.rows, .columns = classes, .depth = hidden};
    gemm_left_rows(&g, rnn_output(&m->rnn, &m->pass), m->rnn.row);
    gemm_right_panels(&g, m->params.value + m->out_weight, hidden * PANEL);
    gemm_result_rows(&g, m->logits, m->logits_row);
    g.start = GEMM_BIAS;
    g.bias = m->params.value + m->out_bias;
    for (; low < high; low += LOSS_ROWS) {
        size_t end = high - low < LOSS_ROWS ? high : low + LOSS_ROWS;
        gemm_part(&g, low, end, 0, panels(classes));
        softmax_loss(m->logits, m->logits_row, classes, m->masked, low, end, m->norm, m->losses);
    }
}

static size_t output_work(const struct model *m)
{
    return m->pass.steps * m->pass.rows * m->logits_row * m->rnn.hidden;
}

struct tally model_forward(struct model *m, const struct minibatch *batch, const real *state, real *state_out)
{
    size_t n = batch->steps * batch->rows;
    struct tally tally = {0};
    arena_reset(&m->arena);
    m->masked = mask_targets(m, batch);
    m->pass = (struct rnn_pass){.steps = batch->steps,
                                .rows = batch->rows,
                                .lengths = batch->lengths,
                                .input = input_of(m, batch)};
    rnn_forward(&m->rnn, &m->params, &m->pass, state, state_out, &m->arena);
    m->logits = arena_get(&m->arena, n * m->logits_row, sizeof(real));
    m->norm = arena_get(&m->arena, n, sizeof(real));
    m->losses = arena_get(&m->arena, n, sizeof(double));
    m->in_logits = true;
    split_work(n, output_work(m), output_forward, m);
    for (size_t i = 0; m->masked && i < n; i++) {
        tally.loss += m->losses[i];
        tally.count += m->masked[i] != TARGET_NONE;
    }
    return tally;
}

void model_step(struct model *m, size_t rows, const uint32_t *ids, const real *vec, real *state, real *logits)
{
    model_forward(m, &(struct minibatch){.steps = 1, .rows = rows, .ids = ids, .vec = vec}, state, state);
    for (size_t b = 0; b < rows; b++)
        model_logits(m, 0, b, logits + b * (size_t)m->shape.classes);
}

/* ---- Backward ------------------------------------------------------------------------------------------------ */

/* do = (p - onehot) / B and dh = W_out' do, by rows. */
static void output_backward(void *context, size_t low, size_t high)
{
    struct model *m = context;
    size_t classes = (size_t)m->shape.classes;
    struct gemm g = {.rows = m->pass.steps * m->pass.rows, .columns = m->rnn.hidden, .depth = classes};
    gemm_left_rows(&g, m->logits, m->logits_row);
    gemm_right_panels(&g, m->out_back, panels(classes) * PANEL * PANEL);
    gemm_result_rows(&g, m->pass.trace[m->rnn.layers - 1].dh + m->pass.rows * m->rnn.row, m->rnn.row);
    for (; low < high; low += LOSS_ROWS) {
        size_t end = high - low < LOSS_ROWS ? high : low + LOSS_ROWS;
        softmax_gradient(m->logits, m->logits_row, classes, m->masked, low, end, m->norm, (real)1 / (real)m->pass.rows);
        gemm_part(&g, low, end, 0, panels(g.columns));
    }
}

/* dW_out += sum do h', db_out += sum do, for panels first .. last-1. */
static void output_weights(void *context, size_t first, size_t last)
{
    struct model *m = context;
    size_t all = m->pass.steps * m->pass.rows, row = m->rnn.row, hidden = m->rnn.hidden;
    size_t width = lanes_up((size_t)m->shape.classes);
    for (size_t at = 0; at < all; at += LOSS_ROWS) {
        size_t depth = all - at < LOSS_ROWS ? all - at : LOSS_ROWS;
        const real *dlogits = m->logits + at * m->logits_row;
        struct gemm g = {.rows = hidden, .columns = (size_t)m->shape.classes, .depth = depth, .start = GEMM_ADD};
        gemm_left_transposed(&g, rnn_output(&m->rnn, &m->pass) + at * row, row);
        gemm_right_rows(&g, dlogits, m->logits_row);
        gemm_result_panels(&g, m->params.gradient + m->out_weight, hidden * PANEL);
        gemm_part(&g, 0, hidden, first, last);
        size_t from = first * PANEL, to = last * PANEL < width ? last * PANEL : width;
        net_code()->sums(depth, to - from, dlogits + from, m->logits_row, m->params.gradient + m->out_bias + from);
    }
}

void model_backward(struct model *m, const struct minibatch *batch)
{
    size_t n = batch->steps * batch->rows, width = (size_t)m->shape.embedding;
    assert(m->in_logits && m->masked);
    rnn_output_gradient(&m->rnn, &m->pass, &m->arena);
    split_work(n, output_work(m), output_backward, m);
    split_work(panels((size_t)m->shape.classes), output_work(m), output_weights, m);
    m->in_logits = false;
    rnn_backward(&m->rnn, &m->params, &m->pass, width > 0, &m->arena);
    real *table = m->params.gradient + m->embedding;
    for (size_t i = 0; width > 0 && i < n; i++)
        for (size_t k = 0; k < width; k++)
            table[batch->ids[i] * params_row(width) + k] += m->pass.dinput[i * m->pass.dinput_row + k];
}

/* ---- Looking in ---------------------------------------------------------------------------------------------- */

void model_logits(const struct model *m, size_t step, size_t row, real *logits)
{
    assert(m->in_logits);
    memcpy(logits, m->logits + (step * m->pass.rows + row) * m->logits_row, (size_t)m->shape.classes * sizeof(real));
}

void model_probabilities(const struct model *m, size_t step, size_t row, real *probabilities)
{
    size_t at = step * m->pass.rows + row;
    assert(m->in_logits);
    softmax_probabilities(m->logits + at * m->logits_row, (size_t)m->shape.classes, m->norm[at], probabilities);
}

double model_loss(const struct model *m, size_t step, size_t row)
{
    return m->losses[step * m->pass.rows + row];
}

void model_gates(const struct model *m, size_t layer, size_t step, size_t row, real *gates)
{
    rnn_gates(&m->rnn, &m->pass, layer, step, row, gates);
}

void model_states(const struct model *m, size_t layer, int s, size_t step, size_t row, real *state)
{
    rnn_state(&m->rnn, &m->pass, layer, s, step, row, state);
}
