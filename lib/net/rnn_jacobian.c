#include "net/rnn_jacobian.h"

#include <math.h>
#include <string.h>

#include "net/rnn_sweep.h"

/* Powers of two: how far the largest gradient may be from 1, and what a real can be multiplied by. */
enum { FAR = 30, MOST = 100 };

/* A pass of one step and H rows, and what its gradients have been scaled by. */
struct fan {
    const struct rnn *n;
    struct rnn_pass pass;
    struct rnn_trace trace;
    struct sweep sweep;
    size_t slot;  /* H rows of states */
    int exponent; /* true gradients are those here times 2^exponent */
};

static real *zeros(struct arena *arena, size_t count)
{
    return memset(arena_get(arena, count, sizeof(real)), 0, count * sizeof(real));
}

/* Slot 0 is before the step, slot 1 behind it. */
static void fan_make(struct fan *f, const struct rnn *n, const struct params *p, size_t layer, int state,
                     struct arena *arena)
{
    *f = (struct fan){.n = n, .pass = {.steps = 1, .rows = n->hidden}, .slot = n->hidden * n->row};
    f->trace.gates = zeros(arena, n->hidden * n->width);
    f->trace.dh = zeros(arena, 2 * f->slot);
    for (int k = 0; k < n->cell->states; k++) {
        f->trace.state[k] = zeros(arena, 2 * f->slot);
        f->trace.dstate[k] = k ? zeros(arena, f->slot) : NULL;
    }
    if (n->cell->phases > 1) {
        f->trace.carry = zeros(arena, f->slot);
        f->trace.dcarry = zeros(arena, f->slot);
    }
    if (n->precision == PRECISION_BF16)
        f->pass.half_dz = arena_get(arena, sweep_together(&f->pass) * n->width, sizeof(bf16));
    f->pass.trace = &f->trace;
    f->sweep =
        (struct sweep){.n = n, .p = (struct params *)p, .pass = &f->pass, .at = &n->layer[layer], .trace = &f->trace};
    real *seed = state ? f->trace.dstate[state] : f->trace.dh + f->slot;
    for (size_t j = 0; j < n->hidden; j++)
        seed[j * n->row + j] = 1;
}

/* Gates and states of step t of the row looked at, H times. */
static void fan_fill(struct fan *f, const struct rnn_pass *pass, const struct rnn_trace *trace, bool reverse, size_t t,
                     size_t row)
{
    const struct rnn *n = f->n;
    size_t hidden = n->hidden, panel = pass->steps * pass->rows * PANEL;
    for (size_t p = 0; p < n->width / PANEL; p++)
        for (size_t j = 0; j < hidden; j++)
            memcpy(f->trace.gates + (p * hidden + j) * PANEL, trace->gates + p * panel + (t * pass->rows + row) * PANEL,
                   PANEL * sizeof(real));
    for (int k = 0; k < n->cell->states; k++)
        for (int after = 0; after < 2; after++) {
            size_t slot = t + (after != reverse); /* the reverse direction's states lie the other way round */
            const real *from = trace->state[k] + (slot * pass->rows + row) * n->row;
            for (size_t j = 0; j < hidden; j++)
                memcpy(f->trace.state[k] + (size_t)after * f->slot + j * n->row, from, hidden * sizeof(real));
        }
}

static double largest(const struct fan *f, const real *x)
{
    double most = 0;
    for (size_t j = 0; j < f->n->hidden; j++)
        for (size_t i = 0; i < f->n->hidden; i++)
            most = fmax(most, fabs((double)x[j * f->n->row + i]));
    return most;
}

/* Brings the gradients back to where a real has all its digits. */
static void rescale(struct fan *f)
{
    real *dh = f->trace.dh + f->slot;
    double most = largest(f, dh);
    int exponent;
    for (int k = 1; k < f->n->cell->states; k++)
        most = fmax(most, largest(f, f->trace.dstate[k]));
    frexp(most, &exponent);
    exponent = exponent > MOST ? MOST : exponent < -MOST ? -MOST : exponent;
    if (!(most > 0) || !isfinite(most) || (exponent > -FAR && exponent < FAR))
        return;
    real scale = (real)ldexp(1, -exponent);
    for (size_t i = 0; i < f->slot; i++) {
        dh[i] *= scale;
        for (int k = 1; k < f->n->cell->states; k++)
            f->trace.dstate[k][i] *= scale;
    }
    f->exponent += exponent;
}

/* From the states behind a step to those before it, which then lie behind the next one to be done. */
static void fan_back(struct fan *f)
{
    size_t hidden = f->n->hidden;
    memset(f->trace.dh, 0, f->slot * sizeof(real));
    split_work(hidden, hidden * f->n->width * hidden, sweep_backward, &f->sweep);
    memcpy(f->trace.dh + f->slot, f->trace.dh, f->slot * sizeof(real));
    rescale(f);
}

static double frobenius(const struct fan *f, const real *x)
{
    double sum = 0;
    for (size_t j = 0; j < f->n->hidden; j++)
        for (size_t i = 0; i < f->n->hidden; i++)
            sum += (double)x[j * f->n->row + i] * (double)x[j * f->n->row + i];
    return ldexp(sqrt(sum), f->exponent);
}

void rnn_jacobian(const struct rnn *n, const struct params *p, const struct rnn_pass *pass, size_t layer, size_t row,
                  int state, double *norm, struct arena *arena)
{
    bool reverse = layer % n->directions > 0;
    size_t steps = pass->lengths ? pass->lengths[row] : pass->steps;
    struct fan f;
    fan_make(&f, n, p, layer, state, arena);
    for (size_t lag = 0; lag < steps; lag++) {
        norm[lag] = frobenius(&f, state ? f.trace.dstate[state] : f.trace.dh + f.slot);
        if (lag + 1 == steps)
            break;
        fan_fill(&f, pass, &pass->trace[layer], reverse, reverse ? lag : steps - 1 - lag, row);
        fan_back(&f);
    }
}
