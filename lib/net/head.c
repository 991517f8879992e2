#include "net/head.h"

#include <string.h>

#include "math/gemm.h"

static const struct head *const heads[] = {&head_softmax, &head_squared, &head_mixture}; /* as in HEAD_CHOICES */

const struct head *head_at(int kind)
{
    return heads[kind];
}

bool head_has_target(const struct head_rows *h, size_t row)
{
    return h->wanted && !(h->targets && h->targets[row] == TARGET_NONE);
}

static void zero_from(const struct head_rows *h, size_t row, size_t first)
{
    memset(h->out + row * h->stride + first, 0, (lanes_up(h->width) - first) * sizeof(real));
}

void head_zero(const struct head_rows *h, size_t row)
{
    zero_from(h, row, 0);
}

void head_zero_padding(const struct head_rows *h, size_t row)
{
    zero_from(h, row, h->width);
}
