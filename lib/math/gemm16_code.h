/* gemm16_code: the inner loops of gemm16.h, included once per instruction set with GEMM16_TABLE as the name of the
 * table.
 *
 * A block of ROWS x VECS vectors of C stays in registers, as in gemm_code.h. Each pair of k loads VECS vectors of pairs
 * of B and broadcasts ROWS pairs of A; without AVX512_BF16 it is taken apart: a bf16 and 16 zeros are a float. */
#include "math/gemm16.h"
#include "math/vec.h"

#if defined(__AVX512F__)
enum { ROWS = 6, VECS = 4 };
#elif defined(__AVX2__)
enum { ROWS = 6, VECS = 2 };
#else
enum { ROWS = 2, VECS = 4 };
#endif

enum { PAIR_ROW = 2 * PANEL, PAIRS = PANEL / 2 }; /* elements of a row of pairs of B; pairs of k of a chunk of A */

/* Pairs of bf16, the even k in the lower half. */
typedef uint32_t vec_pair __attribute__((vector_size(VEC_BYTES)));
typedef uint32_t vec_pair_loose __attribute__((vector_size(VEC_BYTES), aligned(2), may_alias));

VEC_INLINE vec_pair pair_load(const bf16 *x)
{
    return *(const vec_pair_loose *)x;
}

VEC_INLINE void pair_store(bf16 *x, vec_pair v)
{
    *(vec_pair_loose *)x = v;
}

VEC_INLINE vec_pair pair_all(const bf16 *x)
{
    uint32_t pair;
    memcpy(&pair, x, sizeof pair);
    return pair - (vec_pair){0};
}

VEC_INLINE vec pair_odd(vec_pair x)
{
    return (vec)(x & 0xffff0000);
}

VEC_INLINE vec pair_even(vec_pair x)
{
    return (vec)(x << 16);
}

/* ---- Products ------------------------------------------------------------------------------------------------ */

/* One pair of k for all of a block. */
VEC_INLINE void block_pair(const int n_rows, const int n_vecs, vec sum[ROWS][VECS], const bf16 *x, const bf16 *far,
                           size_t a_row, const bf16 *b)
{
#if defined(__AVX512BF16__)
    vec_pair y[VECS];
#pragma GCC unroll 4
    for (int v = 0; v < n_vecs; v++)
        y[v] = pair_load(b + v * 2 * VEC_LANES);
#pragma GCC unroll 8
    for (int r = 0; r < n_rows; r++) {
        vec_pair all = pair_all(r < 3 ? x + (size_t)r * a_row : far + (size_t)(r - 3) * a_row);
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            sum[r][v] = _mm512_dpbf16_ps(sum[r][v], (__m512bh)all, (__m512bh)y[v]);
    }
#else
#pragma GCC unroll 2
    for (int even = 0; even < 2; even++) {
        vec y[VECS];
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            y[v] = even ? pair_even(pair_load(b + v * 2 * VEC_LANES)) : pair_odd(pair_load(b + v * 2 * VEC_LANES));
#pragma GCC unroll 8
        for (int r = 0; r < n_rows; r++) {
            vec_pair all = pair_all(r < 3 ? x + (size_t)r * a_row : far + (size_t)(r - 3) * a_row);
#pragma GCC unroll 4
            for (int v = 0; v < n_vecs; v++)
                sum[r][v] += (even ? pair_even(all) : pair_odd(all)) * y[v];
        }
    }
#endif
}

VEC_INLINE void block(const int n_rows, const int n_vecs, const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c,
                      const real *bias)
{
    const size_t a_row = g->a_row, c_row = g->c_row;
    vec sum[ROWS][VECS];
#pragma GCC unroll 8
    for (int r = 0; r < n_rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            sum[r][v] = g->start == GEMM_ZERO  ? vec_all(0)
                        : g->start == GEMM_ADD ? vec_load(c + (size_t)r * c_row + (size_t)(v * VEC_LANES))
                                               : vec_load(bias + v * VEC_LANES);
    for (size_t left = (g->depth + 1) / 2; left > 0; a += g->a_chunk) {
        size_t n = left < PAIRS ? left : PAIRS;
        const bf16 *x = a, *far = a + 3 * a_row; /* two bases: the rest are scaled indices, not more registers */
        left -= n;
        for (; n > 0; n--, x += 2, far += 2, b += PAIR_ROW)
            block_pair(n_rows, n_vecs, sum, x, far, a_row, b);
    }
#pragma GCC unroll 8
    for (int r = 0; r < n_rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < n_vecs; v++)
            vec_store(c + (size_t)r * c_row + (size_t)(v * VEC_LANES), sum[r][v]);
}

/* All rows of n_vecs vectors of columns, in blocks as equal as can be. */
VEC_INLINE void strip(const int n_vecs, const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c, const real *bias,
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
static void product(const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c, const real *bias, size_t rows,
                    size_t columns)
{
    size_t at = 0;
    for (; at + VECS * VEC_LANES <= columns; at += VECS * VEC_LANES)
        strip(VECS, g, a, b + 2 * at, c + at, bias + at, rows);
#if defined(__AVX512F__)
    switch ((columns - at) / VEC_LANES) {
    case 1:
        strip(1, g, a, b + 2 * at, c + at, bias + at, rows);
        break;
    case 2:
        strip(2, g, a, b + 2 * at, c + at, bias + at, rows);
        break;
    case 3:
        strip(3, g, a, b + 2 * at, c + at, bias + at, rows);
        break;
    }
#endif
}

/* ---- Rounding ------------------------------------------------------------------------------------------------ */

#if defined(__AVX512BF16__)
/* Pairs along a row: (x0, x1), (x2, x3), ... of two vectors one behind the other. */
VEC_INLINE vec_pair pairs_along(const real *x)
{
    return (vec_pair)_mm512_cvtne2ps_pbh(vec_load(x + VEC_LANES), vec_load(x));
}

/* Pairs (even0, odd0), (even1, odd1), ... of two rows. */
VEC_INLINE vec_pair pairs_across(vec even, vec odd)
{
    vec_pair apart = (vec_pair)_mm512_cvtne2ps_pbh(odd, even),
             lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (vec_pair)_mm512_permutexvar_epi16((__m512i)(lane | (lane + VEC_LANES) << 16), (__m512i)apart);
}
#else
/* The nearest bf16 in the upper half, zeros in the lower. */
VEC_INLINE vec_pair nearest(vec x)
{
    vec_pair bits = (vec_pair)x, size = bits & 0x7fffffff, even = bits + 0x7fff + (bits >> 16 & 1);
    vec_pair nan = (vec_pair)(size > 0x7f800000), tiny = (vec_pair)(size < 0x00800000);
    even = (nan & (bits | 0x00400000)) | (~nan & even);
    return ((tiny & (bits & 0x80000000)) | (~tiny & even)) & 0xffff0000;
}

VEC_INLINE vec_pair pairs_across(vec even, vec odd)
{
    return nearest(even) >> 16 | nearest(odd);
}

VEC_INLINE vec_pair pairs_along(const real *x)
{
    typedef bf16 half __attribute__((vector_size(VEC_BYTES / 2)));
    half low = __builtin_convertvector(nearest(vec_load(x)) >> 16, half);
    half high = __builtin_convertvector(nearest(vec_load(x + VEC_LANES)) >> 16, half);
    vec_pair both;
    memcpy(&both, &low, sizeof low);
    memcpy((char *)&both + sizeof low, &high, sizeof high);
    return both;
}
#endif

enum { ALONG = 2 * VEC_LANES }; /* elements that pairs_along takes; they divide GEMM16_DEPTH */

static void rows_of(size_t rows, size_t columns, const real *x, size_t x_ld, bf16 *out, size_t out_ld)
{
    for (; rows > 0; rows--, x += x_ld, out += out_ld) {
        size_t k = 0;
        for (; k + ALONG <= columns; k += ALONG)
            pair_store(out + k, pairs_along(x + k));
        for (; k < gemm16_depth(columns); k += ALONG) {
            real rest[ALONG] = {0};
            if (k < columns)
                memcpy(rest, x + k, (columns - k) * sizeof *rest);
            pair_store(out + k, pairs_along(rest));
        }
    }
}

static void panel_of(size_t depth, size_t columns, const real *b, size_t b_ld, bf16 *out)
{
    for (size_t k = 0; k < gemm16_depth(depth); k += 2, b += 2 * b_ld, out += PAIR_ROW)
        for (size_t n = 0; n < columns; n += VEC_LANES) {
            vec even = k < depth ? vec_load(b + n) : vec_all(0),
                odd = k + 1 < depth ? vec_load(b + b_ld + n) : vec_all(0);
            pair_store(out + 2 * n, pairs_across(even, odd));
        }
}

/* ---- Transposes ---------------------------------------------------------------------------------------------- */

enum { SIDE = 16 }; /* of a square of pairs */

/* out[j][i] = in[i][j] for a square of pairs whose rows lie so many elements apart; ends of rows of both may be
 * used. */
#if defined(__AVX512F__)
VEC_INLINE void square(const vec_pair in[SIDE], bf16 *out, size_t out_ld)
{
    const vec_pair lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vec_pair row[SIDE];
    memcpy(row, in, sizeof row);
#pragma GCC unroll 4
    for (uint32_t half = SIDE / 2; half > 0; half /= 2) { /* swap the off-diagonal quarters of all squares of 2 half */
        vec_pair upper = (vec_pair)((lane & half) != 0);
        vec_pair first = (upper & (lane - half + SIDE)) | (~upper & lane), second = first + half;
#pragma GCC unroll 16
        for (uint32_t i = 0; i < SIDE; i++)
            if (!(i & half)) {
                __m512i a = (__m512i)row[i], b = (__m512i)row[i + half];
                row[i] = (vec_pair)_mm512_permutex2var_epi32(a, (__m512i)first, b);
                row[i + half] = (vec_pair)_mm512_permutex2var_epi32(a, (__m512i)second, b);
            }
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < SIDE; i++)
        pair_store(out + i * out_ld, row[i]);
}
#else
VEC_INLINE void square(const vec_pair in[SIDE * SIDE / VEC_LANES], bf16 *out, size_t out_ld)
{
    uint32_t pair[SIDE][SIDE], row[SIDE];
    memcpy(pair, in, sizeof pair);
    for (size_t j = 0; j < SIDE; j++) {
        for (size_t i = 0; i < SIDE; i++)
            row[i] = pair[i][j];
        memcpy(out + j * out_ld, row, sizeof row);
    }
}
#endif

/* 32 rows of 16 elements become 16 rows of 32. */
VEC_INLINE void turn_square(const bf16 *a, size_t a_ld, bf16 *out, size_t out_ld)
{
    typedef bf16 half __attribute__((vector_size(VEC_BYTES / 2)));
    vec_pair in[SIDE * SIDE / VEC_LANES];
    for (size_t i = 0, v = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j += VEC_LANES, v++) {
            half even, odd;
            memcpy(&even, a + 2 * i * a_ld + j, sizeof even);
            memcpy(&odd, a + (2 * i + 1) * a_ld + j, sizeof odd);
            in[v] = __builtin_convertvector(even, vec_pair) | __builtin_convertvector(odd, vec_pair) << 16;
        }
    square(in, out, out_ld);
}

static void turn(size_t rows, size_t columns, const bf16 *a, size_t a_ld, bf16 *out, size_t out_ld)
{
    for (size_t j = 0; j < columns; j += SIDE)
        for (size_t i = 0; i < rows; i += 2 * SIDE) {
            size_t high = rows - i < 2 * SIDE ? rows - i : 2 * SIDE, wide = columns - j < SIDE ? columns - j : SIDE;
            if (high == 2 * SIDE && wide == SIDE) {
                turn_square(a + i * a_ld + j, a_ld, out + j * out_ld + i, out_ld);
                continue;
            }
            bf16 from[2 * SIDE][SIDE] = {{0}}, to[SIDE][2 * SIDE];
            for (size_t r = 0; r < high; r++)
                memcpy(from[r], a + (i + r) * a_ld + j, wide * sizeof **from);
            turn_square(from[0], SIDE, to[0], 2 * SIDE);
            for (size_t r = 0; r < wide; r++)
                memcpy(out + (j + r) * out_ld + i, to[r], sizeof *to);
        }
}

/* Columns of one panel: w [n <= 64][64], of which k < depth are used, become pairs [k / 2][64][2]. */
static void turn_weights(size_t n, size_t depth, const real *w, bf16 *out)
{
    for (size_t j = 0; j < n; j += SIDE)
        for (size_t k = 0; k < depth; k += 2 * SIDE) {
            size_t wide = n - j < SIDE ? n - j : SIDE, deep = depth - k < 2 * SIDE ? depth - k : 2 * SIDE;
            bf16 rows[SIDE][2 * SIDE] = {{0}};
            vec_pair in[SIDE * SIDE / VEC_LANES];
            rows_of(wide, deep, w + j * PANEL + k, PANEL, rows[0], 2 * SIDE);
            memcpy(in, rows, sizeof rows);
            square(in, out + k / 2 * PAIR_ROW + 2 * j, PAIR_ROW);
        }
}

const struct gemm16_code GEMM16_TABLE = {product, rows_of, turn, panel_of, turn_weights};
