#include "net/train.h"
#include "base/mem.h"
#include "base/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SMOOTH_TOKENS = 1000, DIVERGED = 3 };

#define AT(field) offsetof(struct train_config, field)

const struct opt train_options[] = {
    {"by", 0, OPT_CHOICE, AT(by), OPT_RECORD, NULL, "auto", 0, 0, CORPUS_BY_CHOICES,
     "read the data as one text in --batch columns that carry the state, or item by item; auto: text, but item "
     "where there is a target column"},
    {"target", 0, OPT_TEXT, AT(target), OPT_RECORD, "COLUMN", NULL, 0, 0, NULL,
     "learn the classes in COLUMN (default: `target` where there is one, else the next id)"},
    {"batch", 'b', OPT_INT, AT(batch), OPT_RECORD, "N", "50", 1, 1 << 20, NULL, "learn from N sequences at a time"},
    {"bptt", 0, OPT_INT, AT(bptt), OPT_RECORD, "N", "50", 0, 1e9, NULL,
     "propagate back through N steps and carry the state on; 0: through the whole sequence"},
    {"epochs", 'e', OPT_INT, AT(epochs), OPT_RECORD, "N", "10", 1, 1e9, NULL, "go over the data N times"},
    {"lr-decay", 0, OPT_REAL, AT(lr_decay), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 1, NULL,
     "multiply the learning rate by X behind every epoch"},
    {"lr-decay-after", 0, OPT_INT, AT(lr_decay_after), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "leave the learning rate as it is for N epochs first"},
    {"valid", 0, OPT_REAL, AT(valid), OPT_RECORD, "SHARE", "0", 0, 0.9, NULL,
     "hold the last SHARE of the data (of every column) out, validate with it and keep the best parameters"},
    {"valid-file", 0, OPT_TEXT, AT(valid_file), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "validate with the stream in FILE instead"},
    {"patience", 0, OPT_INT, AT(patience), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "end when validation has not become better for N epochs; 0: never"},
    {"init", 0, OPT_TEXT, AT(init), OPT_FILE, "MODEL", NULL, 0, 0, NULL,
     "start from the parameters of MODEL; options of the network that are not given are taken from it"},
    {"gradients", 0, OPT_TEXT, AT(gradients), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write the loss and every gradient of the first minibatch to FILE, and do nothing else"},
    {"checkpoint", 0, OPT_TEXT, AT(checkpoint), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "keep the state of the run in FILE: behind each epoch, on SIGUSR1, and on SIGTERM or SIGINT before ending with "
     "status 75"},
    {"checkpoint-every", 0, OPT_REAL, AT(checkpoint_every), OPT_LOW_OPEN, "SECONDS", "600", 0, 1e9, NULL,
     "keep it at least so often"},
    {"resume", 0, OPT_SWITCH, AT(resume), 0, NULL, NULL, 0, 0, NULL,
     "go on from the checkpoint where there is one; the model becomes that of a run without a break"},
    {"log", 0, OPT_TEXT, AT(log), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write how training goes to FILE, one JSON object a line"},
    {"log-every", 0, OPT_INT, AT(log_every), 0, "N", "10", 1, 1e9, NULL, "write a line of the log every N steps"},
    {0},
};

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static int take_init(struct trainer *t, const struct rnnfile *init, struct err *e)
{
    if (init->vocab.n && t->corpus.vocab.n && !vocab_same(&init->vocab, &t->corpus.vocab))
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

/* Classes: of the data, or more where the parameters that training starts from know more. */
static uint64_t classes(const struct trainer *t, const struct rnnfile *init)
{
    uint64_t n = t->corpus.outputs;
    return init && t->corpus.target && init->model.shape.classes > n ? init->model.shape.classes : n;
}

int train_make(struct trainer *t, const struct model_config *config, const struct optim_config *optim, struct rng rng,
               const struct rnnfile *init, struct err *e)
{
    const struct corpus *c = &t->corpus;
    if (c->feature || (c->kind != TARGET_NEXT_ID && c->kind != TARGET_STEP_CLASS))
        return err_fail(e, STATUS_MISUSED, "--task %s: no network learns it yet", tasks[config->task].name);
    struct model_shape shape = {.ids = !c->dim, .inputs = c->dim ? c->dim : c->vocab.n, .classes = classes(t, init)};
    if (init)
        shape.embedding = init->model.shape.embedding;
    if (make_batches(t, e) < 0 || model_make(&t->model, config, &shape, e) < 0)
        return -1;
    t->rng = rng;
    model_init(&t->model, rng_fork(rng, "init", 0));
    if (init && take_init(t, init, e) < 0)
        return -1;
    optim_make(&t->optim, optim, &t->model.params);
    t->at.lr = optim_rate(&t->optim);
    size_t rows = t->train.rows > t->valid.rows ? t->train.rows : t->valid.rows;
    t->state = mem_aligned(model_state_size(&t->model, rows), sizeof *t->state);
    t->next = mem_aligned(model_state_size(&t->model, rows), sizeof *t->next);
    t->best = mem_aligned(t->model.params.n, sizeof *t->best);
    meta_set(&t->head, "inputs", c->dim ? "vectors" : "ids");
    meta_set(&t->head, "option.by", c->by_item ? "item" : "text");
    if (c->target)
        meta_set(&t->head, "option.target", c->target);
    return 0;
}

void train_free(struct trainer *t)
{
    batches_free(&t->train);
    batches_free(&t->valid);
    corpus_free(&t->corpus);
    corpus_free(&t->valid_corpus);
    model_free(&t->model);
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

/* The loss of a step must be a number, and averaged over some 1000 tokens not be three times what it was at first or what a
 * guess costs. */
static int judge(struct trainer *t, struct tally tally, struct err *e)
{
    struct train_at *at = &t->at;
    double loss = tally.loss / (double)tally.count, guess = log((double)t->model.shape.classes);
    if (!isfinite(loss))
        return diverged(t, "the loss", loss, e);
    double first = at->step ? at->first : loss > guess ? loss : guess;
    double weight = at->step && tally.count < SMOOTH_TOKENS ? (double)tally.count / SMOOTH_TOKENS : 1;
    double smooth = at->step ? at->smooth + weight * (loss - at->smooth) : loss;
    if (smooth > DIVERGED * first)
        return diverged(t, "the loss a token", smooth, e);
    at->first = first;
    at->smooth = smooth;
    return 0;
}

/* A checkpoint before this step, whose loss has shown that the parameters are sound; then the end, if a signal wants it.
 * What the step has told the running loss is not in it: it will tell it again. */
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
    return err_fail(e, STATUS_STOPPED,
                    "stopped by a signal; the state is in %s (the same command with --resume goes on)",
                    t->config.checkpoint);
}

static void add(struct tally *sum, struct tally part)
{
    sum->loss += part.loss;
    sum->count += part.count;
}

static double mean(struct tally t)
{
    return t.count ? t.loss / (double)t.count : NAN;
}

static int tell(struct trainer *t, double valid_loss, bool epoch_end, struct err *e)
{
    struct train_row row = {&t->at, mean(t->at.row_loss), valid_loss, epoch_end};
    int result = t->watch.row(t->watch.context, &row, e);
    t->at.row_loss = (struct tally){0};
    return result;
}

static int step(struct trainer *t, const struct minibatch *m, bool fresh, struct err *e)
{
    struct train_at *at = &t->at;
    if (at->row_loss.count && at->step % (uint64_t)t->config.log_every == 0 && tell(t, NAN, false, e) < 0)
        return -1;
    struct train_at before = *at;
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
    at->tokens += tally.count;
    add(&at->row_loss, tally);
    add(&at->epoch_loss, tally);
    t->watch.step(t->watch.context, at);
    return 0;
}

/* ---- Epochs ------------------------------------------------------------------------------------------------------ */

/* Loss a token over the validation part, from a zero state. */
static int validate(struct trainer *t, double *loss, struct err *e)
{
    struct minibatch m;
    struct tally sum = {0};
    bool fresh;
    int more;
    batches_start(&t->valid, NULL);
    while ((more = batches_next(&t->valid, &m, &fresh, e)) > 0) {
        add(&sum, model_forward(&t->model, &m, fresh ? NULL : t->next, t->next));
        if (!isfinite(sum.loss))
            return diverged(t, "the validation loss", sum.loss, e);
        if (stop_pending() && keep(t, &t->at, e) < 0)
            return -1;
    }
    *loss = mean(sum);
    return more;
}

static int end_epoch(struct trainer *t, struct err *e)
{
    struct train_at *at = &t->at;
    double valid_loss = NAN;
    if (t->valid.corpus) {
        if (validate(t, &valid_loss, e) < 0)
            return -1;
        bool better = !at->best_epoch || valid_loss < at->best_loss;
        at->waited = better ? 0 : at->waited + 1;
        if (better) {
            at->best_epoch = at->epoch + 1;
            at->best_loss = valid_loss;
            memcpy(t->best, t->model.params.value, t->model.params.n * sizeof *t->best);
        }
    }
    if (tell(t, valid_loss, true, e) < 0)
        return -1;
    at->epoch++;
    at->minibatch = 0;
    at->epoch_loss = (struct tally){0};
    if (at->epoch > (uint64_t)t->config.lr_decay_after)
        at->lr *= t->config.lr_decay;
    t->due = true;
    return 0;
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
