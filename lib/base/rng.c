#include "base/rng.h"

#include <stdbool.h>

struct rng rng_fork(struct rng parent, const char *purpose, uint64_t index)
{
    uint64_t key = parent.key;
    for (const char *c = purpose; *c; c++)
        key = rng_mix(key ^ (unsigned char)*c) + 0x9e3779b97f4a7c15u;
    return (struct rng){.key = rng_mix(rng_mix(key) + index * 0xd1b54a32d192ed03u)};
}

/* True with probability e^-p, for p of 0..1 (von Neumann): uniform numbers that fall from p on, how many? n or more
 * with probability p^n / n!, so an even number with 1 - p + p^2/2! - ... */
static bool survives(struct rng *r, double p)
{
    bool even = true;
    for (double u; (u = rng_unit(r)) < p; p = u)
        even = !even;
    return even;
}

/* With k of probability ~ e^(-k/2), taken with e^(-k(k-1)/2), and x uniform, taken with e^(-x(2k+x)/2), k + x has the
 * density ~ e^(-(k+x)^2/2). */
double rng_normal(struct rng *r)
{
    for (;;) {
        int k = 0;
        while (survives(r, 0.5))
            k++;
        bool taken = true;
        for (int i = 0; taken && i < k * (k - 1); i++)
            taken = survives(r, 0.5);
        double x = rng_unit(r);
        for (int i = 0; taken && i <= k; i++)
            taken = survives(r, x * (2 * k + x) / (2 * k + 2));
        if (taken)
            return rng_next(r) >> 63 ? k + x : -(k + x);
    }
}
