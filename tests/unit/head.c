/* Heads: losses against their closed formulas, gradients by central differences, extreme outputs, rows on their own,
 * and what is drawn. In double the differences must agree within 1e-6, in float within what float can show. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "math/kern.h"
#include "net/head.h"

#define PI       3.14159265358979323846
#define IN_REALS (sizeof(real) == 8)
#define STEP     (IN_REALS ? 1e-3 : 1e-2)
#define RELATIVE (IN_REALS ? 1e-6 : 2e-3)
#define ABSOLUTE (IN_REALS ? 1e-10 : 2e-4)

enum { ROWS = 9, MOST = 96, NONE = 4 }; /* row NONE has no target */

struct scene {
    const struct head *head;
    struct head_rows h;
    real out[ROWS * MOST], wanted[ROWS * MOST], norm[ROWS];
    uint32_t targets[ROWS];
    double losses[ROWS];
};

static double between(struct rng *rng, double low, double high)
{
    return low + (high - low) * rng_unit(rng);
}

/* `dim` targets or classes; outputs within +-1.2, so a mixture is far from its clamps. */
static void scene_make(struct scene *s, int kind, size_t dim, size_t mixtures, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    *s = (struct scene){.head = head_at(kind)};
    s->h = (struct head_rows){.out = s->out,
                              .stride = MOST,
                              .width = s->head->width(dim, mixtures),
                              .targets = s->targets,
                              .wanted = s->wanted,
                              .dim = dim,
                              .norm = s->norm,
                              .losses = s->losses};
    assert_true(s->h.width > 0 && s->h.width <= MOST - 16);
    for (size_t i = 0; i < ROWS * MOST; i++)
        s->out[i] = (real)between(&rng, -1.2, 1.2);
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t d = 0; d < dim; d++)
            s->wanted[row * dim + d] = (real)between(&rng, -2, 2);
        if (kind == HEAD_MIXTURE)
            s->wanted[row * dim + 2] = (real)(row % 2);
        s->targets[row] = row == NONE ? TARGET_NONE : (uint32_t)rng_below(&rng, dim);
    }
}

static void test_table(void **state)
{
    (void)state;
    char choices[128] = "";
    for (int kind = 0; kind <= HEAD_MIXTURE; kind++)
        snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s", kind ? "|" : "",
                 head_at(kind)->name);
    assert_string_equal(HEAD_CHOICES, choices);
    assert_true(head_at(HEAD_SOFTMAX)->classes && !head_at(HEAD_SQUARED)->classes && !head_at(HEAD_MIXTURE)->classes);
    assert_int_equal(65, head_at(HEAD_SOFTMAX)->width(65, 0));
    assert_int_equal(7, head_at(HEAD_SQUARED)->width(7, 0));
    assert_int_equal(121, head_at(HEAD_MIXTURE)->width(3, 20));
    assert_int_equal(0, head_at(HEAD_MIXTURE)->width(2, 20));
    assert_int_equal(0, head_at(HEAD_MIXTURE)->width(4, 20));
    assert_int_equal(0, head_at(HEAD_MIXTURE)->width(3, 0));
    assert_int_equal(0, head_at(HEAD_MIXTURE)->width(3, HEAD_MIXTURES + 1));
}

/* ---- Losses and gradients ---------------------------------------------------------------------------------------- */

/* The density as it is written down, without any care: outputs are moderate. */
static double mixture_by_hand(const real *o, size_t m, const real *y)
{
    double total = 0, weights = 0, e = 1 / (1 + exp(-(double)o[0]));
    for (size_t j = 0; j < m; j++) {
        double mu[2] = {(double)o[1 + m + j], (double)o[1 + 2 * m + j]};
        double sigma[2] = {exp((double)o[1 + 3 * m + j]), exp((double)o[1 + 4 * m + j])};
        double rho = tanh((double)o[1 + 5 * m + j]), pi = exp((double)o[1 + j]);
        double a = ((double)y[0] - mu[0]) / sigma[0], b = ((double)y[1] - mu[1]) / sigma[1];
        double z = a * a + b * b - 2 * rho * a * b;
        double n = exp(-z / (2 * (1 - rho * rho))) / (2 * PI * sigma[0] * sigma[1] * sqrt(1 - rho * rho));
        weights += pi;
        total += pi * n;
    }
    return -log(total / weights) - log(y[2] > 0 ? e : 1 - e);
}

static double by_hand(const struct scene *s, size_t row)
{
    const real *o = s->out + row * MOST, *y = s->wanted + row * s->h.dim;
    double sum = 0;
    if (s->head == head_at(HEAD_MIXTURE))
        return mixture_by_hand(o, (s->h.width - 1) / 6, y);
    for (size_t d = 0; d < s->h.dim; d++)
        sum += s->head->classes ? exp((double)o[d]) : pow((double)o[d] - (double)y[d], 2) / (double)s->h.dim;
    return s->head->classes ? log(sum) - (double)o[s->targets[row]] : sum;
}

static void check_loss(struct scene *s)
{
    s->head->loss(&s->h, 0, ROWS);
    for (size_t row = 0; row < ROWS; row++) {
        double want = row == NONE ? 0 : by_hand(s, row);
        if (!(fabs(s->losses[row] - want) <= (IN_REALS ? 1e-12 : 4e-6) * (1 + fabs(want))))
            fail_msg("%s, row %zu: loss %.15g, by hand %.15g", s->head->name, row, s->losses[row], want);
    }
}

static double loss_with(struct scene *s, size_t at, double value)
{
    real kept = s->out[at];
    s->out[at] = (real)value;
    s->head->loss(&s->h, at / MOST, at / MOST + 1);
    s->out[at] = kept;
    return s->losses[at / MOST];
}

/* Four points: an error of the fourth power of the step. */
static void check_gradient(struct scene *s)
{
    static struct scene after;
    const double scale = 0.375;
    s->head->loss(&s->h, 0, ROWS);
    after = *s;
    after.h.out = after.out;
    s->head->gradient(&after.h, 0, ROWS, (real)scale);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t k = 0; k < (s->h.width + 15) / 16 * 16; k++) {
            size_t at = row * MOST + k;
            double x = (double)s->out[at], got = (double)after.out[at];
            if (k >= s->h.width || row == NONE) {
                assert_true(got == 0);
                continue;
            }
            double want = scale / (12 * STEP) *
                          (loss_with(s, at, x - 2 * STEP) - 8 * loss_with(s, at, x - STEP) +
                           8 * loss_with(s, at, x + STEP) - loss_with(s, at, x + 2 * STEP));
            if (!(fabs(got - want) <= RELATIVE * fmax(fabs(got), fabs(want)) + ABSOLUTE))
                fail_msg("%s, row %zu, output %zu: differences say %.12g, gradient says %.12g", s->head->name, row, k,
                         want, got);
        }
}

static const struct {
    int kind;
    size_t dim, mixtures;
} forms[] = {{HEAD_SOFTMAX, 21, 0}, {HEAD_SOFTMAX, 1, 0}, {HEAD_SQUARED, 1, 0}, {HEAD_SQUARED, 19, 0},
             {HEAD_MIXTURE, 3, 1},  {HEAD_MIXTURE, 3, 3}, {HEAD_MIXTURE, 3, 13}};
enum { FORMS = sizeof forms / sizeof *forms };

static void test_losses(void **state)
{
    (void)state;
    static struct scene s;
    for (size_t f = 0; f < FORMS; f++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            scene_make(&s, forms[f].kind, forms[f].dim, forms[f].mixtures, seed);
            check_loss(&s);
            check_gradient(&s);
        }
}

/* Beyond the clamps the loss stands still and so does its gradient; within, close to them, it is exact. */
static void test_clamps(void **state)
{
    (void)state;
    static struct scene s;
    static const double sigma[] = {7.3, 6.5, 7.3, 2, -3, -7.5}, rho[] = {4.2, -4.2, 3.5, -3.5, 30, -3e4};
    scene_make(&s, HEAD_MIXTURE, 3, 3, 5);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t j = 0; j < 3; j++) {
            real *o = s.out + row * MOST + 1 + j;
            o[3 * 3] = (real)sigma[(row + j) % 6];
            o[4 * 3] = (real)sigma[(row + 2 * j + 1) % 6];
            o[5 * 3] = (real)rho[(row + j) % 6];
            if (sigma[(row + j) % 6] < 0 || sigma[(row + 2 * j + 1) % 6] < 0) { /* narrow: near enough to count */
                o[3] = s.wanted[row * 3];
                o[2 * 3] = s.wanted[row * 3 + 1];
                o[0] = -20;
            }
        }
    if (IN_REALS)
        check_gradient(&s); /* a float is too coarse so close to a singularity */
    s.head->loss(&s.h, 0, ROWS);
    s.head->gradient(&s.h, 0, ROWS, 1);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t j = 0; j < 3 && row != NONE; j++) {
            const real *o = s.out + row * MOST + 1 + j;
            assert_true((o[3 * 3] == 0) == (fabs(sigma[(row + j) % 6]) > 7));
            assert_true((o[4 * 3] == 0) == (fabs(sigma[(row + 2 * j + 1) % 6]) > 7));
            assert_true((o[5 * 3] == 0) == (fabs(rho[(row + j) % 6]) > 4));
        }
}

/* One or two outputs as extreme as can be: a finite loss, no NaN in the gradient; NaN gives NaN. */
static void test_extremes(void **state)
{
    (void)state;
    static struct scene s;
    static const float extremes[] = {50, 1e4f, 1e20f, 3.4e38f};
    for (size_t form = 4; form < FORMS; form++)
        for (size_t k = 0; k < 6 * forms[form].mixtures + 1; k++)
            for (size_t other = k; other < 6 * forms[form].mixtures + 1; other += 2)
                for (int e = 0; e < 4; e++) {
                    scene_make(&s, forms[form].kind, forms[form].dim, forms[form].mixtures, k);
                    for (size_t row = 0; row < 4; row++) {
                        s.out[row * MOST + k] = row % 2 ? extremes[e] : -extremes[e];
                        s.out[row * MOST + other] = row / 2 ? extremes[e] : -extremes[e];
                    }
                    s.out[5 * MOST + k] = NAN;
                    s.head->loss(&s.h, 0, ROWS);
                    s.head->gradient(&s.h, 0, ROWS, (real)0.1);
                    for (size_t row = 0; row < 4; row++)
                        assert_true(isfinite(s.losses[row]));
                    for (size_t i = 0; i < 4 * MOST; i++)
                        if (isnan(s.out[i]))
                            fail_msg("outputs %zu and %zu of +-%g: gradient %zu is NaN", k, other, (double)extremes[e],
                                     i % MOST);
                    assert_true(isnan(s.losses[5]));
                }
    scene_make(&s, HEAD_SQUARED, 2, 0, 1);
    s.out[0] = (real)3e38, s.wanted[0] = (real)-3e38;
    s.out[MOST] = NAN;
    s.head->loss(&s.h, 0, ROWS);
    assert_true(isfinite(s.losses[0]) && s.losses[0] > 1e76 && isnan(s.losses[1]));
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Rows cut any way, or alone, give the same bytes; nothing outside of a range is touched; without targets there is no
 * loss; all rows have one where `targets` is not given. */
static void test_rows(void **state)
{
    (void)state;
    static struct scene whole, parts;
    for (size_t f = 0; f < FORMS; f++) {
        scene_make(&whole, forms[f].kind, forms[f].dim, forms[f].mixtures, 11);
        parts = whole;
        parts.h.out = parts.out, parts.h.norm = parts.norm, parts.h.losses = parts.losses;
        whole.head->loss(&whole.h, 0, ROWS);
        whole.head->gradient(&whole.h, 0, ROWS, (real)0.5);
        for (size_t row = ROWS; row-- > 0;) {
            real before[ROWS * MOST];
            memcpy(before, parts.out, sizeof before);
            parts.head->loss(&parts.h, row, row + 1);
            parts.head->gradient(&parts.h, row, row + 1, (real)0.5);
            size_t used = (parts.h.width + 15) / 16 * 16;
            assert_memory_equal(before, parts.out, row * MOST * sizeof(real));
            assert_memory_equal(before + row * MOST + used, parts.out + row * MOST + used,
                                (ROWS * MOST - row * MOST - used) * sizeof(real));
        }
        assert_memory_equal(whole.out, parts.out, sizeof whole.out);
        assert_memory_equal(whole.losses, parts.losses, sizeof whole.losses);
        scene_make(&parts, forms[f].kind, forms[f].dim, forms[f].mixtures, 11);
        if (forms[f].kind != HEAD_SOFTMAX) {
            parts.h.targets = NULL;
            parts.head->loss(&parts.h, 0, ROWS);
            assert_true(parts.losses[NONE] != 0 && parts.losses[0] == whole.losses[0]);
        }
        parts.h.targets = NULL, parts.h.wanted = NULL;
        parts.head->loss(&parts.h, 0, ROWS);
        for (size_t row = 0; row < ROWS; row++)
            assert_true(parts.losses[row] == 0);
    }
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const words[KERN_LEVELS] = {"plain", "avx2", "avx512"};
    static struct scene plain, fast;
    struct err e;
    for (size_t f = 0; f < FORMS; f++)
        for (int level = 0; level < KERN_LEVELS; level++) {
            if (!kern_has((enum kern_level)level))
                continue;
            assert_int_equal(0, kern_select(words[level], &e));
            scene_make(&fast, forms[f].kind, forms[f].dim, forms[f].mixtures, 21);
            fast.head->loss(&fast.h, 0, ROWS);
            fast.head->gradient(&fast.h, 0, ROWS, 1);
            if (level == KERN_PLAIN)
                plain = fast;
            for (size_t row = 0; row < ROWS; row++) {
                assert_true(fabs(plain.losses[row] - fast.losses[row]) < 1e-5);
                for (size_t k = 0; k < fast.h.width; k++)
                    assert_true(fabs((double)(plain.out[row * MOST + k] - fast.out[row * MOST + k])) < 1e-4);
            }
        }
    assert_int_equal(0, kern_select("auto", &e));
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

static void test_likeliest(void **state)
{
    (void)state;
    real out[13] = {(real)0.1, 1, 2, 10, 11, 20, 21, 3, 3, 3, 3, 1, 1}, value[3];
    const struct head *h = head_at(HEAD_MIXTURE);
    h->value(out, 13, 3, NULL, 0, value);
    assert_true(value[0] == 11 && value[1] == 21 && value[2] == 1);
    out[0] = (real)-0.1;
    out[1] = (real)2.5;
    h->value(out, 13, 3, NULL, 3, value);
    assert_true(value[0] == 10 && value[1] == 20 && value[2] == 0);
    head_at(HEAD_SQUARED)->value(out, 3, 3, &(struct rng){0}, 0, value);
    assert_memory_equal(out, value, sizeof value);
    assert_null(head_at(HEAD_SOFTMAX)->value);
}

struct moments {
    double share, bit, mean[2], sigma[2], rho; /* share of those with y_0 > 0, and their moments */
};

static struct moments draw(const real *out, size_t width, double bias, uint64_t seed)
{
    enum { N = 200000 };
    struct rng rng = rng_seed(seed);
    double n = 0, bits = 0, sum[2] = {0}, square[2] = {0}, product = 0;
    for (int i = 0; i < N; i++) {
        real y[3];
        head_at(HEAD_MIXTURE)->value(out, width, 3, &rng, bias, y);
        assert_true(y[2] == 0 || y[2] == 1);
        bits += (double)y[2];
        if (!(y[0] > 0))
            continue;
        n++;
        product += (double)y[0] * (double)y[1];
        for (int d = 0; d < 2; d++) {
            sum[d] += (double)y[d];
            square[d] += (double)y[d] * (double)y[d];
        }
    }
    struct moments m = {.share = n / N, .bit = bits / N};
    for (int d = 0; d < 2; d++) {
        m.mean[d] = sum[d] / n;
        m.sigma[d] = sqrt(square[d] / n - m.mean[d] * m.mean[d]);
    }
    m.rho = (product / n - m.mean[0] * m.mean[1]) / (m.sigma[0] * m.sigma[1]);
    return m;
}

/* Two Gaussians so far apart that the sign of y_0 tells them; all bounds are about six deviations. */
static void test_draws(void **state)
{
    (void)state;
    real out[13] = {(real)-0.8, (real)0.7, (real)-0.4, 50, -50, -3, 4, (real)0.5, 0, (real)-0.7, 0, (real)0.6, 0};
    for (int b = 0; b < 3; b++) {
        double bias = b * 0.75;
        struct moments m = draw(out, 13, bias, 3 + (uint64_t)b);
        double s[2] = {exp(0.5 - bias), exp(-0.7 - bias)}, rho = tanh(0.6);
        double share = 1 / (1 + exp(-1.1 * (1 + bias)));
        assert_true(fabs(m.share - share) < 0.007);
        assert_true(fabs(m.bit - 1 / (1 + exp(0.8))) < 0.007);
        assert_true(fabs(m.mean[0] - 50) < 0.016 * s[0] && fabs(m.mean[1] + 3) < 0.016 * s[1]);
        assert_true(fabs(m.sigma[0] / s[0] - 1) < 0.012 && fabs(m.sigma[1] / s[1] - 1) < 0.012);
        assert_true(fabs(m.rho - rho) < 0.012);
    }
    out[11] = (real)-2; /* the other way, strongly; the rest of what is drawn does not change */
    struct moments m = draw(out, 13, 0, 9);
    assert_true(fabs(m.rho + tanh(2)) < 0.002);
    struct rng a = rng_seed(1), same = rng_seed(1);
    real x[3], y[3];
    head_at(HEAD_MIXTURE)->value(out, 13, 3, &a, 0, x);
    head_at(HEAD_MIXTURE)->value(out, 13, 3, &same, 0, y);
    assert_memory_equal(x, y, sizeof x);
    head_at(HEAD_MIXTURE)->value(out, 13, 3, &a, 0, y);
    assert_true(x[0] != y[0] || x[1] != y[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_losses), cmocka_unit_test(test_clamps),
        cmocka_unit_test(test_extremes),  cmocka_unit_test(test_rows),   cmocka_unit_test(test_levels),
        cmocka_unit_test(test_likeliest), cmocka_unit_test(test_draws),
    };
    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
