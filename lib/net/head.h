/* head: what the outputs of a network mean: a loss, its gradient, and a sample. Adding one is its functions in a file
 * head_NAME.c, a row of the table in head.c, and its name in HEAD_CHOICES.
 *
 *     softmax   o [K]: log-odds of K classes                loss = -log softmax(o)[target]
 *     squared   o [D]: the value itself                     loss = 1/D sum (o_d - y_d)^2
 *     mixture   o [6M+1]: M bivariate Gaussians over (y_0, y_1) and the probability of the bit y_2
 *               (A. Graves, "Generating sequences with recurrent neural networks", 2013, equations 15 to 25)
 *                   o = [e, pi [M], mu_0 [M], mu_1 [M], sigma_0 [M], sigma_1 [M], rho [M]]
 *                   e = sigmoid(o), pi = softmax(o), mu = o, sigma = e^o, rho = tanh(o)
 *               loss = -log sum_j pi_j N(y_0, y_1; mu_j, sigma_j, rho_j) - log(e or 1 - e)
 *
 * All losses are in nats (squared: in squared units); the gradient is of their sum times `scale` (1 / rows of the
 * batch: summed over steps, averaged over the batch).
 *
 * A density has no upper bound: on points that lie on a line a Gaussian may become ever narrower. So outputs for sigma
 * count within +-7 (1/1097 to 1097: targets of about unit variance are meant) and those for rho within +-4 (0.9993);
 * beyond, their gradient is 0. Finite floats, however extreme, then have a finite loss (their gradient may overflow to
 * infinity), and NaN has NaN: what diverges is seen in the step where it does. */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "base/rng.h"
#include "net/loss.h"

#define HEAD_CHOICES "softmax|squared|mixture"
enum head_kind { HEAD_SOFTMAX, HEAD_SQUARED, HEAD_MIXTURE };
/* The most Gaussians; the numbers of a target; outputs for each Gaussian, beside one. */
enum { HEAD_MIXTURES = 256, HEAD_MIXTURE_DIM = 3, HEAD_MIXTURE_OUTPUTS = 6 };

/* The outputs of some rows and what they should have been. */
struct head_rows {
    real *out;               /* [rows, stride]: outputs; head gradient: their gradient, in place */
    size_t stride, width;    /* `width` outputs used; columns up to a whole vector of 16 are overwritten: gradient 0 */
    const uint32_t *targets; /* [rows] softmax: a class; others: anything, or NULL; TARGET_NONE: no loss, no gradient */
    const real *wanted;      /* [rows, dim]: real targets of the others; NULL (softmax: targets NULL): loss 0 */
    size_t dim;              /* D */
    real *norm;              /* [rows]: kept from loss to gradient (softmax: log sum exp) */
    double *losses;          /* [rows], written by loss */
};

struct head {
    const char *name;
    bool classes; /* targets are classes, not reals */
    /* Outputs for targets of `dim` (classes or dimensions) with so many mixtures; 0: no such head exists. */
    size_t (*width)(size_t dim, size_t mixtures);
    void (*loss)(const struct head_rows *h, size_t low, size_t high);
    void (*gradient)(const struct head_rows *h, size_t low, size_t high, real scale);
    /* Heads over reals (else NULL): one row's likeliest value (rng NULL: the mean of the likeliest Gaussian; bit 1
     * where its probability is above 1/2) or a drawn one, into value [dim]. A bias of the draw as in Graves's section
     * 5.4: sigma e^-bias, pi sharpened to pi^(1 + bias). */
    void (*value)(const real *out, size_t width, size_t dim, struct rng *rng, double bias, real *value);
};

extern const struct head head_softmax, head_squared, head_mixture;
const struct head *head_at(int kind);

/* For heads over reals: has this row a target? No gradient for it, nor in its padding; in its padding alone. */
bool head_has_target(const struct head_rows *h, size_t row);
void head_zero(const struct head_rows *h, size_t row);
void head_zero_padding(const struct head_rows *h, size_t row);

#endif
