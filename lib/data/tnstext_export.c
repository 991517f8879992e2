/* A stream as text (tnstext.h). */
#include <inttypes.h>
#include <string.h>

#include "data/tnstext.h"

enum { FLUSH_AT = 1 << 16, NUMBERS_A_LINE = 16, STRING_BYTES = 1 << 16 };

struct writer {
    struct outfile *out;
    struct buf text;
    struct tensor offsets; /* a copy of the frame before, when it held offsets: where its strings begin */
};

static int flush(struct writer *w, struct err *e)
{
    int result = w->text.len ? outfile_write(w->out, w->text.data, w->text.len, e) : 0;
    buf_clear(&w->text);
    return result;
}

static int flush_full(struct writer *w, struct err *e)
{
    return w->text.len < FLUSH_AT ? 0 : flush(w, e);
}

static int put_numbers(struct writer *w, const struct tensor *t, struct err *e)
{
    size_t count = tensor_count(t), line = t->rank > 1 ? t->dims[t->rank - 1] : NUMBERS_A_LINE;
    for (size_t i = 0; i < count; i++) {
        element_text(t, i, &w->text);
        buf_char(&w->text, (i + 1) % line == 0 || i + 1 == count ? '\n' : ' ');
        if (flush_full(w, e) < 0)
            return -1;
    }
    return 0;
}

/* Are the offsets before this text those of its strings? */
static bool fits(const struct tensor *offsets, const struct tensor *t)
{
    size_t n = strlen(t->name);
    return offsets->name && !strncmp(offsets->name, t->name, n) && !strcmp(offsets->name + n, ".offsets") &&
           offsets->dtype == DTYPE_U64 && offsets->rank == 1;
}

/* Text, a string a line: one for each of its offsets where there are, else one for each line of it. */
static int put_strings(struct writer *w, const struct tensor *t, struct err *e)
{
    const char *text = t->data;
    const uint64_t *offsets = fits(&w->offsets, t) ? w->offsets.data : NULL;
    size_t n_offsets = offsets ? w->offsets.dims[0] : 0, next = 0;
    for (size_t at = 0; at < t->bytes;) {
        size_t end = t->bytes;
        while (next < n_offsets && offsets[next] <= at)
            next++;
        if (next < n_offsets && offsets[next] < end) {
            end = offsets[next];
        } else if (!offsets) {
            const char *newline = memchr(text + at, '\n', t->bytes - at);
            end = newline ? (size_t)(newline - text) + 1 : t->bytes;
        }
        if (end - at > STRING_BYTES)
            end = at + STRING_BYTES;
        string_put(text + at, end - at, &w->text);
        buf_char(&w->text, '\n');
        at = end;
        if (flush_full(w, e) < 0)
            return -1;
    }
    return 0;
}

static int put_array(struct writer *w, const char *keyword, const struct tensor *t, struct err *e)
{
    buf_printf(&w->text, "%s ", keyword);
    word_put(t->name, strlen(t->name), &w->text);
    buf_printf(&w->text, " %s ", dtype_name(t->dtype));
    shape_text(t->rank, t->dims, &w->text);
    meta_words(&t->meta, &w->text);
    buf_char(&w->text, '\n');
    if ((t->dtype == DTYPE_UTF8 ? put_strings(w, t, e) : put_numbers(w, t, e)) < 0)
        return -1;
    tensor_free(&w->offsets);
    if (t->dtype == DTYPE_U64 && t->rank == 1) {
        w->offsets = tensor_make(t->name, t->dtype, t->rank, t->dims);
        if (t->bytes)
            memcpy(w->offsets.data, t->data, t->bytes);
    }
    return 0;
}

static void put_end(struct writer *w, const struct meta *end)
{
    const char *parent = meta_get(end, "parent");
    struct meta kept = {0};
    meta_set(&kept, "status", meta_get(end, "status"));
    if (parent)
        meta_set(&kept, "parent", parent);
    buf_text(&w->text, "end");
    meta_words(&kept, &w->text);
    buf_char(&w->text, '\n');
    meta_free(&kept);
}

static int put_segment(struct writer *w, struct source *s, const struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    int got = -1;
    buf_text(&w->text, "segment");
    meta_words(&segment->head, &w->text);
    buf_char(&w->text, '\n');
    for (size_t i = 0; i < segment->n; i++)
        if (put_array(w, "tensor", &segment->tensors[i], e) < 0)
            goto out;
    while ((got = source_batch(s, &batch, e)) > 0) {
        buf_printf(&w->text, "batch %" PRIu64 "\n", batch.n);
        for (size_t i = 0; i < batch.n_columns; i++)
            if (put_array(w, "column", &batch.columns[i], e) < 0) {
                got = -1;
                goto out;
            }
    }
    if (got == 0)
        put_end(w, source_end(s));
out:
    batch_free(&batch);
    return got;
}

int tnstext_export(struct source *s, struct outfile *out, struct err *e)
{
    struct writer w = {.out = out};
    struct segment segment = {0};
    struct err ignored; /* what was read before a failure is shown too; the failure counts */
    int got;
    while ((got = source_segment(s, &segment, e)) > 0)
        if ((got = put_segment(&w, s, &segment, e)) < 0)
            break;
    if (flush(&w, got < 0 ? &ignored : e) < 0)
        got = -1;
    segment_free(&segment);
    buf_free(&w.text);
    tensor_free(&w.offsets);
    return got;
}
