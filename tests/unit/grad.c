/* Every derivative by central differences: cells, activations, depths, ragged lengths, carried state, ids, embedding
 * and vectors. In double the relative error must stay below 1e-6; in float the same code runs against what float can
 * show. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/model.h"

#ifdef RUNNEL_DOUBLE
#define STEP     1e-3
#define RELATIVE 1e-6
#define ABSOLUTE 1e-11 /* rounding of the loss, divided by the step */
#else
#define STEP     2e-2
#define RELATIVE 1e-2
#define ABSOLUTE 2e-3
#endif

struct net {
    int cell;
    enum activation activation;
    int layers, hidden, steps, rows;
    char input; /* i: ids, e: ids through an embedding, v: vectors */
    bool ragged, carried;
    double range;
};

struct scene {
    struct model m;
    struct minibatch batch;
    uint32_t *ids, *targets, *lengths;
    real *vec, *state;
    bool *on; /* relu: which units are above 0 */
    size_t checked, skipped;
};

static struct scene scene_make(const struct net *net, uint64_t seed)
{
    struct scene s = {0};
    struct rng rng = rng_seed(seed);
    struct err e;
    uint64_t inputs = 5, classes = 7;
    size_t n = (size_t)(net->steps * net->rows);
    struct model_config config = {.cell = net->cell,
                                  .activation = (int)net->activation,
                                  .layers = net->layers,
                                  .hidden = net->hidden,
                                  .init_range = net->range,
                                  .forget_bias = 0.5};
    struct model_shape shape = {.ids = net->input != 'v',
                                .inputs = inputs,
                                .embedding = net->input == 'e' ? 3 : 0,
                                .classes = classes};
    assert_int_equal(0, model_make(&s.m, &config, &shape, &e));
    model_init(&s.m, rng);
    for (size_t i = 0; i < s.m.params.n_views; i++) { /* biases too must not be zero */
        const struct view *v = &s.m.params.views[i];
        real *natural = mem_get(view_count(v), sizeof *natural);
        params_export(v, s.m.params.value, natural);
        for (size_t k = 0; v->rank == 1 && k < view_count(v); k++)
            natural[k] += (real)(0.4 * rng_unit(&rng) - 0.2);
        params_import(v, s.m.params.value, natural);
        free(natural);
    }
    model_refresh(&s.m);
    s.ids = mem_get(n, sizeof *s.ids);
    s.targets = mem_get(n, sizeof *s.targets);
    s.vec = mem_get(n * inputs, sizeof *s.vec);
    s.lengths = mem_get((size_t)net->rows, sizeof *s.lengths);
    for (size_t i = 0; i < n; i++) {
        s.ids[i] = (uint32_t)rng_below(&rng, inputs);
        s.targets[i] = rng_below(&rng, 10) == 0 ? TARGET_NONE : (uint32_t)rng_below(&rng, classes);
    }
    for (size_t i = 0; i < n * inputs; i++)
        s.vec[i] = (real)(2 * rng_unit(&rng) - 1);
    for (int b = 0; b < net->rows; b++)
        s.lengths[b] = b == 1 ? 0 : (uint32_t)rng_below(&rng, (uint64_t)net->steps + 1);
    s.state = mem_get(model_state_size(&s.m, (size_t)net->rows), sizeof *s.state);
    for (size_t i = 0; net->carried && i < model_state_size(&s.m, (size_t)net->rows); i++)
        s.state[i] = (real)(rng_unit(&rng) - 0.5);
    s.batch = (struct minibatch){.steps = (size_t)net->steps,
                                 .rows = (size_t)net->rows,
                                 .targets = s.targets,
                                 .ids = shape.ids ? s.ids : NULL,
                                 .vec = shape.ids ? NULL : s.vec,
                                 .lengths = net->ragged ? s.lengths : NULL};
    return s;
}

static void scene_free(struct scene *s)
{
    model_free(&s->m);
    free(s->ids);
    free(s->targets);
    free(s->lengths);
    free(s->vec);
    free(s->state);
    free(s->on);
}

static double loss_of(struct scene *s)
{
    return model_forward(&s->m, &s->batch, s->state, NULL).loss / (double)s->batch.rows;
}

/* Behind relu the loss has kinks: remembers which units are on, or tells whether they still are. */
static bool same_side(struct scene *s, bool remember)
{
    const struct model *m = &s->m;
    size_t hidden = m->rnn.hidden, at = 0;
    real *h = mem_get(hidden, sizeof *h);
    bool same = true;
    if (!s->on)
        s->on = mem_get(m->rnn.layers * s->batch.steps * s->batch.rows * hidden, sizeof *s->on);
    for (size_t l = 0; l < m->rnn.layers; l++)
        for (size_t i = 0; i < s->batch.steps * s->batch.rows; i++) {
            model_states(m, l, 0, i / s->batch.rows, i % s->batch.rows, h);
            for (size_t j = 0; j < hidden; j++, at++) {
                same &= s->on[at] == (h[j] > 0);
                if (remember)
                    s->on[at] = h[j] > 0;
            }
        }
    free(h);
    return same;
}

/* f'(x) from four points, with an error of the fourth power of the step, against `gradient`. */
static void check(struct scene *s, real *x, double gradient, const char *what, size_t index)
{
    static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    real kept = *x;
    double sum = 0;
    bool smooth = true, relu = s->m.rnn.cell->activation && s->m.rnn.activation == ACTIVATION_RELU;
    double step = relu ? STEP / 8 : STEP; /* to meet fewer kinks */
    for (int i = 0; i < 4; i++) {
        *x = (real)((double)kept + at[i] * step);
        sum += weight[i] * loss_of(s);
        smooth = smooth && (!relu || same_side(s, false));
    }
    *x = kept;
    if (!smooth) {
        s->skipped++;
        return;
    }
    double numeric = sum / (12 * step), size = fmax(fabs(numeric), fabs(gradient));
    if (!(fabs(numeric - gradient) <= RELATIVE * size + ABSOLUTE * STEP / step))
        fail_msg("%s[%zu]: differences say %.12g, backward says %.12g", what, index, numeric, gradient);
    s->checked++;
}

static void check_params(struct scene *s)
{
    struct params *p = &s->m.params;
    real *gradient = mem_get(p->n, sizeof *gradient);
    memcpy(gradient, p->gradient, p->n * sizeof *gradient);
    for (size_t i = 0; i < p->n_views; i++) {
        const struct view *v = &p->views[i];
        size_t count = view_count(v);
        real *natural = mem_get(count, sizeof *natural), *values = mem_get(count, sizeof *values);
        params_export(v, gradient, natural);
        /* the elements of a block that are not padding, found by importing 1, 2, 3... */
        real *number = mem_get(p->n, sizeof *number);
        for (size_t k = 0; k < count; k++)
            values[k] = (real)(k + 1);
        params_import(v, number, values);
        size_t stride = count / 30 + 1;
        for (size_t at = v->offset; at < v->offset + v->room; at++) {
            if (number[at] == 0)
                assert_true(gradient[at] == 0);
            else if ((size_t)number[at] % stride == 0)
                check(s, &p->value[at], (double)natural[(size_t)number[at] - 1], v->name, (size_t)number[at] - 1);
        }
        free(natural);
        free(values);
        free(number);
    }
    free(gradient);
}

static void check_state(struct scene *s)
{
    size_t states = (size_t)s->m.rnn.cell->states, rows = s->batch.rows, hidden = s->m.rnn.hidden;
    size_t n = model_state_size(&s->m, rows);
    double *gradient = mem_get(n, sizeof *gradient);
    for (size_t i = 0; i < n; i++) {
        const struct rnn_trace *trace = &s->m.pass.trace[i / hidden / rows / states];
        size_t k = i / hidden / rows % states, at = i / hidden % rows * s->m.rnn.row + i % hidden;
        gradient[i] = (double)(k == 0 ? trace->dh[at] : trace->dstate[k][at]);
    }
    for (size_t i = 0; i < n; i += n / 30 + 1)
        check(s, &s->state[i], gradient[i], "initial state", i);
    free(gradient);
}

static void check_net(const struct net *net, uint64_t seed)
{
    struct scene s = scene_make(net, seed);
    loss_of(&s);
    same_side(&s, true);
    model_backward(&s.m, &s.batch);
    real *gradient = mem_get(s.m.params.n, sizeof *gradient); /* backward adds: twice is double */
    memcpy(gradient, s.m.params.gradient, s.m.params.n * sizeof *gradient);
    loss_of(&s);
    model_backward(&s.m, &s.batch);
    for (size_t i = 0; i < s.m.params.n; i++)
        assert_true(fabs((double)(s.m.params.gradient[i] - 2 * gradient[i])) <=
                    1e-5 * fabs((double)gradient[i]) + 1e-6);
    memcpy(s.m.params.gradient, gradient, s.m.params.n * sizeof *gradient);
    free(gradient);
    check_state(&s);
    check_params(&s);
    assert_true(s.checked > (sizeof(real) == 8 ? 4 : 1) * s.skipped && s.checked > 50);
    scene_free(&s);
}

static int count_choices(const char *choices)
{
    int count = 1;
    for (; *choices; choices++)
        count += *choices == '|';
    return count;
}

/* Every row of the table of cells, with every activation where it has the choice, input, and three forms. */
static void test_cells(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int cell = 0; cell < count_choices(CELL_CHOICES); cell++)
        for (int f = 0; f < (cell_at(cell)->activation ? count_choices(ACTIVATION_CHOICES) : 1); f++)
            for (const char *input = "iev"; *input; input++)
                for (int form = 0; form < 3; form++, seed++)
                    check_net(&(struct net){.cell = cell,
                                            .activation = (enum activation)f,
                                            .layers = 1 + form,
                                            .hidden = form == 1 ? 17 : 5,
                                            .steps = 5,
                                            .rows = 3,
                                            .input = *input,
                                            .ragged = form != 0,
                                            .carried = form != 2,
                                            .range = form == 1 ? 0.3 : 0.6},
                              seed);
}

/* More rows and steps than one block of any loop holds, and a hidden size over one panel. */
static void test_large(void **state)
{
    (void)state;
    for (int cell = 0; cell < count_choices(CELL_CHOICES); cell++)
        check_net(&(struct net){.cell = cell,
                                .layers = 2,
                                .hidden = 70,
                                .steps = 9,
                                .rows = 40,
                                .input = cell % 2 ? 'i' : 'v',
                                .ragged = cell != 0,
                                .carried = true,
                                .range = 0.1},
                  101 + (uint64_t)cell);
}

/* The softmax alone: every class of one row. */
static void test_loss(void **state)
{
    (void)state;
    enum { CLASSES = 19, ROW = 32 };
    struct rng rng = rng_seed(5);
    real logits[ROW] = {0}, x[ROW], norm;
    double losses;
    uint32_t target = 7;
    for (int k = 0; k < CLASSES; k++)
        logits[k] = (real)(6 * rng_unit(&rng) - 3);
    memcpy(x, logits, sizeof x);
    softmax_loss(x, ROW, CLASSES, &target, 0, 1, &norm, &losses);
    real p[CLASSES];
    softmax_probabilities(x, CLASSES, norm, p);
    double total = 0;
    for (int k = 0; k < CLASSES; k++)
        total += (double)p[k];
    assert_true(fabs(total - 1) < (sizeof(real) == 8 ? 1e-14 : 1e-5));
    assert_true(fabs(losses + log((double)p[target])) < (sizeof(real) == 8 ? 1e-13 : 1e-5));
    softmax_gradient(x, ROW, CLASSES, &target, 0, 1, &norm, (real)0.5);
    for (int k = 0; k < CLASSES; k++) {
        double value[2];
        for (int side = 0; side < 2; side++) {
            real y[ROW], unused;
            memcpy(y, logits, sizeof y);
            y[k] += (real)((2 * side - 1) * STEP / 10);
            softmax_loss(y, ROW, CLASSES, &target, 0, 1, &unused, &value[side]);
        }
        double numeric = 0.5 * (value[1] - value[0]) / (2 * STEP / 10);
        assert_true(fabs(numeric - (double)x[k]) < (sizeof(real) == 8 ? 1e-8 : 1e-3));
    }
    for (int k = CLASSES; k < ROW; k++)
        assert_true(x[k] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests_name("grad", tests, NULL, NULL);
}
