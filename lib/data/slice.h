/* slice: some of a batch's items. */
#ifndef DATA_SLICE_H
#define DATA_SLICE_H

#include "data/stream.h"

/* How many items a batch has by its first column: its rows, or one less when it holds offsets. */
uint64_t batch_items(const struct batch *b);

/* Items low .. high-1 of a batch that was checked (low < high <= b->n): every column cut as its offsets and `over` say,
 * offsets begun anew from 0. `part` is freed first; it borrows the data of `b`, which must outlive it. */
void batch_slice(const struct batch *b, uint64_t low, uint64_t high, struct batch *part);

/* Is this the name of an offsets column, "x.offsets"? */
bool is_offsets(const char *name);

#endif
