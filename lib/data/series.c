#include "data/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- Which fields ---- */

static void names_text(const char *const *names, size_t fields, struct buf *out)
{
    if (!names)
        buf_printf(out, "%zu without names", fields);
    for (size_t i = 0; names && i < fields && out->len < 300; i++)
        buf_printf(out, "%s%.60s", i ? ", " : "", names[i]);
}

static int no_field(const char *word, const char *const *names, size_t fields, struct err *e)
{
    struct buf there = {0};
    names_text(names, fields, &there);
    err_fail(e, STATUS_DATA, "there is no column '%.100s' (there are %s)", word, buf_string(&there));
    buf_free(&there);
    return -1;
}

int series_field(const char *word, const char *const *names, size_t fields, size_t *field, struct err *e)
{
    size_t found = fields;
    int64_t number;
    for (size_t i = 0; names && i < fields; i++) {
        if (strcmp(names[i], word))
            continue;
        if (found < fields)
            return err_fail(e, STATUS_DATA, "two columns are called '%.100s' (say its number: %zu or %zu)", word,
                            found + 1, i + 1);
        found = i;
    }
    if (found == fields && opt_int(word, 1, INT64_MAX, &number)) {
        if ((uint64_t)number > fields)
            return no_field(word, names, fields, e);
        found = (size_t)number - 1;
    }
    *field = found;
    return found < fields;
}

static void choose(struct series_part *part, size_t field)
{
    part->field = mem_grow(part->field, part->n + 1, sizeof *part->field);
    part->field[part->n++] = field;
}

/* A name, a number, or a range of numbers. */
static int choose_word(struct series_part *part, char *word, const char *const *names, size_t fields, struct err *e)
{
    size_t first, last;
    int got = series_field(word, names, fields, &first, e);
    if (got != 0) {
        if (got > 0)
            choose(part, first);
        return got < 0 ? -1 : 0;
    }
    char *dash = strchr(word, '-');
    if (!dash || dash == word)
        return no_field(word, names, fields, e);
    *dash = 0;
    bool range = series_field(word, NULL, fields, &first, e) > 0 && series_field(dash + 1, NULL, fields, &last, e) > 0;
    *dash = '-';
    if (!range || first > last)
        return no_field(word, names, fields, e);
    for (; first <= last; first++)
        choose(part, first);
    return 0;
}

static int choose_list(struct series_part *part, const char *option, const char *list, const char *const *names,
                       size_t fields, struct err *e)
{
    char *words = mem_copy(list);
    int result = 0;
    for (char *word = words, *end; word && result == 0; word = end) {
        if ((end = strchr(word, ',')))
            *end++ = 0;
        result = choose_word(part, word, names, fields, e);
    }
    free(words);
    return result < 0 ? err_where(e, "--%s", option) : 0;
}

int series_begin(struct series *s, const struct format_want *want, const char *const *names, size_t fields, size_t item,
                 struct sink *k, struct err *e)
{
    s->sink = k;
    s->name = want->name ? want->name : "vec";
    s->by_row = want->column;
    s->fields = fields;
    s->wanted = mem_get(fields, sizeof *s->wanted);
    if (format_meta(want, &s->meta, e) < 0)
        return -1;
    if (want->target_columns && choose_list(&s->target, "target-columns", want->target_columns, names, fields, e) < 0)
        return -1;
    for (size_t i = 0; i < s->target.n; i++)
        s->wanted[s->target.field[i]] = true;
    if (want->columns && choose_list(&s->vec, "columns", want->columns, names, fields, e) < 0)
        return -1;
    for (size_t i = 0; !want->columns && i < fields; i++)
        if (i != item && !s->wanted[i])
            choose(&s->vec, i);
    if (!s->vec.n)
        return err_fail(e, STATUS_DATA, "no column is left for '%s' (--columns says which)", s->name);
    for (size_t i = 0; i < s->vec.n; i++)
        s->wanted[s->vec.field[i]] = true;
    return 0;
}

/* ---- Batches ---- */

static int add(struct batch *batch, const char *name, enum dtype dtype, uint64_t rows, uint64_t width, struct buf *data,
               const struct meta *meta, const char *over, struct err *e)
{
    uint64_t dims[] = {rows, width};
    buf_room(data, 1);
    struct tensor t = tensor_view(name, dtype, width ? 2 : 1, dims, data->data);
    if (meta)
        meta_copy(&t.meta, meta);
    if (over)
        meta_set(&t.meta, "over", over);
    return batch_add(batch, t, e);
}

static int flush(struct series *s, struct err *e)
{
    struct batch batch = {.n = s->by_row ? s->rows : s->items};
    char offsets[TENSOR_MAX_NAME + 16];
    int result = 0;
    if (!s->by_row) {
        snprintf(offsets, sizeof offsets, "%.*s.offsets", TENSOR_MAX_NAME, s->name);
        buf_add(&s->starts, &s->rows, sizeof s->rows); /* where the last one ends */
        result = add(&batch, offsets, DTYPE_U64, s->items + 1, 0, &s->starts, NULL, NULL, e);
    }
    if (result == 0)
        result = add(&batch, s->name, DTYPE_F32, s->rows, s->vec.n, &s->vec.rows, &s->meta, NULL, e);
    if (result == 0 && !s->by_row)
        result = add(&batch, "continued", DTYPE_BOOL, s->items, 0, &s->continued, NULL, NULL, e);
    if (result == 0 && s->target.n)
        result = add(&batch, "target", DTYPE_F32, s->rows, s->target.n, &s->target.rows, NULL,
                     s->by_row ? NULL : s->name, e);
    if (result == 0 && batch.n)
        result = sink_batch(s->sink, &batch, e);
    batch_free(&batch);
    buf_clear(&s->starts);
    buf_clear(&s->continued);
    buf_clear(&s->vec.rows);
    buf_clear(&s->target.rows);
    s->rows = s->items = 0;
    return result;
}

static int flush_full(struct series *s, struct err *e)
{
    return s->vec.rows.len + s->target.rows.len + s->starts.len < STREAM_BATCH_BYTES ? 0 : flush(s, e);
}

static int begin_part(struct series *s, bool continued, struct err *e)
{
    if (flush_full(s, e) < 0)
        return -1;
    buf_add(&s->starts, &s->rows, sizeof s->rows);
    buf_char(&s->continued, continued);
    s->items++;
    return 0;
}

int series_item(struct series *s, struct err *e)
{
    return begin_part(s, false, e);
}

/* Rows of the item, or part of one, that was begun last. */
static uint64_t rows_of_part(const struct series *s)
{
    uint64_t start;
    memcpy(&start, s->starts.data + s->starts.len - sizeof start, sizeof start);
    return s->rows - start;
}

static void add_fields(struct series_part *part, const float *row)
{
    for (size_t i = 0; i < part->n; i++)
        buf_add(&part->rows, &row[part->field[i]], sizeof *row);
}

int series_row(struct series *s, const float *row, struct err *e)
{
    if (s->by_row ? flush_full(s, e) < 0 : rows_of_part(s) == STREAM_MAX_ITEM_TOKENS && begin_part(s, true, e) < 0)
        return -1;
    add_fields(&s->vec, row);
    add_fields(&s->target, row);
    s->rows++;
    return 0;
}

int series_end(struct series *s, struct err *e)
{
    return flush(s, e);
}

void series_free(struct series *s)
{
    free(s->wanted);
    free(s->vec.field);
    free(s->target.field);
    buf_free(&s->vec.rows);
    buf_free(&s->target.rows);
    buf_free(&s->starts);
    buf_free(&s->continued);
    meta_free(&s->meta);
    *s = (struct series){0};
}
