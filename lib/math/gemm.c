#include "math/gemm.h"

#include <math.h>

#include "base/par.h"

static const struct gemm_code *const code[KERN_LEVELS] = KERN_FAMILY(gemm);

/* A_REALS: elements of A that are run through all panels before the next, a part of the second-level cache.
 * SPLIT_WORK: about a tenth of a millisecond, in bf16 half of it; to tell sleeping threads of work takes some
 * microseconds. */
enum { A_REALS = 32768, SPLIT_WORK = 8000000 };

void split_work(size_t n, size_t work, void (*part)(void *context, size_t low, size_t high), void *context)
{
    if (work < SPLIT_WORK)
        part(context, 0, n);
    else
        par_for(n, 1, part, context);
}

void gemm_part(const struct gemm *g, size_t low, size_t high, size_t first, size_t last)
{
    const struct gemm_code *k = code[kern_level()];
    size_t width = lanes_up(g->columns);
    size_t most = A_REALS / (g->depth + 1) + 48;
    for (; low < high; low += most) {
        size_t rows = high - low < most ? high - low : most;
        for (size_t p = first; p < last; p++) {
            size_t columns = width - p * PANEL < PANEL ? width - p * PANEL : PANEL;
            k->rows(g, g->a + low * g->a_row, g->b + p * g->b_panel, g->c + p * g->c_panel + low * g->c_row,
                    g->start == GEMM_BIAS ? g->bias + p * PANEL : g->b, rows, columns);
        }
    }
}

static void rows_of(void *context, size_t low, size_t high)
{
    const struct gemm *g = context;
    gemm_part(g, low, high, 0, panels(g->columns));
}

void gemm(const struct gemm *g)
{
    split_work(g->rows, g->rows * g->depth * lanes_up(g->columns), rows_of, (void *)g);
}

void gemm_transpose(const real *b, size_t depth, size_t columns, real *out)
{
    size_t across = panels(columns), down = panels(depth), out_panel = (size_t)PANEL * PANEL * across;
    for (size_t p = 0; p < down; p++)
        for (size_t q = 0; q < across; q++) {
            real *to = out + p * out_panel + q * PANEL * PANEL;
            const real *from = b + q * depth * PANEL + p * PANEL * PANEL;
            size_t n = depth - p * PANEL < PANEL ? depth - p * PANEL : PANEL;
            for (size_t j = 0; j < PANEL; j++) {
                for (size_t k = 0; k < n; k++)
                    to[j * PANEL + k] = from[k * PANEL + j];
                for (size_t k = n; k < PANEL; k++)
                    to[j * PANEL + k] = 0;
            }
        }
}

void array_exp(size_t n, const real *x, real *y)
{
    code[kern_level()]->exp(n, x, y);
}

void array_tanh(size_t n, const real *x, real *y)
{
    code[kern_level()]->tanh(n, x, y);
}

void array_sigmoid(size_t n, const real *x, real *y)
{
    code[kern_level()]->sigmoid(n, x, y);
}

/* x = 2^e m with m within a factor sqrt 2 of 1; log m = 2 artanh s = 2 (s + s^3/3 + s^5/5 + ...) with s = (m-1) /
 * (m+1). */
double scalar_log(double x)
{
    if (!(x > 0) || isinf(x))
        return x == 0 ? -INFINITY : x > 0 ? x : NAN;
    int e;
    double m = frexp(x, &e);
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = 21; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * square;
    return e * 0x1.62e42fee00000p-1 + (2 * s + (2 * s * sum + e * 0x1.a39ef35793c76p-33));
}
