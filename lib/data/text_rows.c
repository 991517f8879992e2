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

/* A part of one side goes into the columns. */
static void add_part(struct text_tokens *t, const struct text_part *part, int side, bool continued)
{
    struct side_columns *c = &t->columns[side];
    buf_add(&c->ids, part->ids, part->n * sizeof *part->ids);
    uint64_t end = c->ids.len / sizeof *part->ids;
    if (!c->offsets.len)
        buf_add(&c->offsets, &zero, sizeof zero);
    buf_add(&c->offsets, &end, sizeof end);
    buf_char(&c->continued, continued);
    t->bytes += part->n * sizeof *part->ids + 9;
    if (t->keep_text)
        add_text(t, part, side);
}

/* The same for its label or `n` tags, which have been waiting in their spool. */
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

int text_rows_add(struct text_tokens *t, const struct text_part parts[2], bool continued, struct err *e)
{
    for (int side = 0; side < text_sides(t); side++)
        add_part(t, &parts[side], side, continued);
    if (text_tokens_classified(t) && add_classes(t, parts[0].n, continued, e) < 0)
        return -1;
    t->n++;
    return t->bytes < STREAM_BATCH_BYTES ? 0 : text_rows_write(t, e);
}

/* ---- Pieces of words ---- */

struct place {
    size_t word, piece;
};

/* Goes on with the words of a part, until a row is full. False when all are done. */
static bool fill_row(struct text_tokens *t, int side, struct place *at)
{
    const struct text_part *part = &t->part[side];
    const struct bpe *bpe = &t->bpe[t->shared ? 0 : side];
    struct text_part *row = &t->row[side];
    for (; at->word < part->n; at->word++, at->piece = 0) {
        size_t n;
        const uint32_t *pieces = bpe_pieces(bpe, part->ids[at->word], &n);
        for (; at->piece < n; at->piece++) {
            if (row->n == TEXT_PART)
                return true;
            if (t->keep_text)
                row->lengths[row->n] = at->piece ? 0 : part->lengths[at->word];
            t->unknown += pieces[at->piece] == VOCAB_UNKNOWN;
            row->ids[row->n++] = pieces[at->piece];
        }
    }
    return false;
}

/* The kept text of the tokens of a row, which begins at byte *at of its part's. */
static void fill_text(struct text_part *row, const struct text_part *part, size_t *at)
{
    size_t length = 0;
    for (size_t i = 0; i < row->n; i++)
        length += row->lengths[i];
    buf_add(&row->text, part->text.data + *at, length);
    *at += length;
}

/* The part at hand, in pieces, as one row or several. */
int text_rows_pieces(struct text_tokens *t, bool continued, text_row_taker *take, struct err *e)
{
    struct place at[2] = {{0}};
    size_t text[2] = {0};
    for (bool more = true; more; continued = true) {
        more = false;
        for (int side = 0; side < text_sides(t); side++) {
            more = fill_row(t, side, &at[side]) || more;
            if (t->keep_text && t->row[side].n)
                fill_text(&t->row[side], &t->part[side], &text[side]);
        }
        if (take(t, t->row, continued, e) < 0)
            return -1;
        text_rows_empty(t, t->row);
    }
    return 0;
}
