/* rng: the one generator.
 *
 * Counter-based (the SplitMix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the
 * n-th number is a hash of key + n * constant, so the whole state is two words, a copy is a snapshot, and a fork by
 * purpose and index needs no knowledge of what was drawn before. Pass it by value to whoever may draw on their own,
 * by pointer to whoever draws for the caller. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t key, count;
};

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A generator for a seed as the user gave it. */
static inline struct rng rng_seed(uint64_t seed)
{
    return (struct rng){.key = rng_mix(seed ^ 0x52756e6e656c2121u)};
}

/* An independent generator for one purpose ("init", "dropout") and one index (epoch, item, thread). It depends on the
 * key alone, not on how much the parent has drawn. */
struct rng rng_fork(struct rng parent, const char *purpose, uint64_t index);

/* 64 uniform bits. */
static inline uint64_t rng_next(struct rng *r)
{
    return rng_mix(r->key + ++r->count * 0x9e3779b97f4a7c15u);
}

/* Uniform over 0 .. n-1, n > 0 (Lemire's multiply-shift; the bias of n / 2^64 is not corrected). */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

/* Uniform over [0, 1), 53 bits. */
static inline double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* Standard normal (C. Karney, "Sampling exactly from the normal distribution", ACM Trans. Math. Software 42, 2016: from
 * comparisons alone, so that no library's logarithm has a say in the bytes). Draws a varying number of words. */
double rng_normal(struct rng *r);

#endif
