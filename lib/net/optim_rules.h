/* optim_rules: what each optimizer does to the flat blocks. w: values, g: gradients (times `scale`: the clipping),
 * zeroed as they are used; m, v: moments. n is a multiple of 16. Equations and sources are in optim.h. */
#include "math/vec.h"
#include "net/net_code.h"

/* The gradient as it counts: scaled, then cut. */
VEC_INLINE vec rule_gradient(const real *g, const struct optim_numbers *c)
{
    return vec_at_least(vec_at_most(c->scale * vec_load(g), c->most), -c->most);
}

static void rule_sgd(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c)
{
    (void)m, (void)v;
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec_store(w + i, vec_load(w + i) - c->rate * rule_gradient(g + i, c));
        vec_store(g + i, vec_all(0));
    }
}

static void rule_momentum(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c)
{
    (void)v;
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec step = c->momentum * vec_load(m + i) + rule_gradient(g + i, c);
        vec_store(m + i, step);
        vec_store(w + i, vec_load(w + i) - c->rate * step);
        vec_store(g + i, vec_all(0));
    }
}

static void rule_adagrad(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c)
{
    (void)v; /* its one moment is the first block */
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec d = rule_gradient(g + i, c);
        vec squares = vec_load(m + i) + d * d;
        vec_store(m + i, squares);
        vec_store(w + i, vec_load(w + i) - c->rate * d / (vec_sqrt(squares) + c->epsilon));
        vec_store(g + i, vec_all(0));
    }
}

static void rule_rmsprop(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c)
{
    (void)v; /* its one moment is the first block */
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec d = rule_gradient(g + i, c);
        vec square = c->decay * vec_load(m + i) + c->keep * (d * d);
        vec_store(m + i, square);
        vec_store(w + i, vec_load(w + i) - c->rate * d / (vec_sqrt(square) + c->epsilon));
        vec_store(g + i, vec_all(0));
    }
}

/* rate = lr / (1 - b1^t); bias = 1 / sqrt(1 - b2^t) */
static void rule_adam(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c)
{
    for (size_t i = 0; i < n; i += VEC_LANES) {
        vec d = rule_gradient(g + i, c);
        vec mean = c->decay1 * vec_load(m + i) + c->keep1 * d;
        vec square = c->decay * vec_load(v + i) + c->keep * (d * d);
        vec_store(m + i, mean);
        vec_store(v + i, square);
        vec_store(w + i, vec_load(w + i) - c->rate * mean / (vec_sqrt(square) * c->bias + c->epsilon));
        vec_store(g + i, vec_all(0));
    }
}
