/* Networks whose products are in bf16 beside the same ones in float: losses, every gradient, how a state depends on
 * earlier ones; rows and threads that do not matter; learning. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/par.h"
#include "net/model.h"
#include "net/optim.h"
#include "net/rnn_jacobian.h"

#ifdef RUNNEL_DOUBLE
static void test_refused(void **state)
{
    (void)state;
    const char *note;
    struct err e = {0};
    assert_int_equal(0, precision_choose(PRECISION_FLOAT, &note, &e));
    assert_null(note);
    assert_int_equal(-1, precision_choose(PRECISION_BF16, &note, &e));
    assert_failed(e, STATUS_MISUSED, "double");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
#else

/* More rows than a gradient's product takes at a time, more steps than an input product does. */
enum { STEPS = 15, ROWS = 23, POSITIONS = STEPS * ROWS, WORDS = 30, WIDTH = 37, CELLS = 6, FEATURE = 3 };

struct net {
    const char *name;
    struct model_config config;
    struct model_shape shape;
};
#define MODEL(...) .config = {.init_range = 0.16, .forget_bias = 1, __VA_ARGS__}
static const struct net nets[] = {
    {"lm, one-hot",
     MODEL(.task = TASK_LM, .layers = 2, .hidden = 40),
     {.ids = true, .inputs = WORDS, .classes = WORDS}},
    {"lm, tied, dropout",
     MODEL(.task = TASK_LM, .layers = 2, .hidden = 64, .tied = true, .dropout = 0.2, .dropout_input = 0.1),
     {.ids = true, .inputs = WORDS, .embedding = 64, .classes = WORDS}},
    {"tag, both directions, vectors and spellings",
     MODEL(.task = TASK_TAG, .layers = 2, .hidden = 33, .both = true, .spell = 5),
     {.inputs = WIDTH, .characters = 9, .classes = 70}},
    {"classify",
     MODEL(.task = TASK_CLASSIFY, .layers = 1, .hidden = 50, .both = true, .pool = POOL_MEAN),
     {.ids = true, .item = true, .inputs = WORDS, .embedding = 20, .classes = 3}},
    {"regress", MODEL(.task = TASK_REGRESS, .layers = 1, .hidden = 20), {.inputs = WIDTH, .classes = 3}},
    {"caption",
     MODEL(.task = TASK_CAPTION, .layers = 2, .hidden = 24),
     {.ids = true, .inputs = WORDS, .embedding = 8, .feature = FEATURE, .classes = WORDS}},
};
enum { NETS = sizeof nets / sizeof *nets };

static const uint64_t spelt_at[] = {0, 0, 1, 3, 6};
static const uint32_t spelt_as[] = {4, 5, 6, 7, 8, 4};

struct scene {
    struct model m;
    struct minibatch batch;
    struct spellings spellings;
    struct rng chance;
    uint32_t ids[POSITIONS], targets[POSITIONS], spelt[POSITIONS], lengths[ROWS];
    real vec[POSITIONS * WIDTH], wanted[POSITIONS * 3], features[ROWS * FEATURE];
};

static void fill(real *x, size_t n, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)(2 * rng_unit(rng) - 1);
}

static struct scene *scene_make(const struct net *net, int cell)
{
    struct scene *s = mem_get(1, sizeof *s);
    struct rng rng = rng_seed(5);
    struct err e = {0};
    const struct model_shape *shape = &net->shape;
    struct model_config config = net->config;
    config.cell = cell;
    if (model_make(&s->m, &config, shape, &e) < 0)
        fail_msg("%s: %s", net->name, e.text);
    model_init(&s->m, rng);
    for (size_t i = 0; i < POSITIONS; i++) {
        s->ids[i] = (uint32_t)rng_below(&rng, WORDS);
        s->spelt[i] = (uint32_t)rng_below(&rng, 4);
        s->targets[i] = i % 7 == 3 ? TARGET_NONE : (uint32_t)rng_below(&rng, shape->classes);
    }
    for (size_t b = 0; b < ROWS; b++)
        s->lengths[b] = (uint32_t)rng_below(&rng, STEPS + 1);
    fill(s->vec, POSITIONS * WIDTH, &rng);
    fill(s->wanted, POSITIONS * 3, &rng);
    fill(s->features, ROWS * FEATURE, &rng);
    s->spellings = (struct spellings){4, (uint64_t *)spelt_at, (uint32_t *)spelt_as};
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
                                  .lengths = s->lengths,
                                  .chance = &s->chance};
    return s;
}

static void scene_free(struct scene *s)
{
    model_free(&s->m);
    free(s);
}

static double pass(struct scene *s)
{
    double loss = model_forward(&s->m, &s->batch, NULL, NULL).loss;
    params_zero_gradient(&s->m.params);
    model_backward(&s->m, &s->batch);
    return loss;
}

static double distance(const real *a, const real *b, size_t n)
{
    double difference = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        length += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / length);
}

/* Near enough to float, not the same; and the same again once back in float. */
static void check_gradients(const struct net *net, int cell)
{
    struct scene *s = scene_make(net, cell);
    struct params *p = &s->m.params;
    real *gradient = mem_get(p->n, sizeof *gradient);
    double loss = pass(s);
    memcpy(gradient, p->gradient, p->n * sizeof *gradient);
    model_precision(&s->m, PRECISION_BF16);
    double half = pass(s);
    if (!(fabs(half - loss) <= 1e-3 * fabs(loss)) || half == loss)
        fail_msg("%s, %s: a loss of %.9g, in float %.9g", net->name, cell_at(cell)->name, half, loss);
    for (size_t i = 0; i < p->n_views; i++) {
        const struct view *v = &p->views[i];
        double apart = distance(p->gradient + v->offset, gradient + v->offset, v->room);
        if (!(apart > 1e-7 && apart < 0.02))
            fail_msg("%s, %s: the gradient of %s is %g from that in float", net->name, cell_at(cell)->name, v->name,
                     apart);
    }
    model_precision(&s->m, PRECISION_FLOAT);
    assert_true(pass(s) == loss);
    assert_memory_equal(gradient, p->gradient, p->n * sizeof *gradient);
    free(gradient);
    scene_free(s);
}

static void test_gradients(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++)
        for (size_t i = 0; i < NETS; i++)
            check_gradients(&nets[i], cell);
}

/* One row alone, one step a call: the bits it has within the batch. */
static void test_rows(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        struct scene *s = scene_make(&nets[0], cell);
        real *carried = mem_get(model_state_size(&s->m, 1), sizeof *carried), alone[WORDS], beside[STEPS][WORDS];
        s->batch.lengths = NULL;
        model_precision(&s->m, PRECISION_BF16);
        model_forward(&s->m, &s->batch, NULL, NULL);
        for (size_t t = 0; t < STEPS; t++)
            model_logits(&s->m, t, 7, beside[t]);
        for (size_t t = 0; t < STEPS; t++) {
            model_step(&s->m, 1, &s->ids[t * ROWS + 7], NULL, carried, alone);
            assert_memory_equal(alone, beside[t], sizeof alone);
        }
        free(carried);
        scene_free(s);
    }
}

/* Enough work for threads to share it. */
static void test_threads(void **state)
{
    (void)state;
    struct err e;
    struct net net = nets[2];
    net.config.hidden = 150;
    for (int cell = 0; cell < CELLS; cell++) {
        struct scene *s = scene_make(&net, cell);
        struct params *p = &s->m.params;
        real *one = mem_get(p->n, sizeof *one);
        model_precision(&s->m, PRECISION_BF16);
        double loss = pass(s);
        memcpy(one, p->gradient, p->n * sizeof *one);
        for (int threads = 2; threads <= 4; threads *= 2) {
            assert_int_equal(0, par_start(threads, &e));
            assert_true(pass(s) == loss);
            par_stop();
            assert_memory_equal(one, p->gradient, p->n * sizeof *one);
        }
        free(one);
        scene_free(s);
    }
}

static void test_jacobian(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++) {
        struct scene *s = scene_make(&nets[0], cell);
        struct arena arena = {0};
        double norm[2][STEPS];
        s->batch.lengths = NULL;
        for (int half = 0; half < 2; half++) {
            model_precision(&s->m, half ? PRECISION_BF16 : PRECISION_FLOAT);
            model_forward(&s->m, &s->batch, NULL, NULL);
            rnn_jacobian(&s->m.rnn, &s->m.params, &s->m.pass, 1, 2, 0, norm[half], &arena);
        }
        for (size_t lag = 1; lag < STEPS; lag++)
            assert_true(norm[0][lag] != norm[1][lag] && fabs(norm[1][lag] / norm[0][lag] - 1) < 0.02);
        arena_free(&arena);
        scene_free(s);
    }
}

/* To add up neighbours. */
static void test_learns(void **state)
{
    (void)state;
    const struct net net = {"sums",
                            {.layers = 1, .hidden = 24, .init_range = 0.15, .forget_bias = 1},
                            {.ids = true, .inputs = 5, .classes = 5}};
    struct optim_config config = {.optimizer = OPTIM_ADAM, .clip = 2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    for (int cell = 0; cell < CELLS; cell++) {
        struct scene *s = scene_make(&net, cell);
        struct optim o;
        struct rng rng = rng_seed(12);
        double loss = 0;
        optim_make(&o, &config, &s->m.params);
        model_precision(&s->m, PRECISION_BF16);
        s->batch.lengths = NULL;
        for (int step = 0; step < 300; step++) {
            for (size_t i = 0; i < POSITIONS; i++) {
                s->ids[i] = (uint32_t)rng_below(&rng, 5);
                s->targets[i] = (s->ids[i] + (i < ROWS ? 0 : s->ids[i - ROWS])) % 5;
            }
            loss = pass(s) / POSITIONS;
            optim_step(&o, &s->m.params, 0.01);
            model_refresh(&s->m);
        }
        if (!(loss < 0.8))
            fail_msg("%s: a loss of %g after 300 steps", cell_at(cell)->name, loss);
        scene_free(s);
    }
}

static int choose(void **state)
{
    (void)state;
    const char *note;
    struct err e = {0};
    return precision_choose(PRECISION_BF16, &note, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_rows),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_jacobian),  cmocka_unit_test(test_learns),
    };
    return cmocka_run_group_tests_name("precision", tests, choose, NULL);
}
#endif
