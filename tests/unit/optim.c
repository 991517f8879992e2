/* The optimizers' rules against their equations in double, clipping both ways, and tables of which few words are
 * touched. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/optim.h"

enum { N = 37, OPTIMIZERS = OPTIM_ADAM + 1 };

static const struct optim_config numbers =
    {.lr = 0.01, .clip = 3, .momentum = 0.7, .alpha = 0.9, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6};

/* What a rule does to one value, from its gradient as clipped. */
static void expect(int optimizer, int t, double d, double *w, double *m, double *v)
{
    switch (optimizer) {
    case OPTIM_SGD:
        *w -= 0.01 * d;
        break;
    case OPTIM_MOMENTUM:
        *m = 0.7 * *m + d;
        *w -= 0.01 * *m;
        break;
    case OPTIM_ADAGRAD:
        *v += d * d;
        *w -= 0.01 * d / (sqrt(*v) + 1e-6);
        break;
    case OPTIM_RMSPROP:
        *v = 0.9 * *v + 0.1 * d * d;
        *w -= 0.01 * d / (sqrt(*v) + 1e-6);
        break;
    case OPTIM_ADAM:
        *m = 0.8 * *m + 0.2 * d;
        *v = 0.95 * *v + 0.05 * d * d;
        *w -= 0.01 * *m / (1 - pow(0.8, t)) / (sqrt(*v / (1 - pow(0.95, t))) + 1e-6);
        break;
    }
}

static void check_rule(int optimizer, double clip_value)
{
    struct params p = {0};
    struct optim o;
    struct optim_config c = numbers;
    double w[N], m[N] = {0}, v[N] = {0};
    c.optimizer = optimizer;
    c.clip_value = clip_value;
    params_add(&p, "w", 1, (uint64_t[]){N});
    params_allocate(&p);
    optim_make(&o, &c, &p);
    assert_true(optim_rate(&o) == 0.01);
    for (int i = 0; i < N; i++)
        p.value[i] = (real)(w[i] = (double)(real)sin(i));
    for (int t = 1; t <= 3; t++) {
        double norm = 0, g[N];
        for (int i = 0; i < N; i++) {
            g[i] = (double)(p.gradient[i] = (real)(t * cos(3 * i + t) / 2));
            norm += g[i] * g[i];
        }
        norm = sqrt(norm);
        assert_true(fabs(optim_step(&o, &p, 0.01) - norm) < 1e-5);
        for (int i = 0; i < N; i++) {
            double d = norm > 3 ? g[i] * 3 / norm : g[i];
            if (clip_value > 0)
                d = fmax(-clip_value, fmin(clip_value, d));
            expect(optimizer, t, d, &w[i], &m[i], &v[i]);
            assert_true(fabs((double)p.value[i] - w[i]) < (sizeof(real) == 8 ? 1e-13 : 1e-5));
            assert_true(p.gradient[i] == 0);
        }
    }
    real before = p.value[5];
    p.gradient[5] = NAN; /* diverged: nothing changes */
    assert_true(!isfinite(optim_step(&o, &p, 0.01)));
    assert_true(p.value[5] == before && o.steps == 3);
    params_free(&p);
}

static void test_rules(void **state)
{
    (void)state;
    for (int optimizer = 0; optimizer < OPTIMIZERS; optimizer++) {
        check_rule(optimizer, 0);
        check_rule(optimizer, 0.2);
    }
}

/* Two blocks, in one of which the matrix is a table; the gradients of a few words are not zero. Both ways the same
 * values must come out, but for the order in which the norm is summed. */
static void test_tables(void **state)
{
    (void)state;
    enum { WORDS = 50, WIDTH = 21, STEPS = 4 };
    for (int optimizer = 0; optimizer < OPTIMIZERS; optimizer++)
        for (int packed = 0; packed < 2; packed++) {
            struct params p[2] = {{0}};
            struct optim o[2];
            struct optim_config c = numbers;
            struct rng rng = rng_seed(4);
            c.optimizer = optimizer;
            for (int i = 0; i < 2; i++) {
                if (packed)
                    params_add_panels(&p[i], "table", 2, (uint64_t[]){WIDTH, WORDS}, WIDTH, NULL);
                else
                    params_add(&p[i], "table", 2, (uint64_t[]){WORDS, WIDTH});
                if (i)
                    params_table(&p[i], 0);
                params_add(&p[i], "bias", 1, (uint64_t[]){7});
                params_allocate(&p[i]);
                optim_make(&o[i], &c, &p[i]);
            }
            for (int step = 0; step < STEPS; step++) {
                uint32_t words[3] = {(uint32_t)rng_below(&rng, WORDS), (uint32_t)rng_below(&rng, WORDS), 7};
                real natural[WORDS * WIDTH] = {0};
                for (int k = 0; k < 3; k++)
                    for (size_t j = 0; j < WIDTH; j++)
                        natural[packed ? j * WORDS + words[k] : words[k] * WIDTH + j] = (real)rng_normal(&rng);
                for (int i = 0; i < 2; i++) {
                    params_import(&p[i].views[0], p[i].gradient, natural);
                    if (i)
                        params_touch(&p[i], words, 3);
                    assert_true(optim_step(&o[i], &p[i], 0.01) > 1);
                }
            }
            for (size_t k = 0; k < p[0].n; k++) {
                assert_true(fabs((double)(p[0].value[k] - p[1].value[k])) < 1e-6);
                assert_true(p[1].gradient[k] == 0);
            }
            assert_true(p[0].n == p[1].n && p[1].n_touched == 0);
            params_free(&p[0]);
            params_free(&p[1]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules), cmocka_unit_test(test_tables)};
    return cmocka_run_group_tests_name("optim", tests, NULL, NULL);
}
