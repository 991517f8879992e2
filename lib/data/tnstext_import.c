/* Text as a stream (tnstext.h). */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"
#include "data/slice.h"
#include "data/tnstext.h"

enum { READ_AHEAD = 1 << 16, MAX_WORD = META_MAX + 512 };

enum token { T_WORD, T_STRING, T_LINE, T_END }; /* a word, a quoted one, the end of a line, the end of the text */

struct reader {
    int fd;
    const char *label;
    const char *hop;
    struct sink *sink;
    char ahead[READ_AHEAD];
    size_t at, end;
    uint64_t line, column;           /* of the next byte, from 1 */
    uint64_t word_line, word_column; /* of the token at hand */
    enum token token;                /* at hand: the next one not yet used */
    bool starts;                     /* it is the first of its line */
    struct buf word;                 /* its text */
    struct batch batch;              /* the one being read */
    uint64_t batch_line, declared;   /* where it stands; items it says it has, 0: does not say */
    bool in_batch, any_batch;
};

static int bad(const struct reader *r, struct err *e, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int bad(const struct reader *r, struct err *e, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_fail(e, STATUS_DATA, "%s:%" PRIu64 ":%" PRIu64 ": %s", r->label, r->word_line, r->word_column, text);
}

/* ---- Words ---- */

/* The next byte without taking it, -1 at the end, -2 on failure. */
static int peek(struct reader *r, struct err *e)
{
    if (r->at == r->end) {
        long n = file_read(r->fd, r->ahead, sizeof r->ahead, e);
        if (n < 0) {
            err_where(e, "%s", r->label);
            return -2;
        }
        r->at = 0;
        r->end = (size_t)n;
        if (!n)
            return -1;
    }
    return (unsigned char)r->ahead[r->at];
}

static void take(struct reader *r)
{
    if (r->ahead[r->at++] == '\n') {
        r->line++;
        r->column = 1;
    } else {
        r->column++;
    }
}

static int hex_digit(int c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c > 0 ? strchr(digits, tolower(c)) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* What stands behind a backslash. */
static int read_escape(struct reader *r, struct err *e)
{
    int c = peek(r, e), value = 0;
    const char *named = c > 0 ? strchr("ntr\"\\", c) : NULL;
    if (c == -2)
        return -1;
    if (named) {
        take(r);
        buf_char(&r->word, "\n\t\r\"\\"[named - strchr("ntr\"\\", 'n')]);
        return 0;
    }
    if (c != 'x')
        return bad(r, e, "a backslash is followed by none of n t r \" \\ xHH");
    take(r);
    for (int i = 0; i < 2; i++) {
        c = peek(r, e);
        if (c == -2)
            return -1;
        if (hex_digit(c) < 0)
            return bad(r, e, "\\x is not followed by two hexadecimal digits");
        value = 16 * value + hex_digit(c);
        take(r);
    }
    buf_char(&r->word, (char)value);
    return 0;
}

static int read_string(struct reader *r, struct err *e)
{
    for (take(r);;) {
        int c = peek(r, e);
        if (c == -2)
            return -1;
        if (c == -1 || c == '\n')
            return bad(r, e, "the string has no closing quote in its line");
        take(r);
        if (c == '"')
            return 0;
        if (r->word.len >= MAX_WORD)
            return bad(r, e, "the string is longer than %d bytes (write several: they are joined)", MAX_WORD);
        if (c != '\\')
            buf_char(&r->word, (char)c);
        else if (read_escape(r, e) < 0)
            return -1;
    }
}

/* A word may have quoted parts: key="a value". */
static int read_word(struct reader *r, struct err *e)
{
    for (;;) {
        int c = peek(r, e);
        if (c == -2)
            return -1;
        if (c == -1 || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '#')
            return 0;
        if (c < 0x20 || c == 0x7f || c == '\\')
            return bad(r, e, "byte %02X in a word (write it in quotes: \"...\")", (unsigned)c);
        if (r->word.len >= MAX_WORD)
            return bad(r, e, "the word is longer than %d bytes", MAX_WORD);
        if (c == '"') {
            if (read_string(r, e) < 0)
                return -1;
            continue;
        }
        buf_char(&r->word, (char)c);
        take(r);
    }
}

/* Makes the next token the one at hand. */
static int next(struct reader *r, struct err *e)
{
    int c;
    r->starts = r->token == T_LINE;
    for (bool comment = false;; take(r)) {
        if ((c = peek(r, e)) == -2)
            return -1;
        if (c == -1 || c == '\n')
            break;
        comment |= c == '#';
        if (!comment && c != ' ' && c != '\t' && c != '\r')
            break;
    }
    r->word_line = r->line;
    r->word_column = r->column;
    buf_clear(&r->word);
    buf_string(&r->word);
    if (c == -1) {
        r->token = T_END;
        return 0;
    }
    if (c == '\n') {
        take(r);
        r->token = T_LINE;
        return 0;
    }
    r->token = c == '"' ? T_STRING : T_WORD;
    return read_word(r, e);
}

static bool at_text(const struct reader *r)
{
    return r->token == T_WORD || r->token == T_STRING;
}

/* Is the word at hand the first of its line, and this one? */
static bool at_keyword(const struct reader *r, const char *keyword)
{
    return r->token == T_WORD && r->starts && !strcmp(r->word.data, keyword);
}

static bool at_any_keyword(const struct reader *r)
{
    static const char *const keywords[] = {"segment", "tensor", "batch", "column", "end"};
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (at_keyword(r, keywords[i]))
            return true;
    return false;
}

static int skip_lines(struct reader *r, struct err *e)
{
    while (r->token == T_LINE)
        if (next(r, e) < 0)
            return -1;
    return 0;
}

/* The key=value words up to the end of the line. */
static int read_meta(struct reader *r, struct meta *meta, struct err *e)
{
    while (at_text(r)) {
        struct meta one = {0};
        buf_char(&r->word, '\n');
        if (meta_decode(&one, r->word.data, r->word.len, e) < 0 || one.n != 1) {
            meta_free(&one);
            return bad(r, e, "is not key=value (with control bytes and %% as %%XX)");
        }
        const char *key = one.pairs[0].key;
        int result = 0;
        if (meta_get(meta, key))
            result = bad(r, e, "the key '%.60s' stands twice", key);
        else
            meta_set(meta, key, one.pairs[0].value);
        meta_free(&one);
        if (result < 0 || next(r, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- Arrays ---- */

/* "[2,3]", "[]", "[*,3]" */
static int read_shape(struct reader *r, struct tensor *t, bool *open, struct err *e)
{
    const char *at = r->word.data;
    *open = false;
    if (*at++ != '[')
        return bad(r, e, "a shape such as [2,3] is due here");
    while (*at != ']') {
        int64_t dim = 0;
        char digits[24];
        size_t n = strcspn(at, ",]");
        if (t->rank == TENSOR_MAX_RANK)
            return bad(r, e, "a shape has at most %d dimensions", TENSOR_MAX_RANK);
        if (n == 1 && *at == '*' && !t->rank) {
            *open = true;
        } else {
            snprintf(digits, sizeof digits, "%.*s", n < 20 ? (int)n : 20, at);
            if (!n || n > 19 || digits[strspn(digits, "0123456789")] || !opt_int(digits, 0, INT64_MAX, &dim))
                return bad(r, e, "a shape such as [2,3] or [*,3] is due here");
        }
        t->dims[t->rank++] = (uint64_t)dim;
        at += n;
        if (*at == ',' && at[1] != ']')
            at++;
        else if (*at != ']')
            return bad(r, e, "a shape such as [2,3] is due here");
    }
    return at[1] ? bad(r, e, "something follows the shape") : 0;
}

/* How many elements the shape holds; of one row where the first dimension is open. */
static int size_of(const struct reader *r, const struct tensor *t, bool open, uint64_t *count, struct err *e)
{
    uint64_t bytes;
    if (!shape_size(t->dtype, t->rank - open, t->dims + open, count, &bytes))
        return bad(r, e, "the shape is too large");
    if (open && !*count)
        return bad(r, e, "rows without elements cannot be counted: write how many there are for '*'");
    return 0;
}

/* Numbers or strings up to the next keyword, into `data`. `count`: elements due; `open`: any multiple of it. */
static int read_values(struct reader *r, const struct tensor *t, uint64_t count, bool open, struct buf *data,
                       struct err *e)
{
    size_t size = dtype_size(t->dtype), width = t->rank > 1 ? t->dims[t->rank - 1] : 0;
    uint64_t n = 0, begun = 0; /* elements so far; at the start of the line */
    unsigned char element[8];
    while (r->token != T_END && !at_any_keyword(r)) {
        if (r->token == T_LINE) {
            begun = n;
        } else if (t->dtype == DTYPE_UTF8) {
            if (r->token != T_STRING)
                return bad(r, e, "'%.40s' where a \"quoted string\" is due", r->word.data);
            buf_add(data, r->word.data, r->word.len);
            n += r->word.len;
        } else {
            if (r->token != T_WORD || !element_parse(t->dtype, r->word.data, element))
                return bad(r, e, "'%.40s' is not a value of type %s", r->word.data, dtype_name(t->dtype));
            if (width && begun % width && n % width == 0)
                return bad(r, e,
                           "a line that begins within a row goes on into the next (a value is missing or too many)");
            buf_add(data, element, size);
            n++;
        }
        if (!open && n > count)
            return bad(r, e, "'%.60s' has more values than its shape", t->name);
        if (next(r, e) < 0)
            return -1;
    }
    if (open ? n % count != 0 : n != count)
        return bad(r, e, "'%.60s' ends here with %" PRIu64 " values where its shape holds %s%" PRIu64, t->name, n,
                   open ? "a multiple of " : "", count);
    return 0;
}

/* NAME DTYPE SHAPE META... and the values. */
static int read_array(struct reader *r, struct tensor *t, struct err *e)
{
    struct buf data = {0};
    uint64_t count;
    bool open;
    if (next(r, e) < 0)
        return -1;
    if (!at_text(r) || strlen(r->word.data) != r->word.len)
        return bad(r, e, "a name is due here");
    t->name = mem_copy(r->word.data);
    if (next(r, e) < 0)
        return -1;
    if (r->token != T_WORD || !dtype_find(r->word.data, &t->dtype))
        return bad(r, e, "'%.40s' is not a type (f32, f64, u32, u64, i64, utf8, bool, ...)", r->word.data);
    if (next(r, e) < 0 || read_shape(r, t, &open, e) < 0 || size_of(r, t, open, &count, e) < 0 || next(r, e) < 0 ||
        read_meta(r, &t->meta, e) < 0)
        return -1;
    if (read_values(r, t, count, open, &data, e) < 0) {
        buf_free(&data);
        return -1;
    }
    buf_room(&data, 1);
    t->data = data.data;
    t->bytes = data.len;
    if (open)
        t->dims[0] = data.len / dtype_size(t->dtype) / count;
    return 0;
}

/* ---- Statements ---- */

static int end_batch(struct reader *r, struct err *e)
{
    struct batch *b = &r->batch;
    if (!r->in_batch)
        return 0;
    r->in_batch = false;
    r->word_line = r->batch_line;
    r->word_column = 1;
    if (!b->n_columns)
        return bad(r, e, "the batch has no columns");
    b->n = batch_items(b);
    if (!b->n)
        return bad(r, e, "the batch is empty");
    if (r->declared && r->declared != b->n)
        return bad(r, e, "the batch says %" PRIu64 " items, its columns %" PRIu64, r->declared, b->n);
    if (sink_batch(r->sink, b, e) < 0)
        return e->status == STATUS_DATA ? err_where(e, "%s:%" PRIu64 ":1", r->label, r->batch_line) : -1;
    batch_free(b);
    return 0;
}

static int read_tensor(struct reader *r, struct err *e)
{
    struct tensor t = {0};
    uint64_t line = r->word_line;
    if (r->any_batch)
        return bad(r, e, "a tensor stands behind a batch (tensors come first)");
    int result = read_array(r, &t, e);
    if (result == 0 && sink_tensor(r->sink, &t, e) < 0)
        result = e->status == STATUS_DATA ? err_where(e, "%s:%" PRIu64 ":1", r->label, line) : -1;
    tensor_free(&t);
    return result;
}

static int read_column(struct reader *r, struct err *e)
{
    struct tensor t = {0};
    uint64_t line = r->word_line;
    if (!r->in_batch)
        return bad(r, e, "a column stands in no batch (write 'batch' before its first column)");
    if (read_array(r, &t, e) < 0) {
        tensor_free(&t);
        return -1;
    }
    if (batch_find(&r->batch, t.name)) {
        err_fail(e, STATUS_DATA, "%s:%" PRIu64 ":1: the column '%s' stands twice in its batch", r->label, line, t.name);
        tensor_free(&t);
        return -1;
    }
    return batch_add(&r->batch, t, e);
}

static int read_batch(struct reader *r, struct err *e)
{
    int64_t items = 0;
    if (end_batch(r, e) < 0)
        return -1;
    r->in_batch = r->any_batch = true;
    r->batch_line = r->word_line;
    if (next(r, e) < 0)
        return -1;
    if (at_text(r)) {
        if (!opt_int(r->word.data, 1, INT64_MAX, &items))
            return bad(r, e, "'%.40s' is not a number of items", r->word.data);
        if (next(r, e) < 0)
            return -1;
    }
    r->declared = (uint64_t)items;
    return r->token == T_LINE || r->token == T_END ? 0 : bad(r, e, "something follows the number of items");
}

static int read_end(struct reader *r, struct err *e)
{
    struct meta meta = {0};
    int result = end_batch(r, e);
    if (result == 0 && (result = next(r, e)) == 0 && (result = read_meta(r, &meta, e)) == 0) {
        const char *status = meta_get(&meta, "status"), *parent = meta_get(&meta, "parent");
        size_t known = (status != NULL) + (parent != NULL);
        if (meta.n != known)
            result = bad(r, e, "behind 'end' stand status= and parent= alone");
        else if (status && strcmp(status, "complete") && strcmp(status, "partial"))
            result = bad(r, e, "status is complete or partial");
        else
            result = sink_end(r->sink, status ? status : "complete", parent, e);
    }
    meta_free(&meta);
    return result;
}

static int read_head(struct reader *r, struct err *e)
{
    struct meta head = {0};
    int result = next(r, e);
    if (result == 0)
        result = read_meta(r, &head, e);
    if (result == 0 && !meta_get(&head, "profile"))
        result = bad(r, e, "the segment has no profile= (tokens, vectors, pairs, alignment, tensors, model/...)");
    if (result == 0) {
        if (!meta_get(&head, "hop.0000"))
            meta_set(&head, "hop.0000", r->hop);
        r->in_batch = r->any_batch = false;
        result = sink_head(r->sink, &head, e);
    }
    meta_free(&head);
    return result;
}

static int read_segment(struct reader *r, struct err *e)
{
    if (!at_keyword(r, "segment"))
        return bad(r, e, "'%.40s' where 'segment profile=...' is due", r->word.data);
    if (read_head(r, e) < 0)
        return -1;
    for (;;) {
        int result;
        if (skip_lines(r, e) < 0)
            return -1;
        if (at_keyword(r, "end"))
            return read_end(r, e);
        if (at_keyword(r, "tensor"))
            result = read_tensor(r, e);
        else if (at_keyword(r, "batch"))
            result = read_batch(r, e);
        else if (at_keyword(r, "column"))
            result = read_column(r, e);
        else if (r->token == T_END)
            result = bad(r, e, "the text ends before 'end' (it was cut, or 'end' was forgotten)");
        else
            result = bad(r, e, "'%.40s' where tensor, batch, column or end is due", r->word.data);
        if (result < 0)
            return -1;
    }
}

int tnstext_import(int fd, const char *label, const char *hop, struct sink *k, struct err *e)
{
    struct reader *r = mem_get(1, sizeof *r);
    bool any = false;
    r->fd = fd;
    r->label = label;
    r->hop = hop;
    r->sink = k;
    r->line = r->column = 1;
    r->token = T_LINE;
    int result = next(r, e);
    while (result == 0 && (result = skip_lines(r, e)) == 0 && r->token != T_END) {
        any = true;
        result = read_segment(r, e);
    }
    if (result == 0 && !any)
        result = bad(r, e, "the text holds no segment");
    batch_free(&r->batch);
    buf_free(&r->word);
    free(r);
    return result;
}
