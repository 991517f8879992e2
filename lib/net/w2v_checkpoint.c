#include <math.h>
#include <string.h>

#include "base/par.h"
#include "net/checkpoint_parts.h"
#include "net/w2v_run.h"

#define WHOLE(field) CHECKPOINT_WHOLE(struct w2v_at, field)
#define REAL(field)  CHECKPOINT_REAL(struct w2v_at, field)
static const struct checkpoint_number numbers[] = {
    {WHOLE(epoch)},    {WHOLE(turn)},  {WHOLE(places)}, {WHOLE(words)},
    {WHOLE(reported)}, {WHOLE(pairs)}, {REAL(loss)},    {0},
};

/* Options that may change: none. The learning rate falls towards the last epoch, so that more epochs are another
 * run. */
static const char *const may_change[] = {NULL};

static int put_all(void *context, struct sink *k, struct err *e)
{
    struct w2v_run *r = context;
    if (w2v_run_write(r, k, e) < 0 || checkpoint_put_numbers(numbers, &r->at, k, e) < 0 ||
        checkpoint_put_kernels(k, e) < 0 ||
        checkpoint_put(k, "pos.data", DTYPE_UTF8, 1, strlen(r->corpus.digest), r->corpus.digest, e) < 0 ||
        checkpoint_put(k, "pos.init", DTYPE_UTF8, 1, strlen(r->init_digest), r->init_digest, e) < 0)
        return -1;
    return sink_end(k, "complete", r->parents, e);
}

int w2v_checkpoint_write(struct w2v_run *r, struct err *e)
{
    if (checkpoint_replace(r->files.checkpoint, put_all, r, e) < 0)
        return -1;
    r->kept = true;
    return 0;
}

static int compare(const struct w2v_run *r, const struct segment *segment, struct err *e)
{
    struct buf out = {0};
    checkpoint_compare(&segment->head, &r->head, may_change, &out);
    int result = checkpoint_compare_words(r->vocab, "", "the vocabulary differs", segment, &out, e);
    if (result == 0)
        result = checkpoint_judge(&out, e);
    buf_free(&out);
    return result < 0 ||
                   checkpoint_same(segment, "pos.init", r->init_digest, "it began with another --init MODEL", e) < 0 ||
                   checkpoint_same(segment, "pos.data", r->corpus.digest, "the training data differ", e) < 0
               ? -1
               : 0;
}

static int take_position(struct w2v_run *r, const struct segment *segment, struct err *e)
{
    struct w2v_at *at = &r->at;
    if (checkpoint_take_numbers(numbers, at, segment, e) < 0)
        return -1;
    uint64_t epochs = (uint64_t)r->config.epochs, places = r->config.lock_free ? PAR_MAX_THREADS : W2V_STREAMS;
    bool sound = at->epoch < epochs || (at->epoch == epochs && !at->turn);
    if (!sound || !at->places || at->places > places || (!r->config.lock_free && at->places < places) ||
        at->reported > at->words || at->words / epochs > r->corpus.words || !isfinite(at->loss))
        return err_fail(e, STATUS_DATA, "the numbers that say where it stands (pos.*) do not go together");
    return 0;
}

static int take_all(void *context, const struct segment *segment, struct err *e)
{
    struct w2v_run *r = context;
    if (strcmp(segment_profile(segment), "model/w2v") || !segment_find(segment, "pos.turn"))
        return err_fail(e, STATUS_DATA, "it is no checkpoint of w2v-train");
    if (compare(r, segment, e) < 0 || w2vfile_take_all(&r->model, segment, e) < 0 || take_position(r, segment, e) < 0 ||
        checkpoint_take_kernels(segment, r->other_isa, e) < 0)
        return -1;
    r->kept = true;
    return 0;
}

int w2v_checkpoint_read(struct w2v_run *r, struct err *e)
{
    return checkpoint_load(r->files.checkpoint, take_all, r, e);
}
