#include "net/model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "math/gemm.h"

#define MODEL_MOST ((uint64_t)1 << 34) /* parameters */

#define AT(field) offsetof(struct model_config, field)
const struct opt model_options[] = {
    {"task", 0, OPT_CHOICE, AT(task), OPT_RECORD, NULL, "lm", 0, 0, TASK_CHOICES,
     "what is learned: lm, the next id at every step; tag, a class at every step; classify, a class for the item; "
     "regress, real numbers; caption, words from a feature of the item"},
    {"cell", 0, OPT_CHOICE, AT(cell), OPT_RECORD, NULL, "lstm", 0, 0, CELL_CHOICES, "the recurrent cell"},
    {"activation", 0, OPT_CHOICE, AT(activation), OPT_RECORD, NULL, "tanh", 0, 0, ACTIVATION_CHOICES,
     "the activation of the elman cell"},
    {"layers", 0, OPT_INT, AT(layers), OPT_RECORD, "N", "1", 1, 64, NULL, "recurrent layers, one on top of the other"},
    {"hidden", 0, OPT_INT, AT(hidden), OPT_RECORD, "N", "128", 1, 65536, NULL, "units of each layer (and direction)"},
    {"bidirectional", 0, OPT_SWITCH, AT(both), OPT_RECORD, NULL, NULL, 0, 0, NULL, "read each item from both ends"},
    {"embed-dim", 0, OPT_INT, AT(embed_dim), OPT_RECORD, "N", "0", 0, 65536, NULL,
     "give every word a vector of N numbers that is learned; 0: words go into the first layer as they are"},
    {"spell", 0, OPT_INT, AT(spell), OPT_RECORD, "N", "0", 0, 65536, NULL,
     "read the characters of every word by N units from each end, beside the word; 0: do not"},
    {"tied", 0, OPT_SWITCH, AT(tied), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "let the weights of the output be the words' vectors (which then have --hidden numbers)"},
    {"pool", 0, OPT_CHOICE, AT(pool), OPT_RECORD, NULL, "last", 0, 0, POOL_CHOICES,
     "what an item's target is told from: the last outputs, their mean, or the largest of each"},
    {"head", 0, OPT_CHOICE, AT(head), OPT_RECORD, NULL, "squared", 0, 0, REGRESS_CHOICES,
     "regress: by squared error, or (pen strokes) by a mixture of Gaussians and the end of a stroke"},
    {"mixtures", 0, OPT_INT, AT(mixtures), OPT_RECORD, "N", "20", 1, HEAD_MIXTURES, NULL, "Gaussians of a mixture"},
    {"dropout", 0, OPT_REAL, AT(dropout), OPT_RECORD, "P", "0", 0, 0.95, NULL,
     "while training, drop the share P of what each layer hands up"},
    {"dropout-input", 0, OPT_REAL, AT(dropout_input), OPT_RECORD, "P", "0", 0, 0.95, NULL,
     "while training, drop the share P of the vectors the first layer reads"},
    {"init-range", 0, OPT_REAL, AT(init_range), OPT_RECORD, "R", "0", 0, 1e3, NULL,
     "let weights start uniform within -R and R (0: one over the root of the units)"},
    {"init-recurrent", 0, OPT_CHOICE, AT(recurrent), OPT_RECORD, NULL, "uniform", 0, 0, START_CHOICES,
     "what recurrent weights start as; identity, with relu, makes an IRNN of the elman cell"},
    {"forget-bias", 0, OPT_REAL, AT(forget_bias), OPT_RECORD, "B", "1", -1e3, 1e3, NULL,
     "what the bias of a forget gate starts at"},
    {0},
};

int model_check(const struct model_config *c, struct err *e)
{
    bool words = c->task == TASK_LM || c->task == TASK_CAPTION;
    if (c->recurrent == START_IDENTITY && cell_at(c->cell)->gates != 1)
        return err_fail(e, STATUS_MISUSED, "--init-recurrent identity is for --cell elman: the %s has gates",
                        cell_at(c->cell)->name);
    if (c->both && words)
        return err_fail(e, STATUS_MISUSED, "--bidirectional would let --task %s see the word it is to predict",
                        tasks[c->task].name);
    if (c->head && c->task != TASK_REGRESS)
        return err_fail(e, STATUS_MISUSED, "--head mixture is for --task regress, not %s", tasks[c->task].name);
    if (c->pool != POOL_LAST && c->task != TASK_CLASSIFY && c->task != TASK_REGRESS)
        return err_fail(e, STATUS_MISUSED, "--pool is for targets of whole items, which --task %s has not",
                        tasks[c->task].name);
    if (c->tied && !words)
        return err_fail(e, STATUS_MISUSED, "--tied is for tasks that predict words: lm and caption");
    if (c->tied && c->embed_dim && c->embed_dim != c->hidden)
        return err_fail(e, STATUS_MISUSED, "--tied makes the words' vectors as long as --hidden, not %lld",
                        (long long)c->embed_dim);
    return 0;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static size_t states(const struct model *m)
{
    return m->rnn.layers * m->rnn.directions * (size_t)m->rnn.cell->states * m->rnn.hidden;
}

/* Adds rows * columns to *total; false when that is too much. */
static bool room_for(uint64_t rows, uint64_t columns, uint64_t *total)
{
    uint64_t part;
    if (rows > MODEL_MOST || columns > MODEL_MOST || !mem_product(rows, columns, &part) || part > MODEL_MOST)
        return false;
    *total += part;
    return *total <= MODEL_MOST;
}

/* Would the model's parameters be too many, or overflow on the way to that sum? */
static bool too_large(const struct model *m)
{
    const struct model_config *c = &m->config;
    const struct model_shape *s = &m->shape;
    uint64_t hidden = (uint64_t)c->hidden, layers = (uint64_t)c->layers, both = c->both ? 2 : 1, total = 0;
    return !room_for(s->inputs, s->embedding, &total) || !room_for(4 * hidden, s->inputs, &total) ||
           !room_for(8 * both * hidden, 3 * layers * hidden, &total) ||
           !room_for(8 * (uint64_t)c->spell, s->characters + (uint64_t)c->spell, &total) ||
           !room_for(4 * layers * both * hidden, s->feature, &total) || !room_for(m->outputs, both * hidden, &total);
}

/* The widths that options and data make together. */
static void find_widths(struct model *m)
{
    const struct model_config *c = &m->config;
    const struct model_shape *s = &m->shape;
    m->head = head_at(c->task == TASK_REGRESS ? HEAD_SQUARED + c->head : HEAD_SOFTMAX);
    m->outputs = s->classes ? m->head->width((size_t)s->classes, (size_t)c->mixtures) : 0;
    m->front = (size_t)(s->ids ? s->embedding : s->inputs) + (s->characters ? 2 * (size_t)c->spell : 0);
    if (!m->front)
        m->front = (size_t)s->inputs;
    m->out_row = lanes_up(m->outputs);
    if (m->out_row % 512 == 0)
        m->out_row += 16; /* away from powers of two: see rnn_make */
}

static void add_output(struct model *m)
{
    struct params *p = &m->params;
    m->linear = (struct weights){.depth = m->rnn.outputs, .columns = m->outputs};
    m->linear.at = params_add_panels(p, "out.weight", 2, (uint64_t[]){m->outputs, m->rnn.outputs}, m->outputs, NULL);
    m->out_bias = params_add_panels(p, "out.bias", 1, (uint64_t[]){m->outputs}, m->outputs, NULL);
    m->pooled_row = lanes_up(m->rnn.outputs) + 16;
}

static void add_start(struct model *m)
{
    struct params *p = &m->params;
    m->start_weight =
        params_add_panels(p, "start.weight", 2, (uint64_t[]){states(m), m->shape.feature}, states(m), NULL);
    m->start_bias = params_add_panels(p, "start.bias", 1, (uint64_t[]){states(m)}, states(m), NULL);
}

int model_make(struct model *m, const struct model_config *config, const struct model_shape *shape, struct err *e)
{
    *m = (struct model){.config = *config, .shape = *shape};
    struct params *p = &m->params;
    assert(shape->inputs > 0 && (shape->ids || !shape->embedding));
    assert(!config->tied || (shape->embedding == (uint64_t)config->hidden && shape->classes == shape->inputs));
    if (model_check(config, e) < 0)
        return -1;
    find_widths(m);
    if (shape->classes && !m->outputs)
        return err_fail(e, STATUS_DATA, "a mixture predicts three numbers, x, y and the end of a stroke, not %llu",
                        (unsigned long long)shape->classes);
    if (too_large(m))
        return err_fail(e, STATUS_MISUSED,
                        "a model of more than %llu parameters (fewer units, or a smaller vocabulary)",
                        (unsigned long long)MODEL_MOST);
    if (shape->embedding && !config->tied)
        params_table(p, m->embedding = params_add(p, "embedding", 2, (uint64_t[]){shape->inputs, shape->embedding}));
    if (shape->characters)
        spelling_make(&m->spelling, cell_at(config->cell), (size_t)shape->characters, (size_t)config->spell, p);
    struct rnn_shape rnn = {.name = "rnn",
                            .cell = cell_at(config->cell),
                            .activation = (enum activation)config->activation,
                            .layers = (size_t)config->layers,
                            .hidden = (size_t)config->hidden,
                            .inputs = m->front,
                            .sparse = shape->ids && !shape->embedding && !shape->characters,
                            .both = config->both};
    rnn_make(&m->rnn, &rnn, p);
    for (size_t d = 0; m->rnn.sparse && d < m->rnn.directions; d++)
        params_table(p, m->rnn.layer[d].input.at);
    if (shape->feature)
        add_start(m);
    if (m->outputs)
        add_output(m);
    params_allocate(p);
    return 0;
}

/* ---- Values ------------------------------------------------------------------------------------------------------ */

/* What a matrix starts within: one over the root of the units that read it or that it reads; vectors of words have a
 * length of about 1. */
static double range_of(const struct model *m, const struct view *v)
{
    if (m->config.init_range > 0)
        return m->config.init_range;
    if (!strcmp(v->name, "embedding"))
        return sqrt(3.0 / (double)v->dims[1]);
    if (!strncmp(v->name, "spell.", 6))
        return 1 / sqrt((double)m->config.spell);
    if (!strncmp(v->name, "rnn.", 4))
        return 1 / sqrt((double)m->config.hidden);
    return 1 / sqrt((double)v->dims[1]); /* out.weight, start.weight */
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

static void init_view(struct model *m, const struct view *v, struct rng draw)
{
    const struct cell *cell = m->rnn.cell;
    size_t n = view_count(v), rows = (size_t)v->dims[0], columns = (size_t)v->dims[1];
    real *natural = mem_get(n, sizeof *natural);
    double range = range_of(m, v);
    bool identity = m->config.recurrent == START_IDENTITY && !strncmp(v->name, "rnn.", 4);
    if (identity && ends_with(v->name, ".recurrent"))
        for (size_t j = 0; j < rows; j++)
            natural[j * columns + j] = 1;
    else
        for (size_t k = 0; v->rank > 1 && k < n; k++)
            natural[k] = (real)((2 * rng_unit(&draw) - 1) * range);
    if (cell->forget_gate >= 0 && v->rank == 1 && ends_with(v->name, ".bias") && strcmp(v->name, "out.bias") &&
        strcmp(v->name, "start.bias"))
        for (size_t j = 0, hidden = rows / (size_t)cell->gates; j < hidden; j++)
            natural[(size_t)cell->forget_gate * hidden + j] = (real)m->config.forget_bias;
    params_import(v, m->params.value, natural);
    free(natural);
}

void model_init(struct model *m, struct rng rng)
{
    for (size_t i = 0; i < m->params.n_views; i++)
        init_view(m, &m->params.views[i], rng_fork(rng, m->params.views[i].name, 0));
    model_refresh(m);
}

void model_freeze(struct model *m)
{
    m->frozen = true;
    for (size_t i = 0; i < m->params.n_views; i++)
        m->params.views[i].frozen |= !strcmp(m->params.views[i].name, "embedding");
}

void model_refresh(struct model *m)
{
    rnn_refresh(&m->rnn, &m->params);
    if (m->shape.characters)
        spelling_refresh(&m->spelling, &m->params);
    if (m->outputs)
        weights_refresh(&m->linear, m->rnn.precision, m->params.value);
}

void model_precision(struct model *m, enum precision precision)
{
    if (m->rnn.precision == precision)
        return;
    m->rnn.precision = precision;
    model_refresh(m);
}

void model_free(struct model *m)
{
    rnn_free(&m->rnn);
    if (m->shape.characters)
        spelling_free(&m->spelling);
    params_free(&m->params);
    arena_free(&m->arena);
    weights_free(&m->linear);
    *m = (struct model){0};
}

uint64_t model_parameters(const struct model *m)
{
    uint64_t total = 0;
    for (size_t i = 0; i < m->params.n_views; i++)
        total += view_count(&m->params.views[i]);
    return total;
}

size_t model_state_size(const struct model *m, size_t rows)
{
    return states(m) * rows;
}

/* ---- Looking in -------------------------------------------------------------------------------------------------- */

static const real *output_at(const struct model *m, size_t step, size_t row, size_t *at)
{
    *at = m->shape.item ? row : step * m->pass.rows + row;
    assert(m->in_logits);
    return m->out + *at * m->out_row;
}

void model_logits(const struct model *m, size_t step, size_t row, real *logits)
{
    size_t at;
    memcpy(logits, output_at(m, step, row, &at), m->outputs * sizeof(real));
}

void model_probabilities(const struct model *m, size_t step, size_t row, real *probabilities)
{
    size_t at;
    const real *logits = output_at(m, step, row, &at);
    softmax_probabilities(logits, m->outputs, m->norm[at], probabilities);
}

double model_loss(const struct model *m, size_t step, size_t row)
{
    return m->losses[m->shape.item ? row : step * m->pass.rows + row];
}

void model_value(const struct model *m, size_t step, size_t row, real *value)
{
    size_t at;
    const real *out = output_at(m, step, row, &at);
    m->head->value(out, m->outputs, (size_t)m->shape.classes, NULL, 0, value);
}

uint64_t model_hits(const struct model *m)
{
    uint64_t hits = 0;
    assert(m->in_logits);
    for (size_t i = 0; m->masked && m->head->classes && i < m->n_out; i++) {
        const real *out = m->out + i * m->out_row;
        size_t best = 0;
        if (m->masked[i] == TARGET_NONE)
            continue;
        for (size_t k = 1; k < m->outputs; k++)
            best = out[k] > out[best] ? k : best;
        hits += best == m->masked[i];
    }
    return hits;
}

void model_gates(const struct model *m, size_t layer, size_t step, size_t row, real *gates)
{
    rnn_gates(&m->rnn, &m->pass, layer, step, row, gates);
}

void model_states(const struct model *m, size_t layer, int s, size_t step, size_t row, real *state)
{
    rnn_state(&m->rnn, &m->pass, layer, s, step, row, state);
}
