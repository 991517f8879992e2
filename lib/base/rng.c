#include "base/rng.h"

#include <math.h>

struct rng rng_fork(struct rng parent, const char *purpose, uint64_t index)
{
    uint64_t key = parent.key;
    for (const char *c = purpose; *c; c++)
        key = rng_mix(key ^ (unsigned char)*c) + 0x9e3779b97f4a7c15u;
    return (struct rng){.key = rng_mix(rng_mix(key) + index * 0xd1b54a32d192ed03u)};
}

double rng_normal(struct rng *r)
{
    for (;;) {
        double x = 2 * rng_unit(r) - 1, y = 2 * rng_unit(r) - 1, s = x * x + y * y;
        if (s > 0 && s < 1)
            return x * sqrt(-2 * log(s) / s);
    }
}
