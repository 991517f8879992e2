/* net_code: everything of the nets that is compiled once per instruction set (kern.h): the cells, the optimizers'
 * rules, the softmax, and sums over rows. net_source.h is the one text; net_plain.c, net_avx2.c and net_avx512.c
 * compile it. */
#ifndef NET_NET_CODE_H
#define NET_NET_CODE_H

#include "net/cell.h"

/* An optimizer's numbers for one step, rounded to real once. */
struct optim_numbers {
    real scale, rate; /* of the gradient; of the step */
    real most;        /* what an element of the gradient is cut to */
    real momentum;
    real decay1, keep1; /* first moment: its decay and 1 - decay */
    real decay, keep;   /* second moment */
    real bias, epsilon;
};
typedef void optim_rule(size_t n, real *w, real *g, real *m, real *v, const struct optim_numbers *c);

struct net_code {
    const struct cell *cells;                   /* in the order of CELL_CHOICES */
    optim_rule *const *rules;                   /* in the order of OPTIM_CHOICES */
    double (*squares)(size_t n, const real *x); /* sum of x^2; n a multiple of 16 */
    /* Rows of one panel, of which `width` columns (a multiple of 16) are used. start: z[row] = bias +
     * table[ids[row]]; scatter: table[ids[row]] += dz[row]; sums: sum += dz[row], rows `stride` apart. */
    void (*start)(size_t rows, size_t width, real *z, const real *bias, const real *table, const uint32_t *ids);
    void (*scatter)(size_t rows, size_t width, const real *dz, real *table, const uint32_t *ids);
    void (*sums)(size_t rows, size_t width, const real *dz, size_t stride, real *sum);
    /* One row of logits, its padding overwritten: the largest, and the sum of e^(x - largest). */
    real (*softmax)(size_t classes, real *x, real *largest);
    /* x = scale * e^(x - norm), padding 0. */
    void (*probabilities)(size_t classes, real *x, real norm, real scale);
};
extern const struct net_code net_plain, net_avx2, net_avx512;

/* The code of kern_level(). */
const struct net_code *net_code(void);

#endif
