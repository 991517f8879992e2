#include "data/side.h"

#include <assert.h>

#include "data/slice.h"

void side_begin(struct side *s)
{
    batch_free(&s->batch);
    s->at = 0;
    s->ended = false;
}

int side_more(struct side *s, uint64_t *n, struct err *e)
{
    if (!s->ended && s->at == s->batch.n) {
        uint64_t next = side_item(s);
        int got = source_batch(s->source, &s->batch, e);
        if (got < 0)
            return -1;
        s->ended = got == 0;
        if (s->ended)
            s->batch.row0 = next;
        s->at = 0;
    }
    *n = s->batch.n - s->at;
    return 0;
}

const struct batch *side_take(struct side *s, uint64_t n)
{
    uint64_t low = s->at;
    assert(n && n <= s->batch.n - low);
    s->at += n;
    if (low == 0 && n == s->batch.n)
        return &s->batch;
    batch_slice(&s->batch, low, low + n, &s->part);
    return &s->part;
}

uint64_t side_item(const struct side *s)
{
    return s->batch.row0 + s->at;
}

void side_free(struct side *s)
{
    source_close(s->source);
    segment_free(&s->segment);
    batch_free(&s->batch);
    batch_free(&s->part);
}
