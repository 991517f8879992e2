/* The rnn by itself: every derivative by central differences over cells, directions, depths, ragged lengths, carried
 * state and dropout; the reverse direction against a sequence turned round; rows and threads that do not matter; two
 * cells against their equations written out; and the masks of dropout. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/par.h"
#include "net/dropout.h"
#include "net/rnn.h"

#ifdef RUNNEL_DOUBLE
#define STEP     1e-3
#define RELATIVE 1e-6
#define ABSOLUTE 1e-11 /* rounding of the loss, divided by the step */
#define SAME     1e-13
#else
#define STEP     2e-2
#define RELATIVE 1e-2
#define ABSOLUTE 2e-3
#define SAME     2e-6
#endif

enum { INPUTS = 5 };

struct form {
    int cell;
    size_t layers, hidden, steps, rows;
    bool sparse, both, ragged, carried;
    double dropout;
    size_t samples; /* elements of each array that are checked */
};

struct scene {
    struct rnn n;
    struct params p;
    struct rnn_pass pass;
    struct arena arena;
    uint32_t *ids, *lengths;
    real *vec, *state;
    double *target, *base; /* [T*B, outputs]; base: y of the pass that gradients are checked of, or 0 */
    size_t states;         /* reals in a state */
    size_t checked;
};

static void draw(struct rng *rng, real *x, size_t n, double range)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)((2 * rng_unit(rng) - 1) * range);
}

static struct scene scene_make(const struct form *f, uint64_t seed)
{
    struct scene s = {0};
    struct rng rng = rng_seed(seed);
    size_t all = f->steps * f->rows;
    rnn_make(&s.n,
             &(struct rnn_shape){.name = "rnn",
                                 .cell = cell_at(f->cell),
                                 .layers = f->layers,
                                 .hidden = f->hidden,
                                 .inputs = INPUTS,
                                 .sparse = f->sparse,
                                 .both = f->both},
             &s.p);
    params_allocate(&s.p);
    for (size_t i = 0; i < s.p.n_views; i++) {
        size_t count = view_count(&s.p.views[i]);
        real *natural = mem_get(count, sizeof *natural);
        draw(&rng, natural, count, 1.2 / sqrt((double)f->hidden));
        params_import(&s.p.views[i], s.p.value, natural);
        free(natural);
    }
    rnn_refresh(&s.n, &s.p);
    s.ids = mem_get(all, sizeof *s.ids);
    s.vec = mem_get(all * INPUTS, sizeof *s.vec);
    s.lengths = mem_get(f->rows, sizeof *s.lengths);
    s.target = mem_get(all * s.n.outputs, sizeof *s.target);
    s.base = mem_get(all * s.n.outputs, sizeof *s.base);
    s.states = s.n.layers * s.n.directions * (size_t)s.n.cell->states * f->rows * f->hidden;
    s.state = mem_get(s.states, sizeof *s.state);
    for (size_t i = 0; i < all; i++)
        s.ids[i] = (uint32_t)rng_below(&rng, INPUTS);
    draw(&rng, s.vec, all * INPUTS, 1);
    for (size_t i = 0; i < all * s.n.outputs; i++)
        s.target[i] = 2 * rng_unit(&rng) - 1;
    for (size_t b = 0; b < f->rows; b++) /* 0 and 1 are among them */
        s.lengths[b] = b < 3 ? (uint32_t)(2 - b) : (uint32_t)rng_below(&rng, f->steps + 1);
    if (f->carried)
        draw(&rng, s.state, s.states, 0.5);
    s.pass = (struct rnn_pass){.steps = f->steps,
                               .rows = f->rows,
                               .lengths = f->ragged ? s.lengths : NULL,
                               .input = {.ids = f->sparse ? s.ids : NULL,
                                         .vec = f->sparse ? NULL : s.vec,
                                         .vec_row = f->sparse ? 0 : INPUTS},
                               .dropout = (real)f->dropout,
                               .chance = rng_fork(rng, "dropout", 0)};
    return s;
}

static void scene_free(struct scene *s)
{
    rnn_free(&s->n);
    params_free(&s->p);
    arena_free(&s->arena);
    free(s->ids);
    free(s->lengths);
    free(s->vec);
    free(s->state);
    free(s->target);
    free(s->base);
}

/* Half the squared distance of every output, those behind a row's end too, from its target; less the same of base, so
 * that small differences of large sums keep their last places. */
static double loss_of(struct scene *s)
{
    double loss = 0;
    arena_reset(&s->arena);
    rnn_forward(&s->n, &s->p, &s->pass, s->state, NULL, &s->arena);
    const real *outputs = rnn_output(&s->n, &s->pass);
    size_t row = rnn_output_row(&s->n, &s->pass), width = s->n.outputs;
    for (size_t i = 0; i < s->pass.steps * s->pass.rows * width; i++) {
        double y = (double)outputs[i / width * row + i % width];
        loss += 0.5 * (y - s->base[i]) * (y + s->base[i] - 2 * s->target[i]);
    }
    return loss;
}

static void backward(struct scene *s)
{
    loss_of(s);
    const real *y = rnn_output(&s->n, &s->pass);
    real *dy = rnn_output_gradient(&s->n, &s->pass, &s->arena);
    size_t row = rnn_output_row(&s->n, &s->pass), width = s->n.outputs;
    for (size_t i = 0; i < s->pass.steps * s->pass.rows; i++)
        for (size_t k = 0; k < (width + 15) / 16 * 16; k++)
            dy[i * row + k] = k < width ? (real)((double)y[i * row + k] - s->target[i * width + k]) : 0;
    for (size_t i = 0; i < s->pass.steps * s->pass.rows * width; i++)
        s->base[i] = (double)y[i / width * row + i % width];
    rnn_backward(&s->n, &s->p, &s->pass, !s->n.sparse, &s->arena);
}

/* f'(x) from four points, with an error of the fourth power of the step, against `gradient`. */
static void check(struct scene *s, real *x, double gradient, const char *what, size_t index)
{
    static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    real kept = *x;
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *x = (real)((double)kept + at[i] * STEP);
        sum += weight[i] * loss_of(s);
    }
    *x = kept;
    double numeric = sum / (12 * STEP), size = fmax(fabs(numeric), fabs(gradient));
    if (!(fabs(numeric - gradient) <= RELATIVE * size + ABSOLUTE))
        fail_msg("%s, %s[%zu]: differences say %.12g, backward says %.12g", s->n.cell->name, what, index, numeric,
                 gradient);
    s->checked++;
}

/* Every few elements of a view; and all that is padding must be zero. */
static void check_view(struct scene *s, const struct view *v, const real *gradient, size_t samples)
{
    size_t count = view_count(v), stride = count / samples + 1;
    real *natural = mem_get(count, sizeof *natural), *number = mem_get(s->p.n, sizeof *number);
    for (size_t k = 0; k < count; k++)
        natural[k] = (real)(k + 1);
    params_import(v, number, natural);
    params_export(v, gradient, natural);
    for (size_t at = v->offset; at < v->offset + v->room; at++) {
        if (number[at] == 0)
            assert_true(gradient[at] == 0 && s->p.value[at] == 0);
        else if ((size_t)number[at] % stride == 0)
            check(s, &s->p.value[at], (double)natural[(size_t)number[at] - 1], v->name, (size_t)number[at] - 1);
    }
    free(natural);
    free(number);
}

static void check_form(const struct form *f, uint64_t seed)
{
    struct scene s = scene_make(f, seed);
    backward(&s);
    size_t all = f->steps * f->rows, inputs = f->sparse ? 0 : all * INPUTS;
    real *dstate = mem_get(s.states, sizeof *dstate), *dinput = mem_get(inputs + 1, sizeof *dinput);
    real *gradient = mem_get(s.p.n, sizeof *gradient);
    memcpy(gradient, s.p.gradient, s.p.n * sizeof *gradient);
    rnn_state_gradient(&s.n, &s.pass, dstate);
    for (size_t i = 0; i < inputs; i++)
        dinput[i] = s.pass.dinput[i / INPUTS * s.pass.dinput_row + i % INPUTS];
    for (size_t i = 0; i < s.states; i += s.states / f->samples + 1)
        check(&s, &s.state[i], (double)dstate[i], "state", i);
    for (size_t i = 0; i < inputs; i += inputs / f->samples + 1)
        check(&s, &s.vec[i], (double)dinput[i], "input", i);
    for (size_t i = 0; i < s.p.n_views; i++)
        check_view(&s, &s.p.views[i], gradient, f->samples);
    assert_true(s.checked > 30);
    free(dstate);
    free(dinput);
    free(gradient);
    scene_free(&s);
}

static int cells(void)
{
    int count = 1;
    for (const char *c = CELL_CHOICES; *c; c++)
        count += *c == '|';
    return count;
}

static void test_gradients(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int cell = 0; cell < cells(); cell++)
        for (unsigned bits = 0; bits < 16; bits++, seed++)
            check_form(&(struct form){.cell = cell,
                                      .layers = 1 + seed % 3,
                                      .hidden = bits % 3 == 1 ? 17 : 5,
                                      .steps = 4,
                                      .rows = 4,
                                      .sparse = bits & 1,
                                      .both = bits & 2,
                                      .ragged = bits & 4,
                                      .carried = seed % 5 < 3,
                                      .dropout = bits & 8 ? 0.4 : 0,
                                      .samples = 15},
                       seed);
}

/* More rows and steps than one block of any loop holds, hidden sizes and joined widths over one panel. */
static void test_large(void **state)
{
    (void)state;
    for (int cell = 0; cell < cells(); cell++)
        check_form(&(struct form){.cell = cell,
                                  .layers = 2,
                                  .hidden = 70,
                                  .steps = 7,
                                  .rows = 40,
                                  .sparse = cell % 2,
                                  .both = true,
                                  .ragged = cell != 1,
                                  .carried = true,
                                  .dropout = cell % 3 ? 0.3 : 0,
                                  .samples = 5},
                   101 + (uint64_t)cell);
}

/* ---- Directions, rows, threads ------------------------------------------------------------------------------- */

/* Copies the views of one direction of `from` to the only one of `to`. */
static void copy_direction(const struct scene *from, struct scene *to, bool reverse)
{
    for (size_t i = 0; i < to->p.n_views; i++) {
        char name[64];
        const struct view *v = &to->p.views[i];
        snprintf(name, sizeof name, "rnn.0.%s%s", reverse ? "reverse." : "", v->name + strlen("rnn.0."));
        const struct view *other = params_find(&from->p, name);
        assert_non_null(other);
        real *natural = mem_get(view_count(v), sizeof *natural);
        params_export(other, from->p.value, natural);
        params_import(v, to->p.value, natural);
        free(natural);
    }
    rnn_refresh(&to->n, &to->p);
}

/* A layer of both directions is one over the sequence and one over the sequence turned round, row by row. */
static void check_turned(int cell)
{
    struct form f = {.cell = cell, .layers = 1, .hidden = 19, .steps = 6, .rows = 7, .ragged = true, .both = true};
    struct scene both = scene_make(&f, 31), one;
    real *last = mem_get(both.states, sizeof *last), *alone = mem_get(both.states, sizeof *alone);
    f.both = false;
    rnn_forward(&both.n, &both.p, &both.pass, NULL, last, &both.arena);
    const real *y = rnn_output(&both.n, &both.pass);
    size_t row = rnn_output_row(&both.n, &both.pass), half = both.states / 2;
    for (int reverse = 0; reverse < 2; reverse++) {
        one = scene_make(&f, 31);
        copy_direction(&both, &one, reverse);
        memcpy(one.lengths, both.lengths, f.rows * sizeof *one.lengths);
        for (size_t i = 0; i < f.steps * f.rows; i++) {
            size_t t = i / f.rows, b = i % f.rows, length = one.lengths[b];
            size_t from = reverse && t < length ? length - 1 - t : t;
            memcpy(one.vec + i * INPUTS, both.vec + (from * f.rows + b) * INPUTS, INPUTS * sizeof(real));
        }
        rnn_forward(&one.n, &one.p, &one.pass, NULL, alone, &one.arena);
        const real *h = rnn_output(&one.n, &one.pass);
        for (size_t i = 0; i < f.steps * f.rows; i++) {
            size_t t = i / f.rows, b = i % f.rows, length = one.lengths[b], row_one = rnn_output_row(&one.n, &one.pass);
            static const real zeros[19];
            size_t at = (reverse && t < length ? length - 1 - t : t) * f.rows + b;
            const real *want = reverse && t >= length ? zeros : h + at * row_one;
            assert_memory_equal(y + i * row + (size_t)reverse * f.hidden, want, f.hidden * sizeof(real));
            real behind[19];
            rnn_state(&both.n, &both.pass, (size_t)reverse, 0, t, b, behind);
            assert_memory_equal(behind, want, sizeof behind);
        }
        assert_memory_equal(last + (size_t)reverse * half, alone, half * sizeof(real));
        scene_free(&one);
    }
    free(last);
    free(alone);
    scene_free(&both);
}

static void test_directions(void **state)
{
    (void)state;
    for (int cell = 0; cell < cells(); cell++)
        check_turned(cell);
}

/* A row alone has the bits that it has among others, both ways and through two layers. */
static void test_rows(void **state)
{
    (void)state;
    for (int cell = 0; cell < cells(); cell++) {
        struct form f = {.cell = cell, .layers = 2, .hidden = 20, .steps = 5, .rows = 9, .both = true, .ragged = true};
        struct scene s = scene_make(&f, 41);
        backward(&s);
        for (size_t b = 0; b < f.rows; b++) {
            struct scene one = scene_make(&f, 41);
            one.pass.rows = 1;
            one.lengths[0] = s.lengths[b];
            for (size_t t = 0; t < f.steps; t++) {
                memcpy(one.vec + t * INPUTS, s.vec + (t * f.rows + b) * INPUTS, INPUTS * sizeof(real));
                memcpy(one.target + t * one.n.outputs, s.target + (t * f.rows + b) * s.n.outputs,
                       s.n.outputs * sizeof *s.target);
            }
            backward(&one);
            const real *y = rnn_output(&s.n, &s.pass), *alone = rnn_output(&one.n, &one.pass);
            size_t row = rnn_output_row(&s.n, &s.pass);
            for (size_t t = 0; t < f.steps; t++) {
                assert_memory_equal(y + (t * f.rows + b) * row, alone + t * row, s.n.outputs * sizeof(real));
                assert_memory_equal(s.pass.dinput + (t * f.rows + b) * s.pass.dinput_row,
                                    one.pass.dinput + t * one.pass.dinput_row, INPUTS * sizeof(real));
            }
            scene_free(&one);
        }
        scene_free(&s);
    }
}

static void test_threads(void **state)
{
    (void)state;
    struct err e;
    for (int cell = 0; cell < cells(); cell++) {
        struct form f = {.cell = cell,
                         .layers = 2,
                         .hidden = 70,
                         .steps = 30,
                         .rows = 33,
                         .both = true,
                         .ragged = true,
                         .dropout = 0.2};
        struct scene one = scene_make(&f, 51);
        backward(&one);
        for (int threads = 2; threads <= 4; threads *= 2) {
            struct scene more = scene_make(&f, 51);
            assert_int_equal(0, par_start(threads, &e));
            backward(&more);
            par_stop();
            assert_memory_equal(one.p.gradient, more.p.gradient, one.p.n * sizeof(real));
            scene_free(&more);
        }
        scene_free(&one);
    }
}

/* ---- Equations ----------------------------------------------------------------------------------------------- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

struct natural {
    real *input, *recurrent, *bias, *vector;
};

static real *natural_of(const struct scene *s, const char *name)
{
    const struct view *v = params_find(&s->p, name);
    real *natural = v ? mem_get(view_count(v), sizeof *natural) : NULL;
    if (v)
        params_export(v, s->p.value, natural);
    return natural;
}

/* W[row] x */
static double times(const real *w, size_t row, const double *x, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += (double)w[row * n + k] * x[k];
    return sum;
}

/* One step of PyTorch's GRU: h and the gates r, u, n, m. */
static void gru_reset_after(const struct natural *w, size_t hidden, const double *x, double *h, double *c,
                            double *gates)
{
    (void)c;
    double old[64];
    memcpy(old, h, hidden * sizeof *h);
    for (size_t j = 0; j < hidden; j++) {
        double in[3], back[3];
        for (size_t g = 0; g < 3; g++) {
            in[g] = times(w->input, g * hidden + j, x, INPUTS) + (double)w->bias[g * hidden + j];
            back[g] = times(w->recurrent, g * hidden + j, old, hidden);
        }
        double r = sigmoid(in[0] + back[0]), u = sigmoid(in[1] + back[1]);
        double m = back[2] + (double)w->bias[3 * hidden + j], n = tanh(in[2] + r * m);
        h[j] = u * old[j] + (1 - u) * n;
        gates[j] = r, gates[hidden + j] = u, gates[2 * hidden + j] = n, gates[3 * hidden + j] = m;
    }
}

/* One step of the LSTM whose output gate alone sees c_t. */
static void lstm_peephole_out(const struct natural *w, size_t hidden, const double *x, double *h, double *c,
                              double *gates)
{
    double old[64];
    memcpy(old, h, hidden * sizeof *h);
    for (size_t j = 0; j < hidden; j++) {
        double z[4];
        for (size_t g = 0; g < 4; g++)
            z[g] = times(w->input, g * hidden + j, x, INPUTS) + times(w->recurrent, g * hidden + j, old, hidden) +
                   (double)w->bias[g * hidden + j];
        double i = sigmoid(z[0]), f = sigmoid(z[1]), g = tanh(z[2]);
        c[j] = f * c[j] + i * g;
        double o = sigmoid(z[3] + (double)w->vector[j] * c[j]);
        h[j] = o * tanh(c[j]);
        gates[j] = i, gates[hidden + j] = f, gates[2 * hidden + j] = g, gates[3 * hidden + j] = o;
    }
}

static void check_equation(const char *name,
                           void (*step)(const struct natural *, size_t, const double *, double *, double *, double *))
{
    struct form f = {.layers = 1, .hidden = 21, .steps = 6, .rows = 2, .carried = true};
    while (strcmp(cell_at(f.cell)->name, name))
        f.cell++;
    struct scene s = scene_make(&f, 61);
    struct natural w = {natural_of(&s, "rnn.0.input"), natural_of(&s, "rnn.0.recurrent"), natural_of(&s, "rnn.0.bias"),
                        natural_of(&s, "rnn.0.peephole.o")};
    loss_of(&s);
    for (size_t b = 0; b < f.rows; b++) {
        double h[21], c[21] = {0}, gates[4 * 21], x[INPUTS];
        for (size_t j = 0; j < f.hidden; j++) {
            h[j] = (double)s.state[b * f.hidden + j];
            if (s.n.cell->states > 1)
                c[j] = (double)s.state[(f.rows + b) * f.hidden + j];
        }
        for (size_t t = 0; t < f.steps; t++) {
            real got[4 * 21];
            for (size_t k = 0; k < INPUTS; k++)
                x[k] = (double)s.vec[(t * f.rows + b) * INPUTS + k];
            step(&w, f.hidden, x, h, c, gates);
            rnn_state(&s.n, &s.pass, 0, 0, t, b, got);
            for (size_t j = 0; j < f.hidden; j++)
                assert_true(fabs((double)got[j] - h[j]) < SAME);
            rnn_gates(&s.n, &s.pass, 0, t, b, got);
            for (size_t j = 0; j < 4 * f.hidden; j++)
                assert_true(fabs((double)got[j] - gates[j]) < SAME);
        }
    }
    free(w.input);
    free(w.recurrent);
    free(w.bias);
    free(w.vector);
    scene_free(&s);
}

static void test_equations(void **state)
{
    (void)state;
    check_equation("gru-reset-after", gru_reset_after);
    check_equation("lstm-peephole-out", lstm_peephole_out);
}

/* ---- Dropout ------------------------------------------------------------------------------------------------- */

/* The share of zeros and the mean, what is kept scaled; rows in any order, in place, twice: the same bits. */
static void check_masks(double share)
{
    enum { N = 3000, WIDTH = 33, ROW = 48 };
    static real x[N * ROW], y[N * ROW], again[N * ROW];
    struct rng rng = rng_seed(71);
    size_t zeros = 0, pairs = 0;
    double sum = 0;
    for (size_t i = 0; i < N * ROW; i++)
        x[i] = again[i] = 1;
    dropout(x, ROW, y, ROW, WIDTH, 0, N, (real)share, rng);
    for (size_t low = N; low > 0; low -= 100)
        dropout(again, ROW, again, ROW, WIDTH, low - 100, low, (real)share, rng);
    for (size_t r = 0; r < N; r++)
        for (size_t k = 0; k < WIDTH; k++) {
            real value = y[r * ROW + k];
            assert_true(value == again[r * ROW + k]);
            assert_true(value == 0 || fabs((double)value * (1 - share) - 1) < 1e-6);
            zeros += value == 0;
            pairs += r > 0 && value == 0 && y[(r - 1) * ROW + k] == 0;
            sum += (double)value;
        }
    double n = N * WIDTH, deviation = sqrt(share * (1 - share) / n);
    assert_true(fabs((double)zeros / n - share) < 4 * deviation);
    assert_true(fabs((double)pairs / n - share * share) < 6 * deviation);
    assert_true(fabs(sum / n - 1) < 4 * deviation / (1 - share));
    dropout(x, ROW, again, ROW, WIDTH, 0, N, (real)share, rng_fork(rng, "other", 1));
    size_t differ = 0;
    for (size_t i = 0; i < N * WIDTH; i++)
        differ += y[i / WIDTH * ROW + i % WIDTH] != again[i / WIDTH * ROW + i % WIDTH];
    assert_true(fabs((double)differ / n - 2 * share * (1 - share)) < 6 * deviation);
}

/* The rnn drops what layers hand up, each layer its own share, and nothing within them. */
static void test_dropout(void **state)
{
    (void)state;
    for (int tenths = 1; tenths < 10; tenths += 2)
        check_masks(tenths / 10.0);
    struct form f = {.cell = 1, .layers = 2, .hidden = 64, .steps = 20, .rows = 10, .both = true};
    struct scene plain = scene_make(&f, 81), dropped = scene_make(&f, 81);
    dropped.pass.dropout = (real)0.25;
    loss_of(&plain);
    loss_of(&dropped);
    size_t all = f.steps * f.rows, zeros = 0, same = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < all; i++) {
            const struct rnn_between *up = &dropped.pass.between[l];
            for (size_t k = 0; k < dropped.n.outputs; k++) {
                real h[64], value = up->y[i * up->row + k];
                rnn_state(&dropped.n, &dropped.pass, l * 2 + k / 64, 0, i / f.rows, i % f.rows, h);
                assert_true(value == 0 || fabs((double)(value * (real)0.75 - h[k % 64])) < SAME);
                zeros += value == 0;
                const struct rnn_between *other = &dropped.pass.between[1 - l];
                same += value == 0 && other->y[i * other->row + k] == 0;
            }
        }
    double n = 2.0 * (double)all * (double)dropped.n.outputs;
    assert_true(fabs((double)zeros / n - 0.25) < 0.01 && fabs((double)same / n - 0.0625) < 0.01);
    real a[64], b[64]; /* the first layer's own states know of no dropout */
    rnn_state(&plain.n, &plain.pass, 0, 0, f.steps - 1, 3, a);
    rnn_state(&dropped.n, &dropped.pass, 0, 0, f.steps - 1, 3, b);
    assert_memory_equal(a, b, sizeof a);
    scene_free(&plain);
    scene_free(&dropped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_large),   cmocka_unit_test(test_directions),
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_threads), cmocka_unit_test(test_equations),
        cmocka_unit_test(test_dropout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
