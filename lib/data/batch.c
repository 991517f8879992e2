/* Segments and batches: as they are read, and in memory. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/source.h"

static struct tensor *find(struct tensor *tensors, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    return NULL;
}

/* "a, b, c": what there is, for messages; shortened when it is long. */
static void list_names(const struct tensor *tensors, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n && out->len < 300; i++)
        buf_printf(out, "%s%.60s", i ? ", " : "", tensors[i].name);
    if (out->len >= 300)
        buf_text(out, ", ...");
}

struct tensor *batch_find(const struct batch *batch, const char *name)
{
    return find(batch->columns, batch->n_columns, name);
}

struct tensor *batch_need(const struct batch *batch, const char *name, enum dtype dtype, int rank, struct err *e)
{
    struct tensor *t = batch_find(batch, name);
    if (!t) {
        struct buf names = {0};
        list_names(batch->columns, batch->n_columns, &names);
        err_fail(e, STATUS_DATA, "the input has no column '%s' (it has %s)", name, buf_string(&names));
        buf_free(&names);
        return NULL;
    }
    return tensor_expect(t, dtype, rank, e) < 0 ? NULL : t;
}

const uint64_t *batch_offsets(const struct batch *batch, const char *name, struct err *e)
{
    char key[TENSOR_MAX_NAME + 16];
    const struct tensor *t = batch_find(batch, name);
    const char *over = t ? meta_get(&t->meta, "over") : NULL;
    snprintf(key, sizeof key, "%s.offsets", over ? over : name);
    const struct tensor *offsets = batch_need(batch, key, DTYPE_U64, 1, e);
    if (offsets && offsets->dims[0] != batch->n + 1) { /* they run over something else, as tok.text.offsets may */
        err_fail(e, STATUS_DATA, "column '%s' is not divided among the items: '%s' has %llu rows for %llu of them",
                 name, key, (unsigned long long)offsets->dims[0], (unsigned long long)batch->n);
        return NULL;
    }
    if (!offsets)
        return NULL;
    const uint64_t *offset = offsets->data; /* they count nothing when they stand behind the column */
    if (t && t->dims[0] != offset[batch->n]) {
        err_fail(e, STATUS_DATA, "column '%s' has %llu rows, and by '%s' it has %llu", name,
                 (unsigned long long)t->dims[0], key, (unsigned long long)offset[batch->n]);
        return NULL;
    }
    return offset;
}

int batch_add(struct batch *batch, struct tensor column, struct err *e)
{
    if (batch_find(batch, column.name)) {
        err_fail(e, STATUS_DATA, "the input has a column '%s' already (drop it first: tns drop '%s')", column.name,
                 column.name);
        tensor_free(&column);
        return -1;
    }
    batch->columns = mem_grow(batch->columns, batch->n_columns + 1, sizeof *batch->columns);
    batch->columns[batch->n_columns++] = column;
    return 0;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_columns; i++)
        tensor_free(&batch->columns[i]);
    free(batch->columns);
    *batch = (struct batch){0};
}

const char *segment_profile(const struct segment *segment)
{
    const char *profile = meta_get(&segment->head, "profile");
    return profile ? profile : "";
}

int segment_wants(const struct segment *segment, const char *wanted, struct err *e)
{
    const char *profile = segment_profile(segment);
    for (const char *word = wanted; *profile && *word;) {
        size_t n = strcspn(word, ", ");
        if (n == strlen(profile) && !memcmp(word, profile, n))
            return 0;
        word += n;
        word += strspn(word, ", ");
    }
    return err_fail(e, STATUS_DATA, "wants %s, got %s", wanted, *profile ? profile : "no profile");
}

struct tensor *segment_find(const struct segment *segment, const char *name)
{
    return find(segment->tensors, segment->n, name);
}

struct tensor *segment_need(const struct segment *segment, const char *name, struct err *e)
{
    struct tensor *t = segment_find(segment, name);
    if (!t) {
        struct buf names = {0};
        list_names(segment->tensors, segment->n, &names);
        err_fail(e, STATUS_DATA, "there is no tensor '%s' (there is %s)", name,
                 segment->n ? buf_string(&names) : "none");
        buf_free(&names);
    }
    return t;
}

void segment_free(struct segment *segment)
{
    meta_free(&segment->head);
    for (size_t i = 0; i < segment->n; i++)
        tensor_free(&segment->tensors[i]);
    free(segment->tensors);
    *segment = (struct segment){0};
}

/* ---- Reading ---- */

int source_segment(struct source *s, struct segment *segment, struct err *e)
{
    struct frame f;
    size_t room = 0;
    segment_free(segment);
    int got = source_frame(s, &f, e);
    if (got <= 0)
        return got;
    assert(f.kind == FRAME_HEAD); /* else the segment before was not read to its END */
    meta_copy(&segment->head, &f.tensor.meta);
    while ((got = source_frame(s, &f, e)) == 1 && f.kind == FRAME_TENSOR) {
        if (segment->n == room) {
            room = room ? 2 * room : 16;
            segment->tensors = mem_grow(segment->tensors, room, sizeof *segment->tensors);
        }
        segment->tensors[segment->n++] = source_take(s);
    }
    if (got < 0)
        return -1;
    source_hold(s); /* a COLUMN or INDEX: the next call's */
    return 1;
}

int source_batch(struct source *s, struct batch *batch, struct err *e)
{
    struct frame f;
    size_t room = 0;
    batch_free(batch);
    for (;;) {
        if (source_frame(s, &f, e) < 0)
            return -1;
        if (f.kind == FRAME_INDEX)
            continue;
        if (f.kind == FRAME_END)
            return 0;
        if (batch->n_columns == room) {
            room = room ? 2 * room : 8;
            batch->columns = mem_grow(batch->columns, room, sizeof *batch->columns);
        }
        batch->row0 = f.row0;
        batch->columns[batch->n_columns++] = source_take(s);
        if (f.flags & FRAME_LAST) {
            batch->n = source_rows(s);
            return 1;
        }
    }
}

int source_whole(const struct source *s, struct err *e)
{
    if (!strcmp(meta_get(source_end(s), "status"), "complete"))
        return 0;
    return err_fail(e, STATUS_DATA, "it is partial: no more than a part of a stream (tns head or slice made it)");
}

int segment_only(struct source *s, struct segment *segment, char *digest, struct err *e)
{
    struct frame f;
    if (source_segment(s, segment, e) != 1)
        return -1;
    for (int got; (got = source_frame(s, &f, e)) != 0;) {
        if (got < 0)
            return -1;
        if (f.kind == FRAME_COLUMN || f.kind == FRAME_HEAD)
            return err_fail(e, STATUS_DATA, "%s: %s where one model of tensors alone is wanted", source_label(s),
                            f.kind == FRAME_COLUMN ? "holds batches of data" : "holds a second segment");
    }
    if (source_whole(s, e) < 0)
        return err_where(e, "%s", source_label(s));
    if (digest)
        snprintf(digest, 33, "%s", meta_get(source_end(s), "digest"));
    return 0;
}

int segment_load(const char *path, struct segment *segment, char *digest, struct err *e)
{
    struct source *s = source_open_path(path, e);
    int result = s ? segment_only(s, segment, digest, e) : -1;
    source_close(s);
    return result;
}
