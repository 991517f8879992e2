/* side: one of several streams that are walked item by item beside each other, however each cuts its items into
 * batches.
 *
 * Zero-initialize, open `source`, read each HEAD by source_segment(s.source, &s.segment, e), then
 *
 *     n = the least side_more() of all;   0: all must be 0
 *     side_take(each, n) */
#ifndef DATA_SIDE_H
#define DATA_SIDE_H

#include "data/stream.h"

struct side {
    struct source *source; /* owned */
    struct segment segment;
    struct batch batch, part;
    uint64_t at; /* items of `batch` used up */
    bool ended;  /* the segment's END has been read */
};

/* Begins the batches of the segment whose HEAD was read last. */
void side_begin(struct side *s);

/* How many items can be taken now, at least 1, in *n, which is 0 when the segment has ended. 0, or -1
 * (source_batch). */
int side_more(struct side *s, uint64_t *n, struct err *e);

/* The next n items (n <= side_more). Owned by the side, until its next call. */
const struct batch *side_take(struct side *s, uint64_t n);

/* The number, within the segment, of the next item. */
uint64_t side_item(const struct side *s);

void side_free(struct side *s);

#endif
