/* gemm: matrix products with a packed right side.
 *
 *     C [rows, columns] = start + A [rows, depth] B [depth, columns]
 *
 * B lies in panels of 64 columns, each [depth][64], padded with zeros; C and A may too. That one layout is what
 * weights, gates and their gradients are stored in, so nothing is packed on the way:
 *
 *     A[m,k] = a[m * a_row + (k % 64) * a_step + (k / 64) * a_chunk]
 *     B[k,n] = b[(n / 64) * b_panel + k * b_step + n % 64]
 *     C[m,n] = c[(n / 64) * c_panel + m * c_row + n % 64]
 *
 *     A row-major, `ld` apart    a_row = ld, a_step = 1,  a_chunk = 64
 *     A the transpose of such    a_row = 1,  a_step = ld, a_chunk = 64 * ld
 *     A in panels of R rows      a_row = 64, a_step = 1,  a_chunk = 64 * R
 *
 * Every element is a sum in the order of k, whatever rows stand beside it and however the work is divided. */
#ifndef MATH_GEMM_H
#define MATH_GEMM_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "math/kern.h"

enum { PANEL = 64, GEMM_LANES = 16 }; /* columns are computed in multiples of 16 */

/* par_for over 0 .. n-1 when the work, in multiplications, outlasts the waking of threads; else the caller does it
 * all. */
void split_work(size_t n, size_t work, void (*part)(void *context, size_t low, size_t high), void *context);

enum gemm_start { GEMM_ZERO, GEMM_ADD, GEMM_BIAS }; /* C starts as 0, as what it is, as bias[n] in every row */

struct gemm {
    size_t rows, columns, depth;
    const real *a;
    size_t a_row, a_step, a_chunk;
    const real *b;
    size_t b_panel, b_step;
    real *c;
    size_t c_panel, c_row;
    enum gemm_start start;
    const real *bias; /* [columns rounded up to 16], for GEMM_BIAS */
};

/* Panels that hold so many columns; columns rounded up to whole vectors. */
static inline size_t panels(size_t columns)
{
    return (columns + PANEL - 1) / PANEL;
}

static inline size_t lanes_up(size_t columns)
{
    return (columns + GEMM_LANES - 1) / GEMM_LANES * GEMM_LANES;
}

/* The three ways A may lie, two of B, two of C; `ld` reals from a row to the next, `panel` from a panel to the next. */
static inline void gemm_left_rows(struct gemm *g, const real *a, size_t ld)
{
    g->a = a, g->a_row = ld, g->a_step = 1, g->a_chunk = PANEL;
}

static inline void gemm_left_transposed(struct gemm *g, const real *a, size_t ld)
{
    g->a = a, g->a_row = 1, g->a_step = ld, g->a_chunk = PANEL * ld;
}

static inline void gemm_left_panels(struct gemm *g, const real *a, size_t panel)
{
    g->a = a, g->a_row = PANEL, g->a_step = 1, g->a_chunk = panel;
}

static inline void gemm_right_panels(struct gemm *g, const real *b, size_t panel)
{
    g->b = b, g->b_panel = panel, g->b_step = PANEL;
}

static inline void gemm_right_rows(struct gemm *g, const real *b, size_t ld)
{
    g->b = b, g->b_panel = PANEL, g->b_step = ld;
}

static inline void gemm_result_panels(struct gemm *g, real *c, size_t panel)
{
    g->c = c, g->c_panel = panel, g->c_row = PANEL;
}

static inline void gemm_result_rows(struct gemm *g, real *c, size_t ld)
{
    g->c = c, g->c_panel = PANEL, g->c_row = ld;
}

/* Computes rows low .. high-1 of panels first .. last-1. C is written up to columns rounded to 16. */
void gemm_part(const struct gemm *g, size_t low, size_t high, size_t first, size_t last);

/* All of it; split among threads by rows when that pays. */
void gemm(const struct gemm *g);

/* The transpose of a packed matrix [depth, columns] as panels of [columns rounded up to 64][64], for A in panels or
 * rows: out[(k / 64) * out_panel + n * 64 + k % 64] = b[(n / 64) * b_panel + k * 64 + n % 64], 0 for k >= depth.
 * out has panels(depth) * out_panel reals; out_panel = 64 * 64 * panels(columns). */
void gemm_transpose(const real *b, size_t depth, size_t columns, real *out);

/* The innermost loop, by level: some rows of one panel. */
struct gemm_code {
    void (*rows)(const struct gemm *g, const real *a, const real *b, real *c, const real *bias, size_t rows,
                 size_t columns);
    void (*exp)(size_t n, const real *x, real *y); /* vec.h's functions over arrays; x and y may be the same */
    void (*tanh)(size_t n, const real *x, real *y);
    void (*sigmoid)(size_t n, const real *x, real *y);
};
extern const struct gemm_code gemm_plain, gemm_avx2, gemm_avx512;

/* exp, tanh, sigmoid of arrays, as the nets compute them. */
void array_exp(size_t n, const real *x, real *y);
void array_tanh(size_t n, const real *x, real *y);
void array_sigmoid(size_t n, const real *x, real *y);

/* Natural logarithm in double, ours so that it is the same everywhere; within 2 units in the last place. */
double scalar_log(double x);

#endif
