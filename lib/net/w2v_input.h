/* w2v_input: the items of a stream of tokens, one by one, whatever segments and batches they come in. */
#ifndef NET_W2V_INPUT_H
#define NET_W2V_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/stream.h"
#include "data/vocab.h"
#include "net/corpus.h"

struct w2v_input {
    struct source *source;
    struct vocab vocab; /* of all segments */
    struct meta head;   /* of the first: the data's history */
    /* private */
    struct segment segment;
    struct batch batch;
    struct corpus_columns columns;
    size_t item;
};

/* Reads up to the first batch. The source stays the caller's. A stream that is not one of tokens or vectors is
 * STATUS_DATA. */
int w2v_input_open(struct w2v_input *in, struct source *source, struct err *e);

/* The next item: 1; 0 when all segments are read. The ids lie in the vocabulary and last until the next call.
 * `continued`: the item goes on with the one before. STATUS_DATA: a segment that is partial, or of another profile or
 * vocabulary than the first. */
int w2v_input_next(struct w2v_input *in, const uint32_t **ids, size_t *n, bool *continued, struct err *e);

void w2v_input_close(struct w2v_input *in);

#endif
