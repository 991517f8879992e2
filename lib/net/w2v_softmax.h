/* w2v_softmax: the loss that negative sampling and hierarchical softmax stand in for, exactly (Mikolov et al. 2013,
 * equations (1) and (2)): over the words k that occur in the text,
 *
 *     L(h) = -log p(o | h),   p(k | h) = exp(out_k . h) / sum over words j of exp(out_j . h)
 *
 * A step reads and moves every row of `out`, O(V D): for small vocabularies. Its work is shared among the threads of
 * the pool, first by words, then by columns, so that the result is the same for any number of them. */
#ifndef NET_W2V_SOFTMAX_H
#define NET_W2V_SOFTMAX_H

#include "net/w2v.h"

enum { W2V_SOFTMAX_BLOCK = 64 }; /* outputs scored together */

struct w2v_softmax {
    const struct w2v *w;
    size_t n;      /* words */
    uint32_t *ids; /* [n] theirs */
    /* private: of one step, e = exp(score - largest of its block), by blocks, groups of W2V_OUT_GROUP, inputs */
    real *e;       /* [n rounded up to blocks, W2V_MAX_IN] */
    real *largest; /* [blocks, W2V_MAX_IN]; then what e is multiplied by for rate * p */
    real *sums;    /* [blocks, W2V_MAX_IN] of e */
    real *delta;   /* [W2V_MAX_IN, stride] */
    struct w2v_step *step;
    uint32_t centre;
    real target[W2V_MAX_IN]; /* the centre's scores */
};

/* Over the words whose count is not 0. The model is kept. */
void w2v_softmax_open(struct w2v_softmax *x, const struct w2v *w, const uint64_t *counts);
void w2v_softmax_close(struct w2v_softmax *x);

/* A step of inputs against all words, of which `centre` was there: moves step->add and `out` and adds to step->loss;
 * the step's own outputs are not looked at. */
void w2v_softmax_learn(struct w2v_softmax *x, struct w2v_step *step, uint32_t centre);

#endif
