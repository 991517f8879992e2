/* w2v_step: the arithmetic of one step of learning word vectors, n input rows against m output rows at once.
 *
 *     s_ik = in_i . out_k                                        scores, [n, m]
 *     g_ik = rate * w_ik * (1 - sigmoid(sign(w_ik) s_ik))        w > 0: k was there, w < 0: it was not; |w| times
 *     add_i += sum_k g_ik out_k,   out_k += sum_i g_ik in_i      both from the values before the step
 *
 * so that a step is one of steepest descent on the sum of -|w_ik| log sigmoid(sign(w_ik) s_ik). Two inputs may be the
 * same row, whose second reading then may or may not see the first's change; outputs are distinct rows. */
#ifndef MATH_W2V_STEP_H
#define MATH_W2V_STEP_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "math/kern.h"

enum {
    W2V_LANES = 16, /* rows are a multiple of this long, the rest zeros, and aligned to MEM_ALIGN */
    W2V_MAX_IN = 32,
    W2V_MAX_OUT = 67,
    W2V_OUT_GROUP = 8, /* of which there are */
    W2V_OUT_GROUPS = (W2V_MAX_OUT + W2V_OUT_GROUP - 1) / W2V_OUT_GROUP,
};

#ifdef RUNNEL_DOUBLE
typedef int64_t w2v_power;
#else
typedef int32_t w2v_power; /* half a million steps fit, or twice that of one centre: more than any chunk has */
#endif

/* A running sum of losses in W2V_LANES parts: each is a product of probabilities, as a fraction from 1 to 2 and a power
 * of two, so that no logarithm is taken before the sum is asked for. */
struct w2v_loss {
    real fraction[W2V_LANES];
    w2v_power power[W2V_LANES];
    double nats; /* of losses that come as logarithms */
};

/* What a step is told, and its scratch. */
struct w2v_step {
    size_t d, n, m; /* 1 .. W2V_MAX_IN, 1 .. W2V_MAX_OUT */
    real rate;
    real *in[W2V_MAX_IN];  /* rows read */
    real *add[W2V_MAX_IN]; /* rows moved: in skip-gram those read */
    real *out[W2V_MAX_OUT];
    struct w2v_loss *loss; /* added to; scores beyond +-25 count as 25 */
    /* w, and s or g, at w2v_place; |w| is 0, 1 or 2, and behind the last output, up to a whole group, 0. */
    real weight[W2V_OUT_GROUPS * W2V_MAX_IN * W2V_OUT_GROUP];
    real score[W2V_OUT_GROUPS * W2V_MAX_IN * W2V_OUT_GROUP];
};

/* Where what belongs to input i and output k stands: by groups of outputs, in a group by rows. */
static inline size_t w2v_place(size_t i, size_t k)
{
    return (k / W2V_OUT_GROUP * W2V_MAX_IN + i) * W2V_OUT_GROUP + k % W2V_OUT_GROUP;
}

/* How many words of a union of two contexts belong to the first alone, to the second alone, to both; they stand in this
 * order. */
struct w2v_shares {
    size_t first, second, both;
};

struct w2v_code {
    void (*learn)(struct w2v_step *s);
    /* The parts of learn, for losses of other forms: s, and the changes by g. */
    void (*score)(struct w2v_step *s);
    void (*update)(struct w2v_step *s);
    /* mean[0] and mean[1] become the means of the two contexts' rows; every row += the delta of its context, or of
     * both. A row may stand there several times. */
    void (*mean)(size_t d, struct w2v_shares n, real *const *rows, real *const mean[2]);
    void (*spread)(size_t d, struct w2v_shares n, real *const *rows, real *const delta[2]);
};

extern const struct w2v_code w2v_plain, w2v_avx2, w2v_avx512;

#endif
