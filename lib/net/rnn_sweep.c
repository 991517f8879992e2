#include "net/rnn_sweep.h"

#include <string.h>

#include "math/gemm.h"
#include "net/net_code.h"

/* Rows of the input product done at a time, and of the gradients that are run through all columns before the next:
 * they stay in the second-level cache. */
enum { INPUT_ROWS = 256, GRADIENT_ROWS = 256 };

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
static size_t steps_together(const struct sweep *s)
{
    return INPUT_ROWS / s->pass->rows + 1;
}

/* The same of those from the direction's i-th step on: t .. *t_end-1. */
static size_t steps_from(const struct sweep *s, size_t i, size_t *t_end)
{
    size_t steps = s->pass->steps, left = steps - i, n = left < steps_together(s) ? left : steps_together(s);
    *t_end = s->reverse ? left : i + n;
    return *t_end - n;
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

/* z = b + W_x x for the direction's i-th step and those done together with it. */
static void input_product(const struct sweep *s, size_t i, size_t low, size_t high)
{
    const struct rnn *n = s->n;
    size_t t_end, t = steps_from(s, i, &t_end);
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
    size_t gates = CELL_LANES * (size_t)n->cell->phase_gates[phase], skip = CELL_LANES * (size_t)n->cell->input_only;
    struct gemm g = {.depth = n->hidden, .start = GEMM_ADD};
    gemm_left_rows(&g, phase == 0 ? step->before[0] : step->carry, n->row);
    for (size_t p = 0; p < panels(columns); p++) {
        size_t width = columns - p * PANEL < PANEL ? columns - p * PANEL : PANEL,
               complete = (p * PANEL + width) / gates;
        real *z = step->z + (first + p) * step->z_panel;
        if (ids)
            net_code()->start(high - low, width, z + low * PANEL, s->p->value + s->at->bias + (first + p) * PANEL,
                              s->p->value + s->at->input + (first + p) * s->at->inputs * PANEL, ids + low);
        g.columns = width - skip;
        gemm_right_panels(&g, s->p->value + s->at->recurrent[phase] + p * n->hidden * PANEL + skip, 0);
        gemm_result_panels(&g, z + skip, 0);
        gemm_part(&g, low, high, 0, 1);
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

void sweep_forward(void *sweep, size_t low, size_t high)
{
    const struct sweep *s = sweep;
    for (size_t i = 0; i < s->pass->steps; i++) {
        size_t t = step_number(s, i);
        struct cell_step step = step_at(s, t);
        if (s->x && i % steps_together(s) == 0)
            input_product(s, i, low, high);
        frozen_forward(s, &step, t, low, high);
        for (int phase = 0; phase < s->n->cell->phases; phase++)
            phase_forward(s, &step, t, low, high, phase);
    }
}

/* ---- Backward ------------------------------------------------------------------------------------------------ */

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
    gemm_result_rows(&g, phase == 0 ? s->trace->dh + before_first(s) : s->trace->dcarry, s->n->row);
    product_back(s, g, t, t + 1, low, high, phase);
}

/* dx = or += W_x' dz for the direction's i-th step and those done together with it. */
static void input_back(const struct sweep *s, size_t i, size_t low, size_t high)
{
    size_t t_end, t = steps_from(s, i, &t_end);
    for (int phase = 0; phase < s->n->cell->phases; phase++) {
        struct gemm g = {.columns = s->at->inputs, .start = phase == 0 ? s->dx_start : GEMM_ADD};
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

void sweep_backward(void *sweep, size_t low, size_t high)
{
    const struct sweep *s = sweep;
    size_t blocks = cell_blocks(s->n->hidden);
    for (size_t i = s->pass->steps; i-- > 0;) {
        size_t t = step_number(s, i);
        struct cell_step step = step_at(s, t);
        for (int phase = s->n->cell->phases - 1; phase >= 0; phase--) {
            live_rows(s, &step, t, (struct cell_range){low, high, 0, blocks}, phase, s->n->cell->backward);
            if (phase == 0)
                frozen_back(s, &step, t, low, high);
            recurrent_back(s, t, low, high, phase);
        }
        if (s->dx && i % steps_together(s) == 0)
            input_back(s, i, low, high);
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
    const real *h = phase ? s->trace->carry : s->trace->state[0] + before_first(s);
    const real *dz = s->trace->gates + p * panel + row * PANEL;
    real *dinput = s->p->gradient + s->at->input + p * s->at->inputs * PANEL;
    struct gemm g = {.rows = n->hidden, .columns = width - skip, .depth = depth, .start = GEMM_ADD};
    gemm_left_transposed(&g, h + row * n->row, n->row);
    gemm_right_panels(&g, dz + skip, panel);
    gemm_result_panels(&g, s->p->gradient + s->at->recurrent[0] + p * n->hidden * PANEL + skip, 0);
    gemm_part(&g, 0, g.rows, 0, 1);
    if (s->x) {
        g.rows = s->at->inputs;
        g.columns = width - spare;
        gemm_left_transposed(&g, s->x + row * s->x_row, s->x_row);
        gemm_right_panels(&g, dz, panel);
        gemm_result_panels(&g, dinput, 0);
        gemm_part(&g, 0, g.rows, 0, 1);
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
    for (size_t row = 0; row < all; row += GRADIENT_ROWS)
        for (size_t p = first; p < last; p++)
            panel_weights(s, p, row, all - row < GRADIENT_ROWS ? all - row : GRADIENT_ROWS);
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
