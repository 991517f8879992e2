#include <string.h>

#include "net/head.h"

static size_t width(size_t dim, size_t mixtures)
{
    (void)mixtures;
    return dim;
}

static void loss(const struct head_rows *h, size_t low, size_t high)
{
    for (size_t row = low; row < high; row++) {
        const real *o = h->out + row * h->stride;
        double sum = 0;
        for (size_t d = 0; d < h->dim && head_has_target(h, row); d++) {
            double difference = (double)o[d] - (double)h->wanted[row * h->dim + d];
            sum += difference * difference;
        }
        h->losses[row] = sum / (double)h->dim;
    }
}

/* do = 2/D (o - y) */
static void gradient(const struct head_rows *h, size_t low, size_t high, real scale)
{
    for (size_t row = low; row < high; row++) {
        real *o = h->out + row * h->stride, slope = 2 * scale / (real)h->dim;
        if (!head_has_target(h, row)) {
            head_zero(h, row);
            continue;
        }
        for (size_t d = 0; d < h->dim; d++)
            o[d] = slope * (o[d] - h->wanted[row * h->dim + d]);
        head_zero_padding(h, row);
    }
}

/* There is no spread to draw from. */
static void value(const real *out, size_t width_of_out, size_t dim, struct rng *rng, double bias, real *to)
{
    (void)width_of_out, (void)rng, (void)bias;
    memcpy(to, out, dim * sizeof *to);
}

const struct head head_squared = {.name = "squared",
                                  .width = width,
                                  .loss = loss,
                                  .gradient = gradient,
                                  .value = value};
