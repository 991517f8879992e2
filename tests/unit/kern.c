/* The choice of kernels, and exp, tanh, sigmoid and log against libm, for every instruction set this machine has.
 * Every 97th of all floats is tried, and all of them near the places where something changes; KERN_EVERY=1 in the
 * environment tries them all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/gemm.h"
#include "math/kern.h"

static const char *const words[KERN_LEVELS16] = {"plain", "avx2", "avx512", "avx512bf16", "amx"};

static void test_select(void **state)
{
    (void)state;
    struct err e = {0};
    assert_string_equal("auto|plain|avx2|avx512|avx512bf16|amx", KERN_CHOICES);
    assert_int_equal(-1, kern_select("sse9", &e));
    assert_int_equal(STATUS_MISUSED, e.status);
    assert_non_null(strstr(e.text, "sse9"));
    int best = 0, best16 = 0;
    for (int level = 0; level < KERN_LEVELS16; level++) {
        if (!kern_has((enum kern_level)level)) {
            assert_int_equal(-1, kern_select(words[level], &e));
            assert_int_equal(STATUS_FAILED, e.status);
            continue;
        }
        assert_int_equal(0, kern_select(words[level], &e));
        assert_int_equal(level, kern_level16());
        assert_int_equal(level < KERN_AVX512 ? level : KERN_AVX512, kern_level());
        assert_string_equal(words[level], kern_name());
        best = (int)kern_level();
        best16 = level;
    }
    assert_int_equal(0, kern_select("plain", &e)); /* what is asked for by name stays */
    kern_select16();
    assert_int_equal(KERN_PLAIN, kern_level16());
    assert_int_equal(0, kern_select("auto", &e));
    assert_int_equal(best, kern_level());
    assert_int_equal(best16, kern_level16());
}

/* Without products in bf16, "auto" is never one of their levels. */
static void test_auto(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(0, kern_select("auto", &e));
    assert_true(kern_level16() <= KERN_AVX512);
    assert_int_equal(kern_level16(), kern_level());
}

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static const struct function {
    const char *name;
    void (*f)(size_t, const real *, real *);
    double (*libm)(double);
} functions[] = {{"exp", array_exp, exp}, {"tanh", array_tanh, tanh}, {"sigmoid", array_sigmoid, sigmoid}};
enum { FUNCTIONS = 3, BLOCK = 4096 };

/* Reals as whole numbers that rise with them: neighbours are 1 apart. */
static int64_t place(real x)
{
    int64_t bits = 0;
    memcpy(&bits, &x, sizeof x);
    if (sizeof x == sizeof(float))
        return signbit(x) ? INT32_MIN - (int64_t)(int32_t)bits : bits;
    return signbit(x) ? INT64_MIN - bits : bits;
}

/* At most 2 numbers away from the nearest to libm's (which is of double: in the build for doubles, whose reference is
 * no better than they are, a little more), of its sign, and NaN where that is. */
static void check_block(const struct function *f, size_t n, const real *x)
{
    static real want[BLOCK], y[BLOCK];
    for (size_t i = 0; i < n; i++)
        want[i] = (real)f->libm((double)x[i]);
    for (int level = 0; level < KERN_LEVELS; level++) {
        struct err e;
        if (!kern_has((enum kern_level)level))
            continue;
        assert_int_equal(0, kern_select(words[level], &e));
        f->f(n, x, y);
        for (size_t i = 0; i < n; i++) {
            bool same = isnan(want[i]) ? isnan(y[i])
                                       : signbit(want[i]) == signbit(y[i]) &&
                                             llabs(place(y[i]) - place(want[i])) <= (sizeof(real) == 8 ? 4 : 2);
            if (!same)
                fail_msg("%s: %s(%.9g) is %.9g, not %.9g", words[level], f->name, (double)x[i], (double)y[i],
                         (double)want[i]);
        }
    }
    assert_int_equal(0, kern_select("auto", &(struct err){0}));
}

static void test_range(void **state)
{
    (void)state;
    static real x[BLOCK];
    const char *given = getenv("KERN_EVERY");
    uint64_t every = given ? strtoull(given, NULL, 10) : 97;
    assert_true(every > 0);
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32;) {
        size_t n = 0;
        for (; n < BLOCK && bits < (uint64_t)1 << 32; bits += every) {
            uint32_t word = (uint32_t)bits;
            float number;
            memcpy(&number, &word, sizeof number);
            x[n++] = (real)number;
        }
        for (int k = 0; k < FUNCTIONS; k++)
            check_block(&functions[k], n, x);
    }
}

/* Where results become infinite, subnormal, 0 or 1, in float and in double; around 0; at the ends; in every half. */
static void test_edges(void **state)
{
    (void)state;
    static const double edges[] = {88.722839,   -87.336545, -103.97208,    88.376263,    89,      -104,      709.782713,
                                   -708.396419, -745.13322, 709.08957,     710,          -746,    16.635532, 17.328679,
                                   9.0109134,   19.061547,  36.736801,     37.429948,    40,      20,        0.34657359,
                                   1.0397208,   0,          1.1754944e-38, 3.4028235e38, 1.4e-45, INFINITY,  NAN};
    static real x[BLOCK];
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++)
        for (int side = -1; side <= 1; side += 2) {
            real up = (real)(side * edges[k]), down = up;
            for (int i = 0; i < BLOCK; i += 2) {
                x[i] = up;
                x[i + 1] = down;
                up = sizeof(real) == 8 ? (real)nextafter((double)up, HUGE_VAL) : (real)nextafterf((float)up, HUGE_VALF);
                down = sizeof(real) == 8 ? (real)nextafter((double)down, -HUGE_VAL)
                                         : (real)nextafterf((float)down, -HUGE_VALF);
            }
            for (int f = 0; f < FUNCTIONS; f++)
                check_block(&functions[f], BLOCK, x);
        }
}

/* Arrays of any length, in place, and nothing behind their end. */
static void test_arrays(void **state)
{
    (void)state;
    enum { MOST = 70 };
    for (int k = 0; k < FUNCTIONS; k++)
        for (size_t n = 0; n <= MOST; n++) {
            real x[MOST + 1], y[MOST + 1], one[MOST];
            for (size_t i = 0; i <= MOST; i++)
                y[i] = x[i] = (real)((double)i * 0.3 - 10);
            for (size_t i = 0; i < n; i++)
                functions[k].f(1, &x[i], &one[i]);
            functions[k].f(n, x, y);
            assert_memory_equal(one, y, n * sizeof *y);
            assert_true(y[n] == x[n]);
            functions[k].f(n, x, x);
            assert_memory_equal(x, y, sizeof x);
        }
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
        cmocka_unit_test(test_auto),  cmocka_unit_test(test_select), cmocka_unit_test(test_range),
        cmocka_unit_test(test_edges), cmocka_unit_test(test_arrays), cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests_name("kern", tests, NULL, NULL);
}
