/* w2v_step: the arithmetic of one step of negative sampling, n input rows against m output rows at once.
 *
 *     s_ik = in_i . out_k                                       scores, [n, m]
 *     g_ik = rate * (label_k - sigmoid(s_ik))                   label 1 for k = 0, the word that was there, else 0
 *     add_i += sum_k g_ik out_k,   out_k += sum_i g_ik in_i     both from the values before the step
 *
 * so that a step is one of steepest descent on the sum of -log sigmoid(+-s_ik). Two inputs may be the same row, whose
 * second reading then may or may not see the first's change; outputs are distinct rows. */
#ifndef MATH_W2V_STEP_H
#define MATH_W2V_STEP_H

#include <stddef.h>

#include "base/real.h"
#include "math/kern.h"

enum {
    W2V_LANES = 16, /* rows are a multiple of this long, the rest zeros, and aligned to MEM_ALIGN */
    W2V_MAX_IN = 32,
    W2V_MAX_OUT = 65,
};

/* A running sum of losses: log is taken of products, not of each number. */
struct w2v_loss {
    double sum;     /* nats, of what has left the product */
    double product; /* of probabilities still to be counted; begins as 1 */
};

/* What a step is told, and its scratch. */
struct w2v_step {
    size_t d, n, m; /* 1 .. W2V_MAX_IN, 1 .. W2V_MAX_OUT */
    real rate;
    real *in[W2V_MAX_IN];  /* rows read */
    real *add[W2V_MAX_IN]; /* rows moved: in skip-gram those read */
    real *out[W2V_MAX_OUT];
    struct w2v_loss loss;                             /* added to; scores beyond +-25 count as 25 */
    real score[W2V_MAX_IN * W2V_MAX_OUT + W2V_LANES]; /* s, then g */
};

struct w2v_code {
    void (*learn)(struct w2v_step *s);
    /* mean = the mean of n rows; every row += delta. A row may stand there several times. */
    void (*mean)(size_t d, size_t n, real *const *rows, real *mean);
    void (*spread)(size_t d, size_t n, real *const *rows, const real *delta);
};

extern const struct w2v_code w2v_plain, w2v_avx2, w2v_avx512;

#endif
