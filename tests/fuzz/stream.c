/* Streams: read as they are, and once more with checksums, numbers and digests put right, so that what lies behind the
 * checksums is reached too. What a source takes a sink must write again. */
#include <string.h>

#include "base/mem.h"
#include "data/frame.h"
#include "memory.h"

/* Makes every frame that fits into the bytes one that passes its checksums. */
static void put_right(uint8_t *data, size_t size)
{
    uint32_t id = 0;
    uint64_t seq = 0;
    for (size_t at = 0; size - at >= FRAME_HEADER;) {
        struct frame_header h;
        memcpy(&h, data + at, sizeof h);
        memcpy(h.magic, frame_magic, sizeof h.magic);
        h.rank %= TENSOR_MAX_RANK + 1;
        uint64_t head = frame_head_length(&h), left = size - at;
        if (head > left)
            return;
        if (h.payload_len > left - head)
            h.payload_len = left - head;
        if (h.kind == FRAME_HEAD) {
            seq = 0;
            id = frame_crc(0, data + at + FRAME_HEADER + 8 * h.rank + h.name_len, h.meta_len);
        }
        h.major = FRAME_MAJOR;
        h.stream_id = id;
        h.seq = seq++;
        h.payload_crc = h.payload_len ? frame_crc(0, data + at + head, h.payload_len) : 0;
        h.head_crc = 0;
        memcpy(data + at, &h, sizeof h);
        h.head_crc = frame_crc(0, data + at, head);
        memcpy(data + at, &h, sizeof h);
        uint64_t length = head + frame_padded(h.payload_len);
        if (length > left)
            return;
        at += length;
    }
}

static void read_and_write(const uint8_t *data, size_t size)
{
    struct err e = {0}, ignored;
    struct segment segment = {0};
    struct batch batch = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct source *s = source_open(memory_file(data, size), "fuzz");
    struct sink *k = sink_open(&out);
    int got;
    while ((got = source_segment(s, &segment, &e)) > 0) {
        if (sink_head(k, &segment.head, &ignored) < 0)
            abort();
        for (size_t i = 0; i < segment.n; i++)
            if (sink_tensor(k, &segment.tensors[i], &ignored) < 0)
                abort();
        while ((got = source_batch(s, &batch, &e)) > 0)
            if (sink_batch(k, &batch, &ignored) < 0)
                abort();
        if (got < 0 || sink_end(k, "complete", NULL, &ignored) < 0)
            break;
    }
    if (got < 0 && (!*e.text || (e.status != STATUS_DATA && e.status != STATUS_UPSTREAM)))
        abort();
    segment_free(&segment);
    batch_free(&batch);
    source_close(s);
    sink_close(k);
    close(out.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_and_write(data, size);
    uint8_t *right = (uint8_t *)mem_copy_bytes(data, size);
    put_right(right, size);
    read_and_write(right, size);
    free(right);
    return 0;
}
