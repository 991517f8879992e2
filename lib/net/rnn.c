#include "net/rnn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/gemm.h"
#include "net/net_code.h"

/* Rows of the input product done at a time, and of the gradients that are run through all columns before the next:
 * they stay in the second-level cache. */
enum { INPUT_ROWS = 256, GRADIENT_ROWS = 256 };

/* One layer's pass, as the threads share it. */
struct sweep {
    const struct rnn *n;
    struct params *p;
    struct rnn_pass *pass;
    const struct rnn_layer *at;
    struct rnn_trace *trace;
    const real *x; /* [T*B, x_row]: what comes in; NULL for ids */
    size_t x_row;
    real *dx; /* [T*B, dx_row]: its gradient; NULL: not wanted */
    size_t dx_row;
};

void rnn_make(struct rnn *n, const struct cell *cell, enum activation activation, size_t layers, size_t hidden,
              size_t inputs, bool sparse, struct params *p)
{
    /* A power of two between rows would make their columns fall into the same few cache sets: hence 16 more. */
    *n = (struct rnn){.cell = cell,
                      .activation = activation,
                      .layers = layers,
                      .hidden = hidden,
                      .width = cell_width(cell, hidden),
                      .row = cell_blocks(hidden) * CELL_LANES + 16,
                      .sparse = sparse,
                      .columns = cell_columns(cell, hidden),
                      .layer = mem_get(layers, sizeof *n->layer)};
    uint64_t gates = (uint64_t)cell->gates * hidden;
    for (size_t l = 0; l < layers; l++) {
        struct rnn_layer *at = &n->layer[l];
        char name[64];
        at->inputs = l == 0 ? inputs : hidden;
        snprintf(name, sizeof name, "rnn.%zu.input", l);
        at->input = params_add_panels(p, name, 2, (uint64_t[]){gates, at->inputs}, n->width, n->columns);
        snprintf(name, sizeof name, "rnn.%zu.recurrent", l);
        at->recurrent[0] = params_add_panels(p, name, 2, (uint64_t[]){gates, hidden}, n->width, n->columns);
        at->recurrent[1] = at->recurrent[0] + cell_phase_width(cell, hidden, 0) * hidden;
        snprintf(name, sizeof name, "rnn.%zu.bias", l);
        at->bias = params_add_panels(p, name, 1, (uint64_t[]){gates}, n->width, n->columns);
        for (int v = 0; v < CELL_VECTORS && cell->vector_names[v]; v++) {
            snprintf(name, sizeof name, "rnn.%zu.%s", l, cell->vector_names[v]);
            at->vector[v] = params_add(p, name, 1, (uint64_t[]){hidden});
        }
    }
}

void rnn_free(struct rnn *n)
{
    for (size_t l = 0; l < n->layers; l++) {
        free(n->layer[l].input_back);
        for (int phase = 0; phase < CELL_PHASES; phase++)
            free(n->layer[l].recurrent_back[phase]);
    }
    free(n->layer);
    free(n->columns);
    *n = (struct rnn){0};
}

/* The first packed column of a phase. */
static size_t phase_first(const struct rnn *n, int phase)
{
    return phase == 0 ? 0 : cell_phase_width(n->cell, n->hidden, 0);
}

static size_t phase_columns(const struct rnn *n, int phase)
{
    return cell_phase_columns(n->cell, n->hidden, phase);
}

static void refresh(real **back, const real *weights, size_t depth, size_t columns)
{
    if (!*back)
        *back = mem_aligned(panels(depth) * panels(columns), PANEL * PANEL * sizeof(real));
    gemm_transpose(weights, depth, columns, *back);
}

void rnn_refresh(struct rnn *n, const struct params *p)
{
    for (size_t l = 0; l < n->layers; l++) {
        struct rnn_layer *at = &n->layer[l];
        if (l > 0 || !n->sparse)
            refresh(&at->input_back, p->value + at->input, at->inputs, n->width);
        for (int phase = 0; phase < n->cell->phases; phase++)
            refresh(&at->recurrent_back[phase], p->value + at->recurrent[phase], n->hidden, phase_columns(n, phase));
    }
}

/* ---- Steps --------------------------------------------------------------------------------------------------- */

static struct cell_step step_at(const struct sweep *s, size_t t)
{
    const struct rnn_trace *trace = s->trace;
    size_t rows = s->pass->rows, now = t * rows * s->n->row, next = now + rows * s->n->row;
    struct cell_step step = {.activation = s->n->activation,
                             .z = trace->gates + t * rows * PANEL,
                             .z_panel = s->pass->steps * rows * PANEL,
                             .state_row = s->n->row};
    for (int k = 0; k < s->n->cell->states; k++) {
        step.before[k] = trace->state[k] + now;
        step.after[k] = trace->state[k] + next;
        step.dstate[k] = trace->dstate[k];
    }
    for (int phase = 0; phase < s->n->cell->phases; phase++)
        step.first_panel[phase] = phase_first(s->n, phase) / PANEL;
    for (int v = 0; v < CELL_VECTORS && s->n->cell->vector_names[v]; v++)
        step.vector[v] = s->p->value + s->at->vector[v];
    if (trace->carry)
        step.carry = trace->carry + now;
    if (trace->dcarry)
        step.dcarry = trace->dcarry + now;
    if (trace->dh) {
        step.dh = trace->dh + next;
        step.dh_before = trace->dh + now;
    }
    return step;
}

/* Has row b ended before step t? */
static bool frozen(const struct rnn_pass *pass, size_t t, size_t b)
{
    return pass->lengths && pass->lengths[b] <= t;
}

/* Calls the cell for every run of rows that have not ended. */
static void live_rows(const struct sweep *s, const struct cell_step *step, size_t t, struct cell_range r, int phase,
                      void (*cell)(const struct cell_step *, struct cell_range, int))
{
    if (!s->pass->lengths) {
        cell(step, r, phase);
        return;
    }
    size_t high = r.high;
    for (size_t b = r.low; b < high;) {
        for (r.low = b; b < high && !frozen(s->pass, t, b);)
            b++;
        r.high = b;
        if (r.low < r.high)
            cell(step, r, phase);
        while (b < high && frozen(s->pass, t, b))
            b++;
    }
}

/* The product for rows low .. high-1 of steps t .. t_end-1: one range where these are whole steps. */
static void product_rows(const struct gemm *g, const struct sweep *s, size_t t, size_t t_end, size_t low, size_t high)
{
    size_t rows = s->pass->rows;
    if (high - low == rows)
        gemm_part(g, t * rows, t_end * rows, 0, panels(g->columns));
    else
        for (; t < t_end; t++)
            gemm_part(g, t * rows + low, t * rows + high, 0, panels(g->columns));
}

/* ---- Forward ------------------------------------------------------------------------------------------------- */

/* z = b + W_x x for steps t .. t_end. */
static void input_product(const struct sweep *s, size_t t, size_t t_end, size_t low, size_t high)
{
    const struct rnn *n = s->n;
    size_t panel = s->pass->steps * s->pass->rows * PANEL;
    for (int phase = 0; phase < n->cell->phases; phase++) {
        size_t first = phase_first(n, phase);
        struct gemm g = {.columns = phase_columns(n, phase), .depth = s->at->inputs, .start = GEMM_BIAS};
        gemm_left_rows(&g, s->x, s->x_row);
        gemm_right_panels(&g, s->p->value + s->at->input + first * s->at->inputs, s->at->inputs * PANEL);
        gemm_result_panels(&g, s->trace->gates + first / PANEL * panel, panel);
        g.bias = s->p->value + s->at->bias + first;
        product_rows(&g, s, t, t_end, low, high);
    }
}

/* One phase of step t: panel by panel the recurrent product, and the cell for the units whose gates are complete. */
static void phase_forward(const struct sweep *s, struct cell_step *step, size_t t, size_t low, size_t high, int phase)
{
    const struct rnn *n = s->n;
    const uint32_t *ids = s->x ? NULL : s->pass->input.ids + t * s->pass->rows;
    size_t first = phase_first(n, phase) / PANEL, columns = phase_columns(n, phase), done = 0;
    size_t gates = CELL_LANES * (size_t)n->cell->phase_gates[phase];
    struct gemm g = {.columns = columns, .depth = n->hidden, .start = GEMM_ADD};
    gemm_left_rows(&g, phase == 0 ? step->before[0] : step->carry, n->row);
    gemm_right_panels(&g, s->p->value + s->at->recurrent[phase], n->hidden * PANEL);
    gemm_result_panels(&g, step->z + first * step->z_panel, step->z_panel);
    for (size_t p = 0; p < panels(columns); p++) {
        size_t width = columns - p * PANEL < PANEL ? columns - p * PANEL : PANEL,
               complete = (p * PANEL + width) / gates;
        if (ids)
            net_code()->start(high - low, width, g.c + p * g.c_panel + low * PANEL,
                              s->p->value + s->at->bias + (first + p) * PANEL,
                              s->p->value + s->at->input + (first + p) * s->at->inputs * PANEL, ids + low);
        gemm_part(&g, low, high, p, p + 1);
        if (complete > done)
            live_rows(s, step, t, (struct cell_range){low, high, done, complete}, phase, n->cell->forward);
        done = complete;
    }
}

/* Rows that ended before step t keep their states; the cell does not touch them. */
static void frozen_forward(const struct sweep *s, const struct cell_step *step, size_t t, size_t low, size_t high)
{
    size_t row = s->n->row;
    for (size_t b = low; s->pass->lengths && b < high; b++) {
        if (!frozen(s->pass, t, b))
            continue;
        for (int k = 0; k < s->n->cell->states; k++)
            memcpy(step->after[k] + b * row, step->before[k] + b * row, row * sizeof(real));
        if (step->carry)
            memset(step->carry + b * row, 0, row * sizeof(real));
    }
}

static void layer_forward(void *context, size_t low, size_t high)
{
    const struct sweep *s = context;
    const struct rnn *n = s->n;
    size_t rows = s->pass->rows, together = INPUT_ROWS / rows + 1;
    for (size_t t = 0; t < s->pass->steps; t++) {
        struct cell_step step = step_at(s, t);
        if (s->x && t % together == 0)
            input_product(s, t, t + together < s->pass->steps ? t + together : s->pass->steps, low, high);
        frozen_forward(s, &step, t, low, high);
        for (int phase = 0; phase < n->cell->phases; phase++)
            phase_forward(s, &step, t, low, high, phase);
    }
}

static struct sweep sweep_of(const struct rnn *n, const struct params *p, struct rnn_pass *pass, size_t layer)
{
    struct sweep s = {.n = n,
                      .p = (struct params *)p,
                      .pass = pass,
                      .at = &n->layer[layer],
                      .trace = &pass->trace[layer]};
    if (layer > 0) {
        s.x = pass->trace[layer - 1].state[0] + pass->rows * n->row;
        s.x_row = n->row;
    } else if (!n->sparse) {
        s.x = pass->input.vec;
        s.x_row = pass->input.vec_row;
    }
    return s;
}

static void trace_make(const struct rnn *n, const struct rnn_pass *pass, struct rnn_trace *trace, const real *state,
                       struct arena *arena)
{
    size_t rows = pass->rows;
    *trace = (struct rnn_trace){.gates = arena_get(arena, pass->steps * rows * n->width, sizeof(real))};
    for (int k = 0; k < n->cell->states; k++) {
        trace->state[k] = arena_get(arena, (pass->steps + 1) * rows * n->row, sizeof(real));
        memset(trace->state[k], 0, rows * n->row * sizeof(real));
        for (size_t b = 0; state && b < rows; b++)
            memcpy(trace->state[k] + b * n->row, state + ((size_t)k * rows + b) * n->hidden, n->hidden * sizeof(real));
    }
    if (n->cell->phases > 1)
        trace->carry = arena_get(arena, pass->steps * rows * n->row, sizeof(real));
}

void rnn_forward(const struct rnn *n, const struct params *p, struct rnn_pass *pass, const real *state, real *state_out,
                 struct arena *arena)
{
    size_t rows = pass->rows, of_layer = (size_t)n->cell->states * rows * n->hidden;
    pass->trace = arena_get(arena, n->layers, sizeof *pass->trace);
    for (size_t l = 0; l < n->layers; l++) {
        trace_make(n, pass, &pass->trace[l], state ? state + l * of_layer : NULL, arena);
        struct sweep s = sweep_of(n, p, pass, l);
        split_work(rows, pass->steps * rows * n->width * n->hidden, layer_forward, &s);
    }
    for (size_t i = 0; state_out && i < n->layers * (size_t)n->cell->states * rows; i++) {
        const struct rnn_trace *trace = &pass->trace[i / ((size_t)n->cell->states * rows)];
        const real *last = trace->state[i / rows % (size_t)n->cell->states] + (pass->steps * rows + i % rows) * n->row;
        memcpy(state_out + i * n->hidden, last, n->hidden * sizeof(real));
    }
}

const real *rnn_output(const struct rnn *n, const struct rnn_pass *pass)
{
    return pass->trace[n->layers - 1].state[0] + pass->rows * n->row;
}

/* ---- Backward ------------------------------------------------------------------------------------------------ */

static real *gradient_make(const struct rnn *n, const struct rnn_pass *pass, size_t layer, struct arena *arena)
{
    struct rnn_trace *trace = &pass->trace[layer];
    trace->dh = arena_get(arena, (pass->steps + 1) * pass->rows * n->row, sizeof(real));
    memset(trace->dh, 0, pass->rows * n->row * sizeof(real));
    for (int k = 1; k < n->cell->states; k++) {
        trace->dstate[k] = arena_get(arena, pass->rows * n->row, sizeof(real));
        memset(trace->dstate[k], 0, pass->rows * n->row * sizeof(real));
    }
    if (n->cell->phases > 1)
        trace->dcarry = arena_get(arena, pass->steps * pass->rows * n->row, sizeof(real));
    return trace->dh + pass->rows * n->row;
}

real *rnn_output_gradient(const struct rnn *n, struct rnn_pass *pass, struct arena *arena)
{
    return gradient_make(n, pass, n->layers - 1, arena);
}

/* out = or += W' dz for one phase's columns and the rows low .. high-1 of steps t .. t_end. */
static void product_back(const struct sweep *s, struct gemm g, size_t t, size_t t_end, size_t low, size_t high,
                         int phase)
{
    size_t panel = s->pass->steps * s->pass->rows * PANEL;
    g.depth = phase_columns(s->n, phase);
    gemm_left_panels(&g, s->trace->gates + phase_first(s->n, phase) / PANEL * panel, panel);
    product_rows(&g, s, t, t_end, low, high);
}

/* dh_{t-1} += W_h' dz_t; in a second phase dcarry = W' dz. */
static void recurrent_back(const struct sweep *s, size_t t, size_t low, size_t high, int phase)
{
    struct gemm g = {.columns = s->n->hidden, .start = phase == 0 ? GEMM_ADD : GEMM_ZERO};
    gemm_right_panels(&g, s->at->recurrent_back[phase], cell_phase_width(s->n->cell, s->n->hidden, phase) * PANEL);
    gemm_result_rows(&g, phase == 0 ? s->trace->dh : s->trace->dcarry, s->n->row);
    product_back(s, g, t, t + 1, low, high, phase);
}

/* dx = W_x' dz. */
static void input_back(const struct sweep *s, size_t t, size_t t_end, size_t low, size_t high)
{
    for (int phase = 0; phase < s->n->cell->phases; phase++) {
        struct gemm g = {.columns = s->at->inputs, .start = phase == 0 ? GEMM_ZERO : GEMM_ADD};
        gemm_right_panels(&g, s->at->input_back + phase_first(s->n, phase) * PANEL, s->n->width * PANEL);
        gemm_result_rows(&g, s->dx, s->dx_row);
        product_back(s, g, t, t_end, low, high, phase);
    }
}

/* Rows that ended before step t hand their gradient on to the step before. */
static void frozen_back(const struct sweep *s, const struct cell_step *step, size_t t, size_t low, size_t high)
{
    const struct rnn *n = s->n;
    for (size_t b = low; s->pass->lengths && b < high; b++) {
        if (!frozen(s->pass, t, b))
            continue;
        for (size_t p = 0; p < n->width / PANEL; p++)
            memset(step->z + p * step->z_panel + b * PANEL, 0, PANEL * sizeof(real));
        for (size_t j = 0; j < n->hidden; j++)
            step->dh_before[b * n->row + j] += step->dh[b * n->row + j];
    }
}

static void layer_backward(void *context, size_t low, size_t high)
{
    const struct sweep *s = context;
    const struct rnn *n = s->n;
    size_t rows = s->pass->rows, together = INPUT_ROWS / rows + 1, blocks = cell_blocks(n->hidden);
    for (size_t t = s->pass->steps; t-- > 0;) {
        struct cell_step step = step_at(s, t);
        for (int phase = n->cell->phases - 1; phase >= 0; phase--) {
            live_rows(s, &step, t, (struct cell_range){low, high, 0, blocks}, phase, n->cell->backward);
            if (phase == 0)
                frozen_back(s, &step, t, low, high);
            recurrent_back(s, t, low, high, phase);
        }
        if (s->dx && t % together == 0)
            input_back(s, t, t + together < s->pass->steps ? t + together : s->pass->steps, low, high);
    }
}

/* Adds the gradients of panel p's weights that `depth` rows from `row` on give. */
static void panel_weights(const struct sweep *s, size_t p, size_t row, size_t depth)
{
    const struct rnn *n = s->n;
    size_t panel = s->pass->steps * s->pass->rows * PANEL, second = phase_first(n, 1) / PANEL;
    int phase = p >= second && n->cell->phases > 1;
    size_t left = phase_columns(n, phase) - (p - (phase ? second : 0)) * PANEL, width = left < PANEL ? left : PANEL;
    const real *h = phase ? s->trace->carry : s->trace->state[0];
    const real *dz = s->trace->gates + p * panel + row * PANEL;
    real *dinput = s->p->gradient + s->at->input + p * s->at->inputs * PANEL;
    struct gemm g = {.rows = n->hidden, .columns = width, .depth = depth, .start = GEMM_ADD};
    gemm_left_transposed(&g, h + row * n->row, n->row);
    gemm_right_panels(&g, dz, panel);
    gemm_result_panels(&g, s->p->gradient + s->at->recurrent[0] + p * n->hidden * PANEL, 0);
    gemm_part(&g, 0, g.rows, 0, 1);
    if (s->x) {
        g.rows = s->at->inputs;
        gemm_left_transposed(&g, s->x + row * s->x_row, s->x_row);
        gemm_result_panels(&g, dinput, 0);
        gemm_part(&g, 0, g.rows, 0, 1);
    } else {
        net_code()->scatter(depth, width, dz, dinput, s->pass->input.ids + row);
    }
    net_code()->sums(depth, width, dz, PANEL, s->p->gradient + s->at->bias + p * PANEL);
}

/* Gradients of the weights in panels first .. last-1: some rows for all of them, then the next. */
static void layer_weights(void *context, size_t first, size_t last)
{
    const struct sweep *s = context;
    size_t all = s->pass->steps * s->pass->rows;
    for (size_t row = 0; row < all; row += GRADIENT_ROWS)
        for (size_t p = first; p < last; p++)
            panel_weights(s, p, row, all - row < GRADIENT_ROWS ? all - row : GRADIENT_ROWS);
}

/* Gradients of the cell's own vectors for unit blocks first .. last-1. */
static void layer_vectors(void *context, size_t first, size_t last)
{
    const struct sweep *s = context;
    real *dvector[CELL_VECTORS] = {0};
    for (int v = 0; v < CELL_VECTORS && s->n->cell->vector_names[v]; v++)
        dvector[v] = s->p->gradient + s->at->vector[v];
    for (size_t t = 0; t < s->pass->steps; t++) {
        struct cell_step step = step_at(s, t);
        s->n->cell->vectors(&step, (struct cell_range){0, s->pass->rows, first, last}, dvector);
    }
}

void rnn_backward(const struct rnn *n, struct params *p, struct rnn_pass *pass, bool want_input, struct arena *arena)
{
    size_t rows = pass->rows, work = pass->steps * rows * n->width * n->hidden;
    for (size_t l = n->layers; l-- > 0;) {
        struct sweep s = sweep_of(n, p, pass, l);
        if (l > 0) {
            s.dx = gradient_make(n, pass, l - 1, arena);
            s.dx_row = n->row;
        } else if (want_input) {
            assert(!n->sparse);
            pass->dinput_row = lanes_up(s.at->inputs);
            s.dx = pass->dinput = arena_get(arena, pass->steps * rows * pass->dinput_row, sizeof(real));
            s.dx_row = pass->dinput_row;
        }
        split_work(rows, work, layer_backward, &s);
        split_work(n->width / PANEL, work, layer_weights, &s);
        if (n->cell->vectors)
            split_work(cell_blocks(n->hidden), pass->steps * rows * n->hidden, layer_vectors, &s);
    }
}

/* ---- Looking in ---------------------------------------------------------------------------------------------- */

void rnn_gates(const struct rnn *n, const struct rnn_pass *pass, size_t layer, size_t step, size_t row, real *gates)
{
    size_t all = pass->steps * pass->rows;
    const real *at = pass->trace[layer].gates + (step * pass->rows + row) * PANEL;
    for (size_t r = 0; r < (size_t)n->cell->gates * n->hidden; r++)
        gates[r] = at[n->columns[r] / PANEL * all * PANEL + n->columns[r] % PANEL];
}

void rnn_state(const struct rnn *n, const struct rnn_pass *pass, size_t layer, int s, long step, size_t row,
               real *state)
{
    const real *at = pass->trace[layer].state[s] + ((size_t)(step + 1) * pass->rows + row) * n->row;
    memcpy(state, at, n->hidden * sizeof(real));
}
