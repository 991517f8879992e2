#include "net/head.h"

static size_t width(size_t classes, size_t mixtures)
{
    (void)mixtures;
    return classes;
}

static void loss(const struct head_rows *h, size_t low, size_t high)
{
    softmax_loss(h->out, h->stride, h->width, h->targets, low, high, h->norm, h->losses);
}

static void gradient(const struct head_rows *h, size_t low, size_t high, real scale)
{
    softmax_gradient(h->out, h->stride, h->width, h->targets, low, high, h->norm, scale);
}

const struct head head_softmax = {.name = "softmax",
                                  .classes = true,
                                  .width = width,
                                  .loss = loss,
                                  .gradient = gradient};
