#include "net/train.h"

#include <stdlib.h>
#include <string.h>

#include "net/checkpoint_parts.h"

#define WHOLE(field) CHECKPOINT_WHOLE(struct train_at, field)
#define REAL(field)  CHECKPOINT_REAL(struct train_at, field)
static const struct checkpoint_number numbers[] = {
    {WHOLE(epoch)},
    {WHOLE(minibatch)},
    {WHOLE(step)},
    {WHOLE(tokens)},
    {WHOLE(waited)},
    {WHOLE(best_epoch)},
    {REAL(best_loss)},
    {REAL(best_accuracy)},
    {REAL(lr)},
    {REAL(smooth)},
    {REAL(first)},
    {REAL(norm)},
    {REAL(epoch_loss.loss)},
    {WHOLE(epoch_loss.count)},
    {REAL(row_loss.loss)},
    {WHOLE(row_loss.count)},
    {0},
};

/* Options that may change between a run and its resumption. */
static const char *const may_change[] = {"option.epochs", "option.patience", NULL};

static size_t state_size(const struct trainer *t)
{
    return model_state_size(&t->model, t->train.rows);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int put_optimizer(const struct trainer *t, struct sink *k, struct err *e)
{
    if (checkpoint_put(k, "opt.steps", DTYPE_U64, 0, 0, &t->optim.steps, e) < 0)
        return -1;
    for (int i = 0; i < t->optim.moments; i++) {
        char prefix[] = "opt.moment0.";
        prefix[strlen(prefix) - 2] = (char)('0' + i);
        if (rnnfile_put(&t->model.params, t->model.params.moment[i], prefix, k, e) < 0)
            return -1;
    }
    return 0;
}

static int put_position(const struct trainer *t, struct sink *k, struct err *e)
{
    if (checkpoint_put_numbers(numbers, &t->at, k, e) < 0 ||
        checkpoint_put(k, "pos.data", DTYPE_UTF8, 1, strlen(t->corpus.digest), t->corpus.digest, e) < 0 ||
        checkpoint_put(k, "pos.valid_data", DTYPE_UTF8, 1, strlen(t->valid_corpus.digest), t->valid_corpus.digest, e) <
            0 ||
        checkpoint_put(k, "pos.state", REAL_DTYPE, 1, state_size(t), t->state, e) < 0)
        return -1;
    if (t->config.gradflow && gradflow_save(&t->gradflow, "pos.gradflow.", k, e) < 0)
        return -1;
    return t->at.best_epoch ? rnnfile_put(&t->model.params, t->best, "pos.best.", k, e) : 0;
}

static int put_all(void *run, struct sink *k, struct err *e)
{
    const struct trainer *t = run;
    uint64_t rng[2] = {t->rng.key, t->rng.count};
    if (train_write(t, k, e) < 0 || put_optimizer(t, k, e) < 0 ||
        checkpoint_put(k, "rng.run", DTYPE_U64, 1, 2, rng, e) < 0 || put_position(t, k, e) < 0 ||
        checkpoint_put_kernels(k, e) < 0)
        return -1;
    return sink_end(k, "complete", t->corpus.parents, e);
}

int checkpoint_write(struct trainer *t, struct err *e)
{
    if (checkpoint_replace(t->config.checkpoint, put_all, t, e) < 0)
        return -1;
    t->kept = true;
    return 0;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* Names every option, or kind of data, in which the checkpoint is of another run. */
static int compare(const struct trainer *t, const struct segment *segment, struct err *e)
{
    struct buf out = {0};
    const struct corpus *c = &t->corpus;
    checkpoint_compare(&segment->head, &t->head, may_change, &out);
    int result = checkpoint_compare_words(&c->vocab, "", "the vocabulary differs", segment, &out, e);
    if (result == 0)
        result =
            checkpoint_compare_words(&c->characters, "char.", "the vocabulary of characters differs", segment, &out, e);
    if (result == 0 && c->labels.n) {
        char *prefix = corpus_labels_prefix(c->target);
        result = checkpoint_compare_words(&c->labels, prefix, "the names of the classes differ", segment, &out, e);
        free(prefix);
    }
    if (result == 0)
        result = checkpoint_judge(&out, e);
    buf_free(&out);
    return result;
}

static int take_optimizer(struct trainer *t, const struct segment *segment, struct err *e)
{
    const struct tensor *steps = checkpoint_need(segment, "opt.steps", DTYPE_U64, 1, e);
    if (!steps)
        return -1;
    memcpy(&t->optim.steps, steps->data, sizeof t->optim.steps);
    for (int i = 0; i < t->optim.moments; i++) {
        char prefix[] = "opt.moment0.";
        prefix[strlen(prefix) - 2] = (char)('0' + i);
        if (rnnfile_take(&t->model.params, t->model.params.moment[i], prefix, segment, e) < 0)
            return -1;
    }
    return 0;
}

static int take_position(struct trainer *t, const struct segment *segment, struct err *e)
{
    if (checkpoint_take_numbers(numbers, &t->at, segment, e) < 0)
        return -1;
    const struct tensor *rng = checkpoint_need(segment, "rng.run", DTYPE_U64, 2, e);
    const struct tensor *state = checkpoint_need(segment, "pos.state", REAL_DTYPE, state_size(t), e);
    if (!rng || !state || tensor_finite(state, e) < 0)
        return -1;
    memcpy(&t->rng.key, rng->data, sizeof t->rng.key);
    memcpy(&t->rng.count, (const uint64_t *)rng->data + 1, sizeof t->rng.count);
    memcpy(t->state, state->data, state->bytes);
    if (t->config.gradflow && gradflow_restore(&t->gradflow, "pos.gradflow.", segment, e) < 0)
        return -1;
    return t->at.best_epoch ? rnnfile_take(&t->model.params, t->best, "pos.best.", segment, e) : 0;
}

static int take_all(void *run, const struct segment *segment, struct err *e)
{
    struct trainer *t = run;
    if (strcmp(segment_profile(segment), "model/rnn") || !segment_find(segment, "pos.step"))
        return err_fail(e, STATUS_DATA, "it is no checkpoint of rnn-train");
    if (compare(t, segment, e) < 0 ||
        checkpoint_same(segment, "pos.data", t->corpus.digest, "the training data differ", e) < 0 ||
        checkpoint_same(segment, "pos.valid_data", t->valid_corpus.digest, "the validation data differ", e) < 0 ||
        rnnfile_take(&t->model.params, t->model.params.value, "", segment, e) < 0 ||
        take_optimizer(t, segment, e) < 0 || take_position(t, segment, e) < 0 ||
        checkpoint_take_kernels(segment, t->other_isa, e) < 0)
        return -1;
    model_refresh(&t->model);
    t->kept = true;
    return 0;
}

int checkpoint_read(struct trainer *t, struct err *e)
{
    return checkpoint_load(t->config.checkpoint, take_all, t, e);
}
