/* The derivative of every parameter of whole models by central differences: each task's targets, pooling and head,
 * both directions, dropout, features, spellings, tied weights, with ragged rows. In double the relative error must stay
 * below 1e-6; in float the same code runs against what float can show. */
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
#define RELATIVE 2e-2
#define ABSOLUTE 3e-3
#endif

enum { STEPS = 5, ROWS = 4, POSITIONS = STEPS * ROWS, WORDS = 6, MOST = 8, FEATURE = 3 };

struct net {
    const char *name;
    struct model_config config;
    struct model_shape shape;
};

/* The lengths of rows: one is empty, one a single step. */
static const uint32_t lengths[ROWS] = {5, 0, 1, 3};
static const uint64_t spelt_at[WORDS + 1] = {0, 0, 1, 3, 6, 6 + 2, 6 + 2 + 4};
static const uint32_t spelt_as[] = {4, 5, 6, 6, 4, 5, 7, 7, 4, 6, 5, 4};

#define MODEL(...) .config = {.hidden = 5, .init_range = 0.4, .forget_bias = 0.5, .mixtures = 2, __VA_ARGS__}
static const struct net nets[] = {
    {"lm, tied",
     MODEL(.task = TASK_LM, .layers = 1, .cell = 1, .tied = true),
     {.ids = true, .inputs = WORDS, .embedding = 5, .classes = WORDS}},
    {"tag, both directions, spelt",
     MODEL(.task = TASK_TAG, .cell = 1, .both = true, .layers = 2, .spell = 3),
     {.ids = true, .inputs = WORDS, .embedding = 3, .characters = 8, .classes = 4}},
    {"tag, spelt words alone, gru",
     MODEL(.task = TASK_TAG, .layers = 1, .cell = 4, .both = true, .spell = 4),
     {.ids = true, .inputs = WORDS, .characters = 8, .classes = 4}},
    {"tag over vectors and spellings, dropout",
     MODEL(.task = TASK_TAG, .cell = 1, .both = true, .layers = 2, .spell = 3, .dropout = 0.4, .dropout_input = 0.3),
     {.inputs = 4, .characters = 8, .classes = 4}},
    {"classify by the last",
     MODEL(.task = TASK_CLASSIFY, .layers = 1, .cell = 1, .both = true, .pool = POOL_LAST),
     {.ids = true, .item = true, .inputs = WORDS, .classes = 3}},
    {"classify by the mean",
     MODEL(.task = TASK_CLASSIFY, .layers = 1, .cell = 5, .both = true, .pool = POOL_MEAN),
     {.ids = true, .item = true, .inputs = WORDS, .embedding = 4, .classes = 3}},
    {"classify by the largest, dropout",
     MODEL(.task = TASK_CLASSIFY, .layers = 1, .cell = 3, .pool = POOL_MAX, .dropout = 0.3),
     {.item = true, .inputs = 4, .classes = 3}},
    {"regress, squared", MODEL(.task = TASK_REGRESS, .layers = 1, .cell = 0), {.inputs = 3, .classes = 3}},
    {"regress an item",
     MODEL(.task = TASK_REGRESS, .layers = 1, .cell = 0, .activation = ACTIVATION_SIGMOID),
     {.item = true, .inputs = 2, .classes = 2}},
    {"regress, mixture", MODEL(.task = TASK_REGRESS, .layers = 1, .cell = 1, .head = 1), {.inputs = 3, .classes = 3}},
    {"caption",
     MODEL(.task = TASK_CAPTION, .cell = 1, .layers = 2),
     {.ids = true, .inputs = WORDS, .embedding = 4, .feature = FEATURE, .classes = WORDS}},
    {"caption, gru, one-hot",
     MODEL(.task = TASK_CAPTION, .layers = 1, .cell = 4),
     {.ids = true, .inputs = WORDS, .feature = FEATURE, .classes = WORDS}},
};

struct scene {
    struct model m;
    struct minibatch batch;
    struct spellings spellings;
    struct rng chance;
    uint32_t ids[POSITIONS], targets[POSITIONS], spelt[POSITIONS];
    real vec[POSITIONS * MOST], wanted[POSITIONS * MOST], features[ROWS * FEATURE];
    uint32_t largest[ROWS * MOST * 2];
    size_t checked, skipped;
};

static void fill(real *x, size_t n, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(2 * rng_unit(rng) - 1);
}

static void scene_make(struct scene *s, const struct net *net)
{
    struct rng rng = rng_seed(5);
    struct err e = {0};
    const struct model_shape *shape = &net->shape;
    memset(s, 0, sizeof *s);
    if (model_make(&s->m, &net->config, shape, &e) < 0)
        fail_msg("%s: %s", net->name, e.text);
    model_init(&s->m, rng);
    for (size_t i = 0; i < s->m.params.n_views; i++) { /* biases too must not be zero */
        const struct view *v = &s->m.params.views[i];
        real *natural = mem_get(view_count(v), sizeof *natural);
        params_export(v, s->m.params.value, natural);
        for (size_t k = 0; v->rank == 1 && k < view_count(v); k++)
            natural[k] += (real)(0.4 * rng_unit(&rng) - 0.2);
        params_import(v, s->m.params.value, natural);
        free(natural);
    }
    model_refresh(&s->m);
    for (size_t i = 0; i < POSITIONS; i++) {
        s->ids[i] = (uint32_t)rng_below(&rng, WORDS);
        s->spelt[i] = (uint32_t)rng_below(&rng, WORDS);
        s->targets[i] = i % 7 == 3 ? TARGET_NONE : (uint32_t)rng_below(&rng, shape->classes);
    }
    fill(s->vec, sizeof s->vec / sizeof(real), &rng);
    fill(s->wanted, sizeof s->wanted / sizeof(real), &rng);
    fill(s->features, sizeof s->features / sizeof(real), &rng);
    for (size_t i = 2; i < sizeof s->wanted / sizeof(real); i += 3)
        s->wanted[i] = s->wanted[i] > 0; /* the bit of a mixture */
    s->spellings = (struct spellings){WORDS, (uint64_t *)spelt_at, (uint32_t *)spelt_as};
    s->chance = rng_seed(9);
    s->batch = (struct minibatch){.steps = STEPS,
                                  .rows = ROWS,
                                  .ids = shape->ids ? s->ids : NULL,
                                  .vec = shape->ids ? NULL : s->vec,
                                  .targets = net->config.task == TASK_REGRESS ? NULL : s->targets,
                                  .wanted = net->config.task == TASK_REGRESS ? s->wanted : NULL,
                                  .features = shape->feature ? s->features : NULL,
                                  .spelt = shape->characters ? s->spelt : NULL,
                                  .spellings = shape->characters ? &s->spellings : NULL,
                                  .lengths = lengths,
                                  .chance = &s->chance};
}

static double loss_of(struct scene *s)
{
    return model_forward(&s->m, &s->batch, NULL, NULL).loss / ROWS;
}

/* Where the largest output is another one than it was the loss has a kink: remembers them, or tells whether they are
 * the same. */
static bool same_largest(struct scene *s, bool remember)
{
    size_t bytes = ROWS * s->m.rnn.outputs * sizeof *s->largest;
    if (!s->m.shape.item || s->m.config.pool != POOL_MAX)
        return true;
    assert_true(bytes <= sizeof s->largest);
    for (size_t b = 0; b < ROWS; b++) {
        size_t at = b * s->m.rnn.outputs;
        if (remember)
            memcpy(s->largest + at, s->m.largest + at, s->m.rnn.outputs * sizeof *s->largest);
        else if (lengths[b] && memcmp(s->largest + at, s->m.largest + at, s->m.rnn.outputs * sizeof *s->largest))
            return false;
    }
    return true;
}

/* f'(x) from four points, with an error of the fourth power of the step, against `gradient`. */
static void check(struct scene *s, real *x, double gradient, const char *net, const char *what, size_t index)
{
    static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    real kept = *x;
    double sum = 0;
    bool smooth = true;
    for (int i = 0; i < 4; i++) {
        *x = (real)((double)kept + at[i] * STEP);
        model_refresh(&s->m);
        sum += weight[i] * loss_of(s);
        smooth = smooth && same_largest(s, false);
    }
    *x = kept;
    if (!smooth) {
        s->skipped++;
        return;
    }
    double numeric = sum / (12 * STEP), size = fmax(fabs(numeric), fabs(gradient));
    if (!(fabs(numeric - gradient) <= RELATIVE * size + ABSOLUTE))
        fail_msg("%s: %s[%zu]: differences say %.12g, backward says %.12g", net, what, index, numeric, gradient);
    s->checked++;
}

static void check_net(const struct net *net)
{
    struct scene *s = mem_get(1, sizeof *s);
    scene_make(s, net);
    struct params *p = &s->m.params;
    assert_true(isfinite(loss_of(s)));
    same_largest(s, true);
    params_zero_gradient(p);
    model_backward(&s->m, &s->batch);
    real *gradient = mem_get(p->n, sizeof *gradient);
    memcpy(gradient, p->gradient, p->n * sizeof *gradient);
    for (size_t i = 0; i < p->n_views; i++) {
        const struct view *v = &p->views[i];
        size_t count = view_count(v), stride = count / 25 + 1, moved = 0;
        real *values = mem_get(count, sizeof *values), *number = mem_get(p->n, sizeof *number);
        for (size_t k = 0; k < count; k++)
            values[k] = (real)(k + 1); /* the elements of a block that are not padding, found by importing 1, 2, 3... */
        params_import(v, number, values);
        for (size_t at = v->offset; at < v->offset + v->room; at++) {
            moved += gradient[at] != 0;
            if (number[at] == 0)
                assert_true(gradient[at] == 0);
            else if ((size_t)number[at] % stride == 0)
                check(s, &p->value[at], (double)gradient[at], net->name, v->name, (size_t)number[at] - 1);
        }
        if (!moved)
            fail_msg("%s: %s has no gradient", net->name, v->name);
        free(values);
        free(number);
    }
    assert_true(s->checked > 20 && s->checked > s->skipped);
    model_free(&s->m);
    free(gradient);
    free(s);
}

static void test_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        check_net(&nets[i]);
}

/* What was not asked to learn gets no gradient, and everything else the same one. */
static void test_frozen(void **state)
{
    (void)state;
    struct scene *s = mem_get(1, sizeof *s);
    scene_make(s, &nets[1]);
    struct params *p = &s->m.params;
    real *gradient = mem_get(p->n, sizeof *gradient);
    loss_of(s);
    params_zero_gradient(p);
    model_backward(&s->m, &s->batch);
    memcpy(gradient, p->gradient, p->n * sizeof *gradient);
    model_freeze(&s->m);
    loss_of(s);
    params_zero_gradient(p);
    model_backward(&s->m, &s->batch);
    const struct view *v = params_find(p, "embedding");
    for (size_t i = 0; i < p->n; i++)
        assert_true(p->gradient[i] == (i >= v->offset && i < v->offset + v->room ? 0 : gradient[i]));
    model_free(&s->m);
    free(gradient);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models), cmocka_unit_test(test_frozen)};
    return cmocka_run_group_tests_name("grad_model", tests, NULL, NULL);
}
