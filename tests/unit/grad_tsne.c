/* t-SNE: its gradient by central differences, the perplexity of its rows, and clusters that stay clusters. */
#include "unit.h"

#include <math.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/tsne.h"

enum { N = 41, D = 5 };

static void points(double *x, size_t n, size_t d, double spread)
{
    struct rng rng = rng_seed(3);
    for (size_t i = 0; i < n * d; i++)
        x[i] = rng_normal(&rng) + (i % d == 0 ? spread * (double)(i / d % 3) : 0);
}

/* C, in double, as the header says it. */
static double cost(const real *p, const double *y, double exaggeration)
{
    double z = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1], w = 1 / (1 + dx * dx + dy * dy);
                double pij = exaggeration * (double)p[i * tsne_row(N) + j];
                if (i == j)
                    continue;
                if (pass == 0)
                    z += w;
                else if (pij > 0)
                    sum += pij * (log(pij) - log(w)) + pij * log(z) / exaggeration;
            }
    return sum;
}

static void the_gradient_is_that_of_the_cost(void **state)
{
    double x[N * D], y[N * 2], gradient[N * 2], scale = 0;
    real *p = mem_aligned(N * tsne_row(N), sizeof *p), *spare = mem_aligned(2 * tsne_row(N), sizeof *spare);
    const double tolerance = sizeof(real) == sizeof(double) ? 1e-6 : 2e-5, h = 1e-5;
    (void)state;
    points(x, N, D, 2);
    points(y, N, 2, 1);
    tsne_affinities(x, N, D, 9, p);
    for (double exaggeration = 1; exaggeration <= 12; exaggeration += 11) {
        tsne_gradient(p, y, N, exaggeration, gradient, spare);
        for (size_t k = 0; k < 2 * N; k++)
            scale = fmax(scale, fabs(gradient[k]));
        for (size_t k = 0; k < 2 * N; k++) {
            double at = y[k], above, below;
            y[k] = at + h;
            above = cost(p, y, exaggeration);
            y[k] = at - h;
            below = cost(p, y, exaggeration);
            y[k] = at;
            if (!(fabs((above - below) / (2 * h) - gradient[k]) < tolerance * scale))
                fail_msg("coordinate %zu: %g, not %g", k, gradient[k], (above - below) / (2 * h));
        }
    }
    free(p);
    free(spare);
}

/* Points alike and a point far off do no harm; p is symmetric, of sum 1, and rows have the perplexity (in the middle of
 * many points p_j|i and p_i|j are alike, so that of p_ij is near it). */
static void affinities_are_probabilities(void **state)
{
    double x[N * D], sum = 0;
    size_t row = tsne_row(N);
    real *p = mem_aligned(N * row, sizeof *p);
    (void)state;
    points(x, N, D, 2);
    memcpy(x + 3 * D, x + 4 * D, D * sizeof *x);
    x[7 * D] = 1e6;
    tsne_affinities(x, N, D, 9, p);
    for (size_t i = 0; i < N; i++) {
        double own = 0, entropy = 0;
        for (size_t j = 0; j < row; j++) {
            double pij = (double)p[i * row + j];
            assert_true(pij >= 0 && (j < N ? p[j * row + i] == p[i * row + j] : pij == 0));
            own += pij;
        }
        for (size_t j = 0; j < N; j++)
            if (p[i * row + j] > 0)
                entropy -= (double)p[i * row + j] / own * log((double)p[i * row + j] / own);
        assert_true(p[i * row + i] == 0 && own >= 0.5 / N - 1e-6);
        assert_true(exp(entropy) > 6 && exp(entropy) < 41);
        sum += own;
    }
    assert_true(fabs(sum - 1) < 1e-5);
    free(p);
}

/* Three clusters: the nearest point on the map is of the same one; the mean is 0; the same twice. */
static void clusters_stay_clusters(void **state)
{
    enum { MANY = 150 };
    const struct tsne_config c = {.perplexity = 30, .iterations = 400};
    double *x = mem_get(MANY * D, sizeof *x), *y = mem_get(MANY * 2, sizeof *y), *again = mem_get(MANY * 2, sizeof *y);
    double mean = 0;
    (void)state;
    points(x, MANY, D, 12);
    tsne(x, MANY, D, &c, y);
    for (size_t i = 0; i < MANY; i++) {
        size_t nearest = i;
        double least = INFINITY;
        for (size_t j = 0; j < MANY; j++) {
            double far = hypot(y[2 * i] - y[2 * j], y[2 * i + 1] - y[2 * j + 1]);
            if (j != i && far < least)
                least = far, nearest = j;
        }
        assert_int_equal(nearest % 3, i % 3);
        mean += y[2 * i];
    }
    assert_true(fabs(mean) < 1e-6);
    points(x, MANY, D, 12);
    tsne(x, MANY, D, &c, again);
    assert_memory_equal(y, again, MANY * 2 * sizeof *y);
    free(x);
    free(y);
    free(again);
}

/* Two points, one point, points that are all the same: no NaN, and those that can part do. */
static void few_and_equal_points(void **state)
{
    const struct tsne_config c = {.perplexity = 30, .iterations = 100};
    double x[6 * 2] = {1, 2, 4, 4}, y[6 * 2];
    (void)state;
    for (size_t n = 1; n <= 6; n++) {
        tsne(x, n, 2, &c, y);
        for (size_t k = 0; k < 2 * n; k++)
            assert_true(isfinite(y[k]));
        assert_true(n == 1 || y[0] != y[2] || y[1] != y[3]);
        memset(x, 0, sizeof x);
    }
    assert_true(tsne_perplexity(&c, 2000) == 30 && tsne_perplexity(&c, 31) == 10 && tsne_perplexity(&c, 2) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_the_cost),
        cmocka_unit_test(affinities_are_probabilities),
        cmocka_unit_test(clusters_stay_clusters),
        cmocka_unit_test(few_and_equal_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
