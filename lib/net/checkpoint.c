#include "net/train.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a run stands, as TENSORs of one number each. */
#define WHOLE(field) "pos." #field, DTYPE_U64, offsetof(struct train_at, field)
#define REAL(field)  "pos." #field, DTYPE_F64, offsetof(struct train_at, field)
static const struct field {
    const char *name;
    enum dtype dtype; /* u64 or f64 */
    size_t at;
} fields[] = {
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
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* Options that may change between a run and its resumption. */
static const char *const may_change[] = {"option.epochs", "option.patience"};

static size_t state_size(const struct trainer *t)
{
    return model_state_size(&t->model, t->train.rows);
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int put(struct sink *k, const char *name, enum dtype dtype, unsigned rank, uint64_t n, const void *data,
               struct err *e)
{
    struct tensor t = tensor_view(name, dtype, rank, &n, data);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    return result;
}

static int put_optimizer(const struct trainer *t, struct sink *k, struct err *e)
{
    if (put(k, "opt.steps", DTYPE_U64, 0, 0, &t->optim.steps, e) < 0)
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
    for (const struct field *f = fields; f < fields + N_FIELDS; f++)
        if (put(k, f->name, f->dtype, 0, 0, (const char *)&t->at + f->at, e) < 0)
            return -1;
    if (put(k, "pos.data", DTYPE_UTF8, 1, strlen(t->corpus.digest), t->corpus.digest, e) < 0 ||
        put(k, "pos.valid_data", DTYPE_UTF8, 1, strlen(t->valid_corpus.digest), t->valid_corpus.digest, e) < 0 ||
        put(k, "pos.state", REAL_DTYPE, 1, state_size(t), t->state, e) < 0)
        return -1;
    if (t->config.gradflow && gradflow_save(&t->gradflow, "pos.gradflow.", k, e) < 0)
        return -1;
    return t->at.best_epoch ? rnnfile_put(&t->model.params, t->best, "pos.best.", k, e) : 0;
}

static int put_all(struct trainer *t, struct outfile *out, struct err *e)
{
    struct sink *k = sink_open(out);
    uint64_t rng[2] = {t->rng.key, t->rng.count};
    int result = 0;
    if (train_write(t, k, e) < 0 || put_optimizer(t, k, e) < 0 || put(k, "rng.run", DTYPE_U64, 1, 2, rng, e) < 0 ||
        put_position(t, k, e) < 0 || sink_end(k, "complete", t->corpus.parents, e) < 0)
        result = -1;
    sink_close(k);
    return result;
}

int checkpoint_write(struct trainer *t, struct err *e)
{
    struct outfile out = {.fd = -1};
    if (outfile_open(&out, t->config.checkpoint, e) == 0 && put_all(t, &out, e) == 0 && outfile_commit(&out, e) == 0) {
        t->kept = true;
        return 0;
    }
    outfile_drop(&out);
    return err_where(e, "checkpoint %s", t->config.checkpoint);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static bool counts(const char *key)
{
    if (strncmp(key, "option.", strlen("option.")) && strcmp(key, "inputs") && strcmp(key, "targets"))
        return false;
    for (size_t i = 0; i < sizeof may_change / sizeof *may_change; i++)
        if (!strcmp(key, may_change[i]))
            return false;
    return true;
}

static void note_difference(struct buf *out, const char *key, const char *there, const char *here)
{
    const char *name = strncmp(key, "option.", strlen("option.")) ? key : key + strlen("option.");
    buf_printf(out, "%s%s was %s and is %s", out->len ? ", " : "", name, there ? there : "not given",
               here ? here : "not given");
}

static int compare_words(const struct vocab *here, const char *prefix, const char *what, const struct segment *segment,
                         struct buf *out, struct err *e)
{
    struct vocab there = {0};
    char *name = mem_printf("%svocab.text", prefix);
    int result = segment_find(segment, name) ? vocab_read(&there, prefix, segment, e) : 0;
    if (result == 0 && !vocab_same(&there, here))
        buf_printf(out, "%s%s", out->len ? ", " : "", what);
    vocab_free(&there);
    free(name);
    return result;
}

/* Names every option, or kind of data, in which the checkpoint is of another run. */
static int compare(const struct trainer *t, const struct segment *segment, struct err *e)
{
    struct buf out = {0};
    const struct meta *there = &segment->head, *here = &t->head;
    for (size_t i = 0; i < there->n; i++) {
        const char *value = meta_get(here, there->pairs[i].key);
        if (counts(there->pairs[i].key) && (!value || strcmp(value, there->pairs[i].value)))
            note_difference(&out, there->pairs[i].key, there->pairs[i].value, value);
    }
    for (size_t i = 0; i < here->n; i++)
        if (counts(here->pairs[i].key) && !meta_get(there, here->pairs[i].key))
            note_difference(&out, here->pairs[i].key, NULL, here->pairs[i].value);
    const struct corpus *c = &t->corpus;
    int result = compare_words(&c->vocab, "", "the vocabulary differs", segment, &out, e);
    if (result == 0)
        result = compare_words(&c->characters, "char.", "the vocabulary of characters differs", segment, &out, e);
    if (result == 0 && c->labels.n) {
        char *prefix = corpus_labels_prefix(c->target);
        result = compare_words(&c->labels, prefix, "the names of the classes differ", segment, &out, e);
        free(prefix);
    }
    if (result == 0 && out.len)
        result =
            err_fail(e, STATUS_DATA, "it is of another run: %s (use its options and data, or another --checkpoint)",
                     buf_string(&out));
    buf_free(&out);
    return result;
}

static const struct tensor *need(const struct segment *segment, const char *name, enum dtype dtype, uint64_t count,
                                 struct err *e)
{
    const struct tensor *t = segment_need(segment, name, e);
    if (!t || tensor_expect(t, dtype, -1, e) < 0)
        return NULL;
    if (tensor_count(t) != count) {
        err_fail(e, STATUS_DATA, "tensor '%s' has %zu elements, not %llu", name, tensor_count(t),
                 (unsigned long long)count);
        return NULL;
    }
    return t;
}

static int same_data(const struct segment *segment, const char *name, const char *digest, struct err *e)
{
    const struct tensor *t = segment_need(segment, name, e);
    if (!t)
        return -1;
    if (t->bytes != strlen(digest) || memcmp(t->data, digest, t->bytes))
        return err_fail(e, STATUS_DATA, "it is of another run: the %s data differ (%s)",
                        strcmp(name, "pos.data") ? "validation" : "training", "use its data, or another --checkpoint");
    return 0;
}

static int take_optimizer(struct trainer *t, const struct segment *segment, struct err *e)
{
    const struct tensor *steps = need(segment, "opt.steps", DTYPE_U64, 1, e);
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
    for (const struct field *f = fields; f < fields + N_FIELDS; f++) {
        const struct tensor *number = need(segment, f->name, f->dtype, 1, e);
        if (!number)
            return -1;
        memcpy((char *)&t->at + f->at, number->data, sizeof(uint64_t));
    }
    const struct tensor *rng = need(segment, "rng.run", DTYPE_U64, 2, e);
    const struct tensor *state = need(segment, "pos.state", REAL_DTYPE, state_size(t), e);
    if (!rng || !state || tensor_finite(state, e) < 0)
        return -1;
    memcpy(&t->rng.key, rng->data, sizeof t->rng.key);
    memcpy(&t->rng.count, (const uint64_t *)rng->data + 1, sizeof t->rng.count);
    memcpy(t->state, state->data, state->bytes);
    if (t->config.gradflow && gradflow_restore(&t->gradflow, "pos.gradflow.", segment, e) < 0)
        return -1;
    return t->at.best_epoch ? rnnfile_take(&t->model.params, t->best, "pos.best.", segment, e) : 0;
}

static int take_all(struct trainer *t, const struct segment *segment, struct err *e)
{
    if (strcmp(segment_profile(segment), "model/rnn") || !segment_find(segment, "pos.step"))
        return err_fail(e, STATUS_DATA, "it is no checkpoint of rnn-train");
    if (compare(t, segment, e) < 0 || same_data(segment, "pos.data", t->corpus.digest, e) < 0 ||
        same_data(segment, "pos.valid_data", t->valid_corpus.digest, e) < 0 ||
        rnnfile_take(&t->model.params, t->model.params.value, "", segment, e) < 0 ||
        take_optimizer(t, segment, e) < 0 || take_position(t, segment, e) < 0)
        return -1;
    model_refresh(&t->model);
    t->kept = true;
    return 1;
}

int checkpoint_read(struct trainer *t, struct err *e)
{
    struct segment segment = {0};
    if (access(t->config.checkpoint, F_OK) < 0)
        return 0;
    int result = segment_load(t->config.checkpoint, &segment, NULL, e);
    if (result == 0 && (result = take_all(t, &segment, e)) < 0)
        err_where(e, "checkpoint %s", t->config.checkpoint);
    segment_free(&segment);
    return result;
}
