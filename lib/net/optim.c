#include "net/optim.h"

#include <math.h>
#include <string.h>

#include "net/net_code.h"

/* A row each, in the order of OPTIM_CHOICES. */
static const struct {
    int moments;
    double rate; /* when --lr is not given */
    bool lazy;   /* a gradient of zero changes nothing */
} optimizers[] = {{0, 0.1, true}, {1, 0.01, false}, {1, 0.01, true}, {1, 2e-3, false}, {2, 2e-3, false}};

#define AT(field) offsetof(struct optim_config, field)
const struct opt optim_options[] = {
    {"optimizer", 0, OPT_CHOICE, AT(optimizer), OPT_RECORD, NULL, "rmsprop", 0, 0, OPTIM_CHOICES,
     "how values follow their gradients"},
    {"lr", 0, OPT_REAL, AT(lr), OPT_RECORD | OPT_LOW_OPEN, "RATE", NULL, 0, 1e6, NULL,
     "the learning rate (default: sgd 0.1, momentum and adagrad 0.01, rmsprop and adam 0.002)"},
    {"clip", 0, OPT_REAL, AT(clip), OPT_RECORD, "NORM", "5", 0, 1e9, NULL,
     "scale the gradient down to this norm (0: never)"},
    {"clip-value", 0, OPT_REAL, AT(clip_value), OPT_RECORD, "X", "0", 0, 1e9, NULL,
     "then cut every element of the gradient to X (0: never)"},
    {"momentum", 0, OPT_REAL, AT(momentum), OPT_RECORD, "M", "0.9", 0, 0.999999, NULL,
     "how much of a step momentum keeps for the next"},
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

/* ---- A step over the runs of the blocks -------------------------------------------------------------------------- */

struct run {
    const struct net_code *code;
    const struct params *p;
    optim_rule *rule;
    struct optim_numbers numbers;
    double squares;
};

static void run_squares(void *context, size_t offset, size_t n)
{
    struct run *r = context;
    r->squares += r->code->squares(n, r->p->gradient + offset);
}

static void run_rule(void *context, size_t offset, size_t n)
{
    const struct run *r = context;
    real *const *moment = r->p->moment;
    r->rule(n, r->p->value + offset, r->p->gradient + offset, moment[0] ? moment[0] + offset : NULL,
            moment[1] ? moment[1] + offset : NULL, &r->numbers);
}

static struct optim_numbers numbers_of(const struct optim *o, double scale, double lr)
{
    const struct optim_config *c = &o->config;
    bool adam = o->moments == 2;
    double decay = adam ? c->beta2 : c->alpha;
    struct optim_numbers n = {.scale = (real)scale,
                              .rate = (real)lr,
                              .most = c->clip_value > 0 ? (real)c->clip_value : (real)1e30,
                              .momentum = (real)c->momentum,
                              .epsilon = (real)c->epsilon,
                              .decay = (real)decay,
                              .keep = (real)(1 - decay),
                              .decay1 = (real)c->beta1,
                              .keep1 = (real)(1 - c->beta1)};
    if (adam) {
        n.rate = (real)(lr / (1 - power(c->beta1, o->steps)));
        n.bias = (real)(1 / sqrt(1 - power(c->beta2, o->steps)));
    }
    return n;
}

double optim_step(struct optim *o, struct params *p, double lr)
{
    const struct net_code *code = net_code();
    struct run run = {.code = code, .p = p, .rule = code->rules[o->config.optimizer]};
    params_runs(p, false, run_squares, &run);
    double norm = sqrt(run.squares), clip = o->config.clip;
    if (!isfinite(norm))
        return norm;
    o->steps++;
    run.numbers = numbers_of(o, clip > 0 && norm > clip ? clip / norm : 1, lr);
    params_runs(p, !optimizers[o->config.optimizer].lazy, run_rule, &run);
    params_untouch(p);
    return norm;
}
