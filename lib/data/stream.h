/* stream: the tensor stream of stream(5). A source reads and checks it, a sink writes it.
 *
 * Everything stream(5) demands is held here and not left to each tool: checksums, order, sequence numbers, the shape of
 * batches, offsets, the index, the digest; that EOF before END is an error; that an ERROR read is passed on. */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "data/meta.h"
#include "data/tensor.h"

enum frame_kind {
    FRAME_HEAD = 1,
    FRAME_TENSOR = 2,
    FRAME_COLUMN = 3,
    FRAME_INDEX = 4,
    FRAME_END = 5,
    FRAME_ERROR = 6,
    FRAME_ANCILLARY = 0x80, /* bit: unknown ones are skipped */
};

enum frame_flag { FRAME_DEFLATED = 1, FRAME_SHUFFLED = 2, FRAME_LAST = 4 };

enum { STREAM_BATCH_BYTES = 1 << 20, STREAM_MAX_ITEM_TOKENS = 65536 };

const char *frame_kind_name(unsigned kind); /* "HEAD" */

/* ---- Reading --------------------------------------------------------------------------------------------------- */

/* A frame as read. Everything belongs to the source and lasts until its next call. */
struct frame {
    enum frame_kind kind;
    unsigned flags;
    uint64_t seq, row0;
    uint64_t offset;      /* of its first byte in the input */
    uint64_t length;      /* bytes of the whole frame, padding included */
    uint64_t stored;      /* bytes of the payload */
    struct tensor tensor; /* name, meta, dtype, shape, payload (HEAD and END: meta alone) */
};

struct source;

/* Reads from a descriptor, which it closes in the end unless it is standard input. `label` names it in messages.
 * source_open_path opens a path ("-" or NULL: standard input). */
struct source *source_open(int fd, const char *label);
struct source *source_open_path(const char *path, struct err *e);
void source_close(struct source *s);
const char *source_label(const struct source *s);

/* The next frame of any kind but ERROR and unknown ancillary ones: 1; 0 at the end of the input, which must lie behind
 * an END; -1 with STATUS_DATA, or STATUS_UPSTREAM when an ERROR frame was read (e->chain holds its lines). */
int source_frame(struct source *s, struct frame *f, struct err *e);

/* A segment's HEAD and TENSORs, read as one. */
struct segment {
    struct meta head;
    struct tensor *tensors; /* owned */
    size_t n;
};

/* Reads HEAD and all TENSORs of the next segment: 1; 0 at the end of the input; -1. What `segment` held is freed first;
 * zero-initialize it before the first call. An input without a single segment is STATUS_DATA. */
int source_segment(struct source *s, struct segment *segment, struct err *e);

const char *segment_profile(const struct segment *segment); /* "" when it has none */
/* Refuses, as STATUS_DATA, a profile that is none of `wanted`: "tokens, vectors or pairs". */
int segment_wants(const struct segment *segment, const char *wanted, struct err *e);
/* The tensor of a name, or NULL; segment_need makes its absence a STATUS_DATA. Owned by the segment. */
struct tensor *segment_find(const struct segment *segment, const char *name);
struct tensor *segment_need(const struct segment *segment, const char *name, struct err *e);
void segment_free(struct segment *segment);

/* A batch: columns over `n` items, the first of them item `row0` of the segment. */
struct batch {
    uint64_t row0, n;
    struct tensor *columns; /* owned, in stream order */
    size_t n_columns;
};

/* Reads the next batch of the segment whose HEAD was read last: 1; 0 when its END was read; -1. What `batch` held is
 * freed first; zero-initialize it before the first call. The columns have been checked: N rows, offsets from 0 and
 * never falling, data as long as its offsets say, the same columns as in the segment's other batches. */
int source_batch(struct source *s, struct batch *batch, struct err *e);

/* After source_batch returned 0 (or FRAME_END was read): that END's meta. `digest` and `status` are always there. */
const struct meta *source_end(const struct source *s);

/* After the same: refuses, as STATUS_DATA, a segment that END calls partial. */
int source_whole(const struct source *s, struct err *e);

/* The digests of all segments read so far, space-separated: what END's `parent` wants. Owned by the source. */
const char *source_digests(const struct source *s);

/* Bytes read so far. */
uint64_t source_position(const struct source *s);

struct tensor *batch_find(const struct batch *batch, const char *name);
/* Absence, another dtype, or another rank (rank < 0: any) is STATUS_DATA and names the columns there are. */
struct tensor *batch_need(const struct batch *batch, const char *name, enum dtype dtype, int rank, struct err *e);
/* The offsets u64[N+1] of a ragged column: those of "<name>.offsets", or those its meta `over=` names. */
const uint64_t *batch_offsets(const struct batch *batch, const char *name, struct err *e);
/* Adds a column, which the batch then owns. One that is there already is STATUS_DATA. */
int batch_add(struct batch *batch, struct tensor column, struct err *e);
void batch_free(struct batch *batch);

/* Reads what is one segment without batches (a model): HEAD, TENSORs, END, nothing behind. `digest` (33 bytes) gets
 * END's digest unless NULL. Duplicate names and partial streams are refused. segment_load opens a path for it. */
int segment_only(struct source *s, struct segment *segment, char *digest, struct err *e);
int segment_load(const char *path, struct segment *segment, char *digest, struct err *e);

/* ---- Writing --------------------------------------------------------------------------------------------------- */

struct sink;

/* Writes to an open output, which stays the caller's. */
struct sink *sink_open(struct outfile *out);
void sink_close(struct sink *k);

/* Begins a segment. */
int sink_head(struct sink *k, const struct meta *head, struct err *e);
/* Name, dtype, shape, meta and data of t as a TENSOR frame. */
int sink_tensor(struct sink *k, const struct tensor *t, struct err *e);
/* A batch; row0 is counted here, batch->row0 is not looked at. An empty batch (n == 0) is not written. */
int sink_batch(struct sink *k, const struct batch *batch, struct err *e);
/* INDEX and END. `status` is "complete" or "partial"; `parents` the digests of the inputs, or NULL or "" for none. */
int sink_end(struct sink *k, const char *status, const char *parents, struct err *e);
/* A failure in place of END: HEAD first if there was none. Best effort: what cannot be written is let go. */
void sink_fail(struct sink *k, const char *profile, const char *program, const struct err *e);

/* Meta of a HEAD: the profile and, behind the hops of `input` (NULL: no input), one more saying how this stream is
 * made. */
void head_make(struct meta *head, const char *profile, const struct meta *input, const char *hop);

#endif
