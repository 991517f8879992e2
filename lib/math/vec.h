/* vec: as many reals as a vector register holds, for the sources of kernels that are compiled once per instruction
 * set (kern.h). The arithmetic is GCC's and clang's vector extension, so one text serves every CPU, float and double.
 *
 * exp, tanh and sigmoid have their one definition here: no libm, no approximate reciprocals. Within 2 units in the
 * last place; NaN comes out as NaN. */
#ifndef MATH_VEC_H
#define MATH_VEC_H

#include <stdint.h>
#include <string.h>

#include "base/real.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define VEC_BYTES 64
#elif defined(__AVX2__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif

#define VEC_INLINE static inline __attribute__((always_inline, unused))

typedef real vec __attribute__((vector_size(VEC_BYTES)));
typedef real vec_loose __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));
#ifdef RUNNEL_DOUBLE
typedef int64_t vec_int __attribute__((vector_size(VEC_BYTES)));
#else
typedef int32_t vec_int __attribute__((vector_size(VEC_BYTES)));
#endif

enum { VEC_LANES = VEC_BYTES / (int)sizeof(real) };

VEC_INLINE vec vec_load(const real *x)
{
    return *(const vec_loose *)x;
}

VEC_INLINE void vec_store(real *x, vec v)
{
    *(vec_loose *)x = v;
}

VEC_INLINE vec vec_all(real x)
{
    return x - (vec){0};
}

VEC_INLINE vec vec_select(vec_int mask, vec yes, vec no)
{
    return (vec)((mask & (vec_int)yes) | (~mask & (vec_int)no));
}

/* The larger of a constant and x; x where it is NaN. */
VEC_INLINE vec vec_at_least(vec x, real low)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_max_ps(vec_all(low), x);
#else
    return vec_select(x < vec_all(low), vec_all(low), x);
#endif
}

VEC_INLINE vec vec_at_most(vec x, real high)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_min_ps(vec_all(high), x);
#else
    return vec_select(x > vec_all(high), vec_all(high), x);
#endif
}

VEC_INLINE vec vec_max(vec a, vec b)
{
    return vec_select(a > b, a, b);
}

/* |x|, and x's sign on a positive magnitude. */
VEC_INLINE vec vec_abs(vec x)
{
    const vec_int sign = (vec_int)vec_all(-(real)0);
    return (vec)((vec_int)x & ~sign);
}

VEC_INLINE vec vec_sign_of(vec magnitude, vec x)
{
    const vec_int sign = (vec_int)vec_all(-(real)0);
    return (vec)((vec_int)magnitude | ((vec_int)x & sign));
}

VEC_INLINE vec vec_sqrt(vec x)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_sqrt_ps(x);
#else
    for (int i = 0; i < VEC_LANES; i++)
        x[i] = sizeof(real) == sizeof(float) ? (real)__builtin_sqrtf((float)x[i]) : (real)__builtin_sqrt((double)x[i]);
    return x;
#endif
}

/* Sum of the lanes, by halves. */
VEC_INLINE real vec_sum(vec x)
{
    real lane[VEC_LANES];
    memcpy(lane, &x, sizeof lane);
    for (int half = VEC_LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

VEC_INLINE real vec_largest(vec x)
{
    real largest = x[0];
    for (int i = 1; i < VEC_LANES; i++)
        if (x[i] > largest)
            largest = x[i];
    return largest;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2: returns e^r - 1 and puts 2^n into *scale. x must lie within +-VEC_EXP_LIMIT.
 * Adding 1.5 * 2^(mantissa bits) rounds to a whole number whose bits are then those of n. */
#ifdef RUNNEL_DOUBLE
#define VEC_EXP_LIMIT 708.0
VEC_INLINE vec vec_exp_reduced(vec x, vec *scale)
{
    vec shifted = x * 1.4426950408889634 + 0x1.8p52;
    vec n = shifted - 0x1.8p52;
    vec r = x - n * 0x1.62e42fee00000p-1;
    r = r - n * 0x1.a39ef35793c76p-33;
    *scale = (vec)(((vec_int)shifted << 52) + 0x3ff0000000000000);
    vec p = vec_all(1.0 / 6227020800); /* the series: r^14 / 14! is below the last place */
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    return p * (r * r) + r;
}
#else
#define VEC_EXP_LIMIT 87.3f
VEC_INLINE vec vec_exp_reduced(vec x, vec *scale)
{
    vec shifted = x * 1.44269504f + 0x1.8p23f;
    vec n = shifted - 0x1.8p23f;
    vec r = x - n * 0x1.62e400p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    *scale = (vec)(((vec_int)shifted << 23) + 0x3f800000);
    vec p = vec_all(0.00139262681f); /* (e^r - 1 - r) / r^2, interpolated at Chebyshev's points: within 3e-8 */
    p = p * r + 0.00836324667f;
    p = p * r + 0.0416665541f;
    p = p * r + 0.166665766f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}
#endif

/* e^x; outside +-VEC_EXP_LIMIT what it is there. */
VEC_INLINE vec vec_exp(vec x)
{
    vec scale;
    vec p = vec_exp_reduced(vec_at_least(vec_at_most(x, VEC_EXP_LIMIT), -VEC_EXP_LIMIT), &scale);
    return scale * p + scale;
}

/* 1 / (1 + e^-x) */
VEC_INLINE vec vec_sigmoid(vec x)
{
    return (real)1 / ((real)1 + vec_exp(-x));
}

/* tanh |x| = -u / (2 + u) with u = e^(-2|x|) - 1, which keeps its last places near 0. */
VEC_INLINE vec vec_tanh(vec x)
{
    vec scale;
    vec p = vec_exp_reduced(vec_at_least((real)-2 * vec_abs(x), -VEC_EXP_LIMIT), &scale);
    vec u = scale * p + (scale - (real)1);
    return vec_sign_of(-u / (u + (real)2), x);
}

#endif
