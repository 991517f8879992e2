/* The writing side of stream(5). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/frame.h"
#include "data/schema.h"

enum { FLUSH_AT = 1 << 16 };

struct sink {
    struct outfile *out;
    struct buf pending; /* whole frames and heads not yet written; large payloads go past it */
    struct buf meta;    /* scratch: meta as encoded */
    XXH3_state_t *digest;
    bool begun, failed;
    uint32_t stream_id;
    uint64_t seq, length, items; /* length: bytes of the segment so far */
    uint64_t *marks;             /* where TENSORs and batches start, from HEAD */
    size_t n_marks, room_marks;
    struct name_set names; /* of the TENSORs written */
    struct schema schema;
};

struct sink *sink_open(struct outfile *out)
{
    struct sink *k = mem_get(1, sizeof *k);
    k->out = out;
    k->digest = XXH3_createState();
    if (!k->digest)
        mem_exhausted(1);
    return k;
}

void sink_close(struct sink *k)
{
    if (!k)
        return;
    buf_free(&k->pending);
    buf_free(&k->meta);
    XXH3_freeState(k->digest);
    name_set_free(&k->names);
    schema_free(&k->schema);
    free(k->marks);
    free(k);
}

static int flush(struct sink *k, struct err *e)
{
    int result = k->pending.len ? outfile_write(k->out, k->pending.data, k->pending.len, e) : 0;
    buf_clear(&k->pending);
    k->failed |= result < 0;
    return result;
}

/* Counts bytes into the digest and writes them, small ones later. */
static int put(struct sink *k, const void *bytes, size_t length, struct err *e)
{
    XXH3_128bits_update(k->digest, bytes, length);
    k->length += length;
    if (length < FLUSH_AT) {
        buf_add(&k->pending, bytes, length);
        return k->pending.len >= FLUSH_AT ? flush(k, e) : 0;
    }
    if (flush(k, e) < 0 || outfile_write(k->out, bytes, length, e) < 0) {
        k->failed = true;
        return -1;
    }
    return 0;
}

static void mark(struct sink *k)
{
    if (k->n_marks == k->room_marks) {
        k->room_marks = k->room_marks ? 2 * k->room_marks : 64;
        k->marks = mem_grow(k->marks, k->room_marks, sizeof *k->marks);
    }
    k->marks[k->n_marks++] = k->length;
}

/* One frame; `t` may be NULL (HEAD, END). */
static int put_frame(struct sink *k, struct frame_header h, const struct tensor *t, const struct meta *meta,
                     struct err *e)
{
    static const char zeros[FRAME_UNIT];
    struct buf head = {0};
    size_t bytes = t ? t->bytes : 0;
    if (t) {
        h.dtype = (uint8_t)t->dtype;
        h.rank = (uint8_t)t->rank;
        h.payload_len = bytes;
        h.raw_len = bytes;
        h.payload_crc = bytes ? frame_crc(0, t->data, bytes) : 0;
    }
    buf_clear(&k->meta);
    if (meta)
        meta_encode(meta, &k->meta);
    if (k->meta.len > META_MAX)
        return err_fail(e, STATUS_DATA, "the metadata of '%s' is longer than 1 MiB", t ? t->name : "HEAD");
    if (h.kind == FRAME_HEAD)
        k->stream_id = frame_crc(0, k->meta.data, k->meta.len);
    h.stream_id = k->stream_id;
    h.seq = k->seq++;
    frame_put(&h, t ? t->dims : NULL, t ? t->name : NULL, &k->meta, &head);
    int result = put(k, head.data, head.len, e);
    buf_free(&head);
    if (result == 0 && bytes)
        result = put(k, t->data, bytes, e);
    if (result == 0 && frame_padded(bytes) != bytes)
        result = put(k, zeros, frame_padded(bytes) - bytes, e);
    return result;
}

int sink_head(struct sink *k, const struct meta *head, struct err *e)
{
    assert(!k->begun);
    XXH3_128bits_reset(k->digest);
    k->begun = true;
    k->seq = k->length = k->items = k->n_marks = 0;
    name_set_clear(&k->names);
    schema_free(&k->schema);
    if (put_frame(k, (struct frame_header){.kind = FRAME_HEAD}, NULL, head, e) < 0)
        return -1;
    return flush(k, e); /* whoever reads can check the profile at once */
}

static int check_name(const struct tensor *t, struct err *e)
{
    size_t n = strlen(t->name);
    if (!n)
        return err_fail(e, STATUS_DATA, "a tensor or column has no name");
    if (!utf8_plain(t->name, n))
        return err_fail(e, STATUS_DATA, "a name is not UTF-8 without control bytes");
    if (n > TENSOR_MAX_NAME)
        return err_fail(e, STATUS_DATA, "the name '%.40s...' is longer than %d bytes", t->name, TENSOR_MAX_NAME);
    return 0;
}

int sink_tensor(struct sink *k, const struct tensor *t, struct err *e)
{
    assert(k->begun);
    if (check_name(t, e) < 0)
        return -1;
    if (!name_set_add(&k->names, t->name))
        return err_fail(e, STATUS_DATA, "the tensor '%s' stands twice", t->name);
    mark(k);
    return put_frame(k, (struct frame_header){.kind = FRAME_TENSOR}, t, &t->meta, e);
}

/* Before its first byte is written: a batch that a source would refuse is refused here. */
static int check_batch(struct sink *k, const struct batch *batch, struct err *e)
{
    schema_begin(&k->schema);
    for (size_t i = 0; i < batch->n_columns; i++) {
        const struct tensor *t = &batch->columns[i];
        if (check_name(t, e) < 0)
            return -1;
        if (schema_column(&k->schema, t, i + 1 == batch->n_columns, e) < 0)
            return err_where(e, "column '%s' to be written", t->name);
    }
    assert(batch->n_columns && batch->n == k->schema.n);
    return 0;
}

int sink_batch(struct sink *k, const struct batch *batch, struct err *e)
{
    assert(k->begun);
    if (!batch->n)
        return 0;
    if (check_batch(k, batch, e) < 0)
        return -1;
    mark(k);
    for (size_t i = 0; i < batch->n_columns; i++) {
        const struct tensor *t = &batch->columns[i];
        struct frame_header h = {.kind = FRAME_COLUMN, .row0 = k->items};
        if (i + 1 == batch->n_columns)
            h.flags = FRAME_LAST;
        if (put_frame(k, h, t, &t->meta, e) < 0)
            return -1;
    }
    k->items += batch->n;
    return flush(k, e);
}

static int put_index(struct sink *k, struct err *e)
{
    struct tensor t = {.name = "", .dtype = DTYPE_U64, .rank = 1, .dims = {k->n_marks}, .bytes = 8 * k->n_marks};
    for (size_t i = 0; i < k->n_marks; i++)
        k->marks[i] = k->length - k->marks[i];
    t.data = k->marks;
    return put_frame(k, (struct frame_header){.kind = FRAME_INDEX}, &t, NULL, e);
}

int sink_end(struct sink *k, const char *status, const char *parents, struct err *e)
{
    assert(k->begun);
    uint64_t index = k->length;
    if (put_index(k, e) < 0)
        return -1;
    XXH128_hash_t hash = XXH3_128bits_digest(k->digest);
    char hex[33];
    snprintf(hex, sizeof hex, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    struct meta meta = {0};
    meta_set(&meta, "digest", hex);
    meta_setf(&meta, "frames", "%llu", (unsigned long long)k->seq + 1);
    meta_setf(&meta, "items", "%llu", (unsigned long long)k->items);
    meta_set(&meta, "status", status);
    if (parents && *parents)
        meta_set(&meta, "parent", parents);
    struct frame_header h = {.kind = FRAME_END, .raw_len = k->length - index};
    buf_clear(&k->meta);
    meta_encode(&meta, &k->meta);
    h.meta_len = (uint32_t)k->meta.len;
    h.row0 = k->length + frame_head_length(&h);
    int result = put_frame(k, h, NULL, &meta, e);
    meta_free(&meta);
    k->begun = false;
    return result < 0 ? -1 : flush(k, e);
}

/* Adds a line's text without what would end the line or the field, and without what is not UTF-8 (a file's name may be
 * anything): the reader would refuse the frame, and the cause would be lost. */
static void put_line(struct buf *lines, const char *text)
{
    for (size_t n; *text; text += n) {
        n = utf8_length(text, strlen(text));
        if (n > 1 || (n && (unsigned char)*text >= 0x20 && *text != 0x7f))
            buf_add(lines, text, n);
        else
            buf_text(lines, n ? " " : "\xef\xbf\xbd");
        n += !n;
    }
}

void sink_fail(struct sink *k, const char *profile, const char *program, const struct err *failure)
{
    struct err ignored = {0};
    struct meta head = {0};
    struct buf lines = {0};
    if (k->failed)
        return; /* the output itself is what failed */
    if (!k->begun) {
        meta_set(&head, "profile", profile);
        if (sink_head(k, &head, &ignored) < 0)
            goto out;
    }
    buf_text(&lines, failure->chain);
    buf_printf(&lines, "%d\t%s\t", (int)failure->status, program);
    put_line(&lines, failure->text);
    buf_char(&lines, '\n');
    struct tensor t =
        {.name = "", .dtype = DTYPE_UTF8, .rank = 1, .dims = {lines.len}, .bytes = lines.len, .data = lines.data};
    if (put_frame(k, (struct frame_header){.kind = FRAME_ERROR}, &t, NULL, &ignored) == 0)
        flush(k, &ignored);
    k->begun = false;
out:
    meta_free(&head);
    buf_free(&lines);
}

void head_make(struct meta *head, const char *profile, const struct meta *input, const char *hop)
{
    char key[32];
    unsigned hops = 0;
    meta_set(head, "profile", profile);
    for (size_t i = 0; input && i < input->n; i++)
        if (!strncmp(input->pairs[i].key, "hop.", 4)) {
            snprintf(key, sizeof key, "hop.%04u", hops++);
            meta_set(head, key, input->pairs[i].value);
        }
    snprintf(key, sizeof key, "hop.%04u", hops);
    meta_set(head, key, hop);
}
