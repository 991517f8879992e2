#include "data/text_rows.h"

#include <stdio.h>

const char *const text_prefixes[2] = {"src.", "tgt."};

static const uint64_t zero = 0;

static void add_text(struct text_tokens *t, const struct text_part *part, int side)
{
    struct side_columns *c = &t->columns[side];
    uint64_t end = c->text.len;
    if (!c->text_offsets.len)
        buf_add(&c->text_offsets, &zero, sizeof zero);
    for (size_t i = 0; i < part->n; i++) {
        end += part->lengths[i];
        buf_add(&c->text_offsets, &end, sizeof end);
    }
    buf_add(&c->text, part->text.data, part->text.len);
    t->bytes += part->n * sizeof end + part->text.len + 8;
}

void text_rows_end(struct text_part *part, bool continued)
{
    uint32_t end = (uint32_t)(part->n + part->next.n) | (continued ? TEXT_ROW_CONTINUED : 0);
    buf_add(&part->ends, &end, sizeof end);
}

bool text_rows_full(const struct text_part *part)
{
    return part->n + part->next.n >= TEXT_LOT || text_rows(part) >= TEXT_LOT || part->text.len >= TEXT_PART_BYTES;
}

/* Rows of one side go into the columns. */
static void add_part(struct text_tokens *t, const struct text_part *part, int side)
{
    struct side_columns *c = &t->columns[side];
    const uint32_t *ends = (const uint32_t *)part->ends.data;
    uint64_t before = c->ids.len / sizeof *part->ids;
    size_t n = text_rows(part);
    buf_add(&c->ids, part->ids, part->n * sizeof *part->ids);
    if (!c->offsets.len)
        buf_add(&c->offsets, &zero, sizeof zero);
    uint64_t *offsets = (uint64_t *)buf_room(&c->offsets, n * sizeof *offsets);
    char *continued = buf_room(&c->continued, n);
    for (size_t i = 0; i < n; i++) {
        offsets[i] = before + (ends[i] & ~TEXT_ROW_CONTINUED);
        continued[i] = (ends[i] & TEXT_ROW_CONTINUED) != 0;
    }
    c->offsets.len += n * sizeof *offsets;
    c->continued.len += n;
    t->bytes += part->n * sizeof *part->ids + 9 * n;
    if (t->keep_text)
        add_text(t, part, side);
}

/* The same for the label of a row or its `n` tags, which have been waiting in their spool. */
static int add_classes(struct text_tokens *t, size_t n, bool continued, struct err *e)
{
    bool labels = t->extra == TEXT_LABELS;
    uint32_t *ids = labels ? &t->label : t->tags;
    n = labels ? 1 : n;
    size_t waiting = labels && continued ? 0 : n;
    if (text_classes_next(&t->classes, ids, waiting, e) < 0)
        return -1;
    buf_add(&t->class_column, ids, n * sizeof *ids);
    t->bytes += n * sizeof *ids;
    return 0;
}

void text_rows_empty(struct text_tokens *t, struct text_part parts[2])
{
    for (int side = 0; side < text_sides(t); side++) {
        parts[side].n = 0;
        buf_clear(&parts[side].text);
        buf_clear(&parts[side].ends);
    }
}

/* Adds a view of a buffer as a column. */
static int view(struct batch *batch, const char *prefix, const char *name, enum dtype dtype, const struct buf *data,
                const char *over, struct err *e)
{
    char full[64];
    uint64_t rows = data->len / dtype_size(dtype);
    snprintf(full, sizeof full, "%s%s", prefix, name);
    struct tensor column = tensor_view(full, dtype, 1, &rows, data->data);
    if (over)
        meta_setf(&column.meta, "over", "%s%s", prefix, over);
    return batch_add(batch, column, e);
}

static int view_side(struct text_tokens *t, int side, struct batch *batch, struct err *e)
{
    const struct side_columns *c = &t->columns[side];
    const char *prefix = t->pairs ? text_prefixes[side] : "";
    if (view(batch, prefix, "ids.offsets", DTYPE_U64, &c->offsets, NULL, e) < 0 ||
        view(batch, prefix, "ids", DTYPE_U32, &c->ids, NULL, e) < 0 ||
        view(batch, prefix, "continued", DTYPE_BOOL, &c->continued, NULL, e) < 0)
        return -1;
    if (t->extra == TEXT_LABELS && view(batch, prefix, "label", DTYPE_U32, &t->class_column, NULL, e) < 0)
        return -1;
    if (t->extra == TEXT_TAGS && text_tokens_classified(t) &&
        view(batch, prefix, "tags", DTYPE_U32, &t->class_column, "ids", e) < 0)
        return -1;
    if (!t->keep_text)
        return 0;
    if (view(batch, prefix, "tok.offsets", DTYPE_U64, &c->offsets, NULL, e) < 0 ||
        view(batch, prefix, "tok.text.offsets", DTYPE_U64, &c->text_offsets, "tok", e) < 0 ||
        view(batch, prefix, "tok.text", DTYPE_UTF8, &c->text, NULL, e) < 0)
        return -1;
    return 0;
}

int text_rows_write(struct text_tokens *t, struct err *e)
{
    struct batch batch = {.n = t->n};
    int result = 0;
    for (int side = 0; result == 0 && side < text_sides(t); side++)
        result = view_side(t, side, &batch, e);
    if (result == 0)
        result = sink_batch(t->sink, &batch, e);
    batch_free(&batch);
    for (int side = 0; side < text_sides(t); side++) {
        struct side_columns *c = &t->columns[side];
        buf_clear(&c->offsets);
        buf_clear(&c->ids);
        buf_clear(&c->continued);
        buf_clear(&c->text_offsets);
        buf_clear(&c->text);
    }
    buf_clear(&t->class_column);
    t->n = t->bytes = 0;
    return result;
}

int text_rows_add(struct text_tokens *t, const struct text_part parts[2], struct err *e)
{
    const uint32_t *ends = (const uint32_t *)parts[0].ends.data;
    size_t n = text_rows(&parts[0]), start = 0;
    for (int side = 0; side < text_sides(t); side++)
        add_part(t, &parts[side], side);
    for (size_t i = 0; i < n && text_tokens_classified(t); i++) {
        size_t end = ends[i] & ~TEXT_ROW_CONTINUED;
        if (add_classes(t, end - start, ends[i] & TEXT_ROW_CONTINUED, e) < 0)
            return -1;
        start = end;
    }
    t->n += n;
    return t->bytes < STREAM_BATCH_BYTES ? 0 : text_rows_write(t, e);
}

/* ---- Pieces of words ---- */

struct place {
    size_t word, piece, text;
};

/* The kept text of a word goes into the row of its first piece. Returns its length. */
static uint32_t keep_text(struct text_part *row, const struct text_part *part, struct place *at)
{
    uint32_t length = part->lengths[at->word];
    buf_add(&row->text, part->text.data + at->text, length);
    at->text += length;
    return length;
}

/* Goes on with the words of a part up to word `end`, until a row is full. False when all are done. */
static bool fill_row(struct text_tokens *t, int side, struct place *at, size_t end)
{
    const struct text_part *part = &t->part[side];
    const struct bpe *bpe = &t->bpe[t->shared ? 0 : side];
    struct text_part *row = &t->row[side];
    size_t full = row->n + TEXT_PART;
    for (; at->word < end; at->word++, at->piece = 0) {
        size_t n;
        const uint32_t *pieces = bpe_pieces(bpe, part->ids[at->word], &n);
        for (; at->piece < n; at->piece++) {
            if (row->n == full)
                return true;
            if (t->keep_text)
                row->lengths[row->n] = at->piece ? 0 : keep_text(row, part, at);
            t->unknown += pieces[at->piece] == VOCAB_UNKNOWN;
            row->ids[row->n++] = pieces[at->piece];
        }
    }
    return false;
}

/* Ends the row of each side; hands the rows on when there are enough. */
static int end_rows(struct text_tokens *t, bool continued, text_rows_taker *take, struct err *e)
{
    bool full = false;
    for (int side = 0; side < text_sides(t); side++) {
        text_rows_end(&t->row[side], continued);
        full = full || text_rows_full(&t->row[side]);
    }
    if (full && take(t, t->row, e) < 0)
        return -1;
    if (full)
        text_rows_empty(t, t->row);
    return 0;
}

int text_rows_pieces(struct text_tokens *t, text_rows_taker *take, struct err *e)
{
    struct place at[2] = {{0}};
    for (size_t i = 0; i < text_rows(&t->part[0]); i++) {
        bool continued = ((const uint32_t *)t->part[0].ends.data)[i] & TEXT_ROW_CONTINUED;
        for (bool more = true; more; continued = true) {
            more = false;
            for (int side = 0; side < text_sides(t); side++) {
                uint32_t end = ((const uint32_t *)t->part[side].ends.data)[i];
                more = fill_row(t, side, &at[side], end & ~TEXT_ROW_CONTINUED) || more;
            }
            if (end_rows(t, continued, take, e) < 0)
                return -1;
        }
    }
    int result = text_rows(&t->row[0]) ? take(t, t->row, e) : 0;
    text_rows_empty(t, t->row);
    return result;
}
