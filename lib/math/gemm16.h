/* gemm16: gemm's products with operands in bf16, for training and prediction with --precision bf16.
 *
 *     C [rows, columns] = start + A [rows, depth] B [depth, columns]
 *
 * A and B are bf16, the upper half of a float; C, its start and the sums are float. A product of two bf16 is exact in
 * float, so that all that is lost is lost where the operands are rounded: to nearest, ties to even, a NaN to a quiet
 * one, what is smaller than 2^-126 to 0.
 *
 * B lies in panels of 64 columns like gemm's, but in pairs along the depth, as the instructions want it. A lies in rows
 * or in panels. Both end in zeros up to a depth of a multiple of 32:
 *
 *     A[m,k] = a[m * a_row + k % 64 + (k / 64) * a_chunk]
 *     B[k,n] = b[(n / 64) * b_panel + (k / 2) * 128 + (n % 64) * 2 + k % 2]
 *     C[m,n] = c[(n / 64) * c_panel + m * c_row + n % 64]
 *
 * What a recurrent layer's products take from where (x, h rows; z, dz panels of gates; w packed weights):
 *
 *     z  = b + W_x x, z += W_h h     A gemm16_rows of x, h             B gemm16_weights of w
 *     dh += W_h' dz, dx = W_x' dz    A gemm16_rows of dz, by panels    B gemm16_weights_back of w
 *     dW += dz h'                    A gemm16_turn of A above          B gemm16_panel of dz
 *
 * An element is one sum, whatever rows stand beside it and however the work is divided: pair by pair, each the odd k
 * first, then the even one, every step rounded. That is the definition and the order of AVX512_BF16's instruction, so
 * that all levels but KERN_AMX give the same bits, save that those instructions take sums below 2^-126 as 0. AMX sums
 * the even k of 32 and the odd ones apart. */
#ifndef MATH_GEMM16_H
#define MATH_GEMM16_H

#include "math/gemm.h"

typedef uint16_t bf16;

enum { GEMM16_DEPTH = 32 }; /* depths are padded with zeros to multiples of this */

struct gemm16 {
    size_t rows, columns, depth;
    const bf16 *a;
    size_t a_row, a_chunk;
    const bf16 *b;
    size_t b_panel;
    real *c;
    size_t c_panel, c_row;
    enum gemm_start start;
    const real *bias; /* [columns rounded up to 16], for GEMM_BIAS */
};

/* May products be in bf16? Always but in the build that computes in double. Then *why tells a user what for: NULL when
 * this CPU has instructions for it and --isa does not forbid them; when not, they are right but no faster than float's.
 * Where they may not, *why says why not. Both are sentences without a full stop. */
bool gemm16_ready(const char **why);

/* A depth with its padding; the same for rows of A that are not a power of two apart (see rnn_make); elements of one
 * panel of B. */
static inline size_t gemm16_depth(size_t depth)
{
    return (depth + GEMM16_DEPTH - 1) / GEMM16_DEPTH * GEMM16_DEPTH;
}

static inline size_t gemm16_row(size_t depth)
{
    return gemm16_depth(depth) + (gemm16_depth(depth) % 128 ? 0 : GEMM16_DEPTH);
}

static inline size_t gemm16_panel_size(size_t depth)
{
    return gemm16_depth(depth) * PANEL;
}

/* The ways A, B and C may lie; `ld` elements from a row to the next, `panel` from a panel to the next. */
static inline void gemm16_left_rows(struct gemm16 *g, const bf16 *a, size_t ld)
{
    g->a = a, g->a_row = ld, g->a_chunk = PANEL;
}

static inline void gemm16_left_panels(struct gemm16 *g, const bf16 *a, size_t panel)
{
    g->a = a, g->a_row = PANEL, g->a_chunk = panel;
}

static inline void gemm16_right(struct gemm16 *g, const bf16 *b, size_t panel)
{
    g->b = b, g->b_panel = panel;
}

static inline void gemm16_result_panels(struct gemm16 *g, real *c, size_t panel)
{
    g->c = c, g->c_panel = panel, g->c_row = PANEL;
}

static inline void gemm16_result_rows(struct gemm16 *g, real *c, size_t ld)
{
    g->c = c, g->c_panel = PANEL, g->c_row = ld;
}

/* Computes rows low .. high-1 of panels first .. last-1. C is written up to columns rounded to 16. */
void gemm16_part(const struct gemm16 *g, size_t low, size_t high, size_t first, size_t last);

/* A: rows of reals, x_ld apart, as rows of bf16, out_ld >= gemm16_depth(columns) apart. */
void gemm16_rows(size_t rows, size_t columns, const real *x, size_t x_ld, bf16 *out, size_t out_ld);

/* A transposed: out[column][row] of rows of bf16; out_ld >= gemm16_depth(rows). */
void gemm16_turn(size_t rows, size_t columns, const bf16 *a, size_t a_ld, bf16 *out, size_t out_ld);

/* B: one panel of `depth` rows of reals, b_ld apart, of which `columns` <= 64, a multiple of 16, are used; out has
 * gemm16_panel_size(depth) elements. */
void gemm16_panel(size_t depth, size_t columns, const real *b, size_t b_ld, bf16 *out);

/* B: weights [depth, columns] packed as gemm.h's B, panels of [depth][64]. out: panels(columns) of
 * gemm16_panel_size(depth). */
void gemm16_weights(const real *w, size_t depth, size_t columns, bf16 *out);

/* B: the transpose [columns, depth] of such. out: panels(depth) of gemm16_panel_size(columns). */
void gemm16_weights_back(const real *w, size_t depth, size_t columns, bf16 *out);

/* The inner loops, by level. rows: some rows of one panel; turn_weights: w[n][k] of rows 64 apart as pairs
 * out[k / 2][n][2], 64 n apart. */
typedef void gemm16_product(const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c, const real *bias,
                            size_t rows, size_t columns);
struct gemm16_code {
    gemm16_product *product;
    void (*rows)(size_t rows, size_t columns, const real *x, size_t x_ld, bf16 *out, size_t out_ld);
    void (*turn)(size_t rows, size_t columns, const bf16 *a, size_t a_ld, bf16 *out, size_t out_ld);
    void (*panel)(size_t depth, size_t columns, const real *b, size_t b_ld, bf16 *out);
    void (*turn_weights)(size_t n, size_t depth, const real *w, bf16 *out);
};
extern const struct gemm16_code gemm16_plain, gemm16_avx2, gemm16_avx512, gemm16_avx512bf16;
gemm16_product gemm16_amx;

#endif
