/* The source of the kernels of w2v_step.h, compiled once per instruction set; W2V_TABLE names the table it makes.
 *
 * Scores are taken tile by tile with the sums in registers. The update goes down the columns: a vector's width of all
 * outputs and their changes stays in registers while the inputs pass by, each loaded and stored once. */
#include "math/w2v_step.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "math/gemm.h"
#include "math/vec.h"

#if defined(__AVX512F__)
enum { TILE_IN = 4, TILE_OUT = 6 }; /* 32 registers */
#else
enum { TILE_IN = 2, TILE_OUT = 6 }; /* 16 registers */
#endif
enum { SUMS = 192, SUMS_ROOM = TILE_IN * W2V_MAX_OUT + SUMS };

/* ---- Scores ------------------------------------------------------------------------------------------------------ */

/* sums[i * stride + k] = lane sums of in_i . out_k, for a tile of n by m. */
VEC_INLINE void score_tile(size_t d, real *const *in, real *const *out, vec *sums, size_t stride, int n, int m)
{
    vec acc[TILE_IN][TILE_OUT];
#pragma GCC unroll 8
    for (int i = 0; i < n; i++)
#pragma GCC unroll 8
        for (int k = 0; k < m; k++)
            acc[i][k] = vec_all(0);
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec x[TILE_IN];
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            x[i] = vec_load(in[i] + j);
#pragma GCC unroll 8
        for (int k = 0; k < m; k++) {
            vec y = vec_load(out[k] + j);
#pragma GCC unroll 8
            for (int i = 0; i < n; i++)
                acc[i][k] += x[i] * y;
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < n; i++)
#pragma GCC unroll 8
        for (int k = 0; k < m; k++)
            sums[(size_t)i * stride + (size_t)k] = acc[i][k];
}

#define TILE(N, M)                                                                                                     \
    case (N)*8 + (M):                                                                                                  \
        score_tile(d, in, out, sums, stride, N, M);                                                                    \
        break;
#define TILES(N) TILE(N, 1) TILE(N, 2) TILE(N, 3) TILE(N, 4) TILE(N, 5) TILE(N, 6)

static void score_some(size_t d, real *const *in, real *const *out, vec *sums, size_t stride, size_t n, size_t m)
{
    switch (n * 8 + m) {
        TILES(1)
        TILES(2)
#if defined(__AVX512F__)
        TILES(3)
        TILES(4)
#endif
    }
}

/* Adds up the lanes of as many vectors as there are lanes: lane l of the result is the sum of v[l]. */
#if defined(__AVX2__) && !defined(RUNNEL_DOUBLE)
#if defined(__AVX512F__)
#define LOW(a, b)          _mm512_unpacklo_ps(a, b)
#define HIGH(a, b)         _mm512_unpackhi_ps(a, b)
#define PAIRS(a, b, which) _mm512_shuffle_ps(a, b, which)
#else
#define LOW(a, b)          _mm256_unpacklo_ps(a, b)
#define HIGH(a, b)         _mm256_unpackhi_ps(a, b)
#define PAIRS(a, b, which) _mm256_shuffle_ps(a, b, which)
#endif

/* Within each quarter of 128 bits: the sums of the quarters of four vectors. */
VEC_INLINE vec sum_quarters(const vec *v)
{
    vec a = LOW(v[0], v[1]) + HIGH(v[0], v[1]), b = LOW(v[2], v[3]) + HIGH(v[2], v[3]);
    return PAIRS(a, b, 0x44) + PAIRS(a, b, 0xee);
}

VEC_INLINE vec sum_lanes(const vec *v)
{
#if defined(__AVX512F__)
    vec a = sum_quarters(v), b = sum_quarters(v + 4), c = sum_quarters(v + 8), d = sum_quarters(v + 12);
    vec ab = _mm512_shuffle_f32x4(a, b, 0x88) + _mm512_shuffle_f32x4(a, b, 0xdd);
    vec cd = _mm512_shuffle_f32x4(c, d, 0x88) + _mm512_shuffle_f32x4(c, d, 0xdd);
    return _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xdd);
#else
    vec a = sum_quarters(v), b = sum_quarters(v + 4);
    return _mm256_permute2f128_ps(a, b, 0x20) + _mm256_permute2f128_ps(a, b, 0x31);
#endif
}
#else
VEC_INLINE vec sum_lanes(const vec *v)
{
    vec sums = {0};
    for (int l = 0; l < VEC_LANES; l++)
        sums[l] = vec_sum(v[l]);
    return sums;
}
#endif

static void score_all(struct w2v_step *s)
{
    vec sums[SUMS_ROOM];
    size_t m = s->m, rows = SUMS / m < TILE_IN ? TILE_IN : SUMS / m / TILE_IN * TILE_IN;
    for (size_t from = 0; from < s->n; from += rows) {
        size_t n = s->n - from < rows ? s->n - from : rows, count = n * m;
        for (size_t i = 0; i < n; i += TILE_IN)
            for (size_t k = 0; k < m; k += TILE_OUT)
                score_some(s->d, s->in + from + i, s->out + k, sums + i * m + k, m, n - i < TILE_IN ? n - i : TILE_IN,
                           m - k < TILE_OUT ? m - k : TILE_OUT);
        for (size_t f = count; f % VEC_LANES; f++)
            sums[f] = vec_all(0);
        for (size_t f = 0; f < count; f += VEC_LANES)
            vec_store(s->score + from * m + f, sum_lanes(sums + f));
    }
}

/* ---- Loss and its derivative by the scores ----------------------------------------------------------------------- */

static void count_loss(struct w2v_loss *loss, const real *p, size_t n)
{
    double product = 1; /* of 16 numbers not below e^-25: far from the smallest double */
    for (size_t i = 0; i < n; i++)
        product *= (double)p[i];
    loss->product *= product;
    if (loss->product < 1e-100) {
        loss->sum -= scalar_log(loss->product);
        loss->product = 1;
    }
}

/* With t = s for the true word and -s for a negative, p = sigmoid(t): the loss is -log p, and g = +-rate * (1 - p). */
static void derive_all(struct w2v_step *s)
{
    size_t count = s->n * s->m;
    real *score = s->score, p[W2V_LANES];
    for (size_t i = 0; i < count; i += s->m)
        score[i] = -score[i];
    for (size_t f = 0; f < count; f += W2V_LANES) {
        for (size_t l = 0; l < W2V_LANES; l += VEC_LANES) {
            vec t = vec_at_least(vec_at_most(-vec_load(score + f + l), 25), -25);
            vec q = vec_sigmoid(t);
            vec_store(p + l, q);
            vec_store(score + f + l, s->rate * (q - (real)1));
        }
        count_loss(&s->loss, p, count - f < W2V_LANES ? count - f : W2V_LANES);
    }
    for (size_t i = 0; i < count; i += s->m)
        score[i] = -score[i];
}

/* ---- Update ------------------------------------------------------------------------------------------------------ */

/* One vector's width of m outputs from the k-th on. `change` holds that of the inputs between groups of outputs. */
VEC_INLINE void update_column(struct w2v_step *s, size_t j, size_t k0, int m, vec *change, bool first, bool last)
{
    vec old[TILE_OUT], new[TILE_OUT];
    const real *g = s->score + k0;
#pragma GCC unroll 8
    for (int k = 0; k < m; k++)
        new[k] = old[k] = vec_load(s->out[k0 + (size_t)k] + j);
    for (size_t i = 0; i < s->n; i++, g += s->m) {
        vec x = vec_load(s->in[i] + j), delta = first ? vec_all(0) : change[i];
#pragma GCC unroll 8
        for (int k = 0; k < m; k++) {
            new[k] += g[k] * x;
            delta += g[k] * old[k];
        }
        if (last)
            vec_store(s->add[i] + j, vec_load(s->add[i] + j) + delta);
        else
            change[i] = delta;
    }
#pragma GCC unroll 8
    for (int k = 0; k < m; k++)
        vec_store(s->out[k0 + (size_t)k] + j, new[k]);
}

#define COLUMNS(M)                                                                                                     \
    case M:                                                                                                            \
        for (size_t j = 0; j < s->d; j += VEC_LANES)                                                                   \
            update_column(s, j, 0, M, change, true, true);                                                             \
        break;

static void update_all(struct w2v_step *s)
{
    vec change[W2V_MAX_IN];
    switch (s->m) {
        COLUMNS(1)
        COLUMNS(2)
        COLUMNS(3)
        COLUMNS(4)
        COLUMNS(5)
        COLUMNS(6)
    default: /* groups as long as more than one is left, then output by output */
        for (size_t j = 0; j < s->d; j += VEC_LANES) {
            size_t k = TILE_OUT;
            update_column(s, j, 0, TILE_OUT, change, true, false);
            for (; s->m - k > TILE_OUT; k += TILE_OUT)
                update_column(s, j, k, TILE_OUT, change, false, false);
            for (; s->m - k > 1; k++)
                update_column(s, j, k, 1, change, false, false);
            update_column(s, j, k, 1, change, false, true);
        }
    }
}

static void learn(struct w2v_step *s)
{
    score_all(s);
    derive_all(s);
    update_all(s);
}

/* ---- The mean of a context --------------------------------------------------------------------------------------- */

static void mean(size_t d, size_t n, real *const *rows, real *to)
{
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec sum = vec_load(rows[0] + j);
        for (size_t i = 1; i < n; i++)
            sum += vec_load(rows[i] + j);
        vec_store(to + j, sum * ((real)1 / (real)n));
    }
}

static void spread(size_t d, size_t n, real *const *rows, const real *delta)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < d; j += VEC_LANES)
            vec_store(rows[i] + j, vec_load(rows[i] + j) + vec_load(delta + j));
}

const struct w2v_code W2V_TABLE = {learn, mean, spread};
