/* vec: as many reals as a vector register holds, for the sources of kernels that are compiled once per instruction
 * set (kern.h). The arithmetic is GCC's and clang's vector extension, so one text serves every CPU, float and double.
 *
 * exp, tanh and sigmoid have their one definition here: no libm, no approximate reciprocals. Over the whole range of
 * floats they are within 2 units in the last place of the nearest float: infinities, numbers below the normal ones
 * and signed zeros included; NaN comes out as NaN. */
#ifndef MATH_VEC_H
#define MATH_VEC_H

#include <stdint.h>
#include <string.h>

#include "base/real.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
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
typedef uint64_t vec_bits __attribute__((vector_size(VEC_BYTES)));
#else
typedef int32_t vec_int __attribute__((vector_size(VEC_BYTES)));
typedef uint32_t vec_bits __attribute__((vector_size(VEC_BYTES)));
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

/* The larger or smaller of two; b where one is NaN, as the processors' own instructions have it. */
VEC_INLINE vec vec_max(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__) && !defined(RUNNEL_DOUBLE)
    return _mm256_max_ps(a, b);
#else
    return vec_select(a > b, a, b);
#endif
}

VEC_INLINE vec vec_min(vec a, vec b)
{
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    return _mm512_min_ps(a, b);
#elif defined(__AVX2__) && !defined(RUNNEL_DOUBLE)
    return _mm256_min_ps(a, b);
#else
    return vec_select(a < b, a, b);
#endif
}

/* x moved into a range; NaN stays. */
VEC_INLINE vec vec_at_least(vec x, real low)
{
    return vec_max(vec_all(low), x);
}

VEC_INLINE vec vec_at_most(vec x, real high)
{
    return vec_min(vec_all(high), x);
}

/* |x|, and a magnitude with x's sign. */
VEC_INLINE vec vec_abs(vec x)
{
    const vec_int sign = (vec_int)vec_all(-(real)0);
    return (vec)((vec_int)x & ~sign);
}

VEC_INLINE vec vec_sign_of(vec magnitude, vec x)
{
    const vec_int sign = (vec_int)vec_all(-(real)0);
    return (vec)(((vec_int)magnitude & ~sign) | ((vec_int)x & sign));
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

/* x = n ln 2 + r with |r| <= ln 2 / 2: returns e^r - 1, for x from VEC_EXP_LEAST to VEC_EXP_MOST. Adding VEC_ROUND,
 * whose last place is 1, rounds to a whole number: the last bits of *shifted are those of n plus twice the bias of an
 * exponent. */
#ifdef RUNNEL_DOUBLE
#define VEC_ROUND     (0x1.8p52 + 2046)
#define VEC_MANTISSA  52
#define VEC_EXPONENT  0xfff0000000000000
#define VEC_EXP_LEAST -746.0 /* rounds to 0 from here down, */
#define VEC_EXP_MOST  710.0  /* to infinity from here up */
VEC_INLINE vec vec_exp_reduced(vec x, vec *shifted)
{
    *shifted = x * 1.4426950408889634 + VEC_ROUND;
    vec n = *shifted - VEC_ROUND;
    vec r = x - n * 0x1.62e42fee00000p-1;
    r = r - n * 0x1.a39ef35793c76p-33;
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
#define VEC_ROUND     (0x1.8p23f + 254)
#define VEC_MANTISSA  23
#define VEC_EXPONENT  0xff800000
#define VEC_EXP_LEAST -104.0f
#define VEC_EXP_MOST  89.0f
VEC_INLINE vec vec_exp_reduced(vec x, vec *shifted)
{
    *shifted = x * 1.44269504f + VEC_ROUND;
    vec n = *shifted - VEC_ROUND;
    vec r = x - n * 0x1.62e400p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    vec p = vec_all(0.00139262681f); /* (e^r - 1 - r) / r^2, interpolated at Chebyshev's points: within 3e-8 */
    p = p * r + 0.00836324667f;
    p = p * r + 0.0416665541f;
    p = p * r + 0.166665766f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}
#endif

/* e^x: infinity, numbers below the normal ones, and 0 where they are due. Where they are, 2^n is no float, so it is
 * applied as two factors, unless there is an instruction for it. Far below, 0 is set rather than computed: results
 * that underflow are slow on some processors, and padding is as low as that. */
VEC_INLINE vec vec_exp_below(vec x) /* at most VEC_EXP_MOST, or NaN */
{
    vec shifted, p = vec_exp_reduced(x, &shifted);
#if defined(__AVX512F__) && !defined(RUNNEL_DOUBLE)
    __mmask16 above = _mm512_cmp_ps_mask(x, vec_all(VEC_EXP_LEAST), _CMP_NLT_UQ);
    return _mm512_maskz_scalef_ps(above, p + (real)1, shifted - VEC_ROUND);
#else
    vec_bits half = ((vec_bits)shifted << (VEC_MANTISSA - 1)) & VEC_EXPONENT;
    vec_bits rest = ((vec_bits)shifted << VEC_MANTISSA) - half;
    vec y = ((vec)half * p + (vec)half) * (vec)rest;
    return (vec)((vec_int)y & ~(x < VEC_EXP_LEAST));
#endif
}

VEC_INLINE vec vec_exp(vec x)
{
    return vec_exp_below(vec_at_most(x, VEC_EXP_MOST));
}

/* 1 / (1 + e^-x) = e^x / (1 + e^x), which is 1 long before e^x is infinite. */
VEC_INLINE vec vec_sigmoid(vec x)
{
    vec e = vec_exp_below(vec_at_most(x, 40));
    return e / (e + (real)1);
}

/* tanh |x| = -u / (2 + u) with u = e^(-2|x|) - 1, which keeps its last places near 0, and is -1 long before e^-40. */
VEC_INLINE vec vec_tanh(vec x)
{
    vec shifted, p = vec_exp_reduced(vec_at_least((real)-2 * vec_abs(x), -40), &shifted);
    vec scale = (vec)(((vec_bits)shifted << VEC_MANTISSA) - (vec_bits)vec_all(1));
    vec u = scale * p + (scale - (real)1);
    return vec_sign_of(u / (u + (real)2), x);
}

#endif
