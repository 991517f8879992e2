#include "math/pca.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { BLOCK = 12, MOST_SWEEPS = 2000, JACOBI_SWEEPS = 60 };

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static void add(double *a, const double *b, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] += factor * b[i];
}

static void centre(double *x, size_t n, size_t d)
{
    double *mean = mem_get(d, sizeof *mean);
    for (size_t i = 0; i < n; i++)
        add(mean, x + i * d, 1 / (double)n, d);
    for (size_t i = 0; i < n; i++)
        add(x + i * d, mean, -1, d);
    free(mean);
}

/* Gram and Schmidt, each row twice, which keeps them orthogonal to the last digits. A row that vanishes becomes
 * zeros. */
static void orthonormalize(double *q, size_t b, size_t d)
{
    for (size_t k = 0; k < b; k++) {
        double *row = q + k * d, before = sqrt(dot(row, row, d));
        for (int twice = 0; twice < 2; twice++)
            for (size_t l = 0; l < k; l++)
                add(row, q + l * d, -dot(row, q + l * d, d), d);
        double after = sqrt(dot(row, row, d));
        double factor = after > 1e-12 * before && after > 0 ? 1 / after : 0;
        for (size_t i = 0; i < d; i++)
            row[i] *= factor;
    }
}

/* The symmetric a[b,b] becomes diagonal by Jacobi's rotations, which v[b,b] gathers in its rows. */
static void jacobi(double *a, double *v, size_t b)
{
    memset(v, 0, b * b * sizeof *v);
    for (size_t i = 0; i < b; i++)
        v[i * b + i] = 1;
    for (int sweep = 0; sweep < JACOBI_SWEEPS; sweep++) {
        double off = 0;
        for (size_t p = 0; p < b; p++)
            for (size_t r = p + 1; r < b; r++) {
                double apr = a[p * b + r];
                off += apr * apr;
                if (apr == 0)
                    continue;
                double theta = (a[r * b + r] - a[p * b + p]) / (2 * apr);
                double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (size_t i = 0; i < b; i++) { /* columns p and r, then rows */
                    double x = a[i * b + p], y = a[i * b + r];
                    a[i * b + p] = c * x - s * y;
                    a[i * b + r] = s * x + c * y;
                }
                for (size_t i = 0; i < b; i++) {
                    double x = a[p * b + i], y = a[r * b + i];
                    a[p * b + i] = c * x - s * y;
                    a[r * b + i] = s * x + c * y;
                    x = v[p * b + i], y = v[r * b + i];
                    v[p * b + i] = c * x - s * y;
                    v[r * b + i] = s * x + c * y;
                }
            }
        if (off == 0)
            break;
    }
}

/* The block's own best directions, in falling order of their variances (Rayleigh and Ritz): y = X q, q is turned. */
static void turn(const double *y, double *q, double *spare, size_t n, size_t d, size_t b, double *variance)
{
    double small[BLOCK * BLOCK], v[BLOCK * BLOCK];
    size_t order[BLOCK];
    for (size_t k = 0; k < b; k++)
        for (size_t l = 0; l < b; l++)
            small[k * b + l] = dot(y + k * n, y + l * n, n);
    jacobi(small, v, b);
    for (size_t k = 0; k < b; k++) {
        size_t at = k;
        for (; at > 0 && small[order[at - 1] * b + order[at - 1]] < small[k * b + k]; at--)
            order[at] = order[at - 1];
        order[at] = k;
    }
    memset(spare, 0, b * d * sizeof *spare);
    for (size_t k = 0; k < b; k++) {
        variance[k] = small[order[k] * b + order[k]];
        for (size_t l = 0; l < b; l++)
            add(spare + k * d, q + l * d, v[order[k] * b + l], d);
    }
    memcpy(q, spare, b * d * sizeof *q);
}

/* y[b,n] = q[b,d] X' */
static void project(const double *x, const double *q, double *y, size_t n, size_t d, size_t b)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < b; k++)
            y[k * n + i] = dot(x + i * d, q + k * d, d);
}

/* q[b,d]: the block on which the variances stand still. */
static void iterate(const double *x, size_t n, size_t d, size_t k, size_t b, double *q, double *variance)
{
    double *y = mem_get(b * n, sizeof *y), *spare = mem_get(b * d, sizeof *spare), last[BLOCK] = {0};
    struct rng rng = rng_seed(1);
    for (size_t i = 0; i < b * d; i++)
        q[i] = rng_unit(&rng) - 0.5;
    orthonormalize(q, b, d);
    for (int sweep = 0, still = 0; sweep < MOST_SWEEPS && still < 4; sweep++) {
        bool same = true;
        project(x, q, y, n, d, b);
        turn(y, q, spare, n, d, b, variance);
        for (size_t l = 0; l < k; l++) {
            same = same && fabs(variance[l] - last[l]) <= 1e-14 * variance[0];
            last[l] = variance[l];
        }
        still = same ? still + 1 : 0;
        project(x, q, y, n, d, b);
        memset(spare, 0, b * d * sizeof *spare);
        for (size_t i = 0; i < n; i++)
            for (size_t l = 0; l < b; l++)
                add(spare + l * d, x + i * d, y[l * n + i], d);
        memcpy(q, spare, b * d * sizeof *q);
        orthonormalize(q, b, d);
    }
    project(x, q, y, n, d, b);
    turn(y, q, spare, n, d, b, variance);
    free(y);
    free(spare);
}

static void fix_sign(double *direction, size_t d)
{
    size_t largest = 0;
    for (size_t i = 1; i < d; i++)
        if (fabs(direction[i]) > fabs(direction[largest]))
            largest = i;
    if (direction[largest] < 0)
        for (size_t i = 0; i < d; i++)
            direction[i] = -direction[i];
}

void pca(double *x, size_t n, size_t d, size_t k, double *scores, double *share)
{
    double variance[BLOCK] = {0}, whole;
    size_t b = d < BLOCK ? d : BLOCK;
    assert(k <= 8);
    memset(scores, 0, n * k * sizeof *scores);
    memset(share, 0, k * sizeof *share);
    if (!n || !d)
        return;
    centre(x, n, d);
    if ((whole = dot(x, x, n * d)) <= 0)
        return;
    double *q = mem_get(b * d, sizeof *q);
    iterate(x, n, d, k < b ? k : b, b, q, variance);
    for (size_t l = 0; l < k && l < b; l++) {
        fix_sign(q + l * d, d);
        share[l] = variance[l] > 1e-12 * whole ? variance[l] / whole : 0;
        for (size_t i = 0; i < n && share[l] > 0; i++)
            scores[i * k + l] = dot(x + i * d, q + l * d, d);
    }
    free(q);
}
