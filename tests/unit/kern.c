/* The choice of kernels, and exp, tanh, sigmoid and log against libm, for every instruction set this machine has. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "math/gemm.h"
#include "math/kern.h"

static const char *const words[KERN_LEVELS] = {"plain", "avx2", "avx512"};

static void test_select(void **state)
{
    (void)state;
    struct err e = {0};
    assert_string_equal("auto|plain|avx2|avx512", KERN_CHOICES);
    assert_int_equal(-1, kern_select("sse9", &e));
    assert_int_equal(STATUS_MISUSED, e.status);
    assert_non_null(strstr(e.text, "sse9"));
    int best = 0;
    for (int level = 0; level < KERN_LEVELS; level++) {
        if (!kern_has((enum kern_level)level)) {
            assert_int_equal(-1, kern_select(words[level], &e));
            assert_int_equal(STATUS_FAILED, e.status);
            continue;
        }
        assert_int_equal(0, kern_select(words[level], &e));
        assert_int_equal(level, kern_level());
        assert_string_equal(words[level], kern_name());
        best = level;
    }
    assert_int_equal(0, kern_select("auto", &e));
    assert_int_equal(best, kern_level());
}

/* |got - want| in units of want's last place. */
static double ulps(real got, double want)
{
    real near = (real)want;
    double place =
        (double)(sizeof(real) == 8 ? (real)nextafter((double)near, INFINITY) : (real)nextafterf((float)near, INFINITY));
    return fabs((double)got - want) / (place - (double)near);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void worst(const char *name, void (*f)(size_t, const real *, real *), double (*libm)(double), double low,
                  double high, double bound)
{
    enum { N = 999 };
    real x[N], y[N];
    for (int part = 0; part < 100; part++) {
        for (int i = 0; i < N; i++)
            x[i] = (real)(low + (high - low) * (part * N + i) / (100.0 * N));
        f(N, x, y);
        for (int i = 0; i < N; i++)
            if (!(ulps(y[i], libm((double)x[i])) <= bound))
                fail_msg("%s: %s(%.9g) is %.9g, not %.9g", kern_name(), name, (double)x[i], (double)y[i],
                         libm((double)x[i]));
        f(N, x, x); /* in place */
        assert_memory_equal(x, y, sizeof x);
    }
}

static void test_functions(void **state)
{
    (void)state;
    struct err e;
    for (int level = 0; level < KERN_LEVELS; level++) {
        if (!kern_has((enum kern_level)level))
            continue;
        assert_int_equal(0, kern_select(words[level], &e));
        worst("exp", array_exp, exp, -87, 87, 2);
        worst("exp", array_exp, exp, -1, 1, 2);
        worst("tanh", array_tanh, tanh, -12, 12, sizeof(real) == 8 ? 4 : 2.5);
        worst("tanh", array_tanh, tanh, -0.01, 0.01, 2);
        worst("sigmoid", array_sigmoid, sigmoid, -30, 30, 3);
        real x[5] = {NAN, INFINITY, -INFINITY, -0.0f, 3e38f}, y[5];
        array_exp(5, x, y);
        assert_true(isnan(y[0]) && y[1] > 1e37f && isfinite(y[1]) && y[2] >= 0 && y[2] < 1e-37f && y[3] == 1);
        array_tanh(5, x, y);
        assert_true(isnan(y[0]) && y[1] == 1 && y[2] == -1 && y[3] == 0 && signbit(y[3]) && y[4] == 1);
        array_sigmoid(5, x, y);
        assert_true(isnan(y[0]) && y[1] == 1 && y[2] >= 0 && y[2] < 1e-37f && y[3] == (real)0.5 && y[4] == 1);
    }
    assert_int_equal(0, kern_select("auto", &e));
}

static void test_log(void **state)
{
    (void)state;
    for (int i = -2000; i <= 2000; i++) {
        double x = exp(i * 0.35) * (1 + i * 1e-5), want = log(x);
        assert_true(fabs(scalar_log(x) - want) <= 4.5e-16 * fabs(want));
    }
    for (int i = -1000; i <= 1000; i++) {
        double x = 1 + i * 1e-4;
        assert_true(fabs(scalar_log(x) - log(x)) <= 4.5e-16 * fabs(log(x)));
    }
    assert_true(scalar_log(0) == -INFINITY && scalar_log(INFINITY) == INFINITY && scalar_log(1) == 0);
    assert_true(isnan(scalar_log(-1)) && isnan(scalar_log(NAN)));
    assert_true(fabs(scalar_log(0x1p-1074) - log(0x1p-1074)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests_name("kern", tests, NULL, NULL);
}
