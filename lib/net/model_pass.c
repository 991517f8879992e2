/* The passes of a model: forward, and backward beneath it, from what it reads to its head. */
#include <assert.h>
#include <string.h>

#include "math/gemm.h"
#include "net/dropout.h"
#include "net/model.h"
#include "net/net_code.h"

enum { LOSS_ROWS = PRODUCT_ROWS };

/* ---- What the rnn reads: x [T*B, front] = [embedding or vector, spelling] ---------------------------------------- */

/* Of tied weights the words' vectors are columns of the output's panels. */
static real *word_vector(const struct model *m, real *block, uint32_t id, size_t *step)
{
    if (!m->config.tied) {
        *step = 1;
        return block + m->embedding + id * params_row((size_t)m->shape.embedding);
    }
    *step = PANEL;
    return block + m->linear.at + id / PANEL * m->rnn.outputs * PANEL + id % PANEL;
}

static size_t x_row(const struct model *m)
{
    return lanes_up(m->front);
}

/* The part of a row in front of the spelling. */
static size_t word_width(const struct model *m)
{
    return (size_t)(m->shape.ids ? m->shape.embedding : m->shape.inputs);
}

static void words_forward(const struct model *m, const struct minibatch *batch, real *x)
{
    size_t n = batch->steps * batch->rows, width = word_width(m), step;
    for (size_t i = 0; i < n; i++, x += x_row(m)) {
        if (!m->shape.ids) {
            memcpy(x, batch->vec + i * width, width * sizeof *x);
            continue;
        }
        const real *from = word_vector(m, m->params.value, batch->ids[i], &step);
        for (size_t k = 0; k < width; k++)
            x[k] = from[k * step];
    }
}

static void words_backward(struct model *m, const struct minibatch *batch, const real *dx)
{
    size_t n = batch->steps * batch->rows, width = word_width(m), step;
    for (size_t i = 0; i < n; i++, dx += m->pass.dinput_row) {
        real *to = word_vector(m, m->params.gradient, batch->ids[i], &step);
        for (size_t k = 0; k < width; k++)
            to[k * step] += dx[k];
    }
}

static void front_dropout(const struct model *m, const struct minibatch *batch, real *x, size_t row)
{
    if (batch->chance && m->config.dropout_input > 0)
        dropout(x, row, x, row, m->front, 0, batch->steps * batch->rows, (real)m->config.dropout_input,
                rng_fork(*batch->chance, "input", 0));
}

static void front_forward(struct model *m, const struct minibatch *batch)
{
    size_t n = batch->steps * batch->rows;
    bool dropped = batch->chance && m->config.dropout_input > 0;
    m->x = NULL;
    m->pass.input = (struct rnn_input){0};
    if (m->rnn.sparse) {
        m->pass.input.ids = batch->ids;
        return;
    }
    m->pass.input.vec = batch->vec, m->pass.input.vec_row = m->front;
    if (!m->shape.ids && !m->shape.characters && !dropped)
        return;
    m->x = arena_get(&m->arena, n * x_row(m), sizeof *m->x);
    m->pass.input.vec = m->x, m->pass.input.vec_row = x_row(m);
    words_forward(m, batch, m->x);
    if (m->shape.characters)
        spelling_forward(&m->spelling, &m->params, batch->spellings, batch->spelt, n, m->x + word_width(m), x_row(m),
                         &m->arena);
    front_dropout(m, batch, m->x, x_row(m));
}

/* Does anything in front of the rnn learn? */
static bool front_learns(const struct model *m)
{
    return (m->shape.ids && m->shape.embedding && !m->frozen) || m->shape.characters;
}

static void front_backward(struct model *m, const struct minibatch *batch)
{
    real *dx = m->pass.dinput;
    if (!front_learns(m))
        return;
    front_dropout(m, batch, dx, m->pass.dinput_row);
    if (m->shape.ids && m->shape.embedding && !m->frozen)
        words_backward(m, batch, dx);
    if (m->shape.characters)
        spelling_backward(&m->spelling, &m->params, dx + word_width(m), m->pass.dinput_row, &m->arena);
}

/* ---- The initial state from a feature: s = W f + b, [B, L*D*S*H] ------------------------------------------------- */

static size_t start_width(const struct model *m)
{
    return model_state_size(m, 1);
}

/* Between a row an item, and [L*D, S, B, H]. */
static void turn_state(const struct model *m, size_t rows, real *by_item, real *state, bool to_state)
{
    size_t hidden = m->rnn.hidden, parts = start_width(m) / hidden, row = lanes_up(start_width(m));
    for (size_t b = 0; b < rows; b++)
        for (size_t part = 0; part < parts; part++) {
            real *item = by_item + b * row + part * hidden, *own = state + (part * rows + b) * hidden;
            memcpy(to_state ? own : item, to_state ? item : own, hidden * sizeof *own);
        }
}

static void start_product(const struct model *m, size_t rows, const real *features, real *by_item)
{
    size_t width = start_width(m), feature = (size_t)m->shape.feature;
    struct gemm g = {.rows = rows, .columns = width, .depth = feature, .start = GEMM_BIAS};
    gemm_left_rows(&g, features, feature);
    gemm_right_panels(&g, m->params.value + m->start_weight, feature * PANEL);
    gemm_result_rows(&g, by_item, lanes_up(width));
    g.bias = m->params.value + m->start_bias;
    gemm_part(&g, 0, rows, 0, panels(width));
}

void model_start(struct model *m, size_t rows, const real *features, real *state)
{
    arena_reset(&m->arena);
    real *by_item = arena_get(&m->arena, rows * lanes_up(start_width(m)), sizeof *by_item);
    start_product(m, rows, features, by_item);
    turn_state(m, rows, by_item, state, true);
}

/* dW += sum ds f', db += sum ds. */
static void start_backward(struct model *m, const struct minibatch *batch)
{
    size_t width = start_width(m), feature = (size_t)m->shape.feature, rows = batch->rows;
    real *dstate = arena_get(&m->arena, rows * width, sizeof *dstate);
    real *by_item = arena_get(&m->arena, rows * lanes_up(width), sizeof *by_item);
    memset(by_item, 0, rows * lanes_up(width) * sizeof *by_item);
    rnn_state_gradient(&m->rnn, &m->pass, dstate);
    turn_state(m, rows, by_item, dstate, false);
    struct gemm g = {.rows = feature, .columns = width, .depth = rows, .start = GEMM_ADD};
    gemm_left_transposed(&g, batch->features, feature);
    gemm_right_rows(&g, by_item, lanes_up(width));
    gemm_result_panels(&g, m->params.gradient + m->start_weight, feature * PANEL);
    gemm_part(&g, 0, feature, 0, panels(width));
    net_code()->sums(rows, lanes_up(width), by_item, lanes_up(width), m->params.gradient + m->start_bias);
}

/* ---- The linear layer and its head: o = W y + b, [n, K] ---------------------------------------------------------- */

static struct pooling pooling_of(const struct model *m)
{
    return (struct pooling){.kind = (enum pool)m->config.pool,
                            .steps = m->pass.steps,
                            .rows = m->pass.rows,
                            .width = m->rnn.outputs,
                            .forward = m->rnn.hidden,
                            .lengths = m->pass.lengths,
                            .y_row = rnn_output_row(&m->rnn, &m->pass),
                            .pooled_row = m->pooled_row,
                            .largest = m->largest};
}

/* What the linear layer reads. */
static struct rows features_of(const struct model *m)
{
    if (!m->shape.item)
        return rnn_output_rows(&m->rnn, &m->pass);
    return (struct rows){m->pooled, m->pooled_row, m->half_pooled, gemm16_row(m->rnn.outputs)};
}

static struct head_rows head_rows(const struct model *m)
{
    return (struct head_rows){.out = m->out,
                              .stride = m->out_row,
                              .width = m->outputs,
                              .targets = m->masked,
                              .wanted = m->wanted,
                              .dim = (size_t)m->shape.classes,
                              .norm = m->norm,
                              .losses = m->losses};
}

/* Targets, those behind their row's end taken out. Reals without a mask of their own are all there. */
static const uint32_t *mask_targets(struct model *m, const struct minibatch *batch)
{
    size_t n = m->n_out;
    bool reals = batch->wanted && !batch->targets, steps = batch->lengths && !m->shape.item;
    if (!reals && (!batch->targets || !steps))
        return batch->targets;
    uint32_t *masked = arena_get(&m->arena, n, sizeof *masked);
    for (size_t i = 0; i < n; i++) {
        bool there = !steps || i / batch->rows < batch->lengths[i % batch->rows];
        masked[i] = !there ? TARGET_NONE : reals ? 0 : batch->targets[i];
    }
    return masked;
}

static void output_forward(void *context, size_t low, size_t high)
{
    struct model *m = context;
    const struct head_rows rows = head_rows(m);
    const struct rows y = features_of(m);
    struct product p = {.g = {.columns = m->outputs, .depth = m->rnn.outputs, .start = GEMM_BIAS}};
    product_left(&p, &y, 0);
    product_right(&p, &m->linear, m->params.value, 0);
    gemm_result_rows(&p.g, m->out, m->out_row);
    p.g.bias = m->params.value + m->out_bias;
    for (; low < high; low += LOSS_ROWS) {
        size_t end = high - low < LOSS_ROWS ? high : low + LOSS_ROWS;
        product_part(&p, low, end, 0, panels(m->outputs));
        if (m->masked || m->head->classes)
            m->head->loss(&rows, low, end);
    }
}

static size_t output_work(const struct model *m)
{
    return m->n_out * m->out_row * m->rnn.outputs;
}

/* do, and dy = W' do, by rows. */
struct back {
    struct model *m;
    real *dy;
    size_t row;
};

static void output_backward(void *context, size_t low, size_t high)
{
    const struct back *back = context;
    struct model *m = back->m;
    const struct head_rows rows = head_rows(m);
    const struct rows dout = {m->out, m->out_row, m->half_out, gemm16_row(m->outputs)};
    struct product p = {.g = {.columns = m->rnn.outputs, .depth = m->outputs}};
    product_left(&p, &dout, 0);
    product_right_back(&p, &m->linear, 0);
    gemm_result_rows(&p.g, back->dy, back->row);
    for (; low < high; low += LOSS_ROWS) {
        size_t end = high - low < LOSS_ROWS ? high : low + LOSS_ROWS;
        m->head->gradient(&rows, low, end, (real)1 / (real)m->pass.rows);
        if (m->half_out)
            gemm16_rows(end - low, m->outputs, m->out + low * m->out_row, m->out_row, m->half_out + low * dout.half_row,
                        dout.half_row);
        product_part(&p, low, end, 0, panels(m->rnn.outputs));
    }
}

/* dW += sum do y', db += sum do, for panels first .. last-1. */
static void output_weights(void *context, size_t first, size_t last)
{
    struct model *m = context;
    size_t inputs = m->rnn.outputs;
    const struct rows y = features_of(m);
    for (size_t at = 0; at < m->n_out; at += LOSS_ROWS)
        for (size_t panel = first; panel < last; panel++) {
            size_t depth = m->n_out - at < LOSS_ROWS ? m->n_out - at : LOSS_ROWS;
            size_t from = panel * PANEL, left = lanes_up(m->outputs) - from, width = left < PANEL ? left : PANEL;
            const real *dout = m->out + at * m->out_row + from;
            struct product p = {.g = {.columns = width, .depth = depth, .start = GEMM_ADD}};
            struct dz_panel right;
            dz_panel_make(&right, m->rnn.precision, depth, width, dout, m->out_row);
            product_left_turned(&p, &y, inputs, at, m->turned);
            product_right_dz(&p, &right, 0);
            gemm_result_panels(&p.g, m->params.gradient + m->linear.at + panel * inputs * PANEL, 0);
            product_part(&p, 0, inputs, 0, 1);
            net_code()->sums(depth, width, dout, m->out_row, m->params.gradient + m->out_bias + from);
        }
}

/* In bf16: room for the gradient of out rounded; what the linear layer read, turned. */
static void output_round(struct model *m)
{
    const struct rows y = features_of(m);
    if (!y.half)
        return;
    m->half_out = arena_get(&m->arena, m->n_out * gemm16_row(m->outputs), sizeof *m->half_out);
    m->turned = arena_get(&m->arena, rows_turned_size(m->n_out, m->rnn.outputs), sizeof *m->turned);
    rows_turn(&y, m->rnn.outputs, 0, m->n_out, m->turned);
}

static void head_backward(struct model *m)
{
    struct back back = {m, rnn_output_gradient(&m->rnn, &m->pass, &m->arena), rnn_output_row(&m->rnn, &m->pass)};
    real *dy = back.dy;
    if (m->shape.item) {
        back.dy = arena_get(&m->arena, m->n_out * m->pooled_row, sizeof *back.dy);
        back.row = m->pooled_row;
    }
    output_round(m);
    split_work(m->n_out, output_work(m), output_backward, &back);
    split_work(panels(m->outputs), output_work(m), output_weights, m);
    m->in_logits = false;
    if (m->shape.item) {
        const struct pooling pooling = pooling_of(m);
        pool_backward(&pooling, back.dy, dy);
    }
}

static struct tally head_forward(struct model *m, const struct minibatch *batch)
{
    struct tally tally = {0};
    m->n_out = m->shape.item ? batch->rows : batch->steps * batch->rows;
    if (m->shape.item) {
        m->pooled = arena_get(&m->arena, batch->rows * m->pooled_row, sizeof(real));
        m->largest = arena_get(&m->arena, batch->rows * m->rnn.outputs, sizeof *m->largest);
        const struct pooling pooling = pooling_of(m);
        pool_forward(&pooling, rnn_output(&m->rnn, &m->pass), m->pooled);
        if (m->rnn.precision == PRECISION_BF16) {
            size_t half_row = gemm16_row(m->rnn.outputs);
            m->half_pooled = arena_get(&m->arena, batch->rows * half_row, sizeof *m->half_pooled);
            gemm16_rows(batch->rows, m->rnn.outputs, m->pooled, m->pooled_row, m->half_pooled, half_row);
        }
    }
    m->masked = mask_targets(m, batch);
    m->wanted = batch->wanted;
    m->out = arena_get(&m->arena, m->n_out * m->out_row, sizeof(real));
    m->norm = arena_get(&m->arena, m->n_out, sizeof(real));
    m->losses = arena_get(&m->arena, m->n_out, sizeof(double));
    m->in_logits = true;
    split_work(m->n_out, output_work(m), output_forward, m);
    for (size_t i = 0; m->masked && i < m->n_out; i++) {
        tally.loss += m->losses[i];
        tally.count += m->masked[i] != TARGET_NONE;
    }
    return tally;
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

struct tally model_forward(struct model *m, const struct minibatch *batch, const real *state, real *state_out)
{
    arena_reset(&m->arena);
    m->pass = (struct rnn_pass){.steps = batch->steps, .rows = batch->rows, .lengths = batch->lengths};
    m->half_pooled = m->half_out = m->turned = NULL;
    if (batch->chance) {
        m->pass.dropout = (real)m->config.dropout;
        m->pass.chance = *batch->chance;
    }
    front_forward(m, batch);
    m->started = !state && batch->features;
    if (m->started) {
        real *by_item = arena_get(&m->arena, batch->rows * lanes_up(start_width(m)), sizeof *by_item);
        real *start = arena_get(&m->arena, model_state_size(m, batch->rows), sizeof *start);
        start_product(m, batch->rows, batch->features, by_item);
        turn_state(m, batch->rows, by_item, start, true);
        state = start;
    }
    rnn_forward(&m->rnn, &m->params, &m->pass, state, state_out, &m->arena);
    return m->outputs ? head_forward(m, batch) : (struct tally){0};
}

void model_backward(struct model *m, const struct minibatch *batch)
{
    assert(m->in_logits && m->masked);
    head_backward(m);
    rnn_backward(&m->rnn, &m->params, &m->pass, front_learns(m), &m->arena);
    if (m->rnn.sparse || (front_learns(m) && m->shape.embedding && !m->frozen && !m->config.tied))
        params_touch(&m->params, batch->ids, batch->steps * batch->rows);
    front_backward(m, batch);
    if (m->started)
        start_backward(m, batch);
}

void model_step(struct model *m, size_t rows, const uint32_t *ids, const real *vec, real *state, real *outputs)
{
    model_forward(m, &(struct minibatch){.steps = 1, .rows = rows, .ids = ids, .vec = vec}, state, state);
    for (size_t b = 0; b < rows; b++)
        model_logits(m, 0, b, outputs + b * m->outputs);
}
