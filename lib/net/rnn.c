#include "net/rnn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dropout.h"
#include "net/rnn_sweep.h"

/* ---- Making -------------------------------------------------------------------------------------------------- */

/* The views of one layer's direction; `prefix`: NAME.L or NAME.L.reverse. */
static void layer_make(const struct rnn *n, struct rnn_layer *at, const char *prefix, struct params *p)
{
    char name[96];
    uint64_t rows[CELL_PARTS];
    for (int part = 0; part < CELL_PARTS; part++)
        rows[part] = (uint64_t)cell_gates(n->cell, (enum cell_part)part) * n->hidden;
    snprintf(name, sizeof name, "%s.input", prefix);
    at->input = (struct weights){.depth = at->inputs, .columns = n->width};
    at->input.at =
        params_add_panels(p, name, 2, (uint64_t[]){rows[CELL_INPUT], at->inputs}, n->width, n->columns[CELL_INPUT]);
    snprintf(name, sizeof name, "%s.recurrent", prefix);
    at->recurrent = (struct weights){.depth = n->hidden, .columns = n->width};
    at->recurrent.at = params_add_panels(p, name, 2, (uint64_t[]){rows[CELL_RECURRENT], n->hidden}, n->width,
                                         n->columns[CELL_RECURRENT]);
    snprintf(name, sizeof name, "%s.bias", prefix);
    at->bias = params_add_panels(p, name, 1, (uint64_t[]){rows[CELL_BIAS]}, n->width, n->columns[CELL_BIAS]);
    for (int v = 0; v < CELL_VECTORS && n->cell->vector_names[v]; v++) {
        snprintf(name, sizeof name, "%s.%s", prefix, n->cell->vector_names[v]);
        at->vector[v] = params_add(p, name, 1, (uint64_t[]){n->hidden});
    }
}

void rnn_make(struct rnn *n, const struct rnn_shape *shape, struct params *p)
{
    /* A power of two between rows would make their columns fall into the same few cache sets: hence 16 more. */
    *n = (struct rnn){.cell = shape->cell,
                      .activation = shape->activation,
                      .layers = shape->layers,
                      .hidden = shape->hidden,
                      .directions = shape->both ? 2 : 1,
                      .width = cell_width(shape->cell, shape->hidden),
                      .row = lanes_up(shape->hidden) + 16,
                      .sparse = shape->sparse};
    n->outputs = n->directions * n->hidden;
    for (int part = 0; part < CELL_PARTS; part++)
        n->columns[part] = cell_columns(n->cell, n->hidden, (enum cell_part)part);
    n->layer = mem_get(n->layers * n->directions, sizeof *n->layer);
    for (size_t i = 0; i < n->layers * n->directions; i++) {
        char prefix[64];
        n->layer[i].inputs = i < n->directions ? shape->inputs : n->outputs;
        snprintf(prefix, sizeof prefix, "%s.%zu%s", shape->name, i / n->directions,
                 i % n->directions ? ".reverse" : "");
        layer_make(n, &n->layer[i], prefix, p);
    }
}

void rnn_free(struct rnn *n)
{
    for (size_t i = 0; i < n->layers * n->directions; i++) {
        weights_free(&n->layer[i].input);
        weights_free(&n->layer[i].recurrent);
    }
    free(n->layer);
    for (int part = 0; part < CELL_PARTS; part++)
        free(n->columns[part]);
    *n = (struct rnn){0};
}

void rnn_refresh(struct rnn *n, const struct params *p)
{
    for (size_t i = 0; i < n->layers * n->directions; i++) {
        struct rnn_layer *at = &n->layer[i];
        if (i >= n->directions || !n->sparse)
            weights_refresh(&at->input, n->precision, p->value);
        weights_refresh(&at->recurrent, n->precision, p->value);
    }
}

/* ---- Slots of states ----------------------------------------------------------------------------------------- */

/* Where a direction's initial state, that after its last step, and that behind step 0 lie in states and dh. */
static size_t slot_initial(const struct rnn *n, const struct rnn_pass *pass, size_t direction)
{
    return direction ? pass->steps * pass->rows * n->row : 0;
}

static size_t slot_last(const struct rnn *n, const struct rnn_pass *pass, size_t direction)
{
    return direction ? 0 : pass->steps * pass->rows * n->row;
}

static size_t slot_first(const struct rnn *n, const struct rnn_pass *pass, size_t direction)
{
    return direction ? 0 : pass->rows * n->row;
}

static struct rows rows_between(const struct rnn_between *up)
{
    return (struct rows){up->y, up->row, up->half, up->half_row};
}

static struct sweep sweep_of(const struct rnn *n, const struct params *p, struct rnn_pass *pass, size_t layer,
                             size_t direction)
{
    size_t i = layer * n->directions + direction;
    struct sweep s = {.n = n,
                      .p = (struct params *)p,
                      .pass = pass,
                      .at = &n->layer[i],
                      .trace = &pass->trace[i],
                      .reverse = direction > 0};
    if (layer > 0) {
        s.x = rows_between(&pass->between[layer - 1]);
    } else if (!n->sparse) {
        s.x = (struct rows){pass->input.vec, pass->input.vec_row, pass->half_vec, gemm16_row(s.at->inputs)};
    }
    return s;
}

/* ---- Between layers ------------------------------------------------------------------------------------------ */

/* What a layer hands up, as the threads share it. */
struct hand {
    const struct rnn *n;
    struct rnn_pass *pass;
    size_t layer;
    real *y;
    struct rng chance;
};

static struct hand hand_of(const struct rnn *n, struct rnn_pass *pass, size_t layer)
{
    return (struct hand){.n = n, .pass = pass, .layer = layer, .chance = rng_fork(pass->chance, "layer", layer)};
}

/* y = mask [h forward, h reverse] for rows low .. high-1 of all T*B, and in bf16 it rounded. */
static void join(void *context, size_t low, size_t high)
{
    const struct hand *hand = context;
    const struct rnn *n = hand->n;
    const struct rnn_between *up = &hand->pass->between[hand->layer];
    size_t row = up->row;
    for (size_t d = 0; d < n->directions; d++) {
        const real *h = hand->pass->trace[hand->layer * n->directions + d].state[0] + slot_first(n, hand->pass, d);
        for (size_t r = low; r < high; r++)
            memcpy(hand->y + r * row + d * n->hidden, h + r * n->row, n->hidden * sizeof(real));
    }
    if (hand->pass->dropout > 0)
        dropout(hand->y, row, hand->y, row, n->outputs, low, high, hand->pass->dropout, hand->chance);
    if (up->half)
        gemm16_rows(high - low, n->outputs, hand->y + low * row, row, up->half + low * up->half_row, up->half_row);
}

static void hand_up(const struct rnn *n, struct rnn_pass *pass, size_t layer, struct arena *arena)
{
    size_t all = pass->steps * pass->rows;
    struct rnn_between *up = &pass->between[layer];
    *up = (struct rnn_between){.row = lanes_up(n->outputs) + 16};
    if (n->directions == 1 && !(pass->dropout > 0)) {
        up->y = pass->trace[layer].state[0] + slot_first(n, pass, 0);
        up->half_row = gemm16_row(n->hidden);
        up->half = pass->trace[layer].half ? pass->trace[layer].half + pass->rows * up->half_row : NULL;
        return;
    }
    struct hand hand = hand_of(n, pass, layer);
    up->y = hand.y = arena_get(arena, all * up->row, sizeof(real));
    if (n->precision == PRECISION_BF16) {
        up->half_row = gemm16_row(n->outputs);
        up->half = arena_get(arena, all * up->half_row, sizeof *up->half);
    }
    split_work(all, all * n->outputs, join, &hand);
}

/* dh = mask dy, each direction its half, for rows low .. high-1 of all T*B. */
static void part(void *context, size_t low, size_t high)
{
    const struct hand *hand = context;
    const struct rnn *n = hand->n;
    const struct rnn_between *up = &hand->pass->between[hand->layer];
    if (hand->pass->dropout > 0)
        dropout(up->dy, up->row, up->dy, up->row, n->outputs, low, high, hand->pass->dropout, hand->chance);
    for (size_t d = 0; n->directions > 1 && d < n->directions; d++) {
        real *dh = hand->pass->trace[hand->layer * n->directions + d].dh + slot_first(n, hand->pass, d);
        for (size_t r = low; r < high; r++) {
            memcpy(dh + r * n->row, up->dy + r * up->row + d * n->hidden, n->hidden * sizeof(real));
            memset(dh + r * n->row + n->hidden, 0, (n->row - n->hidden) * sizeof(real));
        }
    }
}

static void hand_down(const struct rnn *n, struct rnn_pass *pass, size_t layer)
{
    size_t all = pass->steps * pass->rows;
    struct hand hand = hand_of(n, pass, layer);
    if (n->directions > 1 || pass->dropout > 0)
        split_work(all, all * n->outputs, part, &hand);
}

/* ---- Forward ------------------------------------------------------------------------------------------------- */

static void trace_make(const struct rnn *n, const struct rnn_pass *pass, size_t i, const real *state,
                       struct arena *arena)
{
    size_t rows = pass->rows, initial = slot_initial(n, pass, i % n->directions);
    struct rnn_trace *trace = &pass->trace[i];
    *trace = (struct rnn_trace){.gates = arena_get(arena, pass->steps * rows * n->width, sizeof(real))};
    for (int k = 0; k < n->cell->states; k++) {
        trace->state[k] = arena_get(arena, (pass->steps + 1) * rows * n->row, sizeof(real));
        real *to = trace->state[k] + initial;
        memset(to, 0, rows * n->row * sizeof(real));
        for (size_t b = 0; state && b < rows; b++)
            memcpy(to + b * n->row, state + ((size_t)k * rows + b) * n->hidden, n->hidden * sizeof(real));
    }
    if (n->cell->phases > 1)
        trace->carry = arena_get(arena, pass->steps * rows * n->row, sizeof(real));
    if (n->precision == PRECISION_BF16) {
        size_t half_row = gemm16_row(n->hidden);
        trace->half = arena_get(arena, (pass->steps + 1) * rows * half_row, sizeof *trace->half);
        gemm16_rows(rows, n->hidden, trace->state[0] + initial, n->row, trace->half + initial / n->row * half_row,
                    half_row);
        if (n->cell->phases > 1)
            trace->half_carry = arena_get(arena, pass->steps * rows * half_row, sizeof *trace->half_carry);
    }
}

/* What layer 0 reads, rounded, for rows low .. high-1 of all T*B. */
static void round_input(void *context, size_t low, size_t high)
{
    const struct sweep *s = context;
    const struct rows *x = &s->x;
    gemm16_rows(high - low, s->at->inputs, x->x + low * x->row, x->row, s->pass->half_vec + low * x->half_row,
                x->half_row);
}

static void input_make(const struct rnn *n, const struct params *p, struct rnn_pass *pass, struct arena *arena)
{
    size_t all = pass->steps * pass->rows, inputs = n->layer[0].inputs;
    if (n->sparse || n->precision == PRECISION_FLOAT)
        return;
    pass->half_vec = arena_get(arena, all * gemm16_row(inputs), sizeof *pass->half_vec);
    struct sweep s = sweep_of(n, p, pass, 0, 0);
    split_work(all, all * inputs, round_input, &s);
}

void rnn_forward(const struct rnn *n, const struct params *p, struct rnn_pass *pass, const real *state, real *state_out,
                 struct arena *arena)
{
    size_t rows = pass->rows, states = (size_t)n->cell->states, of_layer = states * rows * n->hidden;
    pass->trace = arena_get(arena, n->layers * n->directions, sizeof *pass->trace);
    pass->between = arena_get(arena, n->layers, sizeof *pass->between);
    input_make(n, p, pass, arena);
    for (size_t l = 0; l < n->layers; l++) {
        for (size_t d = 0; d < n->directions; d++) {
            size_t i = l * n->directions + d;
            trace_make(n, pass, i, state ? state + i * of_layer : NULL, arena);
            struct sweep s = sweep_of(n, p, pass, l, d);
            split_work(rows, pass->steps * rows * n->width * n->hidden, sweep_forward, &s);
        }
        hand_up(n, pass, l, arena);
    }
    for (size_t i = 0; state_out && i < n->layers * n->directions * states * rows; i++) {
        size_t layer = i / (states * rows);
        const real *last = pass->trace[layer].state[i / rows % states] + slot_last(n, pass, layer % n->directions);
        memcpy(state_out + i * n->hidden, last + i % rows * n->row, n->hidden * sizeof(real));
    }
}

const real *rnn_output(const struct rnn *n, const struct rnn_pass *pass)
{
    return pass->between[n->layers - 1].y;
}

size_t rnn_output_row(const struct rnn *n, const struct rnn_pass *pass)
{
    return pass->between[n->layers - 1].row;
}

struct rows rnn_output_rows(const struct rnn *n, const struct rnn_pass *pass)
{
    return rows_between(&pass->between[n->layers - 1]);
}

/* ---- Backward ------------------------------------------------------------------------------------------------ */

/* Makes the gradient arrays of a layer; returns that of what it hands up. */
static real *gradient_make(const struct rnn *n, struct rnn_pass *pass, size_t layer, struct arena *arena)
{
    size_t all = pass->steps * pass->rows, of_slot = pass->rows * n->row;
    struct rnn_between *up = &pass->between[layer];
    for (size_t d = 0; d < n->directions; d++) {
        struct rnn_trace *trace = &pass->trace[layer * n->directions + d];
        trace->dh = arena_get(arena, all * n->row + of_slot, sizeof(real));
        memset(trace->dh + slot_initial(n, pass, d), 0, of_slot * sizeof(real));
        for (int k = 1; k < n->cell->states; k++) {
            trace->dstate[k] = arena_get(arena, of_slot, sizeof(real));
            memset(trace->dstate[k], 0, of_slot * sizeof(real));
        }
        if (n->cell->phases > 1)
            trace->dcarry = arena_get(arena, all * n->row, sizeof(real));
    }
    return up->dy = n->directions > 1 ? arena_get(arena, all * up->row, sizeof(real))
                                      : pass->trace[layer].dh + slot_first(n, pass, 0);
}

real *rnn_output_gradient(const struct rnn *n, struct rnn_pass *pass, struct arena *arena)
{
    return gradient_make(n, pass, n->layers - 1, arena);
}

static void direction_backward(struct sweep *s)
{
    const struct rnn *n = s->n;
    size_t rows = s->pass->rows, units = s->pass->steps * rows * n->hidden;
    split_work(rows, units * n->width, sweep_backward, s);
    if (n->precision == PRECISION_BF16)
        split_work((s->pass->steps * rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS, units, sweep_turn, s);
    split_work(n->width / PANEL, units * n->width, sweep_weights, s);
    if (n->cell->vectors)
        split_work(cell_blocks(n->hidden), units, sweep_vectors, s);
}

/* In bf16: room for what is made of a layer and direction for its products alone. */
static void backward_make(const struct rnn *n, struct rnn_pass *pass, struct arena *arena)
{
    size_t all = pass->steps * pass->rows, inputs = n->sparse ? 0 : n->layer[0].inputs;
    if (n->precision == PRECISION_FLOAT)
        return;
    if (n->layers > 1 && n->outputs > inputs)
        inputs = n->outputs;
    pass->half_dz = arena_get(arena, sweep_together(pass) * n->width, sizeof *pass->half_dz);
    pass->turned_x = arena_get(arena, rows_turned_size(all, inputs), sizeof *pass->turned_x);
    for (int phase = 0; phase < n->cell->phases; phase++)
        pass->turned_h[phase] = arena_get(arena, rows_turned_size(all, n->hidden), sizeof(bf16));
}

void rnn_backward(const struct rnn *n, struct params *p, struct rnn_pass *pass, bool want_input, struct arena *arena)
{
    size_t all = pass->steps * pass->rows;
    assert(!want_input || !n->sparse);
    backward_make(n, pass, arena);
    for (size_t l = n->layers; l-- > 0;) {
        real *dx = NULL;
        size_t dx_row = 0;
        hand_down(n, pass, l);
        if (l > 0) {
            dx = gradient_make(n, pass, l - 1, arena);
            dx_row = pass->between[l - 1].row;
        } else if (want_input) {
            dx_row = pass->dinput_row = lanes_up(n->layer[0].inputs);
            dx = pass->dinput = arena_get(arena, all * dx_row, sizeof(real));
        }
        for (size_t d = 0; d < n->directions; d++) {
            struct sweep s = sweep_of(n, p, pass, l, d);
            s.dx = dx;
            s.dx_row = dx_row;
            s.dx_start = d ? GEMM_ADD : GEMM_ZERO;
            direction_backward(&s);
        }
    }
}

void rnn_state_gradient(const struct rnn *n, const struct rnn_pass *pass, real *dstate)
{
    size_t rows = pass->rows, states = (size_t)n->cell->states;
    for (size_t i = 0; i < n->layers * n->directions * states * rows; i++) {
        size_t layer = i / (states * rows), k = i / rows % states;
        const struct rnn_trace *trace = &pass->trace[layer];
        const real *from = k ? trace->dstate[k] : trace->dh + slot_initial(n, pass, layer % n->directions);
        memcpy(dstate + i * n->hidden, from + i % rows * n->row, n->hidden * sizeof(real));
    }
}

/* ---- Looking in ---------------------------------------------------------------------------------------------- */

void rnn_gates(const struct rnn *n, const struct rnn_pass *pass, size_t layer, size_t step, size_t row, real *gates)
{
    size_t all = pass->steps * pass->rows;
    const real *at = pass->trace[layer].gates + (step * pass->rows + row) * PANEL;
    for (size_t r = 0; r < (size_t)n->cell->gates * n->hidden; r++) {
        size_t column = n->columns[CELL_BIAS][r];
        gates[r] = at[column / PANEL * all * PANEL + column % PANEL];
    }
}

void rnn_state(const struct rnn *n, const struct rnn_pass *pass, size_t layer, int s, size_t step, size_t row,
               real *state)
{
    const real *at = pass->trace[layer].state[s] + slot_first(n, pass, layer % n->directions);
    memcpy(state, at + (step * pass->rows + row) * n->row, n->hidden * sizeof(real));
}
