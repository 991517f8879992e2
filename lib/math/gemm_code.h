/* gemm_code: the inner loops of gemm.h, included once per instruction set with GEMM_TABLE as the name of the table.
 *
 * A block of ROWS x VECS vectors of C stays in registers while k runs: 6 x 4 of the 32 registers of AVX-512, 6 x 2 of
 * the 16 of AVX2, 2 x 4 elsewhere. Each k loads VECS vectors of B and broadcasts ROWS elements of A. */
#include "math/gemm.h"
#include "math/vec.h"

#if defined(__AVX512F__)
enum { ROWS = 6, VECS = 4 };
#elif defined(__AVX2__)
enum { ROWS = 6, VECS = 2 };
#else
enum { ROWS = 2, VECS = 4 };
#endif

VEC_INLINE void block(const int n_rows, const int n_vecs, const struct gemm *g, const real *a, const real *b, real *c,
                      const real *bias)
{
    const size_t a_row = g->a_row, a_step = g->a_step, b_step = g->b_step, c_row = g->c_row;
    vec sum[ROWS][VECS];
#pragma GCC unroll 8
    for (int r = 0; r < n_rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            sum[r][v] = g->start == GEMM_ZERO  ? vec_all(0)
                        : g->start == GEMM_ADD ? vec_load(c + (size_t)r * c_row + (size_t)(v * VEC_LANES))
                                               : vec_load(bias + v * VEC_LANES);
    for (size_t left = g->depth; left > 0; a += g->a_chunk) {
        size_t n = left < PANEL ? left : PANEL;
        const real *x = a, *far = a + 3 * a_row; /* two bases: the rest are scaled indices, not more registers */
        left -= n;
        for (; n > 0; n--, x += a_step, far += a_step, b += b_step) {
            vec y[VECS];
#pragma GCC unroll 4
            for (int v = 0; v < n_vecs; v++)
                y[v] = vec_load(b + v * VEC_LANES);
#pragma GCC unroll 8
            for (int r = 0; r < n_rows; r++)
#pragma GCC unroll 4
                for (int v = 0; v < n_vecs; v++)
                    sum[r][v] += (r < 3 ? x[(size_t)r * a_row] : far[(size_t)(r - 3) * a_row]) * y[v];
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < n_rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            vec_store(c + (size_t)r * c_row + (size_t)(v * VEC_LANES), sum[r][v]);
}

/* All rows of n_vecs vectors of columns, in blocks as equal as can be. */
VEC_INLINE void strip(const int n_vecs, const struct gemm *g, const real *a, const real *b, real *c, const real *bias,
                      size_t rows)
{
    for (size_t blocks = (rows + ROWS - 1) / ROWS; blocks > 0; blocks--) {
        size_t n = rows / blocks;
        switch (n) {
        case 1:
            block(1, n_vecs, g, a, b, c, bias);
            break;
#if defined(__AVX2__)
        case 2:
            block(2, n_vecs, g, a, b, c, bias);
            break;
        case 3:
            block(3, n_vecs, g, a, b, c, bias);
            break;
        case 4:
            block(4, n_vecs, g, a, b, c, bias);
            break;
        case 5:
            block(5, n_vecs, g, a, b, c, bias);
            break;
#endif
        default:
            block(ROWS, n_vecs, g, a, b, c, bias);
            break;
        }
        a += n * g->a_row;
        c += n * g->c_row;
        rows -= n;
    }
}

/* `columns` of one panel, a multiple of 16 up to 64. */
static void gemm_rows(const struct gemm *g, const real *a, const real *b, real *c, const real *bias, size_t rows,
                      size_t columns)
{
    size_t at = 0;
    for (; at + VECS * VEC_LANES <= columns; at += VECS * VEC_LANES)
        strip(VECS, g, a, b + at, c + at, bias + at, rows);
#if defined(__AVX512F__)
    switch ((columns - at) / VEC_LANES) {
    case 1:
        strip(1, g, a, b + at, c + at, bias + at, rows);
        break;
    case 2:
        strip(2, g, a, b + at, c + at, bias + at, rows);
        break;
    case 3:
        strip(3, g, a, b + at, c + at, bias + at, rows);
        break;
    }
#endif
}

/* y = f(x) over n elements; the rest behind the last whole vector through a padded copy. */
#define ARRAY_FUNCTION(name, f)                                                                                        \
    static void name(size_t n, const real *x, real *y)                                                                 \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + VEC_LANES <= n; i += VEC_LANES)                                                                     \
            vec_store(y + i, f(vec_load(x + i)));                                                                      \
        if (i < n) {                                                                                                   \
            real rest[VEC_LANES] = {0};                                                                                \
            memcpy(rest, x + i, (n - i) * sizeof(real));                                                               \
            vec_store(rest, f(vec_load(rest)));                                                                        \
            memcpy(y + i, rest, (n - i) * sizeof(real));                                                               \
        }                                                                                                              \
    }
ARRAY_FUNCTION(exp_of, vec_exp)
ARRAY_FUNCTION(tanh_of, vec_tanh)
ARRAY_FUNCTION(sigmoid_of, vec_sigmoid)

const struct gemm_code GEMM_TABLE = {gemm_rows, exp_of, tanh_of, sigmoid_of};
