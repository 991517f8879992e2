/* frame: the 64-byte header of stream(5), shared by source and sink. */
#ifndef DATA_FRAME_H
#define DATA_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h> /* the functions of xxhash.h for the processor at hand: half the time for a digest */
#else
#include <xxhash.h>
#endif

#include "base/buf.h"
#include "data/stream.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "streams are little-endian and used as they lie in memory; a big-endian host would have to swap payloads"
#endif

enum {
    FRAME_HEADER = 64,
    FRAME_UNIT = 64,
    FRAME_MAJOR = 1,
    FRAME_MAX_COLUMNS = 1024,
    FRAME_MAX_ERROR = 1 << 16, /* bytes of an ERROR's lines */
};

/* As it lies in the stream. */
struct frame_header {
    unsigned char magic[8];
    uint8_t major, minor, kind, flags, dtype, rank;
    uint16_t name_len;
    uint32_t meta_len, head_crc;
    uint64_t payload_len, raw_len;
    uint32_t payload_crc, stream_id;
    uint64_t seq, row0;
};

extern const unsigned char frame_magic[8];

uint32_t frame_crc(uint32_t crc, const void *bytes, size_t length); /* begins with crc 0 */

static inline uint64_t frame_padded(uint64_t length)
{
    return (length + FRAME_UNIT - 1) / FRAME_UNIT * FRAME_UNIT;
}

/* Bytes of header, dims, name, meta and the zeros behind them. */
uint64_t frame_head_length(const struct frame_header *h);

/* Adds the head of a frame to `out`: header with its checksum, dims, name, meta, zeros. `h` needs kind, flags, dtype,
 * rank, payload_len, raw_len, payload_crc, stream_id, seq and row0. */
void frame_put(struct frame_header *h, const uint64_t *dims, const char *name, const struct buf *meta, struct buf *out);

/* What a header that was read may say: the lengths that are read by next, then, once its checksum has held, everything
 * else that does not depend on the frames before it. STATUS_DATA without a place. */
int frame_limits(const struct frame_header *h, struct err *e);
int frame_check(const struct frame_header *h, const uint64_t *dims, struct err *e);

/* The names that stand in a segment already. Zero-initialize. */
struct name_set {
    uint64_t *slots; /* hashes; open addressing, 0 empty */
    size_t n, room;
};

bool name_set_add(struct name_set *set, const char *name); /* false when it was there */
void name_set_clear(struct name_set *set);
void name_set_free(struct name_set *set);

#endif
