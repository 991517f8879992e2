#include "net/dropout.h"

void dropout(const real *x, size_t row, real *y, size_t y_row, size_t width, size_t low, size_t high, real share,
             struct rng rng)
{
    const uint32_t least = (uint32_t)((double)share * 0x1p32);
    const real factor[2] = {0, 1 / (1 - share)}; /* looked up: no branch could be foretold */
    for (size_t r = low; r < high; r++) {
        struct rng words = rng_fork(rng, "row", r);
        const real *from = x + r * row;
        real *to = y + r * y_row;
        for (size_t k = 0; k < width; k += 2) { /* half a word decides each */
            uint64_t word = rng_next(&words);
            to[k] = from[k] * factor[(uint32_t)word >= least];
            if (k + 1 < width)
                to[k + 1] = from[k + 1] * factor[(uint32_t)(word >> 32) >= least];
        }
    }
}
