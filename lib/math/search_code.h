/* search_code: the inner loops of search.h, included once per instruction set with SEARCH_TABLE as the name of the
 * table. */
#include "math/gemm.h"
#include "math/search.h"
#include "math/vec.h"

static void squares(const real *x, size_t rows, size_t d, real *to)
{
    for (size_t r = 0; r < rows; r++, x += d) {
        vec sum[4] = {{0}};
        size_t j = 0;
        for (; j + 4 * VEC_LANES <= d; j += 4 * VEC_LANES)
            for (int k = 0; k < 4; k++) {
                vec y = vec_load(x + j + k * VEC_LANES);
                sum[k] += y * y;
            }
        for (; j + VEC_LANES <= d; j += VEC_LANES) {
            vec y = vec_load(x + j);
            sum[0] += y * y;
        }
        real rest = 0;
        for (; j < d; j++)
            rest += x[j] * x[j];
        to[r] = vec_sum((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
    }
}

/* Which lanes are above? A bit each. */
VEC_INLINE unsigned lanes_above(vec x, vec bound)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_cmp_ps_mask(x, bound, _CMP_GT_OQ);
#elif defined(__AVX2__) && !defined(RUNNEL_DOUBLE)
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(x, bound, _CMP_GT_OQ));
#else
    unsigned bits = 0;
    vec_int mask = x > bound;
    for (int i = 0; i < VEC_LANES; i++)
        bits |= (unsigned)(mask[i] & 1) << i;
    return bits;
#endif
}

static size_t above(const real *scores, const real *scale, size_t rows, size_t columns, const real *bound,
                    struct search_found *found)
{
    size_t n = 0;
    for (size_t r = 0; r < rows; r++, scores += PANEL)
        for (size_t c = 0; c < columns; c += VEC_LANES)
            for (unsigned bits = lanes_above(vec_load(scores + c) * scale[r], vec_load(bound + c)); bits;
                 bits &= bits - 1)
                found[n++] = (struct search_found){(uint32_t)r, (uint32_t)(c + (size_t)__builtin_ctz(bits))};
    return n;
}

static void multiply(const real *a, real *b, const real *c, const real *scale, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t at = r * PANEL; at < r * PANEL + columns; at += VEC_LANES) {
            vec x = vec_load(a + at) * scale[r] + (real)1, y = vec_load(b + at) * scale[r] + (real)1;
            vec z = vec_load(c + at) * scale[r] + (real)1;
            vec_store(b + at, y * z / (x + (real)0.002) * (real)0.5);
        }
}

const struct search_code SEARCH_TABLE = {squares, above, multiply};
