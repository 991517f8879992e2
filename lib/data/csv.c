#include "data/csv.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/mem.h"
#include "data/series.h"
#include "data/tnstext.h"

static const char separators[] = {[SEPARATOR_COMMA] = ',', [SEPARATOR_SEMICOLON] = ';', [SEPARATOR_TAB] = '\t'};

struct table {
    const struct format_want *want;
    struct lines lines;
    char separator;
    struct field {
        char *text;    /* in the line at hand, quotes removed */
        size_t column; /* where it begins, from 1 */
    } * fields;
    size_t n, room; /* fields of the line at hand */
    char **names;   /* of the first header; NULL: none */
    size_t width;   /* fields of every line; 0: not known yet */
    size_t item;    /* the field that tells items apart; the width: none */
    char *item_text;
    float *row;    /* [width] */
    bool new_item; /* the next row begins one */
    struct series series;
};

static int bad(const struct table *t, size_t column, struct err *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int bad(const struct table *t, size_t column, struct err *e, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_fail(e, STATUS_DATA, "%s:%llu:%zu: %s", t->lines.label, (unsigned long long)t->lines.number, column,
                    text);
}

/* ---- Lines into fields ---- */

/* The rarest in other use first: decimal commas stand in tables parted by semicolons. */
static char find_separator(const char *line)
{
    bool quoted = false;
    char found = ',';
    for (; *line; line++) {
        quoted ^= *line == '"';
        if (!quoted && *line == '\t')
            return '\t';
        if (!quoted && *line == ';')
            found = ';';
    }
    return found;
}

static bool is_blank(const struct table *t, char c)
{
    return c == ' ' || (c == '\t' && t->separator != '\t');
}

/* A field in quotes, which are taken away in place; returns what follows it. */
static char *take_quoted(const struct table *t, char *at, struct field *field, struct err *e)
{
    char *to = ++at;
    field->text = to;
    for (;; at++) {
        if (!*at) {
            bad(t, field->column, e, "the quote is not closed in its line");
            return NULL;
        }
        if (*at == '"' && *++at != '"')
            break;
        *to++ = *at;
    }
    while (is_blank(t, *at))
        at++;
    if (*at && *at != t->separator) {
        bad(t, (size_t)(at - t->lines.text) + 1, e, "something follows the closing quote");
        return NULL;
    }
    *to = 0;
    return at;
}

static char *take_plain(const struct table *t, char *at, struct field *field)
{
    const char stop[] = {t->separator, 0};
    char *end = at + strcspn(at, stop), *last = end;
    field->text = at;
    while (last > at && is_blank(t, last[-1]))
        last--;
    if (last < end)
        *last = 0;
    return end;
}

static int split(struct table *t, struct err *e)
{
    char *at = t->lines.text;
    t->n = 0;
    if (!t->separator)
        t->separator = t->want->separator == SEPARATOR_AUTO ? find_separator(at) : separators[t->want->separator];
    for (bool more = true; more; at++) {
        if (t->n == t->room) {
            t->room = 2 * t->room + 16;
            t->fields = mem_grow(t->fields, t->room, sizeof *t->fields);
        }
        while (is_blank(t, *at))
            at++;
        struct field *field = &t->fields[t->n++];
        field->column = (size_t)(at - t->lines.text) + 1;
        at = *at == '"' ? take_quoted(t, at, field, e) : take_plain(t, at, field);
        if (!at)
            return -1;
        more = *at != 0;
        *at = 0;
    }
    return 0;
}

static bool is_empty_line(const struct lines *l)
{
    return !l->text[strspn(l->text, " ")];
}

/* ---- Rows ---- */

static bool parse(const char *text, float *value)
{
    unsigned char bytes[8];
    if (!element_parse(DTYPE_F32, text, bytes))
        return false;
    memcpy(value, bytes, sizeof *value);
    return true;
}

/* Is the line at hand, the first of its file, one of names? */
static bool is_header(const struct table *t)
{
    bool any = false;
    if (t->want->header != HEADER_AUTO)
        return t->want->header == HEADER_YES;
    for (size_t i = 0; i < t->n; i++) {
        const char *text = t->fields[i].text;
        char *end;
        strtod(text, &end); /* NaN and numbers too large are numbers: to be refused, not to be names */
        if (*text && !*end)
            return false;
        any |= *text != 0;
    }
    return any;
}

/* The very first line: what the columns are. */
static int begin(struct table *t, bool header, struct err *e)
{
    t->width = t->item = t->n;
    t->row = mem_get(t->n, sizeof *t->row);
    if (header)
        t->names = mem_get(t->n, sizeof *t->names);
    for (size_t i = 0; header && i < t->n; i++)
        t->names[i] = mem_copy(t->fields[i].text);
    const char *const *names = (const char *const *)t->names;
    int got = t->want->item_column ? series_field(t->want->item_column, names, t->n, &t->item, e) : 1;
    if (got == 0)
        got = err_fail(e, STATUS_DATA, "there is no column '%.100s'", t->want->item_column);
    if (got < 0)
        err_where(e, "--item-column");
    else
        got = series_begin(&t->series, t->want, names, t->n, t->item, t->series.sink, e);
    return got < 0 && e->status == STATUS_DATA ? lines_where(&t->lines, e) : got < 0 ? -1 : 0;
}

static int check_width(const struct table *t, struct err *e)
{
    if (t->n == t->width)
        return 0;
    size_t column = t->n > t->width ? t->fields[t->width].column : t->lines.length + 1;
    return bad(t, column, e, "the line has %zu field%s where the first has %zu", t->n, t->n == 1 ? "" : "s", t->width);
}

/* A later file's header: the columns must be the same. */
static int check_names(const struct table *t, struct err *e)
{
    for (size_t i = 0; t->names && i < t->n; i++)
        if (strcmp(t->names[i], t->fields[i].text))
            return bad(t, t->fields[i].column, e, "the column is called '%.100s', in the first file '%.100s'",
                       t->fields[i].text, t->names[i]);
    return 0;
}

static int bad_field(const struct table *t, size_t i, struct err *e)
{
    struct buf which = {0};
    buf_printf(&which, "field %zu", i + 1);
    if (t->names)
        buf_printf(&which, " ('%.60s')", t->names[i]);
    if (!*t->fields[i].text)
        bad(t, t->fields[i].column, e, "%s is empty (fill in what is missing, or choose --columns)", which.data);
    else
        bad(t, t->fields[i].column, e, "%s: '%.60s' is not a finite number", which.data, t->fields[i].text);
    buf_free(&which);
    return -1;
}

static int take_row(struct table *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->series.wanted[i] && (!parse(t->fields[i].text, &t->row[i]) || !isfinite(t->row[i])))
            return bad_field(t, i, e);
    if (t->item < t->width && (!t->item_text || strcmp(t->item_text, t->fields[t->item].text))) {
        free(t->item_text);
        t->item_text = mem_copy(t->fields[t->item].text);
        t->new_item = true;
    }
    if (t->new_item && !t->want->column && series_item(&t->series, e) < 0)
        return -1;
    t->new_item = false;
    return series_row(&t->series, t->row, e);
}

static int read_file(struct table *t, const char *path, struct err *e)
{
    bool first = true;
    int more;
    if (lines_open(&t->lines, path, e) < 0)
        return -1;
    t->separator = 0;
    t->new_item = true;
    while ((more = lines_next(&t->lines, e)) > 0) {
        if (is_empty_line(&t->lines)) {
            t->new_item = true;
            continue;
        }
        if ((more = split(t, e)) < 0)
            break;
        bool header = first && is_header(t);
        if (!t->width)
            more = begin(t, header, e);
        if (more == 0)
            more = check_width(t, e);
        if (more == 0)
            more = header ? check_names(t, e) : take_row(t, e);
        if (more < 0)
            break;
        first = false;
    }
    lines_close(&t->lines);
    return more;
}

static void table_free(struct table *t)
{
    for (size_t i = 0; t->names && i < t->width; i++)
        free(t->names[i]);
    free(t->names);
    free(t->fields);
    free(t->row);
    free(t->item_text);
    series_free(&t->series);
}

int csv_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    struct table t = {.want = want, .lines.fd = -1, .series.sink = k};
    struct meta head = {0};
    if (want->item_column && want->column)
        return err_fail(e, STATUS_MISUSED, "with --column each row is an item: leave --item-column out");
    head_make(&head, want->profile ? want->profile : "vectors", NULL, want->hop);
    int result = sink_head(k, &head, e);
    for (size_t i = 0; result == 0 && i < (n_paths ? n_paths : 1); i++)
        result = read_file(&t, n_paths ? paths[i] : NULL, e);
    if (result == 0 && t.width)
        result = series_end(&t.series, e);
    if (result == 0)
        result = sink_end(k, "complete", NULL, e);
    meta_free(&head);
    table_free(&t);
    return result;
}

/* ---- Export ---- */

struct writer {
    const struct format_want *want;
    struct outfile *out;
    char separator;
    struct buf text;
    uint64_t width;    /* of its rows */
    bool found, begun; /* begun: a row was written, so that the next item comes behind an empty line */
};

static int put_text(struct writer *w, struct err *e)
{
    int result = outfile_write(w->out, buf_string(&w->text), w->text.len, e);
    buf_clear(&w->text);
    return result;
}

/* The first of its rows: is it a table, and one like those before? */
static int begin_rows(struct writer *w, const struct tensor *t, struct err *e)
{
    uint64_t width = t->rank > 1 ? t->dims[1] : 1;
    if (t->dtype == DTYPE_UTF8)
        return err_fail(e, STATUS_DATA, "'%s' holds text, not numbers (tns text shows it)", t->name);
    if (t->rank > 2 || !width)
        return err_fail(e, STATUS_DATA, "'%s' of rank %u is no table of rows and columns", t->name, t->rank);
    if (w->found && w->width != width)
        return err_fail(e, STATUS_DATA, "'%s' has %llu columns and, in a later segment, %llu", t->name,
                        (unsigned long long)w->width, (unsigned long long)width);
    for (uint64_t i = 0; !w->found && w->want->header == HEADER_YES && i < width; i++) {
        if (i)
            buf_char(&w->text, w->separator);
        buf_text(&w->text, t->name);
        if (width > 1)
            buf_printf(&w->text, ".%llu", (unsigned long long)i + 1);
        if (i + 1 == width)
            buf_char(&w->text, '\n');
    }
    w->width = width;
    w->found = true;
    return 0;
}

static int put_rows(struct writer *w, const struct tensor *t, uint64_t low, uint64_t high, struct err *e)
{
    for (; low < high; low++) {
        for (uint64_t i = 0; i < w->width; i++) {
            if (i)
                buf_char(&w->text, w->separator);
            element_text(t, low * w->width + i, &w->text);
        }
        buf_char(&w->text, '\n');
        w->begun = true;
        if (w->text.len >= STREAM_BATCH_BYTES && put_text(w, e) < 0)
            return -1;
    }
    return 0;
}

/* Does the column run over the rows of items, or over items themselves? Its offsets, or NULL. */
static const uint64_t *ragged(const struct batch *batch, const struct tensor *t)
{
    struct err none;
    return batch_offsets(batch, t->name, &none);
}

static int put_column(struct writer *w, const struct batch *batch, struct err *e)
{
    const struct tensor *t = batch_find(batch, w->want->name), *parts = batch_find(batch, "continued");
    const uint64_t *offsets = t ? ragged(batch, t) : NULL;
    if (!t)
        return 0;
    if (begin_rows(w, t, e) < 0)
        return -1;
    if (!offsets)
        return put_rows(w, t, 0, t->dims[0], e);
    const uint8_t *continued =
        parts && parts->dtype == DTYPE_BOOL && parts->rank == 1 && parts->dims[0] == batch->n ? parts->data : NULL;
    for (uint64_t i = 0; i < batch->n; i++) {
        if (w->begun && offsets[i] < offsets[i + 1] && !(continued && continued[i]))
            buf_char(&w->text, '\n');
        if (put_rows(w, t, offsets[i], offsets[i + 1], e) < 0)
            return -1;
    }
    return 0;
}

static int put_segment(struct writer *w, struct source *s, const struct segment *segment, struct err *e)
{
    const struct tensor *t = segment_find(segment, w->want->name);
    struct batch batch = {0};
    int more;
    if (t && (begin_rows(w, t, e) < 0 || put_rows(w, t, 0, t->rank ? t->dims[0] : 1, e) < 0))
        return -1;
    while ((more = source_batch(s, &batch, e)) > 0)
        if (!t && put_column(w, &batch, e) < 0) {
            more = -1;
            break;
        }
    batch_free(&batch);
    return more;
}

int csv_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    struct writer w = {.want = want, .out = out};
    struct segment segment = {0};
    int more;
    w.separator = want->separator == SEPARATOR_AUTO ? ',' : separators[want->separator];
    if (!want->name)
        return err_fail(e, STATUS_MISUSED, "which tensor or column? (--name NAME; tns ls shows the names)");
    while ((more = source_segment(s, &segment, e)) > 0)
        if ((more = put_segment(&w, s, &segment, e)) < 0)
            break;
    if (more == 0 && !w.found)
        more = err_fail(e, STATUS_DATA, "%s: there is no tensor or column '%s' (tns ls shows the names)",
                        source_label(s), want->name);
    if (more == 0)
        more = put_text(&w, e);
    segment_free(&segment);
    buf_free(&w.text);
    return more;
}
