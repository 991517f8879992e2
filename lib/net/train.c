#include "net/train.h"
#include "base/mem.h"
#include "base/stop.h"
#include "net/checkpoint_parts.h"
#include "net/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMOOTH_TOKENS = 1000 };

#define AT(field) offsetof(struct train_config, field)

const struct opt train_options[] = {
    {"by", 0, OPT_CHOICE, AT(by), OPT_RECORD, NULL, "auto", 0, 0, CORPUS_BY_CHOICES,
     "read the data as one text in --batch columns that carry the state, or item by item; auto: text, but item "
     "where there is a target column"},
    {"target", 0, OPT_TEXT, AT(target), OPT_RECORD, "COLUMN", NULL, 0, 0, NULL,
     "learn what COLUMN holds (default: tags to tag, label to classify; else `target` where there is one, or what "
     "comes "
     "next)"},
    {"batch", 'b', OPT_INT, AT(batch), OPT_RECORD, "N", "50", 1, 1 << 20, NULL, "learn from N sequences at a time"},
    {"bptt", 0, OPT_INT, AT(bptt), OPT_RECORD, "N", NULL, 0, 1e9, NULL,
     "propagate back through N steps and carry the state on; 0: through the whole item (default: lm 50, else 0)"},
    {"epochs", 'e', OPT_INT, AT(epochs), OPT_RECORD, "N", "10", 1, 1e9, NULL, "go over the data N times"},
    {"precision", 0, OPT_CHOICE, AT(precision), OPT_RECORD, NULL, "float", 0, 0, PRECISION_CHOICES,
     "multiply numbers as they are, or rounded to bf16, which processors made for it do faster"},
    {"lr-decay", 0, OPT_REAL, AT(lr_decay), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 1, NULL,
     "multiply the learning rate by X, behind every epoch when nothing else is said"},
    {"lr-decay-after", 0, OPT_INT, AT(lr_decay_after), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "leave the learning rate as it is for N epochs first"},
    {"lr-decay-every", 0, OPT_INT, AT(lr_decay_every), OPT_RECORD, "N", "1", 1, 1e9, NULL,
     "then multiply it behind every N epochs"},
    {"lr-plateau", 0, OPT_INT, AT(lr_plateau), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "multiply it only when validation has not become better for N epochs; 0: do not wait for that"},
    {"valid", 0, OPT_REAL, AT(valid), OPT_RECORD, "SHARE", "0", 0, 0.9, NULL,
     "hold the last SHARE of the data (of every column) out, validate with it and keep the best parameters"},
    {"valid-file", 0, OPT_TEXT, AT(valid_file), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "validate with the stream in FILE instead"},
    {"best", 0, OPT_CHOICE, AT(best), OPT_RECORD, NULL, "loss", 0, 0, BEST_CHOICES, "what validation is better by"},
    {"patience", 0, OPT_INT, AT(patience), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "end when validation has not become better for N epochs; 0: never"},
    {"init", 0, OPT_TEXT, AT(init), OPT_FILE, "MODEL", NULL, 0, 0, NULL,
     "start from the parameters of MODEL; options of the network that are not given are taken from it"},
    {"embedding", 0, OPT_TEXT, AT(embedding), OPT_FILE, "MODEL", NULL, 0, 0, NULL,
     "start from the word vectors of MODEL, as w2v-train wrote it"},
    {"freeze", 0, OPT_SWITCH, AT(freeze), OPT_RECORD, NULL, NULL, 0, 0, NULL, "leave the words' vectors as they are"},
    {"gradients", 0, OPT_TEXT, AT(gradients), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write the loss and every gradient of the first minibatch to FILE, and do nothing else"},
    {"gradflow", 0, OPT_TEXT, AT(gradflow), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write to FILE how far gradients reach back in time, before training and behind every epoch"},
    {"gradflow-rows", 0, OPT_INT, AT(gradflow_rows), 0, "N", "8", 1, 1 << 20, NULL,
     "take its means over the first N sequences of a minibatch; each costs a backward pass with a row a unit"},
    CHECKPOINT_OPTIONS(struct train_config),
    {"log", 0, OPT_TEXT, AT(log), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write how training goes to FILE, one JSON object a line"},
    {"log-every", 0, OPT_INT, AT(log_every), 0, "N", "10", 1, 1e9, NULL, "write a line of the log every N steps"},
    {0},
};

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static int take_init(struct trainer *t, const struct rnnfile *init, struct err *e)
{
    if (init->words.vocab.n && t->corpus.vocab.n && !vocab_same(&init->words.vocab, &t->corpus.vocab))
        return err_fail(e, STATUS_DATA,
                        "%s: its vocabulary is not that of the input (tokenize --vocab %s gives the same ids)",
                        t->config.init, t->config.init);
    if (rnnfile_take(&t->model.params, t->model.params.value, "", &init->segment, e) < 0)
        return err_where(e, "%s", t->config.init);
    model_refresh(&t->model);
    return 0;
}

static int make_batches(struct trainer *t, struct err *e)
{
    size_t rows = (size_t)t->config.batch, bptt = target_is_item(t->corpus.kind) ? 0 : (size_t)t->config.bptt;
    if (batches_make(&t->train, &t->valid, &t->corpus, rows, bptt, t->config.valid, e) < 0)
        return -1;
    return t->valid_corpus.n ? batches_make(&t->valid, NULL, &t->valid_corpus, rows, bptt, 0, e) : 0;
}

/* Words that MODEL has no vector for keep what they were drawn as. */
static void take_embedding(struct trainer *t, const struct embed *embed)
{
    const struct vocab *vocab = &t->corpus.vocab;
    size_t row = params_row(embed->d);
    struct buf word = {0};
    for (uint32_t id = 0; id < vocab->n; id++) {
        size_t length;
        const char *text = vocab_word(vocab, id, &length);
        buf_clear(&word);
        buf_add(&word, text, length);
        uint32_t from = embed_find(embed, buf_string(&word));
        if (from == VOCAB_NONE || !embed_has(embed, from))
            continue;
        t->embedded++;
        memcpy(t->model.params.value + t->model.embedding + id * row, embed->vec + from * embed->d,
               embed->d * sizeof *embed->vec);
    }
    buf_free(&word);
}

/* Classes: of the data, or more where the parameters that training starts from know more. */
static uint64_t classes(const struct trainer *t, const struct rnnfile *init)
{
    uint64_t n = t->corpus.outputs;
    bool more = init && t->corpus.target && !target_is_real(t->corpus.kind) && init->model.shape.classes > n;
    return more ? init->model.shape.classes : n;
}

static struct model_shape shape_of(const struct trainer *t, const struct model_config *config,
                                   const struct rnnfile *init, const struct embed *embed)
{
    const struct corpus *c = &t->corpus;
    struct model_shape shape = {.ids = !c->dim,
                                .item = target_is_item(c->kind),
                                .inputs = c->dim ? c->dim : c->vocab.n,
                                .characters = c->characters.n,
                                .feature = c->feature,
                                .classes = classes(t, init)};
    if (shape.ids)
        shape.embedding = init           ? init->model.shape.embedding
                          : embed        ? embed->d
                          : config->tied ? (uint64_t)config->hidden
                                         : (uint64_t)config->embed_dim;
    return shape;
}

/* Refuses options that do not go with the data, or with each other. */
static int check(const struct trainer *t, const struct model_config *config, const struct rnnfile *init,
                 const struct embed *embed, struct err *e)
{
    const struct corpus *c = &t->corpus;
    if (config->both && target_is_next(c->kind))
        return err_fail(e, STATUS_MISUSED, "--bidirectional would let it see what comes next, which it is to predict");
    if (target_is_item(c->kind) && t->config.bptt)
        return err_fail(e, STATUS_MISUSED, "--bptt would cut items whose target is known at their end (leave it out)");
    if (config->both && t->config.bptt)
        return err_fail(e, STATUS_MISUSED, "--bidirectional wants whole items: --bptt would cut them (leave it out)");
    if (c->dim && (config->embed_dim || embed || config->tied))
        return err_fail(e, STATUS_MISUSED, "the input brings vectors: there are no words to give vectors to");
    if (embed && (init || config->tied))
        return err_fail(e, STATUS_MISUSED, "--embedding and %s both say what words' vectors start from",
                        init ? "--init" : "--tied");
    if (embed && config->embed_dim && (uint64_t)config->embed_dim != embed->d)
        return err_fail(e, STATUS_MISUSED, "--embed-dim is %lld, but the vectors of %s have %zu numbers",
                        (long long)config->embed_dim, t->config.embedding, embed->d);
    if (t->config.freeze && !embed && !(init && init->model.shape.embedding))
        return err_fail(e, STATUS_MISUSED, "--freeze wants words' vectors that are known already (give --embedding)");
    if (t->config.lr_plateau && !t->valid.corpus)
        return err_fail(e, STATUS_MISUSED,
                        "--lr-plateau wants something to validate with (give --valid or --valid-file)");
    if (t->config.lr_plateau && t->config.lr_decay == 1)
        return err_fail(e, STATUS_MISUSED,
                        "--lr-plateau wants to know by what the rate is multiplied (give --lr-decay)");
    if (t->config.best == BEST_ACCURACY && target_is_real(c->kind))
        return err_fail(e, STATUS_MISUSED, "--best accuracy is for classes: these targets are real numbers");
    return 0;
}

static int make_model(struct trainer *t, const struct model_config *config, struct rng rng, const struct rnnfile *init,
                      const struct embed *embed, struct err *e)
{
    struct model_shape shape = shape_of(t, config, init, embed);
    if (make_batches(t, e) < 0 || check(t, config, init, embed, e) < 0 || model_make(&t->model, config, &shape, e) < 0)
        return -1;
    t->rng = rng;
    model_precision(&t->model, (enum precision)t->config.precision);
    model_init(&t->model, rng_fork(rng, "init", 0));
    if (t->config.freeze)
        model_freeze(&t->model);
    if (embed)
        take_embedding(t, embed);
    return init ? take_init(t, init, e) : 0;
}

static void make_head(struct trainer *t)
{
    const struct corpus *c = &t->corpus;
    meta_set(&t->head, "inputs", c->dim ? "vectors" : "ids");
    meta_set(&t->head, "targets", target_kinds[c->kind]);
    meta_set(&t->head, "option.by", c->by_item ? "item" : "text");
    if (c->target)
        meta_set(&t->head, "option.target", c->target);
}

int train_make(struct trainer *t, const struct model_config *config, const struct optim_config *optim, struct rng rng,
               const struct rnnfile *init, struct err *e)
{
    struct embed embed = {0};
    bool given = t->config.embedding != NULL;
    int result = given ? embed_load(&embed, t->config.embedding, e) : 0;
    if (result == 0)
        result = make_model(t, config, rng, init, given ? &embed : NULL, e);
    embed_free(&embed);
    if (result < 0)
        return -1;
    optim_make(&t->optim, optim, &t->model.params);
    t->at.lr = optim_rate(&t->optim);
    size_t rows = t->train.rows > t->valid.rows ? t->train.rows : t->valid.rows;
    t->state = mem_aligned(model_state_size(&t->model, rows), sizeof *t->state);
    t->next = mem_aligned(model_state_size(&t->model, rows), sizeof *t->next);
    t->best = mem_aligned(t->model.params.n, sizeof *t->best);
    make_head(t);
    return 0;
}

int train_write(const struct trainer *t, struct sink *k, struct err *e)
{
    const struct corpus *c = &t->corpus;
    const struct rnnfile_words words = {c->vocab, c->labels, c->characters};
    return rnnfile_write(k, &t->head, &words, c->target, &t->model.params, t->model.params.value, e);
}

void train_free(struct trainer *t)
{
    batches_free(&t->train);
    batches_free(&t->valid);
    corpus_free(&t->corpus);
    corpus_free(&t->valid_corpus);
    model_free(&t->model);
    gradflow_free(&t->gradflow);
    meta_free(&t->head);
    free(t->state);
    free(t->next);
    free(t->best);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static int diverged(const struct trainer *t, const char *what, double value, struct err *e)
{
    const char *kept = t->kept ? t->config.checkpoint : NULL;
    return err_fail(e, STATUS_DIVERGED,
                    "step %llu: training diverged: %s is %g (learning rate %g, gradient norm before this step %g; "
                    "try a lower --lr or --clip%s%s)",
                    (unsigned long long)t->at.step + 1, what, value, t->at.lr, t->at.norm,
                    kept ? "; the last good state is in " : "", kept ? kept : "");
}

/* What the running loss may not pass: three times what a step cost at first, or what a guess costs; a thousand times
 * of squared errors, and a hundred nats more of mixtures, whose losses may well be below zero. */
static double limit(const struct trainer *t, double first)
{
    double guess = log((double)t->model.shape.classes);
    if (t->model.head->classes)
        return 3 * (first > guess ? first : guess);
    return t->model.head == head_at(HEAD_SQUARED) ? 1000 * (first + 1e-3) : first + 100;
}

/* The loss of a step must be a number, and averaged over some 1000 tokens not be beyond all measure. */
static int judge(struct trainer *t, struct tally tally, struct err *e)
{
    struct train_at *at = &t->at;
    double loss = tally.count ? tally.loss / (double)tally.count : at->smooth;
    if (!isfinite(loss))
        return diverged(t, "the loss", loss, e);
    double weight = at->step && tally.count < SMOOTH_TOKENS ? (double)tally.count / SMOOTH_TOKENS : 1;
    double smooth = at->step ? at->smooth + weight * (loss - at->smooth) : loss;
    if (at->step && smooth > limit(t, at->first))
        return diverged(t, "the loss a token", smooth, e);
    at->first = at->step ? at->first : loss;
    at->smooth = smooth;
    return 0;
}

/* A checkpoint before this step, whose loss has shown that the parameters are sound; then the end, if a signal wants
 * it. What the step has told the running loss is not in it: it will tell it again. */
static int keep(struct trainer *t, const struct train_at *before, struct err *e)
{
    double now = t->watch.seconds();
    if (!t->config.checkpoint)
        return 0;
    bool stop = stop_pending(), asked = stop_wants_checkpoint();
    if (!stop && !asked && !t->due && now - t->saved < t->config.checkpoint_every)
        return 0;
    struct train_at after = t->at;
    t->at = *before;
    int result = checkpoint_write(t, e);
    t->at = after;
    t->saved = now;
    t->due = false;
    if (result < 0)
        return -1;
    t->watch.saved(t->watch.context, t->config.checkpoint);
    if (!stop)
        return 0;
    return checkpoint_stopped(t->config.checkpoint, e);
}

/* What validation has found, a token. */
struct validation {
    double loss, accuracy; /* accuracy: NaN where targets are no classes */
};

static void add(struct tally *sum, struct tally part)
{
    sum->loss += part.loss;
    sum->count += part.count;
}

static double mean(struct tally t)
{
    return t.count ? t.loss / (double)t.count : NAN;
}

static int tell(struct trainer *t, const struct validation *v, bool epoch_end, struct err *e)
{
    struct train_row row = {&t->at, mean(t->at.row_loss), v ? v->loss : NAN, v ? v->accuracy : NAN, epoch_end};
    int result = t->watch.row(t->watch.context, &row, e);
    t->at.row_loss = (struct tally){0};
    return result;
}

/* What a step has read, as an epoch's tokens are counted: targets, or the inputs of items that have one target. */
static uint64_t tokens_of(const struct trainer *t, const struct minibatch *m, struct tally tally)
{
    uint64_t n = 0;
    if (!target_is_item(t->corpus.kind))
        return tally.count;
    for (size_t b = 0; b < m->rows; b++)
        n += m->lengths ? m->lengths[b] : m->steps;
    return n;
}

static int step(struct trainer *t, struct minibatch *m, bool fresh, struct err *e)
{
    struct train_at *at = &t->at;
    if (at->row_loss.count && at->step % (uint64_t)t->config.log_every == 0 && tell(t, NULL, false, e) < 0)
        return -1;
    struct train_at before = *at;
    t->chance = rng_fork(t->rng, "dropout", at->step);
    m->chance = &t->chance;
    struct tally tally = model_forward(&t->model, m, fresh ? NULL : t->state, t->next);
    if (judge(t, tally, e) < 0 || keep(t, &before, e) < 0)
        return -1;
    model_backward(&t->model, m);
    double norm = optim_step(&t->optim, &t->model.params, at->lr);
    if (!isfinite(norm))
        return diverged(t, "the norm of the gradient", norm, e);
    model_refresh(&t->model);
    real *swap = t->state;
    t->state = t->next;
    t->next = swap;
    at->norm = norm;
    at->step++;
    at->minibatch++;
    at->tokens += tokens_of(t, m, tally);
    add(&at->row_loss, tally);
    add(&at->epoch_loss, tally);
    t->watch.step(t->watch.context, at);
    return 0;
}

/* ---- Epochs ------------------------------------------------------------------------------------------------------ */

/* Loss and accuracy a token over the validation part, from a zero state. */
static int validate(struct trainer *t, struct validation *v, struct err *e)
{
    struct minibatch m;
    struct tally sum = {0};
    uint64_t hits = 0;
    bool fresh;
    int more;
    batches_start(&t->valid, NULL);
    while ((more = batches_next(&t->valid, &m, &fresh, e)) > 0) {
        add(&sum, model_forward(&t->model, &m, fresh ? NULL : t->next, t->next));
        hits += model_hits(&t->model);
        if (!isfinite(sum.loss))
            return diverged(t, "the validation loss", sum.loss, e);
        if (stop_pending() && keep(t, &t->at, e) < 0)
            return -1;
    }
    uint64_t asked = sum.count + t->valid_corpus.unseen; /* classes that training has not seen are missed */
    v->loss = mean(sum);
    v->accuracy = t->model.head->classes && asked ? (double)hits / (double)asked : NAN;
    return more;
}

/* Keeps the parameters when they are the best so far. */
static void compare(struct trainer *t, const struct validation *v)
{
    struct train_at *at = &t->at;
    bool better = t->config.best == BEST_ACCURACY ? v->accuracy > at->best_accuracy : v->loss < at->best_loss;
    if (at->best_epoch && !better) {
        at->waited++;
        return;
    }
    at->waited = 0;
    at->best_epoch = at->epoch + 1;
    at->best_loss = v->loss;
    at->best_accuracy = v->accuracy;
    memcpy(t->best, t->model.params.value, t->model.params.n * sizeof *t->best);
}

/* Does the learning rate fall behind this epoch? */
static bool decays(const struct trainer *t)
{
    const struct train_config *c = &t->config;
    uint64_t plateau = (uint64_t)c->lr_plateau, past = t->at.epoch - (uint64_t)c->lr_decay_after;
    if (t->at.epoch <= (uint64_t)c->lr_decay_after)
        return false;
    return plateau ? t->at.waited && t->at.waited % plateau == 0 : past % (uint64_t)c->lr_decay_every == 0;
}

/* Gradient flow through the first minibatch of the validation part, or else of the training part; items in their
 * order. */
static int record_flow(struct trainer *t, struct err *e)
{
    struct batches *part = t->valid.corpus ? &t->valid : &t->train;
    struct minibatch m;
    bool fresh;
    if (!t->config.gradflow)
        return 0;
    batches_start(part, NULL);
    if (batches_next(part, &m, &fresh, e) < 0)
        return -1;
    model_forward(&t->model, &m, NULL, NULL);
    gradflow_record(&t->gradflow, &t->model.rnn, &t->model.params, &t->model.pass, t->at.epoch,
                    (size_t)t->config.gradflow_rows);
    return 0;
}

static int end_epoch(struct trainer *t, struct err *e)
{
    struct train_at *at = &t->at;
    struct validation v;
    bool valid = t->valid.corpus != NULL;
    if (valid && validate(t, &v, e) < 0)
        return -1;
    if (valid)
        compare(t, &v);
    if (tell(t, valid ? &v : NULL, true, e) < 0)
        return -1;
    at->epoch++;
    at->minibatch = 0;
    at->epoch_loss = (struct tally){0};
    if (decays(t))
        at->lr *= t->config.lr_decay;
    t->due = true;
    return record_flow(t, e);
}

static int run_epoch(struct trainer *t, struct err *e)
{
    struct rng order = rng_fork(t->rng, "order", t->at.epoch);
    struct minibatch m;
    bool fresh;
    int more;
    batches_start(&t->train, &order);
    batches_skip(&t->train, t->at.minibatch);
    while ((more = batches_next(&t->train, &m, &fresh, e)) > 0)
        if (step(t, &m, fresh, e) < 0)
            return -1;
    return more < 0 ? -1 : end_epoch(t, e);
}

static bool finished(const struct trainer *t)
{
    return t->at.epoch >= (uint64_t)t->config.epochs ||
           (t->config.patience && t->at.waited >= (uint64_t)t->config.patience);
}

int train_run(struct trainer *t, struct err *e)
{
    bool ran = !finished(t);
    t->saved = t->watch.seconds();
    if (!t->gradflow.n && record_flow(t, e) < 0)
        return -1;
    while (!finished(t))
        if (run_epoch(t, e) < 0)
            return -1;
    if (ran && t->config.checkpoint) {
        if (checkpoint_write(t, e) < 0)
            return -1;
        t->watch.saved(t->watch.context, t->config.checkpoint);
    }
    if (t->at.best_epoch) {
        memcpy(t->model.params.value, t->best, t->model.params.n * sizeof *t->best);
        model_refresh(&t->model);
        meta_setf(&t->head, "trained.best_epoch", "%llu", (unsigned long long)t->at.best_epoch);
        meta_setf(&t->head, "trained.valid_loss", "%.9g", t->at.best_loss);
        if (!isnan(t->at.best_accuracy))
            meta_setf(&t->head, "trained.valid_accuracy", "%.9g", t->at.best_accuracy);
    }
    meta_setf(&t->head, "trained.epochs", "%llu", (unsigned long long)t->at.epoch);
    meta_setf(&t->head, "trained.steps", "%llu", (unsigned long long)t->at.step);
    return 0;
}

int train_gradients(struct trainer *t, double *loss, struct err *e)
{
    struct minibatch m;
    bool fresh;
    batches_start(&t->train, NULL);
    if (batches_next(&t->train, &m, &fresh, e) < 0)
        return -1;
    struct tally tally = model_forward(&t->model, &m, NULL, NULL);
    if (!isfinite(tally.loss))
        return diverged(t, "the loss", tally.loss, e);
    params_zero_gradient(&t->model.params);
    model_backward(&t->model, &m);
    *loss = tally.loss / (double)m.rows;
    return 0;
}
