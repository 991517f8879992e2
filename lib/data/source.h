/* source: what reading whole segments and batches (batch.c) takes of a source beside stream.h. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/stream.h"

/* Moves the tensor of the frame that source_frame gave last out of the source: the caller owns it. */
struct tensor source_take(struct source *s);

/* The next source_frame gives the last frame again. */
void source_hold(struct source *s);

/* Items of the batch at hand, known with its last column. */
uint64_t source_rows(const struct source *s);

#endif
