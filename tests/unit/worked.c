/* A worked example of an Elman network, forward and backward through time, in exact numbers:
 *
 *     s_t = tanh(U x_t + W s_{t-1} + b_s)     o_t = softmax(V s_t + b_o)     loss = sum_t -log o_t[target_t]
 *
 * The numbers are given to 9 digits. In float they hold to 1e-6 absolute, in double to 1e-6 relative. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/model.h"

static const double U[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6}, W[] = {0.1, 0.2, 0.3, 0.4},
                    V[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
static const real x[] = {1, 2, 3, 2, 3, 4, 3, 4, 5};
static const uint32_t target[] = {0, 2, 1};

static const double z[] = {1.4, 3.2, 2.28787164, 5.36427845, 2.8979525, 6.89386628};
static const double s[] = {0.885351648, 0.996682398, 0.979612679, 0.999956181, 0.993938471, 0.999997944};
static const double o[] = {0.218340393, 0.318130631, 0.463528976, 0.213075683, 0.316575321,
                           0.470348997, 0.212306733, 0.316340564, 0.471352702};
static const double losses[] = {1.5217, 0.754280314, 1.15093591}, loss = 3.42691622;
static const double delta_hidden[] = {0.0536997396,    0.00164170139,  -0.00599261142,
                                      -1.30070967e-05, 0.000626182285, 2.13073661e-07};
static const double grad_V[] = {-0.272292151, -0.353693729, -0.0877367376, -0.050021381, 0.360028889, 0.40371511};
static const double grad_W[] = {-0.00469215229, -0.00534657547, -1.13071249e-05, -1.275088e-05};
static const double grad_U[] = {0.0435930636, 0.0919263741, 0.140259685, 0.00161632642, 0.00324523378, 0.00487414115};
static const double grad_b_o[] = {-0.356277191, -0.0489534838, 0.405230675}, grad_b_s[] = {0.0483333105, 0.00162890737};

static void same(const char *what, const real *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double bound = sizeof(real) == sizeof(double) ? 1e-6 * fabs(want[i]) : 1e-6;
        if (!(fabs((double)got[i] - want[i]) <= bound))
            fail_msg("%s[%zu] is %.9g, not %.9g", what, i, (double)got[i], want[i]);
    }
}

static void put(struct model *m, const char *name, const double *values)
{
    const struct view *v = params_find(&m->params, name);
    real natural[6];
    assert_non_null(v);
    for (size_t i = 0; i < view_count(v); i++)
        natural[i] = (real)values[i];
    params_import(v, m->params.value, natural);
}

static void gradient(struct model *m, const char *name, const double *want)
{
    const struct view *v = params_find(&m->params, name);
    real natural[6];
    params_export(v, m->params.gradient, natural);
    same(name, natural, want, view_count(v));
}

static void test_worked(void **state)
{
    (void)state;
    struct model m;
    struct err e;
    struct model_config config = {.task = TASK_LM, .cell = 0, .activation = ACTIVATION_TANH, .layers = 1, .hidden = 2};
    assert_int_equal(0, model_make(&m, &config, &(struct model_shape){.inputs = 3, .classes = 3}, &e));
    assert_string_equal("elman", m.rnn.cell->name);
    put(&m, "rnn.0.input", U);
    put(&m, "rnn.0.recurrent", W);
    put(&m, "out.weight", V);
    model_refresh(&m);

    struct minibatch batch = {.steps = 3, .rows = 1, .vec = x, .targets = target};
    real last[2], row[3];
    struct tally tally = model_forward(&m, &batch, NULL, last);
    assert_int_equal(3, tally.count);
    same("loss", &(real){(real)tally.loss}, &loss, 1);
    same("final state", last, s + 4, 2);
    for (size_t t = 0; t < 3; t++) {
        model_gates(&m, 0, t, 0, row);
        same("z", row, z + 2 * t, 2);
        model_states(&m, 0, 0, t, 0, row);
        same("s", row, s + 2 * t, 2);
        model_probabilities(&m, t, 0, row);
        same("o", row, o + 3 * t, 3);
        same("loss of a step", &(real){(real)model_loss(&m, t, 0)}, losses + t, 1);
    }
    model_backward(&m, &batch);
    for (size_t t = 0; t < 3; t++) {
        model_gates(&m, 0, t, 0, row);
        same("delta of hidden", row, delta_hidden + 2 * t, 2);
    }
    gradient(&m, "out.weight", grad_V);
    gradient(&m, "out.bias", grad_b_o);
    gradient(&m, "rnn.0.recurrent", grad_W);
    gradient(&m, "rnn.0.input", grad_U);
    gradient(&m, "rnn.0.bias", grad_b_s);
    model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worked)};
    return cmocka_run_group_tests_name("worked", tests, NULL, NULL);
}
