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
enum { TILE_IN = 3, TILE_OUT = 8 }; /* 32 registers */
#else
enum { TILE_IN = 2, TILE_OUT = 5 }; /* 16 registers */
#endif
enum { SUMS = 192, SUMS_ROOM = TILE_IN * W2V_MAX_OUT + SUMS };

/* Outputs are taken in groups of about the same width, at most TILE_OUT. */
static inline size_t group_width(size_t m)
{
    size_t groups = (m + TILE_OUT - 1) / TILE_OUT;
    return (m + groups - 1) / groups;
}

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
    case (N)*16 + (M):                                                                                                 \
        score_tile(d, in, out, sums, stride, N, M);                                                                    \
        break;
#if defined(__AVX512F__)
#define TILES(N) TILE(N, 1) TILE(N, 2) TILE(N, 3) TILE(N, 4) TILE(N, 5) TILE(N, 6) TILE(N, 7) TILE(N, 8)
#else
#define TILES(N) TILE(N, 1) TILE(N, 2) TILE(N, 3) TILE(N, 4) TILE(N, 5)
#endif

static void score_some(size_t d, real *const *in, real *const *out, vec *sums, size_t stride, size_t n, size_t m)
{
    switch (n * 16 + m) {
        TILES(1)
        TILES(2)
#if defined(__AVX512F__)
        TILES(3)
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

static void score(struct w2v_step *s)
{
    vec sums[SUMS_ROOM];
    size_t m = s->m, width = group_width(m), rows = SUMS / m < TILE_IN ? TILE_IN : SUMS / m / TILE_IN * TILE_IN;
    for (size_t from = 0; from < s->n; from += rows) {
        size_t n = s->n - from < rows ? s->n - from : rows, count = n * m;
        for (size_t i = 0; i < n; i += TILE_IN)
            for (size_t k = 0; k < m; k += width)
                score_some(s->d, s->in + from + i, s->out + k, sums + i * m + k, m, n - i < TILE_IN ? n - i : TILE_IN,
                           m - k < width ? m - k : width);
        for (size_t f = count; f % VEC_LANES; f++)
            sums[f] = vec_all(0);
        for (size_t f = 0; f < count; f += VEC_LANES)
            vec_store(s->score + from * m + f, sum_lanes(sums + f));
    }
}

/* ---- Loss and its derivative by the scores ----------------------------------------------------------------------- */

/* Multiplies a part of the running loss by p^|w|, which is not below e^-50: far from the smallest float. */
VEC_INLINE void count_loss(struct w2v_loss *loss, size_t at, vec p, vec w)
{
    const vec one = vec_all(1);
    vec fraction = vec_load(loss->fraction + at);
    fraction *= vec_select(w != (real)0, p, one);
    fraction *= vec_select((w < (real)-1) | (w > (real)1), p, one);
    vec_int power = (vec_int)((vec_bits)fraction >> VEC_MANTISSA) - (vec_int)((vec_bits)one >> VEC_MANTISSA);
    vec_store(loss->fraction + at, (vec)((vec_bits)fraction - ((vec_bits)power << VEC_MANTISSA)));
    vec_int sum;
    memcpy(&sum, loss->power + at, sizeof sum);
    sum += power;
    memcpy(loss->power + at, &sum, sizeof sum);
}

/* With t = sign(w) s, p = sigmoid(t): the loss is -|w| log p, and g = rate * w * (1 - p). */
static void derive(struct w2v_step *s)
{
    size_t count = s->n * s->m;
    for (size_t l = 0; l < W2V_LANES; l += VEC_LANES) /* what is behind the last score weighs nothing */
        vec_store(s->weight + count + l, vec_all(0));
    for (size_t f = 0; f < count; f += W2V_LANES)
        for (size_t l = 0; l < W2V_LANES; l += VEC_LANES) {
            vec w = vec_load(s->weight + f + l), t = vec_load(s->score + f + l);
            t = vec_at_least(vec_at_most((vec)((vec_int)t ^ ((vec_int)w & (vec_int)vec_all(-(real)0))), 25), -25);
            vec p = vec_sigmoid(t);
            vec_store(s->score + f + l, s->rate * w * ((real)1 - p));
            count_loss(s->loss, l, p, w);
        }
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
#define GROUP(M)                                                                                                       \
    case M:                                                                                                            \
        update_column(s, j, k, M, change, k == 0, k + M == s->m);                                                      \
        break;
#if defined(__AVX512F__)
#define GROUPS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#else
#define GROUPS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5)
#endif

static void update(struct w2v_step *s)
{
    vec change[W2V_MAX_IN];
    size_t width = group_width(s->m);
    switch (s->m) {
        GROUPS(COLUMNS)
    default:
        for (size_t j = 0; j < s->d; j += VEC_LANES)
            for (size_t k = 0; k < s->m; k += width)
                switch (s->m - k < width ? s->m - k : width) {
                    GROUPS(GROUP)
                }
    }
}

static void learn(struct w2v_step *s)
{
    score(s);
    derive(s);
    update(s);
}

/* ---- The means of two contexts ----------------------------------------------------------------------------------- */

VEC_INLINE vec sum_column(real *const *rows, size_t n, size_t j)
{
    vec sum = vec_all(0);
    for (size_t i = 0; i < n; i++)
        sum += vec_load(rows[i] + j);
    return sum;
}

static void mean(size_t d, struct w2v_shares n, real *const *rows, real *const to[2])
{
    real *const *first = rows + n.both, *const *second = first + n.first;
    real share[2] = {(real)1 / (real)(n.both + n.first), (real)1 / (real)(n.both + n.second)};
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec both = sum_column(rows, n.both, j);
        vec_store(to[0] + j, (both + sum_column(first, n.first, j)) * share[0]);
        if (n.second)
            vec_store(to[1] + j, (both + sum_column(second, n.second, j)) * share[1]);
    }
}

VEC_INLINE void move_column(real *const *rows, size_t n, size_t j, vec delta)
{
    for (size_t i = 0; i < n; i++)
        vec_store(rows[i] + j, vec_load(rows[i] + j) + delta);
}

static void spread(size_t d, struct w2v_shares n, real *const *rows, real *const delta[2])
{
    real *const *first = rows + n.both, *const *second = first + n.first;
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec a = vec_load(delta[0] + j), b = n.second ? vec_load(delta[1] + j) : vec_all(0);
        move_column(rows, n.both, j, a + b);
        move_column(first, n.first, j, a);
        move_column(second, n.second, j, b);
    }
}

const struct w2v_code W2V_TABLE = {learn, score, update, mean, spread};
