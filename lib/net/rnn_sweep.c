#include "net/rnn_sweep.h"

#include <string.h>

#include "math/gemm.h"
#include "net/net_code.h"

/* Rows of the input product done at a time: they stay in the second-level cache. Rows of panels that a step multiplies
 * before it runs the cell over them: in the first-level cache. */
enum { INPUT_ROWS = 256, STEP_ROWS = 64 };

/* The first packed column of a phase. */
static size_t phase_first(const struct rnn *n, int phase)
{
    return phase == 0 ? 0 : cell_phase_width(n->cell, n->hidden, 0);
}

static size_t phase_columns(const struct rnn *n, int phase)
{
    return cell_phase_columns(n->cell, n->hidden, phase);
}

/* ---- Steps --------------------------------------------------------------------------------------------------- */

/* The step that the direction takes as its i-th. */
static size_t step_number(const struct sweep *s, size_t i)
{
    return s->reverse ? s->pass->steps - 1 - i : i;
}

/* Where the state before step 0 lies; that before step t is t slots further. */
static size_t before_first(const struct sweep *s)
{
    return s->reverse ? s->pass->rows * s->n->row : 0;
}

/* What a phase's recurrent product multiplies: [T*B] rows of the states before each step, or of what is carried on. */
static struct rows recurrent_rows(const struct sweep *s, int phase)
{
    const struct rnn_trace *trace = s->trace;
    size_t half_row = gemm16_row(s->n->hidden), first = before_first(s) / s->n->row;
    if (phase)
        return (struct rows){trace->carry, s->n->row, trace->half_carry, half_row};
    return (struct rows){trace->state[0] + before_first(s), s->n->row,
                         trace->half ? trace->half + first * half_row : NULL, half_row};
}

static struct cell_step step_at(const struct sweep *s, size_t t)
{
    const struct rnn_trace *trace = s->trace;
    size_t rows = s->pass->rows, slot = rows * s->n->row, now = t * slot;
    size_t before = now + before_first(s), after = now + slot - before_first(s);
    struct cell_step step = {.activation = s->n->activation,
                             .z = trace->gates + t * rows * PANEL,
                             .z_panel = s->pass->steps * rows * PANEL,
                             .state_row = s->n->row};
    for (int k = 0; k < s->n->cell->states; k++) {
        step.before[k] = trace->state[k] + before;
        step.after[k] = trace->state[k] + after;
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
        step.dh = trace->dh + after;
        step.dh_before = trace->dh + before;
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

/* Steps whose input product is done together. */
static size_t steps_together(const struct rnn_pass *pass)
{
    return INPUT_ROWS / pass->rows + 1;
}

size_t sweep_together(const struct rnn_pass *pass)
{
    size_t n = steps_together(pass);
    return (n < pass->steps ? n : pass->steps) * pass->rows;
}

/* The same of those from the direction's i-th step on: t .. *t_end-1. */
static size_t steps_from(const struct sweep *s, size_t i, size_t *t_end)
{
    size_t left = s->pass->steps - i, together = steps_together(s->pass), n = left < together ? left : together;
    *t_end = s->reverse ? left : i + n;
    return *t_end - n;
}

/* The product for rows low .. high-1 of the first n steps: one range where these are whole steps. */
static void product_rows(const struct product *p, const struct sweep *s, size_t n, size_t low, size_t high)
{
    size_t rows = s->pass->rows;
    if (high - low == rows)
        product_part(p, 0, n * rows, 0, panels(p->g.columns));
    else
        for (size_t t = 0; t < n; t++)
            product_part(p, t * rows + low, t * rows + high, 0, panels(p->g.columns));
}

/* ---- Forward ------------------------------------------------------------------------------------------------- */

/* z = b + W_x x for the direction's i-th step and those done together with it. */
static void input_product(const struct sweep *s, size_t i, size_t low, size_t high)
{
    const struct rnn *n = s->n;
    size_t t_end, t = steps_from(s, i, &t_end), row = t * s->pass->rows;
    size_t panel = s->pass->steps * s->pass->rows * PANEL;
    for (int phase = 0; phase < n->cell->phases; phase++) {
        size_t first = phase_first(n, phase);
        struct product p = {.g = {.columns = phase_columns(n, phase), .depth = s->at->inputs, .start = GEMM_BIAS}};
        product_left(&p, &s->x, row);
        product_right(&p, &s->at->input, s->p->value, first);
        gemm_result_panels(&p.g, s->trace->gates + first / PANEL * panel + row * PANEL, panel);
        p.g.bias = s->p->value + s->at->bias + first;
        product_rows(&p, s, t_end - t, low, high);
    }
}

/* z = b + the row of W_x that belongs to each id, for packed columns from .. end-1. */
static void start(const struct sweep *s, real *z, size_t z_panel, size_t from, size_t end, const uint32_t *ids,
                  size_t low, size_t high)
{
    for (; from < end; from += PANEL, z += z_panel)
        net_code()->start(high - low, end - from < PANEL ? end - from : PANEL, z + low * PANEL,
                          s->p->value + s->at->bias + from, s->p->value + s->at->input.at + from * s->at->inputs,
                          ids + low);
}

/* One phase of step t: panel by panel, or some at a time where rows are few, the recurrent product, and the cell for
 * the units whose gates are complete. */
static void phase_forward(const struct sweep *s, struct cell_step *step, size_t t, size_t low, size_t high, int phase)
{
    const struct rnn *n = s->n;
    const uint32_t *ids = s->x.x ? NULL : s->pass->input.ids + t * s->pass->rows;
    const struct rows h = recurrent_rows(s, phase);
    size_t first = phase_first(n, phase) / PANEL, columns = phase_columns(n, phase), done = 0, end;
    size_t gates = CELL_LANES * (size_t)n->cell->phase_gates[phase], skip = CELL_LANES * (size_t)n->cell->input_only;
    size_t together = skip || high - low > STEP_ROWS ? 1 : STEP_ROWS / (high - low);
    struct product product = {.g = {.depth = n->hidden, .start = GEMM_ADD}};
    product_left(&product, &h, t * s->pass->rows);
    for (size_t from = 0; from < columns; from = end) {
        end = columns - from < together * PANEL ? columns : from + together * PANEL;
        real *z = step->z + (first + from / PANEL) * step->z_panel;
        if (ids)
            start(s, z, step->z_panel, first * PANEL + from, first * PANEL + end, ids, low, high);
        product.g.columns = end - from - skip;
        product_right(&product, &s->at->recurrent, s->p->value, first * PANEL + from + skip);
        gemm_result_panels(&product.g, z + skip, step->z_panel);
        product_part(&product, low, high, 0, panels(product.g.columns));
        if (end / gates > done)
            live_rows(s, step, t, (struct cell_range){low, high, done, end / gates}, phase, n->cell->forward);
        done = end / gates;
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

/* In bf16: rounds rows low .. high-1 of what step t leaves for the next, or its first phase for its second. */
static void round_forward(const struct sweep *s, size_t t, size_t low, size_t high, int phase)
{
    const struct rnn *n = s->n;
    size_t half_row = gemm16_row(n->hidden), row = t * s->pass->rows + low;
    if (!s->trace->half)
        return;
    bool carry = phase + 1 < n->cell->phases;
    size_t at = carry || s->reverse ? row : row + s->pass->rows;
    gemm16_rows(high - low, n->hidden, (carry ? s->trace->carry : s->trace->state[0]) + at * n->row, n->row,
                (carry ? s->trace->half_carry : s->trace->half) + at * half_row, half_row);
}

void sweep_forward(void *sweep, size_t low, size_t high)
{
    const struct sweep *s = sweep;
    for (size_t i = 0; i < s->pass->steps; i++) {
        size_t t = step_number(s, i);
        struct cell_step step = step_at(s, t);
        if (s->x.x && i % steps_together(s->pass) == 0)
            input_product(s, i, low, high);
        frozen_forward(s, &step, t, low, high);
        for (int phase = 0; phase < s->n->cell->phases; phase++) {
            phase_forward(s, &step, t, low, high, phase);
            round_forward(s, t, low, high, phase);
        }
    }
}

/* ---- Backward ------------------------------------------------------------------------------------------------ */

/* Where half_dz has step t, in panels of sweep_together rows: those of the steps done together with it. */
static size_t half_dz_row(const struct sweep *s, size_t t)
{
    size_t i = s->reverse ? s->pass->steps - 1 - t : t, t_end;
    return (t - steps_from(s, i - i % steps_together(s->pass), &t_end)) * s->pass->rows;
}

/* In bf16: rounds dz of one phase, step t, rows low .. high-1. */
static void round_back(const struct sweep *s, size_t t, size_t low, size_t high, int phase)
{
    size_t panel = s->pass->steps * s->pass->rows * PANEL, half_panel = sweep_together(s->pass) * PANEL;
    size_t first = phase_first(s->n, phase) / PANEL, columns = phase_columns(s->n, phase);
    if (!s->pass->half_dz)
        return;
    const real *dz = s->trace->gates + first * panel + (t * s->pass->rows + low) * PANEL;
    bf16 *half = s->pass->half_dz + first * half_panel + (half_dz_row(s, t) + low) * PANEL;
    for (; columns > 0; dz += panel, half += half_panel) {
        size_t width = columns < PANEL ? columns : PANEL;
        gemm16_rows(high - low, width, dz, PANEL, half, PANEL);
        columns -= width;
    }
}

/* A = dz of one phase from step t on. */
static void left_dz(struct product *p, const struct sweep *s, size_t t, int phase)
{
    size_t panel = s->pass->steps * s->pass->rows * PANEL, half_panel = sweep_together(s->pass) * PANEL;
    size_t first = phase_first(s->n, phase) / PANEL;
    p->g.depth = phase_columns(s->n, phase);
    if (s->pass->half_dz) {
        p->a = s->pass->half_dz + first * half_panel + half_dz_row(s, t) * PANEL;
        p->g.a_row = PANEL, p->g.a_chunk = half_panel;
    } else {
        gemm_left_panels(&p->g, s->trace->gates + first * panel + t * s->pass->rows * PANEL, panel);
    }
}

/* dh_{t-1} += W_h' dz_t; in a second phase dcarry = W' dz. */
static void recurrent_back(const struct sweep *s, size_t t, size_t low, size_t high, int phase)
{
    struct product p = {.g = {.columns = s->n->hidden, .start = phase == 0 ? GEMM_ADD : GEMM_ZERO}};
    real *out = phase == 0 ? s->trace->dh + before_first(s) : s->trace->dcarry;
    left_dz(&p, s, t, phase);
    product_right_back(&p, &s->at->recurrent, phase_first(s->n, phase));
    gemm_result_rows(&p.g, out + t * s->pass->rows * s->n->row, s->n->row);
    product_rows(&p, s, 1, low, high);
}

/* dx = or += W_x' dz for the direction's i-th step and those done together with it. */
static void input_back(const struct sweep *s, size_t i, size_t low, size_t high)
{
    size_t t_end, t = steps_from(s, i, &t_end);
    for (int phase = 0; phase < s->n->cell->phases; phase++) {
        struct product p = {.g = {.columns = s->at->inputs, .start = phase == 0 ? s->dx_start : GEMM_ADD}};
        left_dz(&p, s, t, phase);
        product_right_back(&p, &s->at->input, phase_first(s->n, phase));
        gemm_result_rows(&p.g, s->dx + t * s->pass->rows * s->dx_row, s->dx_row);
        product_rows(&p, s, t_end - t, low, high);
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

void sweep_backward(void *sweep, size_t low, size_t high)
{
    const struct sweep *s = sweep;
    size_t blocks = cell_blocks(s->n->hidden);
    for (size_t i = s->pass->steps; i-- > 0;) {
        size_t t = step_number(s, i);
        struct cell_step step = step_at(s, t);
        for (int phase = s->n->cell->phases - 1; phase >= 0; phase--) {
            live_rows(s, &step, t, (struct cell_range){low, high, 0, blocks}, phase, s->n->cell->backward);
            if (phase == s->n->cell->phases - 1)
                frozen_back(s, &step, t, low, high);
            round_back(s, t, low, high, phase);
            recurrent_back(s, t, low, high, phase);
        }
        if (s->dx && i % steps_together(s->pass) == 0)
            input_back(s, i, low, high);
    }
}

void sweep_turn(void *sweep, size_t first, size_t last)
{
    const struct sweep *s = sweep;
    size_t all = s->pass->steps * s->pass->rows, low = first * PRODUCT_ROWS;
    size_t high = last * PRODUCT_ROWS < all ? last * PRODUCT_ROWS : all;
    if (s->x.x)
        rows_turn(&s->x, s->at->inputs, low, high, s->pass->turned_x);
    for (int phase = 0; phase < s->n->cell->phases; phase++) {
        const struct rows h = recurrent_rows(s, phase);
        rows_turn(&h, s->n->hidden, low, high, s->pass->turned_h[phase]);
    }
}

/* Adds the gradients of panel p's weights that `depth` rows from `row` on give. */
static void panel_weights(const struct sweep *s, size_t p, size_t row, size_t depth)
{
    const struct rnn *n = s->n;
    size_t panel = s->pass->steps * s->pass->rows * PANEL, second = phase_first(n, 1) / PANEL;
    int phase = p >= second && n->cell->phases > 1;
    size_t left = phase_columns(n, phase) - (p - (phase ? second : 0)) * PANEL, width = left < PANEL ? left : PANEL;
    size_t skip = CELL_LANES * (size_t)n->cell->input_only, spare = CELL_LANES * (size_t)n->cell->recurrent_only;
    const struct rows h = recurrent_rows(s, phase);
    const real *dz = s->trace->gates + p * panel + row * PANEL;
    real *dinput = s->p->gradient + s->at->input.at + p * s->at->inputs * PANEL;
    struct product product = {.g = {.columns = width - skip, .depth = depth, .start = GEMM_ADD}};
    struct dz_panel right;
    dz_panel_make(&right, n->precision, depth, width, dz, PANEL);
    product_left_turned(&product, &h, n->hidden, row, s->pass->turned_h[phase]);
    product_right_dz(&product, &right, skip);
    gemm_result_panels(&product.g, s->p->gradient + s->at->recurrent.at + p * n->hidden * PANEL + skip, 0);
    product_part(&product, 0, n->hidden, 0, 1);
    if (s->x.x) {
        product.g.columns = width - spare;
        product_left_turned(&product, &s->x, s->at->inputs, row, s->pass->turned_x);
        product_right_dz(&product, &right, 0);
        gemm_result_panels(&product.g, dinput, 0);
        product_part(&product, 0, s->at->inputs, 0, 1);
    } else {
        net_code()->scatter(depth, width - spare, dz, dinput, s->pass->input.ids + row);
    }
    net_code()->sums(depth, width, dz, PANEL, s->p->gradient + s->at->bias + p * PANEL);
}

/* Some rows for all of them, then the next. */
void sweep_weights(void *sweep, size_t first, size_t last)
{
    const struct sweep *s = sweep;
    size_t all = s->pass->steps * s->pass->rows;
    for (size_t row = 0; row < all; row += PRODUCT_ROWS)
        for (size_t p = first; p < last; p++)
            panel_weights(s, p, row, all - row < PRODUCT_ROWS ? all - row : PRODUCT_ROWS);
}

void sweep_vectors(void *sweep, size_t first, size_t last)
{
    const struct sweep *s = sweep;
    real *dvector[CELL_VECTORS] = {0};
    for (int v = 0; v < CELL_VECTORS && s->n->cell->vector_names[v]; v++)
        dvector[v] = s->p->gradient + s->at->vector[v];
    for (size_t t = 0; t < s->pass->steps; t++) {
        struct cell_step step = step_at(s, t);
        s->n->cell->vectors(&step, (struct cell_range){0, s->pass->rows, first, last}, dvector);
    }
}
