#include "math/tsne.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "math/gemm.h"
#include "math/pca.h"
#include "math/vec.h"

enum { BISECTIONS = 60, EARLY = 250, ROWS_GRAIN = 16 };
static const double early_exaggeration = 12, start_spread = 1e-4, far_away = 1e15;

size_t tsne_row(size_t n)
{
    return (n + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
}

double tsne_perplexity(const struct tsne_config *c, size_t n)
{
    return fmax(1, fmin(c->perplexity, ((double)n - 1) / 3));
}

/* ---- Affinities -------------------------------------------------------------------------------------------------- */

struct affinities {
    const double *x;
    size_t n, d, row;
    double perplexity;
    real *p;
};

/* p = exp(-b distance), of which the rest of the row behind n is 0; the sum of them, and of them times distances. */
static void weigh(const real *distance, size_t row, double b, real *p, double *sum, double *mean)
{
    vec weights = {0}, products = {0};
    for (size_t j = 0; j < row; j += VEC_LANES) {
        vec far = vec_load(distance + j), weight = vec_exp(far * (real)-b);
        vec_store(p + j, weight);
        weights += weight;
        products += weight * far;
    }
    *sum = (double)vec_sum(weights);
    *mean = (double)vec_sum(products);
}

/* Row i of p_j|i: its entropy, log sum + b mean / sum, is to be the logarithm of the perplexity. */
static void conditional(const struct affinities *a, size_t i, real *distance)
{
    double nearest = INFINITY, low = 0, high = INFINITY, b = 1, sum, mean, wanted = scalar_log(a->perplexity);
    real *p = a->p + i * a->row;
    for (size_t j = 0; j < a->n; j++) {
        double square = 0;
        for (size_t k = 0; k < a->d; k++) {
            double off = a->x[i * a->d + k] - a->x[j * a->d + k];
            square += off * off;
        }
        distance[j] = (real)square;
        if (j != i)
            nearest = fmin(nearest, square);
    }
    for (size_t j = 0; j < a->row;
         j++) /* less the nearest one's, which changes nothing but that the sum is at least 1 */
        distance[j] = j < a->n && j != i ? distance[j] - (real)nearest : (real)1e30;
    for (int k = 0; k < BISECTIONS; k++) {
        weigh(distance, a->row, b, p, &sum, &mean);
        double off = scalar_log(sum) + b * mean / sum - wanted;
        if (fabs(off) < 1e-5)
            break;
        if (off > 0) {
            low = b;
            b = isinf(high) ? 2 * b : (b + high) / 2;
        } else {
            high = b;
            b = (b + low) / 2;
        }
    }
    for (size_t j = 0; j < a->row; j++)
        p[j] = (real)((double)p[j] / sum);
}

static void conditionals(void *context, size_t low, size_t high)
{
    const struct affinities *a = context;
    real *distance = mem_aligned(a->row, sizeof *distance);
    for (size_t i = low; i < high; i++)
        conditional(a, i, distance);
    free(distance);
}

void tsne_affinities(const double *x, size_t n, size_t d, double perplexity, real *p)
{
    size_t row = tsne_row(n);
    par_for(n, ROWS_GRAIN, conditionals, &(struct affinities){x, n, d, row, perplexity, p});
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            p[i * row + j] = p[j * row + i] =
                (real)(((double)p[i * row + j] + (double)p[j * row + i]) / (2 * (double)n));
}

/* ---- Gradient ---------------------------------------------------------------------------------------------------- */

struct forces {
    const real *p, *x, *y; /* coordinates apart, padded with what is far away */
    size_t n, row;
    double *pull, *push; /* [n,2]: sum p w (y_i - y_j), sum w^2 (y_i - y_j) */
    double *near;        /* [n]: sum w, with that of i itself, 1 */
};

/* Their sum. Not inlined: where their address is taken, sums are kept in memory all along. */
static __attribute__((noinline)) double lanes(vec x)
{
    return (double)vec_sum(x);
}

static void forces_on(void *context, size_t low, size_t high)
{
    const struct forces *f = context;
    for (size_t i = low; i < high; i++) {
        vec x = vec_all(f->x[i]), y = vec_all(f->y[i]), near = {0};
        vec pull_x = {0}, pull_y = {0}, push_x = {0}, push_y = {0};
        const real *p = f->p + i * f->row;
        for (size_t j = 0; j < f->row; j += VEC_LANES) {
            vec dx = x - vec_load(f->x + j), dy = y - vec_load(f->y + j);
            vec w = (real)1 / (dx * dx + dy * dy + (real)1);
            vec attraction = vec_load(p + j) * w, repulsion = w * w;
            near += w;
            pull_x += attraction * dx;
            pull_y += attraction * dy;
            push_x += repulsion * dx;
            push_y += repulsion * dy;
        }
        f->near[i] = lanes(near);
        f->pull[2 * i] = lanes(pull_x);
        f->pull[2 * i + 1] = lanes(pull_y);
        f->push[2 * i] = lanes(push_x);
        f->push[2 * i + 1] = lanes(push_y);
    }
}

void tsne_gradient(const real *p, const double *y, size_t n, double exaggeration, double *gradient, real *spare)
{
    size_t row = tsne_row(n);
    double *sums = mem_get(5 * n, sizeof *sums), z = 0;
    struct forces f = {p, spare, spare + row, n, row, sums, sums + 2 * n, sums + 4 * n};
    for (size_t i = 0; i < row; i++) {
        spare[i] = (real)(i < n ? y[2 * i] : far_away);
        spare[row + i] = (real)(i < n ? y[2 * i + 1] : far_away);
    }
    par_for(n, ROWS_GRAIN, forces_on, &f);
    for (size_t i = 0; i < n; i++)
        z += f.near[i] - 1;
    for (size_t k = 0; k < 2 * n; k++)
        gradient[k] = 4 * (exaggeration * f.pull[k] - (z > 0 ? f.push[k] / z : 0));
    free(sums);
}

/* ---- Descent ----------------------------------------------------------------------------------------------------- */

/* The first two principal components, the first of which is spread by 1e-4, and a hundredth of that by chance, so that
 * equal points part. */
static void start(double *x, size_t n, size_t d, double *y)
{
    double share[2], square = 0;
    struct rng rng = rng_seed(1);
    pca(x, n, d, 2, y, share);
    for (size_t i = 0; i < n; i++)
        square += y[2 * i] * y[2 * i];
    double factor = square > 0 ? start_spread / sqrt(square / (double)n) : 0;
    for (size_t k = 0; k < 2 * n; k++)
        y[k] = y[k] * factor + start_spread / 100 * (rng_unit(&rng) - 0.5);
}

/* One step of each coordinate: its gain grows while it goes on in one direction and shrinks when it turns. */
static void descend(double *y, const double *gradient, double *speed, double *gain, size_t n, double rate,
                    double momentum)
{
    double mean[2] = {0, 0};
    for (size_t k = 0; k < 2 * n; k++) {
        gain[k] = (gradient[k] > 0) != (speed[k] > 0) ? gain[k] + 0.2 : fmax(gain[k] * 0.8, 0.01);
        speed[k] = momentum * speed[k] - rate * gain[k] * gradient[k];
        y[k] += speed[k];
        mean[k % 2] += y[k] / (double)n;
    }
    for (size_t k = 0; k < 2 * n; k++)
        y[k] -= mean[k % 2];
}

void tsne(double *x, size_t n, size_t d, const struct tsne_config *c, double *places)
{
    size_t row = tsne_row(n), early = c->iterations / 4 < EARLY ? c->iterations / 4 : EARLY;
    double rate = fmax((double)n / early_exaggeration / 4, 50);
    if (n < 2) {
        memset(places, 0, 2 * n * sizeof *places);
        return;
    }
    double *numbers = mem_get(6 * n, sizeof *numbers), *gradient = numbers, *speed = numbers + 2 * n;
    double *gain = numbers + 4 * n;
    real *p = mem_aligned(n * row, sizeof *p), *spare = mem_aligned(2 * row, sizeof *spare);
    start(x, n, d, places);
    tsne_affinities(x, n, d, tsne_perplexity(c, n), p);
    for (size_t k = 0; k < 2 * n; k++)
        gain[k] = 1;
    for (size_t step = 0; step < c->iterations; step++) {
        tsne_gradient(p, places, n, step < early ? early_exaggeration : 1, gradient, spare);
        descend(places, gradient, speed, gain, n, rate, step < early ? 0.5 : 0.8);
    }
    free(numbers);
    free(p);
    free(spare);
}
