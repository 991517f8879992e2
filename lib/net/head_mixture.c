/* Mixture of bivariate Gaussians and a bit: Graves 2013, section 4 (his e is 1 / (1 + e^o), ours 1 / (1 + e^-o)). Of
 * the numbers of a row only exponentials are taken in real, of arguments that are at most 0 or clamped; all else is
 * double. */
#include <math.h>

#include "math/gemm.h"
#include "net/head.h"

#define LOG_2_PI   1.8378770664093453
#define SIGMA_MOST ((real)7) /* |o| of sigma */
#define RHO_MOST   ((real)4) /* |o| of rho */

enum { DIM = 3 };

/* A row's outputs by what they are. */
struct outputs {
    size_t m;
    real *bit, *pi, *mu[2], *sigma[2], *rho;
};

struct gaussian {
    double inverse[2]; /* 1 / sigma */
    double rho, rest;  /* 1 - rho^2 */
};

/* One row; from prior on against its target. */
struct fit {
    struct outputs o;
    struct gaussian g[HEAD_MIXTURES];
    real e[3 * HEAD_MIXTURES];                 /* scratch */
    double prior[HEAD_MIXTURES], prior_sum;    /* log pi, up to a constant; log sum exp of it */
    double joint[HEAD_MIXTURES], joint_sum;    /* log (pi N(y)), up to the same; likewise */
    double a[HEAD_MIXTURES], b[HEAD_MIXTURES]; /* (y - mu) / sigma */
    real pi[HEAD_MIXTURES], gamma[HEAD_MIXTURES];
};

static struct outputs outputs_of(const real *out, size_t width)
{
    size_t m = (width - 1) / 6;
    real *o = (real *)out + 1;
    return (struct outputs){.m = m,
                            .bit = (real *)out,
                            .pi = o,
                            .mu = {o + m, o + 2 * m},
                            .sigma = {o + 3 * m, o + 4 * m},
                            .rho = o + 5 * m};
}

static size_t width(size_t dim, size_t mixtures)
{
    return dim == DIM && mixtures > 0 && mixtures <= HEAD_MIXTURES ? 6 * mixtures + 1 : 0;
}

static real clamp(real o, real most)
{
    return o > most ? most : o < -most ? -most : o;
}

static bool inside(real o, real most)
{
    return o >= -most && o <= most;
}

/* Equations 21, 22. With u = e^(-2|o|), tanh |o| = (1 - u) / (1 + u), and 1 - tanh^2 = 4u / (1 + u)^2 loses no
 * places. */
static void gaussians(struct fit *f)
{
    const struct outputs *o = &f->o;
    size_t m = o->m;
    for (size_t j = 0; j < m; j++) {
        f->e[j] = -clamp(o->sigma[0][j], SIGMA_MOST);
        f->e[m + j] = -clamp(o->sigma[1][j], SIGMA_MOST);
        f->e[2 * m + j] = -2 * (real)fabs((double)clamp(o->rho[j], RHO_MOST));
    }
    array_exp(3 * m, f->e, f->e);
    for (size_t j = 0; j < m; j++) {
        double u = (double)f->e[2 * m + j], rho = (1 - u) / (1 + u);
        f->g[j] = (struct gaussian){.inverse = {(double)f->e[j], (double)f->e[m + j]},
                                    .rho = o->rho[j] < 0 ? -rho : rho,
                                    .rest = 4 * u / ((1 + u) * (1 + u))};
    }
}

/* Returns log sum e^x, and p = e^x / sum e^x. */
static double log_sum_exp(size_t n, const double *x, real *p)
{
    double most = x[0], sum = 0;
    for (size_t j = 1; j < n; j++)
        most = x[j] > most ? x[j] : most;
    for (size_t j = 0; j < n; j++)
        p[j] = (real)(x[j] - most);
    array_exp(n, p, p);
    for (size_t j = 0; j < n; j++)
        sum += (double)p[j];
    for (size_t j = 0; j < n; j++)
        p[j] = (real)((double)p[j] / sum);
    return most + scalar_log(sum);
}

/* pi, sharpened to pi^sharp: fills prior, prior_sum and pi. */
static void priors(struct fit *f, double sharp)
{
    const struct outputs *o = &f->o;
    double most = (double)o->pi[0];
    for (size_t j = 1; j < o->m; j++)
        most = (double)o->pi[j] > most ? (double)o->pi[j] : most;
    for (size_t j = 0; j < o->m; j++)
        f->prior[j] = sharp * ((double)o->pi[j] - most);
    f->prior_sum = log_sum_exp(o->m, f->prior, f->pi);
}

/* Equations 24, 25: log N = -log 2 pi - log sigma_0 - log sigma_1 - log(1 - rho^2) / 2 - Z / (2 (1 - rho^2)). */
static void fit_row(struct fit *f, const real *out, size_t width_of_out, const real *y)
{
    const struct outputs *o = &f->o;
    f->o = outputs_of(out, width_of_out);
    gaussians(f);
    priors(f, 1);
    for (size_t j = 0; j < o->m; j++) {
        const struct gaussian *g = &f->g[j];
        double a = ((double)y[0] - (double)o->mu[0][j]) * g->inverse[0];
        double b = ((double)y[1] - (double)o->mu[1][j]) * g->inverse[1];
        double z = a * a + b * b - 2 * g->rho * a * b;
        double log_sigmas = (double)clamp(o->sigma[0][j], SIGMA_MOST) + (double)clamp(o->sigma[1][j], SIGMA_MOST);
        f->a[j] = a;
        f->b[j] = b;
        f->joint[j] = f->prior[j] - LOG_2_PI - log_sigmas - scalar_log(g->rest) / 2 - z / (2 * g->rest);
    }
    f->joint_sum = log_sum_exp(o->m, f->joint, f->gamma);
}

/* Equation 26: with t = o where the bit should be 0 and -o where it should be 1, its loss is log(1 + e^t), and the
 * derivative of that by t is sigmoid(t). */
static real bit_odds(const struct outputs *o, const real *y)
{
    return y[2] > (real)0.5 ? -*o->bit : *o->bit;
}

static double bit_loss(real t)
{
    real u = -(real)fabs((double)t);
    array_exp(1, &u, &u);
    return (t < 0 ? 0 : (double)t) + scalar_log(1 + (double)u);
}

static void loss(const struct head_rows *h, size_t low, size_t high)
{
    for (size_t row = low; row < high; row++) {
        struct fit f;
        h->losses[row] = 0;
        if (!head_has_target(h, row))
            continue;
        const real *y = h->wanted + row * DIM;
        fit_row(&f, h->out + row * h->stride, h->width, y);
        h->losses[row] = f.prior_sum - f.joint_sum + bit_loss(bit_odds(&f.o, y));
    }
}

/* Equations 27 on, with a, b = (y - mu) / sigma and C = 1 / (1 - rho^2):
 *
 *     dpi = pi - gamma          dmu_0 = -gamma C (a - rho b) / sigma_0      dsigma_0 = -gamma (C a (a - rho b) - 1)
 *     de = e - y_2              dmu_1 = -gamma C (b - rho a) / sigma_1      dsigma_1 = -gamma (C b (b - rho a) - 1)
 *     drho = -gamma (a b + rho (1 - C Z)) */
static void gradient_row(const struct fit *f, const real *y, real scale)
{
    const struct outputs *o = &f->o;
    real t = bit_odds(o, y), slope;
    array_sigmoid(1, &t, &slope);
    *o->bit = y[2] > (real)0.5 ? -scale * slope : scale * slope;
    for (size_t j = 0; j < o->m; j++) {
        const struct gaussian *g = &f->g[j];
        double a = f->a[j], b = f->b[j], weight = -(double)scale * (double)f->gamma[j];
        double da = (a - g->rho * b) / g->rest, db = (b - g->rho * a) / g->rest;
        double z = a * da + b * db; /* C Z */
        o->pi[j] = scale * (f->pi[j] - f->gamma[j]);
        o->mu[0][j] = (real)(weight * da * g->inverse[0]);
        o->mu[1][j] = (real)(weight * db * g->inverse[1]);
        o->sigma[0][j] = inside(o->sigma[0][j], SIGMA_MOST) ? (real)(weight * (a * da - 1)) : 0;
        o->sigma[1][j] = inside(o->sigma[1][j], SIGMA_MOST) ? (real)(weight * (b * db - 1)) : 0;
        o->rho[j] = inside(o->rho[j], RHO_MOST) ? (real)(weight * (a * b + g->rho * (1 - z))) : 0;
    }
}

static void gradient(const struct head_rows *h, size_t low, size_t high, real scale)
{
    for (size_t row = low; row < high; row++) {
        struct fit f;
        if (!head_has_target(h, row)) {
            head_zero(h, row);
            continue;
        }
        const real *y = h->wanted + row * DIM;
        fit_row(&f, h->out + row * h->stride, h->width, y);
        gradient_row(&f, y, scale);
        head_zero_padding(h, row);
    }
}

static size_t likeliest(const struct fit *f)
{
    size_t best = 0;
    for (size_t j = 1; j < f->o.m; j++)
        if (f->pi[j] > f->pi[best])
            best = j;
    return best;
}

static size_t drawn(const struct fit *f, struct rng *rng)
{
    double left = rng_unit(rng);
    for (size_t j = 0; j < f->o.m; j++) {
        left -= (double)f->pi[j];
        if (left < 0)
            return j;
    }
    return likeliest(f); /* rounding has left a rest */
}

static void value(const real *out, size_t width_of_out, size_t dim, struct rng *rng, double bias, real *to)
{
    struct fit f;
    (void)dim;
    f.o = outputs_of(out, width_of_out);
    priors(&f, 1 + bias);
    size_t j = rng ? drawn(&f, rng) : likeliest(&f);
    to[0] = f.o.mu[0][j];
    to[1] = f.o.mu[1][j];
    to[2] = *f.o.bit > 0;
    if (!rng)
        return;
    gaussians(&f);
    real narrow = (real)-bias, bit;
    array_exp(1, &narrow, &narrow);
    array_sigmoid(1, f.o.bit, &bit);
    double x = rng_normal(rng), y = f.g[j].rho * x + sqrt(f.g[j].rest) * rng_normal(rng);
    to[0] = (real)((double)to[0] + x * (double)narrow / f.g[j].inverse[0]);
    to[1] = (real)((double)to[1] + y * (double)narrow / f.g[j].inverse[1]);
    to[2] = rng_unit(rng) < (double)bit;
}

const struct head head_mixture = {.name = "mixture",
                                  .width = width,
                                  .loss = loss,
                                  .gradient = gradient,
                                  .value = value};
