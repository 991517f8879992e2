/* optim: from gradients to new values. Adding an optimizer is a rule in optim_rules.h and a row of its table.
 *
 *     sgd       w -= lr g
 *     momentum  m = mu m + g;  w -= lr m                                      (Polyak 1964)
 *     adagrad   v += g^2;  w -= lr g / (sqrt(v) + eps)                        (Duchi, Hazan and Singer 2011)
 *     rmsprop   v = a v + (1-a) g^2;  w -= lr g / (sqrt(v) + eps)             (Tieleman and Hinton 2012)
 *     adam      m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
 *               w -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)           (Kingma and Ba 2015)
 *
 * Before that the gradient is scaled so that its Euclidean norm is at most `clip` (Pascanu, Mikolov, Bengio 2013), and
 * then every element is cut to +-clip_value (Mikolov 2012).
 *
 * Of tables of words (params.h) sgd and adagrad visit only the words that a step has touched: to the others they do
 * nothing. */
#ifndef NET_OPTIM_H
#define NET_OPTIM_H

#include <stdint.h>

#include "base/opt.h"
#include "net/params.h"

#define OPTIM_CHOICES "sgd|momentum|adagrad|rmsprop|adam"
enum { OPTIM_SGD, OPTIM_MOMENTUM, OPTIM_ADAGRAD, OPTIM_RMSPROP, OPTIM_ADAM };

struct optim_config {
    int optimizer;       /* index among OPTIM_CHOICES */
    double lr;           /* learning rate; the trainer may lower the one it passes to optim_step */
    double clip;         /* largest norm of the gradient; 0: never scaled */
    double clip_value;   /* largest element of it; 0: never cut */
    double momentum;     /* mu */
    double alpha;        /* rmsprop */
    double beta1, beta2; /* adam */
    double epsilon;      /* adagrad, rmsprop, adam */
};

/* The optimizer's options, all recorded; the config they fill is optim_config. */
extern const struct opt optim_options[];

struct optim {
    struct optim_config config;
    uint64_t steps; /* updates done; belongs into a checkpoint (adam's t) */
    int moments;    /* blocks of params->moment in use: those a checkpoint stores */
};

/* Starts an optimizer for parameters that are allocated; makes its moments. */
void optim_make(struct optim *o, const struct optim_config *config, struct params *p);

/* The default learning rate of the chosen optimizer is used when the config's is 0: that rate. */
double optim_rate(const struct optim *o);

/* Clips, updates with learning rate `lr`, zeroes the gradient, and returns the norm before clipping. A norm that is
 * NaN or infinite changes nothing but is returned: training has diverged. Call model_refresh afterwards. */
double optim_step(struct optim *o, struct params *p, double lr);

#endif
