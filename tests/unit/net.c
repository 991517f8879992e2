/* What must hold of a network as a whole: parameters in and out, rows that know nothing of each other, truncation
 * with carried state, ragged rows, one step at a time, threads, instruction sets, and that it learns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/par.h"
#include "math/kern.h"
#include "net/model.h"
#include "net/optim.h"

enum { INPUTS = 9, CLASSES = 21, STEPS = 7, WIDTH = 11, HIDDEN = 20, LAYERS = 2, CELLS = 6 };

static struct model model_of(int cell, bool ids, uint64_t embedding)
{
    struct model m;
    struct err e;
    struct model_config config = {.cell = cell,
                                  .layers = LAYERS,
                                  .hidden = HIDDEN,
                                  .init_range = 0.4,
                                  .forget_bias = 1};
    struct model_shape shape = {.ids = ids, .inputs = INPUTS, .embedding = embedding, .classes = CLASSES};
    assert_int_equal(0, model_make(&m, &config, &shape, &e));
    model_init(&m, rng_seed(7));
    return m;
}

struct data {
    uint32_t ids[STEPS * WIDTH], targets[STEPS * WIDTH];
    real vec[STEPS * WIDTH * INPUTS];
};

static struct data data_make(void)
{
    struct data d;
    struct rng rng = rng_seed(3);
    for (size_t i = 0; i < STEPS * WIDTH; i++) {
        d.ids[i] = (uint32_t)rng_below(&rng, INPUTS);
        d.targets[i] = (uint32_t)rng_below(&rng, CLASSES);
    }
    for (size_t i = 0; i < STEPS * WIDTH * INPUTS; i++)
        d.vec[i] = (real)(2 * rng_unit(&rng) - 1);
    return d;
}

static struct minibatch batch_of(const struct model *m, const struct data *d)
{
    return (struct minibatch){.steps = STEPS,
                              .rows = WIDTH,
                              .ids = m->shape.ids ? d->ids : NULL,
                              .vec = m->shape.ids ? NULL : d->vec,
                              .targets = d->targets};
}

static void test_params(void **state)
{
    (void)state;
    char choices[256] = ""; /* the table's rows and the option's words are the same, in the same order */
    for (int cell = 0; cell < CELLS; cell++)
        snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s", cell ? "|" : "",
                 cell_at(cell)->name);
    assert_string_equal(CELL_CHOICES, choices);
    struct model m = model_of(1, true, 6);
    static const char *const names[] = {"embedding",  "rnn.0.input", "rnn.0.recurrent",
                                        "rnn.0.bias", "rnn.1.input", "rnn.1.recurrent",
                                        "rnn.1.bias", "out.weight",  "out.bias"};
    static const uint64_t dims[][2] = {{INPUTS, 6},     {4 * HIDDEN, 6},      {4 * HIDDEN, HIDDEN},
                                       {4 * HIDDEN, 1}, {4 * HIDDEN, HIDDEN}, {4 * HIDDEN, HIDDEN},
                                       {4 * HIDDEN, 1}, {CLASSES, HIDDEN},    {CLASSES, 1}};
    uint64_t total = 0;
    real *copy = mem_aligned(m.params.n, sizeof *copy);
    assert_int_equal(sizeof names / sizeof *names, m.params.n_views);
    for (size_t i = 0; i < m.params.n_views; i++) {
        const struct view *v = params_find(&m.params, names[i]);
        assert_non_null(v);
        assert_int_equal(dims[i][0], v->dims[0]);
        assert_int_equal(dims[i][1], v->dims[1]);
        real *natural = mem_get(view_count(v), sizeof *natural);
        params_export(v, m.params.value, natural);
        params_import(v, copy, natural);
        free(natural);
        total += view_count(v);
    }
    assert_memory_equal(copy, m.params.value, m.params.n * sizeof *copy);
    assert_int_equal(total, model_parameters(&m));
    assert_null(params_find(&m.params, "rnn.2.bias"));
    const struct view *bias = params_find(&m.params, "rnn.1.bias");
    real natural[4 * HIDDEN];
    params_export(bias, m.params.value, natural);
    for (size_t r = 0; r < 4 * HIDDEN; r++) /* gates i f g o */
        assert_true(natural[r] == (r / HIDDEN == 1 ? 1 : 0));
    free(copy);
    model_free(&m);

    struct err e;
    struct model_config huge = {.cell = 1, .layers = 64, .hidden = 65536};
    assert_int_equal(-1,
                     model_make(&m, &huge,
                                &(struct model_shape){.ids = true, .inputs = 100, .embedding = 0, .classes = 100}, &e));
    assert_int_equal(STATUS_MISUSED, e.status);
    huge = (struct model_config){.cell = 1, .layers = 1, .hidden = 65536};
    assert_int_equal(
        -1,
        model_make(&m, &huge,
                   &(struct model_shape){.ids = true, .inputs = UINT64_MAX / 2, .embedding = 0, .classes = 100}, &e));
    assert_int_equal(
        -1,
        model_make(&m, &huge,
                   &(struct model_shape){.ids = true, .inputs = 1u << 30, .embedding = 1u << 30, .classes = 100}, &e));
    model_free(&m);
}

/* Row b alone, one step a call, by model_step: the same bits as within the batch. */
static void check_alone(struct model *m, const struct data *d)
{
    struct minibatch batch = batch_of(m, d);
    real *out = mem_get(STEPS * WIDTH * CLASSES, sizeof *out), logits[CLASSES];
    size_t size = model_state_size(m, 1);
    real *carried = mem_get(size, sizeof *carried), *last = mem_get(size * WIDTH, sizeof *last);
    model_forward(m, &batch, NULL, last);
    for (size_t i = 0; i < STEPS * WIDTH; i++)
        model_logits(m, i / WIDTH, i % WIDTH, out + i * CLASSES);
    for (size_t b = 0; b < WIDTH; b += 5) {
        memset(carried, 0, size * sizeof *carried);
        for (size_t t = 0; t < STEPS; t++) {
            size_t at = t * WIDTH + b;
            model_step(m, 1, batch.ids ? &d->ids[at] : NULL, batch.vec ? &d->vec[at * INPUTS] : NULL, carried, logits);
            assert_memory_equal(logits, out + at * CLASSES, sizeof logits);
        }
        for (size_t s = 0; s < size / HIDDEN; s++)
            assert_memory_equal(carried + s * HIDDEN, last + (s * WIDTH + b) * HIDDEN, HIDDEN * sizeof(real));
    }
    free(out);
    free(carried);
    free(last);
}

/* Rows of other lengths: bits of the full rows up to their ends, their states there, no loss behind. */
static void check_ragged(struct model *m, const struct data *d)
{
    struct minibatch batch = batch_of(m, d);
    uint32_t lengths[WIDTH];
    size_t size = model_state_size(m, WIDTH), layer = (LAYERS - 1) * size / LAYERS;
    real *full = mem_get(STEPS * WIDTH * HIDDEN, sizeof *full), h[HIDDEN];
    real *last = mem_get(size, sizeof *last);
    double losses[STEPS * WIDTH], total = 0;
    uint64_t count = 0;
    model_forward(m, &batch, NULL, NULL);
    for (size_t i = 0; i < STEPS * WIDTH; i++) {
        model_states(m, LAYERS - 1, 0, i / WIDTH, i % WIDTH, full + i * HIDDEN);
        losses[i] = model_loss(m, i / WIDTH, i % WIDTH);
    }
    for (size_t b = 0; b < WIDTH; b++)
        lengths[b] = (uint32_t)(b * 3 % (STEPS + 1));
    batch.lengths = lengths;
    struct tally tally = model_forward(m, &batch, NULL, last);
    for (size_t i = 0; i < STEPS * WIDTH; i++) {
        size_t t = i / WIDTH, b = i % WIDTH, seen = t < lengths[b] ? t + 1 : lengths[b];
        static const real zeros[HIDDEN];
        model_states(m, LAYERS - 1, 0, t, b, h);
        assert_memory_equal(h, seen ? full + ((seen - 1) * WIDTH + b) * HIDDEN : zeros, sizeof h);
        assert_true(model_loss(m, t, b) == (t < lengths[b] ? losses[i] : 0));
        total += t < lengths[b] ? losses[i] : 0;
        count += t < lengths[b];
        if (t == STEPS - 1)
            assert_memory_equal(h, last + layer + b * HIDDEN, sizeof h);
    }
    assert_true(tally.loss == total && tally.count == count);
    free(full);
    free(last);
}

/* Two halves with the state carried between them: the loss of the whole. */
static void check_truncated(struct model *m, const struct data *d)
{
    struct minibatch batch = batch_of(m, d);
    real *carried = mem_get(model_state_size(m, WIDTH), sizeof *carried);
    double whole = model_forward(m, &batch, NULL, NULL).loss;
    batch.steps = 3;
    double first = model_forward(m, &batch, carried, carried).loss;
    batch.steps = STEPS - 3;
    batch.targets += 3 * WIDTH;
    if (batch.ids)
        batch.ids += 3 * WIDTH;
    else
        batch.vec += 3 * WIDTH * INPUTS;
    double second = model_forward(m, &batch, carried, carried).loss;
    assert_true(fabs(whole - first - second) < 1e-9);
    free(carried);
}

static void test_rows(void **state)
{
    (void)state;
    struct data d = data_make();
    for (int cell = 0; cell < CELLS; cell++)
        for (int form = 0; form < 3; form++) {
            struct model m = model_of(cell, form != 2, form == 1 ? 6 : 0);
            check_alone(&m, &d);
            check_ragged(&m, &d);
            check_truncated(&m, &d);
            model_free(&m);
        }
}

/* Wide: enough for the work to be split among threads. */
struct size {
    size_t rows, steps;
    int64_t hidden;
};
static const struct size wide = {33, 30, 70}, small = {16, 8, 16};
enum { MOST = 33 * 30 };

/* Some training steps on sums of neighbours, the same every time. Returns the last loss; *values (n reals) gets the
 * parameters. */
static double train(int cell, int optimizer, struct size size, int steps, real **values, size_t *n)
{
    static uint32_t ids[MOST], targets[MOST];
    struct model m;
    struct optim o;
    struct err e;
    struct model_config config = {.cell = cell,
                                  .layers = 2,
                                  .hidden = size.hidden,
                                  .init_range = 0.15,
                                  .forget_bias = 1};
    struct optim_config oc = {.optimizer = optimizer,
                              .clip = 2,
                              .momentum = 0.5,
                              .alpha = 0.95,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8};
    assert_int_equal(0, model_make(&m, &config, &(struct model_shape){.ids = true, .inputs = 5, .classes = 5}, &e));
    model_init(&m, rng_seed(11));
    optim_make(&o, &oc, &m.params);
    struct rng rng = rng_seed(12);
    double loss = 0;
    for (int step = 0; step < steps; step++) {
        for (size_t i = 0; i < size.steps * size.rows; i++) {
            ids[i] = (uint32_t)rng_below(&rng, 5);
            targets[i] = (ids[i] + (i < size.rows ? 0 : ids[i - size.rows])) % 5;
        }
        struct minibatch batch = {.steps = size.steps, .rows = size.rows, .ids = ids, .targets = targets};
        struct tally tally = model_forward(&m, &batch, NULL, NULL);
        loss = tally.loss / (double)tally.count;
        model_backward(&m, &batch);
        assert_true(isfinite(optim_step(&o, &m.params, 5 * optim_rate(&o))));
        model_refresh(&m);
    }
    *n = m.params.n;
    *values = mem_get(m.params.n, sizeof **values);
    memcpy(*values, m.params.value, m.params.n * sizeof **values);
    for (size_t i = 0; i < m.params.n; i++)
        assert_true(m.params.gradient[i] == 0);
    model_free(&m);
    return loss;
}

static void test_threads(void **state)
{
    (void)state;
    struct err e;
    for (int cell = 0; cell < CELLS; cell++) {
        real *one, *more;
        size_t n;
        train(cell, OPTIM_ADAM, wide, 1, &one, &n);
        for (int threads = 2; threads <= 4; threads *= 2) {
            assert_int_equal(0, par_start(threads, &e));
            train(cell, OPTIM_ADAM, wide, 1, &more, &n);
            par_stop();
            assert_memory_equal(one, more, n * sizeof *one);
            free(more);
        }
        free(one);
    }
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const words[KERN_LEVELS] = {"plain", "avx2", "avx512"};
    struct err e;
    real *plain, *fast;
    size_t n;
    for (int cell = 0; cell < CELLS; cell++) {
        assert_int_equal(0, kern_select("plain", &e));
        double loss = train(cell, 0, small, 5, &plain, &n);
        for (int level = KERN_AVX2; level < KERN_LEVELS; level++) {
            if (!kern_has((enum kern_level)level))
                continue;
            assert_int_equal(0, kern_select(words[level], &e));
            assert_true(fabs(train(cell, 0, small, 5, &fast, &n) - loss) < 1e-5);
            for (size_t i = 0; i < n; i++)
                assert_true(fabs((double)(plain[i] - fast[i])) < 1e-4);
            free(fast);
        }
        free(plain);
    }
    assert_int_equal(0, kern_select("auto", &e));
}

/* Plain descent is left to the elman cell: gates start on a plateau that it is slow to leave. */
static void test_learns(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++)
        for (int optimizer = OPTIM_SGD; optimizer <= OPTIM_ADAM; optimizer++) {
            if (optimizer < OPTIM_RMSPROP && (cell > 0 || optimizer > OPTIM_SGD))
                continue;
            real *values;
            size_t n;
            double loss = train(cell, optimizer, small, 120, &values, &n);
            free(values);
            if (!(loss < 1.4))
                fail_msg("cell %d with optimizer %d: loss %g after 120 steps", cell, optimizer, loss);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params), cmocka_unit_test(test_rows),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_levels), cmocka_unit_test(test_learns),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
