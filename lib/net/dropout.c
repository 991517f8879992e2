#include "net/dropout.h"

void dropout(const real *x, size_t row, real *y, size_t y_row, size_t width, size_t low, size_t high, real share,
             struct rng rng)
{
    const uint32_t least = (uint32_t)((double)share * 0x1p32);
    const real scale = 1 / (1 - share);
    for (size_t r = low; r < high; r++) {
        struct rng words = rng_fork(rng, "row", r);
        const real *from = x + r * row;
        real *to = y + r * y_row;
        for (size_t k = 0; k < width; k += 2) { /* half a word decides each */
            uint64_t word = rng_next(&words);
            to[k] = (uint32_t)word < least ? 0 : from[k] * scale;
            if (k + 1 < width)
                to[k + 1] = (uint32_t)(word >> 32) < least ? 0 : from[k + 1] * scale;
        }
    }
}
