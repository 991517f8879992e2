/* The source of the kernels of w2v_step.h, compiled once per instruction set; W2V_TABLE names the table it makes.
 *
 * Scores are taken tile by tile with the sums in registers: as many rows by W2V_OUT_GROUP outputs as give whole vectors
 * of scores when their lanes are added up, and from those come loss and derivative on the spot. The update goes down
 * the columns: a vector's width of all outputs and their changes stays in registers while the inputs pass by, each
 * loaded and stored once. */
#include "math/w2v_step.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "math/gemm.h"
#include "math/vec.h"

enum {
    GROUP = W2V_OUT_GROUP,
    TILE_ROWS = VEC_LANES > GROUP ? VEC_LANES / GROUP : 1,
    TILE_SUMS = TILE_ROWS * GROUP,
#if defined(__AVX512F__)
    UPDATE_OUT = 8, /* 32 registers */
#else
    UPDATE_OUT = 4, /* 16 registers */
#endif
};

/* ---- Scores ------------------------------------------------------------------------------------------------------ */

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

/* Multiplies a part of the running loss by p^|w|, which is not below e^-50: far from the smallest float. */
VEC_INLINE void count_loss(struct w2v_loss *loss, size_t at, vec p, vec w)
{
    const vec one = vec_all(1);
    vec fraction = vec_load(loss->fraction + at);
    vec_int sum;
    fraction *= vec_select(w != (real)0, p, one);
    fraction *= vec_select((w < (real)-1) | (w > (real)1), p, one);
    vec_int power = (vec_int)((vec_bits)fraction >> VEC_MANTISSA) - (vec_int)((vec_bits)one >> VEC_MANTISSA);
    vec_store(loss->fraction + at, (vec)((vec_bits)fraction - ((vec_bits)power << VEC_MANTISSA)));
    memcpy(&sum, loss->power + at, sizeof sum);
    sum += power;
    memcpy(loss->power + at, &sum, sizeof sum);
}

/* With t = sign(w) s, p = sigmoid(t): the loss is -|w| log p, and g = rate * w * (1 - p). */
VEC_INLINE vec derive(struct w2v_step *s, size_t lane, vec score, vec w)
{
    vec t = (vec)((vec_int)score ^ ((vec_int)w & (vec_int)vec_all(-(real)0)));
    vec p = vec_sigmoid(vec_at_least(vec_at_most(t, 25), -25));
    count_loss(s->loss, lane, p, w);
    return s->rate * w * ((real)1 - p);
}

/* What becomes of the scores of a tile. */
enum purpose { KEEP_SCORES, DERIVE };

/* Of n rows from the i-th on, at most TILE_ROWS, and m outputs from the k-th on. */
VEC_INLINE void score_tile(struct w2v_step *s, size_t i0, size_t k0, int n, int m, enum purpose purpose)
{
    vec sums[TILE_SUMS];
    size_t at = w2v_place(i0, k0);
#pragma GCC unroll 16
    for (int f = 0; f < TILE_SUMS; f++)
        sums[f] = vec_all(0);
    for (size_t j = 0; j < s->d; j += VEC_LANES) {
        vec x[TILE_ROWS];
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            x[i] = vec_load(s->in[i0 + (size_t)i] + j);
#pragma GCC unroll 8
        for (int k = 0; k < m; k++) {
            vec y = vec_load(s->out[k0 + (size_t)k] + j);
#pragma GCC unroll 8
            for (int i = 0; i < n; i++)
                sums[i * GROUP + k] += x[i] * y;
        }
    }
#pragma GCC unroll 8
    for (size_t f = 0; f < TILE_SUMS; f += VEC_LANES) {
        vec score = sum_lanes(sums + f), w = vec_load(s->weight + at + f);
        if (n < TILE_ROWS) /* rows that are not there weigh nothing */
            for (int l = n * GROUP; l < VEC_LANES; l++)
                w[l] = 0;
        if (purpose == DERIVE)
            score = derive(s, f % W2V_LANES, score, w);
        vec_store(s->score + at + f, score);
    }
}

#define TILE(M)                                                                                                        \
    case M:                                                                                                            \
        for (; i + TILE_ROWS <= s->n; i += TILE_ROWS)                                                                  \
            score_tile(s, i, k, TILE_ROWS, M, purpose);                                                                \
        if (i < s->n)                                                                                                  \
            score_tile(s, i, k, 1, M, purpose);                                                                        \
        break;

VEC_INLINE void score_all(struct w2v_step *s, enum purpose purpose)
{
    for (size_t k = 0; k < s->m; k += GROUP) {
        size_t i = 0;
        switch (s->m - k) {
            TILE(1)
            TILE(2)
            TILE(3)
            TILE(4)
            TILE(5)
            TILE(6)
            TILE(7)
        default:
            TILE(8)
        }
    }
}

static void score(struct w2v_step *s)
{
    score_all(s, KEEP_SCORES);
}

/* ---- Update ------------------------------------------------------------------------------------------------------ */

/* One vector's width of m outputs from the k-th on. `change` holds that of the inputs between groups of outputs. */
VEC_INLINE void update_column(struct w2v_step *s, size_t j, size_t k0, int m, vec *change, bool first, bool last)
{
    vec old[UPDATE_OUT], new[UPDATE_OUT];
    const real *g = s->score + w2v_place(0, k0);
#pragma GCC unroll 8
    for (int k = 0; k < m; k++)
        new[k] = old[k] = vec_load(s->out[k0 + (size_t)k] + j);
    for (size_t i = 0; i < s->n; i++, g += GROUP) {
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
#define PART(M)                                                                                                        \
    case M:                                                                                                            \
        update_column(s, j, k, M, change, k == 0, k + M == s->m);                                                      \
        break;
#if defined(__AVX512F__)
#define PARTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#else
#define PARTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4)
#endif

static void update(struct w2v_step *s)
{
    vec change[W2V_MAX_IN];
    switch (s->m) {
        PARTS(COLUMNS)
    default:
        for (size_t j = 0; j < s->d; j += VEC_LANES)
            for (size_t k = 0; k < s->m; k += UPDATE_OUT)
                switch (s->m - k < UPDATE_OUT ? s->m - k : UPDATE_OUT) {
                    PARTS(PART)
                }
    }
}

static void learn(struct w2v_step *s)
{
    score_all(s, DERIVE);
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
    real *const *second = rows + n.first, *const *both = second + n.second;
    real share[2] = {(real)1 / (real)(n.both + n.first), (real)1 / (real)(n.both + n.second)};
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec sum = sum_column(both, n.both, j);
        vec_store(to[0] + j, (sum + sum_column(rows, n.first, j)) * share[0]);
        if (n.second)
            vec_store(to[1] + j, (sum + sum_column(second, n.second, j)) * share[1]);
    }
}

VEC_INLINE void move_column(real *const *rows, size_t n, size_t j, vec delta)
{
    for (size_t i = 0; i < n; i++)
        vec_store(rows[i] + j, vec_load(rows[i] + j) + delta);
}

static void spread(size_t d, struct w2v_shares n, real *const *rows, real *const delta[2])
{
    real *const *second = rows + n.first, *const *both = second + n.second;
    for (size_t j = 0; j < d; j += VEC_LANES) {
        vec a = vec_load(delta[0] + j), b = n.second ? vec_load(delta[1] + j) : vec_all(0);
        move_column(rows, n.first, j, a);
        move_column(second, n.second, j, b);
        move_column(both, n.both, j, a + b);
    }
}

const struct w2v_code W2V_TABLE = {learn, score, update, mean, spread};
