#include "data/frame.h"

#include <assert.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const unsigned char frame_magic[8] = {0x89, 'R', 'N', 'L', 0x0d, 0x0a, 0x1a, 0x0a};

_Static_assert(sizeof(struct frame_header) == FRAME_HEADER, "the header is 64 bytes without holes");

uint32_t frame_crc(uint32_t crc, const void *bytes, size_t length)
{
    return libdeflate_crc32(crc, bytes, length);
}

const char *frame_kind_name(unsigned kind)
{
    static const char *const names[] = {"?", "HEAD", "TENSOR", "COLUMN", "INDEX", "END", "ERROR"};
    return kind < sizeof names / sizeof *names ? names[kind] : kind & FRAME_ANCILLARY ? "ancillary" : "?";
}

uint64_t frame_head_length(const struct frame_header *h)
{
    return frame_padded(FRAME_HEADER + 8ull * h->rank + h->name_len + h->meta_len);
}

void frame_put(struct frame_header *h, const uint64_t *dims, const char *name, const struct buf *meta, struct buf *out)
{
    static const char zeros[FRAME_UNIT];
    size_t start = out->len, name_len = name ? strlen(name) : 0;
    assert(name_len <= TENSOR_MAX_NAME && meta->len <= META_MAX);
    memcpy(h->magic, frame_magic, sizeof h->magic);
    h->major = FRAME_MAJOR;
    h->minor = 0;
    h->name_len = (uint16_t)name_len;
    h->meta_len = (uint32_t)meta->len;
    h->head_crc = 0;
    buf_add(out, h, sizeof *h);
    buf_add(out, dims, h->rank * sizeof *dims);
    buf_add(out, name, name_len);
    buf_add(out, meta->data, meta->len);
    buf_add(out, zeros, frame_head_length(h) - (out->len - start));
    h->head_crc = frame_crc(0, out->data + start, out->len - start);
    memcpy(out->data + start + offsetof(struct frame_header, head_crc), &h->head_crc, sizeof h->head_crc);
}

int frame_limits(const struct frame_header *h, struct err *e)
{
    if (h->major != FRAME_MAJOR)
        return err_fail(e, STATUS_DATA,
                        "format version %u is not known here (a newer Runnel wrote it, or it is damaged)", h->major);
    if (h->rank > TENSOR_MAX_RANK)
        return err_fail(e, STATUS_DATA, "rank %u is more than %d", h->rank, TENSOR_MAX_RANK);
    if (h->name_len > TENSOR_MAX_NAME)
        return err_fail(e, STATUS_DATA, "a name of %u bytes is longer than %d", h->name_len, TENSOR_MAX_NAME);
    if (h->meta_len > META_MAX)
        return err_fail(e, STATUS_DATA, "metadata of %" PRIu32 " bytes is longer than 1 MiB", h->meta_len);
    if (h->payload_len >> 46)
        return err_fail(e, STATUS_DATA, "a payload of %" PRIu64 " bytes is past the limit", h->payload_len);
    return 0;
}

int frame_check(const struct frame_header *h, const uint64_t *dims, struct err *e)
{
    bool data = h->kind == FRAME_TENSOR || h->kind == FRAME_COLUMN;
    bool other = h->kind == FRAME_INDEX || h->kind == FRAME_ERROR;
    uint64_t count, bytes;
    unsigned known = h->kind == FRAME_COLUMN ? FRAME_LAST : 0;
    if (data)
        known |= FRAME_DEFLATED | FRAME_SHUFFLED;
    if (!(h->kind & FRAME_ANCILLARY) && (h->kind < FRAME_HEAD || h->kind > FRAME_ERROR))
        return err_fail(e, STATUS_DATA, "frame kind %u is not known here (a newer Runnel wrote it)", h->kind);
    if (h->kind & FRAME_ANCILLARY)
        return 0;
    if (h->flags & ~known)
        return err_fail(e, STATUS_DATA, "flags %u are not known for %s", h->flags, frame_kind_name(h->kind));
    if (h->flags & (FRAME_DEFLATED | FRAME_SHUFFLED))
        return err_fail(e, STATUS_DATA, "the payload is compressed, which this version does not read");
    if (h->kind != FRAME_COLUMN && h->kind != FRAME_END && h->row0)
        return err_fail(e, STATUS_DATA, "row0 is not zero");
    if (h->dtype >= DTYPE_COUNT)
        return err_fail(e, STATUS_DATA, "element type %u is not known", h->dtype);
    if (data ? !h->name_len : h->name_len != 0)
        return err_fail(e, STATUS_DATA, data ? "has no name" : "%s has a name", frame_kind_name(h->kind));
    if (other && h->meta_len)
        return err_fail(e, STATUS_DATA, "%s has metadata", frame_kind_name(h->kind));
    if (other && h->rank != 1)
        return err_fail(e, STATUS_DATA, "%s is not of rank 1", frame_kind_name(h->kind));
    if (!data && !other &&
        (h->rank || h->dtype || h->payload_len || h->payload_crc || (h->kind == FRAME_HEAD && h->raw_len)))
        return err_fail(e, STATUS_DATA, "%s has a payload or a shape", frame_kind_name(h->kind));
    if (!data && !other)
        return 0;
    if (!shape_size((enum dtype)h->dtype, h->rank, dims, &count, &bytes))
        return err_fail(e, STATUS_DATA, "the shape is too large");
    if (bytes != h->payload_len || bytes != h->raw_len)
        return err_fail(e, STATUS_DATA, "the payload's length is not that of its shape");
    if (!bytes && h->payload_crc)
        return err_fail(e, STATUS_DATA, "an empty payload has a checksum");
    return 0;
}

static bool add_hash(struct name_set *set, uint64_t hash)
{
    size_t i = hash & (set->room - 1);
    for (; set->slots[i]; i = (i + 1) & (set->room - 1))
        if (set->slots[i] == hash)
            return false;
    set->slots[i] = hash;
    set->n++;
    return true;
}

bool name_set_add(struct name_set *set, const char *name)
{
    if (2 * (set->n + 1) > set->room) {
        struct name_set larger = {.room = set->room ? 2 * set->room : 64};
        larger.slots = mem_get(larger.room, sizeof *larger.slots);
        for (size_t i = 0; i < set->room; i++)
            if (set->slots[i])
                add_hash(&larger, set->slots[i]);
        free(set->slots);
        *set = larger;
    }
    uint64_t hash = XXH3_64bits(name, strlen(name));
    return add_hash(set, hash + (hash == 0));
}

void name_set_clear(struct name_set *set)
{
    if (set->n)
        memset(set->slots, 0, set->room * sizeof *set->slots);
    set->n = 0;
}

void name_set_free(struct name_set *set)
{
    free(set->slots);
    *set = (struct name_set){0};
}
