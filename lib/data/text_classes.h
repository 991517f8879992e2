/* text_classes: the labels of items, or the tags of tokens, while text becomes a stream.
 *
 * Their vocabulary (label.vocab.*, tag.vocab.*) has no special tokens: class k is word k. It is learned, by falling
 * count, ties by bytes; or it is that of a model or stream, and what that one lacks stands behind it, in the same order
 * among itself, so that known classes have the model's ids and whoever reads them can tell the others. As the
 * vocabulary stands in front, classes wait in a spool until the text has ended. */
#ifndef DATA_TEXT_CLASSES_H
#define DATA_TEXT_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "data/stream.h"
#include "data/vocab.h"

/* Set the first, zero the rest; text_classes_close at the end. */
struct text_classes {
    const char *prefix;  /* "label." or "tag."; NULL: there are none */
    bool known;          /* the vocabulary was read */
    size_t n_known;      /* classes it had */
    uint64_t n, unknown; /* classes added; of them those that the vocabulary had not */
    bool annotated;      /* one of them was not `_` */
    struct vocab vocab;
    /* private */
    struct spool spool; /* u32 each */
    uint32_t *map;      /* to their ids at last */
};

/* Takes the vocabulary of a segment, if it has one; a further one must be the same. */
int text_classes_read(struct text_classes *c, const struct segment *segment, bool first, struct err *e);

int text_classes_add(struct text_classes *c, const char *text, size_t length, struct err *e);

/* Nothing is added any more: writes the vocabulary and goes back to the first class. */
int text_classes_write(struct text_classes *c, struct sink *sink, struct err *e);
/* The ids of the next n. */
int text_classes_next(struct text_classes *c, uint32_t *ids, size_t n, struct err *e);

void text_classes_close(struct text_classes *c);

#endif
