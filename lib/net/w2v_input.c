#include "net/w2v_input.h"

#include "base/stop.h"

static int read_vocab(const struct w2v_input *in, struct vocab *vocab, struct err *e)
{
    return segment_wants(&in->segment, "tokens or vectors", e) < 0 ? -1 : vocab_read(vocab, "", &in->segment, e);
}

int w2v_input_open(struct w2v_input *in, struct source *source, struct err *e)
{
    *in = (struct w2v_input){.source = source};
    if (source_segment(source, &in->segment, e) < 0)
        return stop_outranks(e);
    if (read_vocab(in, &in->vocab, e) < 0)
        return err_where(e, "%s", source_label(source));
    meta_copy(&in->head, &in->segment.head);
    return 0;
}

/* After a segment's END: the next segment, which must go with the first: 1, or 0 when there is none. */
static int next_segment(struct w2v_input *in, struct err *e)
{
    struct vocab vocab = {0};
    if (source_whole(in->source, e) < 0)
        return err_where(e, "%s", source_label(in->source));
    int got = source_segment(in->source, &in->segment, e);
    if (got <= 0)
        return got;
    if (read_vocab(in, &vocab, e) < 0 || vocab_again(&in->vocab, &vocab, e) < 0)
        got = err_where(e, "%s", source_label(in->source));
    vocab_free(&vocab);
    return got;
}

static int take_batch(struct w2v_input *in, struct err *e)
{
    in->item = 0;
    if (corpus_columns(&in->columns, &in->batch, 0, true, NULL, e) < 0)
        return -1;
    for (size_t row = 0; row < in->columns.offsets[in->batch.n]; row++)
        if (corpus_id(in->columns.ids, row, in->vocab.n, e) < 0)
            return err_where(e, "batch of item %llu", (unsigned long long)in->batch.row0);
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
            return got < 0 ? stop_outranks(e) : 0;
    }
    uint64_t from = in->columns.offsets[in->item];
    *ids = in->columns.ids + from;
    *n = in->columns.offsets[in->item + 1] - from;
    *continued = in->columns.continued && in->columns.continued[in->item];
    in->item++;
    return 1;
}

void w2v_input_close(struct w2v_input *in)
{
    corpus_columns_free(&in->columns);
    batch_free(&in->batch);
    segment_free(&in->segment);
    vocab_free(&in->vocab);
    meta_free(&in->head);
}
