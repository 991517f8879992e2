#include "net/w2v_input.h"

#include <string.h>

/* Profile and vocabulary of the segment just begun. */
static int check_profile(const struct w2v_input *in, struct err *e)
{
    const char *profile = segment_profile(&in->segment);
    if (!strcmp(profile, "tokens") || !strcmp(profile, "vectors"))
        return 0;
    return err_fail(e, STATUS_DATA, "wants tokens or vectors, got %s", *profile ? profile : "no profile");
}

int w2v_input_open(struct w2v_input *in, struct source *source, struct err *e)
{
    *in = (struct w2v_input){.source = source};
    if (source_segment(source, &in->segment, e) < 0)
        return -1;
    if (check_profile(in, e) < 0 || vocab_read(&in->vocab, "", &in->segment, e) < 0)
        return err_where(e, "%s", source_label(source));
    meta_copy(&in->head, &in->segment.head);
    return 0;
}

/* After a segment's END: the next segment, which must go with the first: 1, or 0 when there is none. */
static int next_segment(struct w2v_input *in, struct err *e)
{
    struct vocab vocab = {0};
    const char *status = meta_get(source_end(in->source), "status"), *label = source_label(in->source);
    if (strcmp(status, "complete"))
        return err_fail(e, STATUS_DATA, "%s: is %s: it was cut short (train on the whole of it)", label, status);
    int got = source_segment(in->source, &in->segment, e);
    if (got <= 0)
        return got;
    if (check_profile(in, e) < 0 || vocab_read(&vocab, "", &in->segment, e) < 0)
        got = err_where(e, "%s", label);
    else if (!vocab_same(&in->vocab, &vocab))
        got = err_fail(e, STATUS_DATA, "%s: its segments differ in vocabulary (tokenize all of them with one --vocab)",
                       label);
    vocab_free(&vocab);
    return got;
}

static int take_batch(struct w2v_input *in, struct err *e)
{
    const struct tensor *ids = batch_need(&in->batch, "ids", DTYPE_U32, 1, e);
    if (!ids || !(in->offsets = batch_offsets(&in->batch, "ids", e)))
        return -1;
    in->ids = ids->data;
    in->item = 0;
    for (uint64_t i = 0; i < ids->dims[0]; i++)
        if (in->ids[i] >= in->vocab.n)
            return err_fail(e, STATUS_DATA,
                            "token %llu of the batch from item %llu: id %u is beyond the vocabulary of %zu words",
                            (unsigned long long)i, (unsigned long long)in->batch.row0, in->ids[i], in->vocab.n);
    in->continued = NULL;
    if (batch_find(&in->batch, "continued")) {
        const struct tensor *t = batch_need(&in->batch, "continued", DTYPE_BOOL, 1, e);
        if (!t)
            return -1;
        in->continued = t->data;
    }
    return 0;
}

static int next_batch(struct w2v_input *in, struct err *e)
{
    for (;;) {
        int got = source_batch(in->source, &in->batch, e);
        if (got == 1)
            got = take_batch(in, e) < 0 ? err_where(e, "%s", source_label(in->source)) : 1;
        if (got)
            return got;
        in->batch.n = in->item = 0;
        if ((got = next_segment(in, e)) <= 0)
            return got;
    }
}

int w2v_input_next(struct w2v_input *in, const uint32_t **ids, size_t *n, bool *continued, struct err *e)
{
    while (in->item == in->batch.n) {
        int got = next_batch(in, e);
        if (got <= 0)
            return got;
    }
    uint64_t from = in->offsets[in->item];
    *ids = in->ids + from;
    *n = in->offsets[in->item + 1] - from;
    *continued = in->continued && in->continued[in->item];
    in->item++;
    return 1;
}

void w2v_input_close(struct w2v_input *in)
{
    batch_free(&in->batch);
    segment_free(&in->segment);
    vocab_free(&in->vocab);
    meta_free(&in->head);
}
