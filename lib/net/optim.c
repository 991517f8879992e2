#include "net/optim.h"

#include <math.h>
#include <string.h>

#include "net/net_code.h"

/* A row each, in the order of OPTIM_CHOICES. */
static const struct {
    int moments;
    double rate; /* when --lr is not given */
} optimizers[] = {{0, 0.1}, {1, 2e-3}, {2, 2e-3}};

#define AT(field) offsetof(struct optim_config, field)
const struct opt optim_options[] = {
    {"optimizer", 0, OPT_CHOICE, AT(optimizer), OPT_RECORD, NULL, "rmsprop", 0, 0, OPTIM_CHOICES,
     "how values follow their gradients"},
    {"lr", 0, OPT_REAL, AT(lr), OPT_RECORD | OPT_LOW_OPEN, "RATE", NULL, 0, 1e6, NULL,
     "the learning rate (default: sgd 0.1, rmsprop and adam 0.002)"},
    {"clip", 0, OPT_REAL, AT(clip), OPT_RECORD, "NORM", "5", 0, 1e9, NULL,
     "scale the gradient down to this norm (0: never)"},
    {"rms-decay", 0, OPT_REAL, AT(alpha), OPT_RECORD, "A", "0.95", 0, 0.999999, NULL,
     "the decay of rmsprop's mean square"},
    {"beta1", 0, OPT_REAL, AT(beta1), OPT_RECORD, "B", "0.9", 0, 0.999999, NULL, "the decay of adam's mean"},
    {"beta2", 0, OPT_REAL, AT(beta2), OPT_RECORD, "B", "0.999", 0, 0.999999, NULL, "the decay of adam's mean square"},
    {"epsilon", 0, OPT_REAL, AT(epsilon), OPT_RECORD | OPT_LOW_OPEN, "E", "1e-8", 0, 1, NULL,
     "what is added to the root of the mean square"},
    {0},
};

void optim_make(struct optim *o, const struct optim_config *config, struct params *p)
{
    *o = (struct optim){.config = *config, .moments = optimizers[config->optimizer].moments};
    params_moments(p, o->moments);
}

double optim_rate(const struct optim *o)
{
    return o->config.lr > 0 ? o->config.lr : optimizers[o->config.optimizer].rate;
}

/* base^n by squaring: libm's pow may differ in the last place from one version to the next. */
static double power(double base, uint64_t n)
{
    double result = 1;
    for (; n > 0; n >>= 1, base *= base)
        if (n & 1)
            result *= base;
    return result;
}

double optim_step(struct optim *o, struct params *p, double lr)
{
    const struct optim_config *c = &o->config;
    const struct net_code *code = net_code();
    double norm = sqrt(code->squares(p->n, p->gradient));
    if (!isfinite(norm))
        return norm;
    o->steps++;
    double scale = c->clip > 0 && norm > c->clip ? c->clip / norm : 1;
    struct optim_numbers numbers = {.scale = (real)scale, .rate = (real)lr, .epsilon = (real)c->epsilon};
    bool adam = o->moments == 2;
    double decay = adam ? c->beta2 : c->alpha;
    numbers.decay = (real)decay;
    numbers.keep = (real)(1 - decay);
    numbers.decay1 = (real)c->beta1;
    numbers.keep1 = (real)(1 - c->beta1);
    if (adam) {
        numbers.rate = (real)(lr / (1 - power(c->beta1, o->steps)));
        numbers.bias = (real)(1 / sqrt(1 - power(c->beta2, o->steps)));
    }
    code->rules[c->optimizer](p->n, p->value, p->gradient, p->moment[0], p->moment[1], &numbers);
    return norm;
}
