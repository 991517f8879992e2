#include "app/relay.h"

#include <string.h>

#include "app/cli.h"
#include "data/slice.h"

static int relay_batch(const struct relay *r, struct source *s, struct batch *batch, struct sink *sink, void *context,
                       struct err *e)
{
    struct batch part = {0};
    uint64_t n, all = batch->n;
    int result = 0;
    for (uint64_t low = 0; low < all && result == 0; low += n) {
        struct batch *now = batch;
        n = r->items ? r->items(context, batch, low) : all;
        if (n < all) {
            batch_slice(batch, low, low + n, &part);
            now = &part;
        }
        uint64_t row0 = now->row0;
        if ((result = r->batch(context, now, e)) < 0)
            err_where(e, "%s: items from %llu", source_label(s), (unsigned long long)row0);
        else
            result = sink_batch(sink, now, e);
    }
    batch_free(&part);
    return result;
}

static int relay_segment(const struct relay *r, struct source *s, struct segment *segment, void *context, struct err *e)
{
    const char *input = segment_profile(segment);
    struct batch batch = {0};
    struct buf parents = {0};
    struct sink *sink;
    int got = -1;
    if (segment_wants(segment, r->wants, e) < 0)
        return err_where(e, "%s", source_label(s));
    if (!(sink = cli_sink(r->profile ? r->profile(input) : input, e)))
        return -1;
    if (r->begin && r->begin(context, segment, e) < 0) {
        err_where(e, "%s", source_label(s));
        goto out;
    }
    if (cli_head(&segment->head, e) < 0)
        goto out;
    for (size_t i = 0; i < segment->n; i++)
        if (sink_tensor(sink, &segment->tensors[i], e) < 0)
            goto out;
    while ((got = source_batch(s, &batch, e)) == 1)
        if ((got = relay_batch(r, s, &batch, sink, context, e)) < 0)
            goto out;
    if (got < 0 || (r->end && (got = r->end(context, sink, e)) < 0))
        goto out;
    buf_text(&parents, meta_get(source_end(s), "digest"));
    if (r->parents && *r->parents)
        buf_printf(&parents, " %s", r->parents);
    got = sink_end(sink, meta_get(source_end(s), "status"), buf_string(&parents), e);
out:
    batch_free(&batch);
    buf_free(&parents);
    return got;
}

int relay_run(const struct relay *r, const char *path, void *context, struct err *e)
{
    struct segment segment = {0};
    struct source *s = source_open_path(path, e);
    int got;
    if (!s || !cli_sink("tensors", e)) {
        source_close(s);
        return -1;
    }
    while ((got = source_segment(s, &segment, e)) == 1)
        if (relay_segment(r, s, &segment, context, e) < 0) {
            got = -1;
            break;
        }
    segment_free(&segment);
    source_close(s);
    return got;
}
