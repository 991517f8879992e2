/* attn: which source word each target word looks at, from the similarity of their vectors; and links made of that.
 *
 * For a pair of I source and J target words with vectors x_i and y_j, the score of looking from j at i is
 *
 *     s[j,i] = sim(y_j, x_i) / temperature - diagonal |(i + 1/2) / I - (j + 1/2) / J|
 *
 * with sim the cosine or the dot product; the second term is the prior that translations keep their order (Dyer,
 * Chahuneau and Smith, "A simple, fast, and effective reparameterization of IBM model 2", 2013). The attention of
 * j is the softmax of its row: a[j,i] = exp s[j,i] / sum_k exp s[j,k].
 *
 * A vector of zeros says nothing of its word (embed gives it to unknown words): such a source word is looked at by
 * none, such a target word has a row of zeros, and neither is ever linked. */
#ifndef NET_ATTN_H
#define NET_ATTN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/real.h"
#include "data/links.h"
#include "data/stream.h"

enum attn_similarity { ATTN_COSINE, ATTN_DOT };

/* How links are made:
 *   argmax     each target word with the source word it looks at most
 *   threshold  every pair whose attention is at least the threshold
 *   intersect  the links that argmax finds from the target to the source and, with softmax over target words, back
 *   agree      the pairs that are the best of both of their words by the product of both directions' softmax (Liang,
 *              Taskar and Klein, "Alignment by agreement", 2006) */
enum attn_links { ATTN_AGREE, ATTN_INTERSECT, ATTN_ARGMAX, ATTN_THRESHOLD };

struct attn_config {
    int similarity, links; /* of the enums above */
    double temperature;    /* 0: the usual one of the similarity */
    double diagonal;
    double threshold; /* no link below this attention; 0: the usual one */
};

extern const struct opt attn_options[];

/* Puts in what depends on other options: temperature and threshold. */
void attn_config_settle(struct attn_config *c);

/* A pair of sentences as vectors. */
struct attn_pair {
    size_t sources, targets, dim; /* I, J, D */
    const real *source, *target;  /* [I,D], [J,D] */
};

/* Memory for one pair after the other. Zero-initialize; attn_work_free. */
struct attn_work {
    real *target, *source; /* [J,D] scaled; [I,D] scaled and packed for gemm */
    real *scores;          /* [J, stride] */
    real *row, *most;      /* [stride] */
    double *sums;          /* [stride + J] */
    bool *known;           /* [I + J]: has the word a vector? sources first */
    size_t stride, room[7];
};
void attn_work_free(struct attn_work *w);

/* The attention [J,I] of a pair, and its links, sorted. STATUS_DATA when a dot product is no finite number. */
int attn_align_pair(const struct attn_config *c, const struct attn_pair *p, struct attn_work *w, real *attention,
                    struct links *links, struct err *e);

/* The most cells I * J of a pair; more is STATUS_DATA. */
enum { ATTN_MAX_CELLS = 1 << 24 };

/* Aligns every pair of a batch by its columns src.vec and tgt.vec and adds the columns attn.offsets, attn.shape,
 * attn, links.offsets and links. Uses the threads of par.h; the result does not depend on them. */
int attn_align(const struct attn_config *c, struct batch *batch, struct err *e);

#endif
