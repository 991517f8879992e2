#include "net/loss.h"

#include "math/gemm.h"
#include "net/net_code.h"

void softmax_loss(real *logits, size_t stride, size_t classes, const uint32_t *targets, size_t low, size_t high,
                  real *norm, double *losses)
{
    const struct net_code *code = net_code();
    for (size_t row = low; row < high; row++) {
        real *x = logits + row * stride, largest;
        real sum = code->softmax(classes, x, &largest);
        double log_sum = (double)largest + scalar_log((double)sum);
        norm[row] = (real)log_sum;
        losses[row] = targets && targets[row] != TARGET_NONE ? log_sum - (double)x[targets[row]] : 0;
    }
}

void softmax_gradient(real *logits, size_t stride, size_t classes, const uint32_t *targets, size_t low, size_t high,
                      const real *norm, real scale)
{
    const struct net_code *code = net_code();
    for (size_t row = low; row < high; row++) {
        real *x = logits + row * stride;
        if (targets[row] == TARGET_NONE) {
            for (size_t k = 0; k < lanes_up(classes); k++)
                x[k] = 0;
        } else {
            code->probabilities(classes, x, norm[row], scale);
            x[targets[row]] -= scale;
        }
    }
}

void softmax_probabilities(const real *logits, size_t classes, real norm, real *probabilities)
{
    for (size_t k = 0; k < classes; k++)
        probabilities[k] = logits[k] - norm;
    array_exp(classes, probabilities, probabilities);
}
