/* The reading side of stream(5): bytes, frames, and the order they must come in. What a header may say stands in
 * frame.c, what a batch must look like in schema.c; batch.c reads whole segments and batches. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "data/frame.h"
#include "data/schema.h"
#include "data/source.h"

enum { READ_AHEAD = 1 << 17, GROW_FROM = 1 << 20 };

/* Where in a segment the reader is: what may come next. */
enum place { BEFORE_HEAD, IN_TENSORS, IN_BATCH, BETWEEN_BATCHES, AFTER_INDEX };

struct source {
    int fd;
    char *label;
    unsigned char *ahead; /* read but not yet taken */
    size_t ahead_at, ahead_end;
    bool eof, any;     /* any: a segment was begun */
    uint64_t position; /* bytes taken */

    enum place place;
    uint64_t seq, start; /* next frame's number; where the segment began */
    uint64_t items, batch_items;
    uint32_t stream_id;
    XXH3_state_t *digest;
    uint64_t *marks, index_at;
    size_t n_marks, room_marks;
    struct name_set names; /* of TENSORs seen */
    struct schema schema;
    char last[64]; /* the last good frame, for messages */

    struct buf head;    /* head of the frame at hand, as stored */
    struct frame frame; /* the frame at hand; its tensor's memory is the source's until taken */
    struct frame held;  /* a frame read too far by source_segment */
    bool holds;
    struct meta end;
    struct buf digests;
};

struct source *source_open(int fd, const char *label)
{
    struct source *s = mem_get(1, sizeof *s);
    s->fd = fd;
    s->label = mem_copy(label);
    s->ahead = mem_aligned(READ_AHEAD, 1);
    s->digest = XXH3_createState();
    if (!s->digest)
        mem_exhausted(1);
    snprintf(s->last, sizeof s->last, "none");
    return s;
}

struct source *source_open_path(const char *path, struct err *e)
{
    int fd = infile_open(path, e);
    return fd < 0 ? NULL : source_open(fd, infile_label(path));
}

static void frame_free(struct frame *f)
{
    tensor_free(&f->tensor);
}

void source_close(struct source *s)
{
    if (!s)
        return;
    if (s->fd != STDIN_FILENO)
        close(s->fd);
    frame_free(&s->frame);
    frame_free(&s->held);
    schema_free(&s->schema);
    XXH3_freeState(s->digest);
    meta_free(&s->end);
    buf_free(&s->head);
    buf_free(&s->digests);
    free(s->marks);
    name_set_free(&s->names);
    free(s->ahead);
    free(s->label);
    free(s);
}

const char *source_label(const struct source *s)
{
    return s->label;
}

const struct meta *source_end(const struct source *s)
{
    return &s->end;
}

const char *source_digests(const struct source *s)
{
    return s->digests.data ? s->digests.data : "";
}

uint64_t source_position(const struct source *s)
{
    return s->position;
}

/* ---- Messages ---- */

/* "label: frame 12 'w.in' at byte 640: ..." A pending stop outranks whatever the input says: the group's upstream may
 * have died of the same signal first. */
static int bad(const struct source *s, struct err *e, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int bad(const struct source *s, struct err *e, const char *format, ...)
{
    char text[512], name[80] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (stop_pending())
        return err_fail(e, STATUS_STOPPED, "stopped by a signal while reading %s", s->label);
    if (s->frame.tensor.name && *s->frame.tensor.name)
        snprintf(name, sizeof name, " '%.60s'", s->frame.tensor.name);
    return err_fail(e, STATUS_DATA, "%s: frame %" PRIu64 "%s at byte %" PRIu64 ": %s", s->label, s->seq, name,
                    s->frame.offset, text);
}

/* The same with the sentence that stands in *e already. */
static int bad_because(const struct source *s, struct err *e)
{
    char text[512];
    snprintf(text, sizeof text, "%s", e->text);
    return bad(s, e, "%s", text);
}

static int cut(const struct source *s, struct err *e)
{
    if (stop_pending())
        return err_fail(e, STATUS_STOPPED, "stopped by a signal while reading %s", s->label);
    return err_fail(e, STATUS_DATA,
                    "%s: the stream ends at byte %" PRIu64 " without its END; the last good frame is %s (the file was "
                    "cut, or what wrote it failed)",
                    s->label, s->position, s->last);
}

/* ---- Bytes ---- */

/* Takes up to n bytes: fewer only at the end of the input. Returns how many, or -1. */
static long take_some(struct source *s, void *to, size_t n, struct err *e)
{
    size_t got = 0;
    while (got < n) {
        size_t ready = s->ahead_end - s->ahead_at;
        if (ready) {
            if (ready > n - got)
                ready = n - got;
            memcpy((char *)to + got, s->ahead + s->ahead_at, ready);
            s->ahead_at += ready;
            got += ready;
            continue;
        }
        if (s->eof)
            break;
        bool direct = n - got >= READ_AHEAD; /* a large payload needs no second copy */
        long read = file_read(s->fd, direct ? (unsigned char *)to + got : s->ahead, direct ? n - got : READ_AHEAD, e);
        if (read < 0) {
            err_where(e, "%s", s->label);
            return -1;
        }
        s->eof = read == 0;
        if (direct)
            got += (size_t)read;
        else
            s->ahead_at = 0, s->ahead_end = (size_t)read;
    }
    s->position += got;
    return (long)got;
}

static int take(struct source *s, void *to, size_t n, struct err *e)
{
    long got = take_some(s, to, n, e);
    if (got < 0)
        return -1;
    return (size_t)got < n ? cut(s, e) : 0;
}

/* Takes `n` bytes of payload, counting them into checksum and digest while they are still in the cache. */
static int take_counted(struct source *s, unsigned char *to, size_t n, uint32_t *crc, struct err *e)
{
    for (size_t piece; n; to += piece, n -= piece) {
        piece = n < READ_AHEAD ? n : READ_AHEAD;
        if (take(s, to, piece, e) < 0)
            return -1;
        *crc = frame_crc(*crc, to, piece);
        XXH3_128bits_update(s->digest, to, piece);
    }
    return 0;
}

/* How many bytes are there to be read, as far as that is known: of a regular file. */
static uint64_t bytes_left(const struct source *s)
{
    struct stat file;
    off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(s->fd, &file) < 0 || !S_ISREG(file.st_mode) || file.st_size < at)
        return 0;
    return (uint64_t)(file.st_size - at) + (s->ahead_end - s->ahead_at);
}

/* Takes a payload into new memory: at once as much as the file still holds, else growing as bytes arrive; never as a
 * header claims. */
static unsigned char *take_payload(struct source *s, uint64_t n, uint32_t *crc, struct err *e)
{
    uint64_t sure = n > GROW_FROM ? bytes_left(s) : 0;
    size_t room = (size_t)(n < GROW_FROM || n <= sure ? n : sure > GROW_FROM ? sure : GROW_FROM), got = 0;
    unsigned char *data = mem_room(frame_padded(room));
    for (;;) {
        if (take_counted(s, data + got, room - got, crc, e) < 0) {
            free(data);
            return NULL;
        }
        got = room;
        if (got == n)
            return data;
        room = n - got < got ? (size_t)n : 2 * got;
        unsigned char *larger = mem_room(frame_padded(room));
        memcpy(larger, data, got);
        free(data);
        data = larger;
    }
}

/* ---- One frame's head ---- */

static int check_magic(const struct source *s, const struct frame_header *h, size_t got, struct err *e)
{
    if (!memcmp(h->magic, frame_magic, got < sizeof h->magic ? got : sizeof h->magic))
        return 0;
    if (s->any)
        return bad(s, e, "no frame begins here (bytes were lost, added or changed)");
    if (stop_pending())
        return err_fail(e, STATUS_STOPPED, "stopped by a signal while reading %s", s->label);
    return err_fail(e, STATUS_DATA, "%s: is not a tensor stream (text goes through tokenize or tns import first)",
                    s->label);
}

/* Reads the head into s->head. 1, or 0 at a clean end of the input. */
static int read_head(struct source *s, struct frame_header *h, struct err *e)
{
    buf_clear(&s->head);
    s->frame.offset = s->position;
    long got = take_some(s, buf_room(&s->head, FRAME_HEADER), FRAME_HEADER, e);
    if (got < 0)
        return -1;
    if (got == 0 && s->place == BEFORE_HEAD && s->any)
        return 0;
    if (got == 0 && !s->any && !stop_pending())
        return err_fail(e, STATUS_DATA, "%s: is empty: not even a HEAD (did the stage before it fail?)", s->label);
    memcpy(h, s->head.data, (size_t)got);
    if (got && check_magic(s, h, (size_t)got, e) < 0)
        return -1;
    if (got < FRAME_HEADER)
        return cut(s, e);
    if (frame_limits(h, e) < 0)
        return bad_because(s, e);
    s->head.len = FRAME_HEADER;
    size_t rest = (size_t)(frame_head_length(h) - FRAME_HEADER);
    if (take(s, buf_room(&s->head, rest), rest, e) < 0)
        return -1;
    s->head.len += rest;
    memset(s->head.data + offsetof(struct frame_header, head_crc), 0, sizeof h->head_crc);
    uint32_t crc = frame_crc(0, s->head.data, s->head.len);
    memcpy(s->head.data + offsetof(struct frame_header, head_crc), &h->head_crc, sizeof h->head_crc);
    return crc == h->head_crc ? 1 : bad(s, e, "the header's checksum differs (damaged)");
}

/* Fills s->frame from the head: name, meta, shape. The checksum has held, so what is wrong here was written wrong. */
static int unpack(struct source *s, const struct frame_header *h, struct err *e)
{
    struct tensor *t = &s->frame.tensor;
    const char *at = s->head.data + FRAME_HEADER, *end = s->head.data + s->head.len;
    frame_free(&s->frame);
    s->frame.kind = (enum frame_kind)h->kind;
    s->frame.flags = h->flags;
    s->frame.seq = h->seq;
    s->frame.row0 = h->row0;
    s->frame.stored = h->payload_len;
    s->frame.length = s->head.len + frame_padded(h->payload_len);
    t->dtype = (enum dtype)h->dtype;
    t->rank = h->rank;
    memcpy(t->dims, at, 8u * h->rank);
    at += 8u * h->rank;
    t->name = mem_copy_bytes(at, h->name_len);
    if (!utf8_plain(at, h->name_len)) {
        t->name[0] = 0; /* not for a terminal */
        return bad(s, e, "the name is not plain UTF-8");
    }
    at += h->name_len;
    if (meta_decode(&t->meta, at, h->meta_len, e) < 0)
        return bad_because(s, e);
    for (at += h->meta_len; at < end; at++)
        if (*at)
            return bad(s, e, "the padding behind the header is not zero");
    return 0;
}

/* ---- Order ---- */

static int check_order(struct source *s, const struct frame_header *h, struct err *e)
{
    static const char *const next[] = {"HEAD", "TENSOR, COLUMN or INDEX", "the batch's next COLUMN", "COLUMN or INDEX",
                                       "END"};
    bool fits;
    switch (h->kind) {
    case FRAME_HEAD:
        fits = s->place == BEFORE_HEAD;
        break;
    case FRAME_TENSOR:
        fits = s->place == IN_TENSORS;
        break;
    case FRAME_COLUMN:
        fits = s->place == IN_TENSORS || s->place == IN_BATCH || s->place == BETWEEN_BATCHES;
        break;
    case FRAME_INDEX:
        fits = s->place == IN_TENSORS || s->place == BETWEEN_BATCHES;
        break;
    case FRAME_END:
        fits = s->place == AFTER_INDEX;
        break;
    default: /* ERROR, ancillary */
        fits = s->place != BEFORE_HEAD;
    }
    if (h->seq != s->seq)
        return bad(s, e, "is numbered %" PRIu64 " (frames were lost, doubled or swapped)", h->seq);
    if (!fits)
        return bad(s, e, "%s stands where %s should (frames were lost or mixed)", frame_kind_name(h->kind),
                   next[s->place]);
    if (h->kind != FRAME_HEAD && h->stream_id != s->stream_id)
        return bad(s, e, "belongs to another stream (two programs wrote into one pipe)");
    return 0;
}

static int begin_segment(struct source *s, const struct frame_header *h, struct err *e)
{
    const char *meta = s->head.data + FRAME_HEADER + h->name_len;
    s->stream_id = frame_crc(0, meta, h->meta_len);
    if (s->stream_id != h->stream_id)
        return bad(s, e, "HEAD's stream id differs");
    s->start = s->frame.offset;
    s->place = IN_TENSORS;
    s->items = s->batch_items = 0;
    s->n_marks = 0;
    name_set_clear(&s->names);
    schema_free(&s->schema);
    XXH3_128bits_reset(s->digest);
    return 0;
}

static void mark(struct source *s)
{
    if (s->n_marks == s->room_marks) {
        s->room_marks = s->room_marks ? 2 * s->room_marks : 64;
        s->marks = mem_grow(s->marks, s->room_marks, sizeof *s->marks);
    }
    s->marks[s->n_marks++] = s->frame.offset;
}

static int check_index(struct source *s, struct err *e)
{
    const struct tensor *t = &s->frame.tensor;
    if (t->dtype != DTYPE_U64 || t->dims[0] != s->n_marks)
        return bad(s, e, "INDEX does not list the %zu TENSORs and batches there are", s->n_marks);
    const uint64_t *back = t->data;
    for (size_t i = 0; i < s->n_marks; i++)
        if (back[i] != s->frame.offset - s->marks[i])
            return bad(s, e, "INDEX entry %zu does not point at its frame", i);
    s->index_at = s->frame.offset;
    return 0;
}

static int expect_end(const struct source *s, const char *key, const char *format, uint64_t value, struct err *e)
{
    char text[32];
    const char *given = meta_get(&s->frame.tensor.meta, key);
    snprintf(text, sizeof text, format, value);
    if (!given || strcmp(given, text))
        return bad(s, e, "END says %s=%.40s where %s were read", key, given ? given : "", text);
    return 0;
}

static int check_end(struct source *s, const struct frame_header *h, struct err *e)
{
    struct meta *meta = &s->frame.tensor.meta;
    char hex[33];
    XXH128_hash_t hash = XXH3_128bits_digest(s->digest);
    snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64, (uint64_t)hash.low64);
    const char *digest = meta_get(meta, "digest"), *status = meta_get(meta, "status");
    if (expect_end(s, "frames", "%" PRIu64, s->seq + 1, e) < 0 || expect_end(s, "items", "%" PRIu64, s->items, e) < 0)
        return -1;
    if (!digest || strcmp(digest, hex))
        return bad(s, e, "END's digest differs from that of the bytes");
    if (!status || (strcmp(status, "complete") && strcmp(status, "partial")))
        return bad(s, e, "END's status is neither complete nor partial");
    if (h->raw_len != s->frame.offset - s->index_at)
        return bad(s, e, "END does not point at INDEX");
    if (h->row0 != s->position - s->start)
        return bad(s, e, "END says the segment has %" PRIu64 " bytes where it has %" PRIu64, h->row0,
                   s->position - s->start);
    meta_copy(&s->end, meta);
    buf_printf(&s->digests, "%s%s", s->digests.len ? " " : "", hex);
    s->place = BEFORE_HEAD;
    return 0;
}

/* An ERROR: its lines become e->chain, the first of them the cause. */
static int upstream(struct source *s, struct err *e)
{
    const struct tensor *t = &s->frame.tensor;
    char rest;
    if (t->dtype != DTYPE_UTF8 || !t->bytes || t->bytes > FRAME_MAX_ERROR || ((char *)t->data)[t->bytes - 1] != '\n')
        return bad(s, e, "ERROR is not made of lines");
    char *lines = mem_copy_bytes(t->data, t->bytes);
    char *tab = strchr(lines, '\t'), *second = tab ? strchr(tab + 1, '\t') : NULL, *end = strchr(lines, '\n');
    int result = -1;
    if (!second || !end || second > end || !utf8_plain(second + 1, (size_t)(end - second - 1)) ||
        !utf8_plain(tab + 1, (size_t)(second - tab - 1))) {
        bad(s, e, "ERROR is not made of lines 'status TAB program TAB message'");
    } else if ((result = (int)take_some(s, &rest, 1, e)) > 0) {
        bad(s, e, "bytes follow ERROR");
    } else if (result == 0) {
        if (stop_pending()) {
            bad(s, e, "stopped");
        } else {
            err_fail(e, STATUS_UPSTREAM, "%s: an earlier stage failed: %.*s: %.*s", s->label, (int)(second - tab - 1),
                     tab + 1, (int)(end - second - 1), second + 1);
            snprintf(e->chain, sizeof e->chain, "%s", lines);
            char *whole = strrchr(e->chain, '\n'); /* never half a line */
            if (whole)
                whole[1] = 0;
        }
    }
    free(lines);
    return -1;
}

/* ---- Payload ---- */

static int read_payload(struct source *s, const struct frame_header *h, struct err *e)
{
    static const unsigned char zeros[FRAME_UNIT];
    unsigned char padding[FRAME_UNIT];
    struct tensor *t = &s->frame.tensor;
    size_t pad = (size_t)(frame_padded(h->payload_len) - h->payload_len);
    uint32_t crc = 0;
    if (h->kind != FRAME_END) /* whose digest is that of what stands before it */
        XXH3_128bits_update(s->digest, s->head.data, s->head.len);
    if (h->payload_len && !(t->data = take_payload(s, h->payload_len, &crc, e)))
        return -1;
    t->bytes = h->payload_len;
    if (take(s, padding, pad, e) < 0)
        return -1;
    if (h->payload_len && crc != h->payload_crc)
        return bad(s, e, "the payload's checksum differs (damaged)");
    if (memcmp(padding, zeros, pad))
        return bad(s, e, "the padding behind the payload is not zero");
    XXH3_128bits_update(s->digest, padding, pad);
    if (!t->data)
        t->data = mem_aligned(1, 1);
    if (t->dtype == DTYPE_BOOL && (h->kind == FRAME_TENSOR || h->kind == FRAME_COLUMN))
        for (size_t i = 0; i < t->bytes; i++)
            if (((unsigned char *)t->data)[i] > 1)
                return bad(s, e, "a bool is neither 0 nor 1");
    return 0;
}

static int column(struct source *s, const struct frame_header *h, struct err *e)
{
    bool first = s->place != IN_BATCH;
    if (first) {
        mark(s);
        schema_begin(&s->schema);
    }
    if (h->row0 != s->items)
        return bad(s, e, "begins at item %" PRIu64 " where %" PRIu64 " is due", h->row0, s->items);
    if (schema_column(&s->schema, &s->frame.tensor, h->flags & FRAME_LAST, e) < 0)
        return bad_because(s, e);
    s->place = h->flags & FRAME_LAST ? BETWEEN_BATCHES : IN_BATCH;
    if (h->flags & FRAME_LAST)
        s->items += s->schema.n;
    return 0;
}

/* What the frame at hand means for the segment. */
static int advance(struct source *s, const struct frame_header *h, struct err *e)
{
    struct tensor *t = &s->frame.tensor;
    switch (h->kind) {
    case FRAME_TENSOR:
        mark(s);
        if (!name_set_add(&s->names, t->name))
            return bad(s, e, "the name stands twice");
        return 0;
    case FRAME_COLUMN:
        return column(s, h, e);
    case FRAME_INDEX:
        s->place = AFTER_INDEX;
        return check_index(s, e);
    case FRAME_END:
        return check_end(s, h, e);
    case FRAME_ERROR:
        return upstream(s, e);
    default:
        return 0;
    }
}

/* Reads one frame of any kind into s->frame. */
static int read_frame(struct source *s, struct err *e)
{
    struct frame_header h;
    frame_free(&s->frame);
    if (s->place == BEFORE_HEAD)
        s->seq = 0;
    int got = read_head(s, &h, e);
    if (got <= 0)
        return got;
    s->any = true;
    if (unpack(s, &h, e) < 0)
        return -1;
    if (frame_check(&h, s->frame.tensor.dims, e) < 0)
        return bad_because(s, e);
    if (check_order(s, &h, e) < 0)
        return -1;
    if (h.kind == FRAME_HEAD && begin_segment(s, &h, e) < 0)
        return -1;
    if (read_payload(s, &h, e) < 0 || advance(s, &h, e) < 0)
        return -1;
    snprintf(s->last, sizeof s->last, "%" PRIu64 " (%s%s%.40s)", s->seq, frame_kind_name(h.kind),
             *s->frame.tensor.name ? " " : "", s->frame.tensor.name);
    s->seq++;
    return 1;
}

int source_frame(struct source *s, struct frame *f, struct err *e)
{
    if (s->holds) {
        frame_free(&s->frame);
        s->frame = s->held;
        s->held = (struct frame){0};
        s->holds = false;
    } else {
        do {
            int got = read_frame(s, e);
            if (got <= 0)
                return got;
        } while (s->frame.kind & FRAME_ANCILLARY);
    }
    *f = s->frame;
    return 1;
}

struct tensor source_take(struct source *s)
{
    struct tensor t = s->frame.tensor;
    s->frame.tensor = (struct tensor){0};
    return t;
}

void source_hold(struct source *s)
{
    s->held = s->frame;
    s->frame = (struct frame){0};
    s->holds = true;
}

uint64_t source_rows(const struct source *s)
{
    return s->schema.n;
}
