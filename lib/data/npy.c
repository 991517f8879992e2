#include "data/npy.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/spool.h"
#include "data/series.h"
#include "data/slice.h"

/* The header of an array: dtype and shape. */
struct npy_head {
    enum dtype dtype;
    unsigned rank;
    uint64_t dims[TENSOR_MAX_RANK];
    bool fortran, big;
};

enum { MAX_HEADER = 1 << 16, CHUNK = 1 << 20 };

static const char magic[6] = "\x93NUMPY";

/* NumPy's letter and size of each dtype; when reading, the first row that fits counts. */
static const char *const descrs[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "|b1", [DTYPE_U8] = "|u1",  [DTYPE_I8] = "|i1",   [DTYPE_U16] = "<u2", [DTYPE_I16] = "<i2",
    [DTYPE_U32] = "<u4",  [DTYPE_I32] = "<i4", [DTYPE_U64] = "<u8",  [DTYPE_I64] = "<i8", [DTYPE_F16] = "<f2",
    [DTYPE_F32] = "<f4",  [DTYPE_F64] = "<f8", [DTYPE_UTF8] = "|u1",
};

/* ---- The header, a Python dict of three keys ---- */

struct cursor {
    const char *at, *end;
};

static void skip(struct cursor *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n' || *t->at == '\t'))
        t->at++;
}

/* Skips blanks and takes `c` if it is next. */
static bool take(struct cursor *t, char c)
{
    skip(t);
    if (t->at == t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

/* 'text' or "text" into word[32]. */
static bool take_string(struct cursor *t, char *word)
{
    char quote = '\'';
    size_t n = 0;
    if (!take(t, quote)) {
        quote = '"';
        if (!take(t, quote))
            return false;
    }
    for (; t->at < t->end && *t->at != quote; t->at++) {
        if (n == 31)
            return false;
        word[n++] = *t->at;
    }
    word[n] = 0;
    return take(t, quote);
}

static bool take_word(struct cursor *t, const char *word)
{
    size_t n = strlen(word) - 1;
    if (!take(t, word[0]) || (size_t)(t->end - t->at) < n || memcmp(t->at, word + 1, n))
        return false;
    t->at += n;
    return true;
}

static int take_descr(struct cursor *t, struct npy_head *head, struct err *e)
{
    char word[32];
    struct cursor before = *t;
    if (take(&before, '['))
        return err_fail(e, STATUS_DATA, "structured arrays are not read (save one field: a['name'])");
    if (!take_string(t, word) || strlen(word) < 3)
        return err_fail(e, STATUS_DATA, "the header's descr is no type");
    for (int d = 0; d < DTYPE_COUNT; d++)
        if (descrs[d] && strchr("<>|", word[0]) && !strcmp(descrs[d] + 1, word + 1)) {
            head->dtype = (enum dtype)d;
            head->big = word[0] == '>';
            return 0;
        }
    return err_fail(e, STATUS_DATA, "the type '%s' has no counterpart here (b1, u1 .. u8, i1 .. i8, f2, f4, f8 have)",
                    word);
}

static int take_shape(struct cursor *t, struct npy_head *head, struct err *e)
{
    if (!take(t, '('))
        return err_fail(e, STATUS_DATA, "the header's shape is no tuple");
    while (!take(t, ')')) {
        uint64_t dim = 0;
        size_t digits = 0;
        skip(t);
        for (; t->at < t->end && *t->at >= '0' && *t->at <= '9' && digits < 18; t->at++, digits++)
            dim = 10 * dim + (uint64_t)(*t->at - '0');
        if (!digits || head->rank == TENSOR_MAX_RANK)
            return err_fail(e, STATUS_DATA, "the header's shape is not made of at most %d numbers", TENSOR_MAX_RANK);
        head->dims[head->rank++] = dim;
        if (!take(t, ',') && (t->at == t->end || *t->at != ')'))
            return err_fail(e, STATUS_DATA, "the header's shape is no tuple");
    }
    return 0;
}

/* Reads "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }". */
static int parse(const char *text, size_t length, struct npy_head *head, struct err *e)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    struct cursor t = {text, text + length};
    char key[32];
    unsigned seen = 0, which;
    uint64_t count, bytes;
    *head = (struct npy_head){0};
    if (!take(&t, '{'))
        return err_fail(e, STATUS_DATA, "the header is no dict");
    while (!take(&t, '}')) {
        if (!take_string(&t, key) || !take(&t, ':'))
            return err_fail(e, STATUS_DATA, "the header is no dict");
        for (which = 0; which < 3 && strcmp(key, keys[which]); which++)
            ;
        if (which == 3 || seen >> which & 1)
            return err_fail(e, STATUS_DATA, "the header's keys are not descr, fortran_order and shape");
        seen |= 1u << which;
        if (which == 0 && take_descr(&t, head, e) < 0)
            return -1;
        if (which == 1 && !(head->fortran = take_word(&t, "True")) && !take_word(&t, "False"))
            return err_fail(e, STATUS_DATA, "the header's fortran_order is neither True nor False");
        if (which == 2 && take_shape(&t, head, e) < 0)
            return -1;
        take(&t, ',');
    }
    skip(&t);
    if (seen != 7 || t.at != t.end)
        return err_fail(e, STATUS_DATA, "the header lacks a key, or something follows it");
    if (!shape_size(head->dtype, head->rank, head->dims, &count, &bytes))
        return err_fail(e, STATUS_DATA, "the shape is too large");
    return 0;
}

/* ---- Import ---- */

static int read_header(int fd, struct npy_head *head, struct err *e)
{
    struct buf text = {0};
    uint32_t length = 0;
    int result = file_take(fd, sizeof magic + 2, &text, e);
    if (result < 0 || memcmp(text.data, magic, sizeof magic)) {
        if (result == 0 || e->status == STATUS_DATA)
            result = err_fail(e, STATUS_DATA, "is not a NumPy array (.npy)");
        goto out;
    }
    unsigned version = (unsigned char)text.data[6];
    buf_clear(&text);
    if (version < 1 || version > 3) {
        result = err_fail(e, STATUS_DATA, "version %u of .npy is not known here", version);
        goto out;
    }
    if ((result = file_take(fd, version == 1 ? 2 : 4, &text, e)) < 0)
        goto out;
    memcpy(&length, text.data, text.len);
    buf_clear(&text);
    if (length > MAX_HEADER)
        result = err_fail(e, STATUS_DATA, "a header of %" PRIu32 " bytes is longer than %d", length, MAX_HEADER);
    else if ((result = file_take(fd, length, &text, e)) == 0)
        result = parse(buf_string(&text), text.len, head, e);
out:
    buf_free(&text);
    return result;
}

/* Little-endian, as streams are; a bool must be one. */
static int settle(const struct npy_head *head, struct buf *data, struct err *e)
{
    size_t size = dtype_size(head->dtype);
    for (size_t i = 0; head->dtype == DTYPE_BOOL && i < data->len; i++)
        if ((unsigned char)data->data[i] > 1)
            return err_fail(e, STATUS_DATA, "element %zu is a bool that is neither 0 nor 1", i);
    for (size_t i = 0; head->big && size > 1 && i < data->len; i += size)
        for (size_t low = i, high = i + size - 1; low < high; low++, high--) {
            char byte = data->data[low];
            data->data[low] = data->data[high];
            data->data[high] = byte;
        }
    return 0;
}

/* From the first index running fastest to the last one. */
static void turn(const struct npy_head *head, struct buf *data)
{
    size_t size = dtype_size(head->dtype), count = data->len / size;
    uint64_t index[TENSOR_MAX_RANK] = {0}, stride[TENSOR_MAX_RANK], step = 1;
    struct buf turned = {0};
    for (unsigned d = 0; d < head->rank; d++) {
        stride[d] = step;
        step *= head->dims[d];
    }
    buf_room(&turned, data->len);
    for (size_t i = 0; i < count; i++) {
        uint64_t from = 0;
        for (unsigned d = 0; d < head->rank; d++)
            from += index[d] * stride[d];
        buf_add(&turned, data->data + from * size, size);
        for (unsigned d = head->rank; d-- > 0 && ++index[d] == head->dims[d];)
            index[d] = 0;
    }
    buf_free(data);
    *data = turned;
}

static int read_whole(int fd, const struct npy_head *head, struct buf *data, struct err *e)
{
    uint64_t count, bytes;
    shape_size(head->dtype, head->rank, head->dims, &count, &bytes);
    if (file_take(fd, bytes, data, e) < 0 || settle(head, data, e) < 0)
        return -1;
    if (head->fortran && head->rank > 1)
        turn(head, data);
    return 0;
}

static int import_tensor(int fd, const struct npy_head *head, const char *name, const struct meta *meta, struct sink *k,
                         struct err *e)
{
    struct buf data = {0};
    int result = read_whole(fd, head, &data, e);
    if (result == 0 && (result = file_ends(fd, e)) == 0) {
        struct tensor t = tensor_view(name, head->dtype, head->rank, head->dims, data.data);
        meta_copy(&t.meta, meta);
        result = sink_tensor(k, &t, e);
        tensor_free(&t);
    }
    buf_free(&data);
    return result;
}

/* Rows low .. high-1, which lie at `data`, as a batch. */
static int put_rows(const struct npy_head *head, const char *name, const struct meta *meta, uint64_t rows,
                    const void *data, struct sink *k, struct err *e)
{
    struct batch batch = {.n = rows};
    uint64_t dims[TENSOR_MAX_RANK];
    memcpy(dims, head->dims, sizeof dims);
    dims[0] = rows;
    struct tensor t = tensor_view(name, head->dtype, head->rank, dims, data);
    meta_copy(&t.meta, meta);
    int result = batch_add(&batch, t, e);
    if (result == 0)
        result = sink_batch(k, &batch, e);
    batch_free(&batch);
    return result;
}

static int import_column(int fd, const struct npy_head *head, const char *name, const struct meta *meta, struct sink *k,
                         struct err *e)
{
    struct buf data = {0};
    bool whole = head->fortran && head->rank > 1;
    if (!head->rank)
        return err_fail(e, STATUS_DATA, "a single number has no rows to be items");
    if (is_offsets(name))
        return err_fail(e, STATUS_MISUSED, "offsets cannot be imported alone (use --format text)");
    size_t row = dtype_size(head->dtype);
    for (unsigned d = 1; d < head->rank; d++)
        row *= head->dims[d];
    uint64_t step = !row ? head->dims[0] : row > CHUNK ? 1 : CHUNK / row;
    int result = whole ? read_whole(fd, head, &data, e) : 0;
    for (uint64_t at = 0; result == 0 && at < head->dims[0]; at += step) {
        uint64_t rows = head->dims[0] - at < step ? head->dims[0] - at : step;
        if (!whole) {
            buf_clear(&data);
            if ((result = file_take(fd, rows * row, &data, e)) < 0 || (result = settle(head, &data, e)) < 0)
                break;
        }
        result = put_rows(head, name, meta, rows, data.data + (whole ? at * row : 0), k, e);
    }
    buf_free(&data);
    return result < 0 ? result : file_ends(fd, e);
}

/* Rows low .. low + n - 1 of the array, which lie at `data`: every `steps` rows are an item. */
static int put_steps(struct series *series, const struct npy_head *head, const void *data, uint64_t low, uint64_t n,
                     uint64_t steps, struct err *e)
{
    size_t width = series->fields;
    float *row = mem_get(width, sizeof *row);
    struct tensor t = tensor_view("", head->dtype, 2, (uint64_t[]){n, width}, data);
    int result = 0;
    for (uint64_t r = 0; result == 0 && r < n; r++) {
        for (size_t i = 0; result == 0 && i < width; i++) {
            row[i] = (float)tensor_at(&t, r * width + i);
            if (series->wanted[i] && !isfinite(row[i]))
                result = err_fail(e, STATUS_DATA, "row %" PRIu64 ", column %zu (from 0): %g is not a finite f32",
                                  low + r, i, tensor_at(&t, r * width + i));
        }
        if (result == 0 && (low + r) % steps == 0)
            result = series_item(series, e);
        if (result == 0)
            result = series_row(series, row, e);
    }
    tensor_free(&t);
    free(row);
    return result;
}

/* [T,D] as T steps of one item, [N,T,D] as N items; rank 1 is D = 1. */
static int import_series(int fd, const struct npy_head *head, const struct format_want *want, struct sink *k,
                         struct err *e)
{
    struct series series = {0};
    struct buf data = {0};
    bool whole = head->fortran && head->rank > 1;
    if (!head->rank || head->rank > 3)
        return err_fail(e, STATUS_DATA, "an array of rank %u is no series ([T], [T,D] and [N,T,D] are)", head->rank);
    uint64_t width = head->rank > 1 ? head->dims[head->rank - 1] : 1;
    uint64_t steps = head->rank > 2 ? head->dims[1] : head->dims[0];
    uint64_t rows = head->rank > 2 ? head->dims[0] * steps : steps;
    if (!width || !rows)
        return err_fail(e, STATUS_DATA, "the array is empty");
    size_t row = width * dtype_size(head->dtype);
    uint64_t block = row > CHUNK ? 1 : CHUNK / row;
    int result = whole ? read_whole(fd, head, &data, e) : 0;
    for (uint64_t at = 0; result == 0 && at < rows; at += block) {
        uint64_t n = rows - at < block ? rows - at : block;
        if (!whole) {
            buf_clear(&data);
            result = file_take(fd, n * row, &data, e) < 0 ? -1 : settle(head, &data, e);
        }
        if (result == 0 && at == 0) /* memory for a row only now that there is one */
            result = series_begin(&series, want, NULL, width, width, k, e);
        if (result == 0)
            result = put_steps(&series, head, data.data + (whole ? at * row : 0), at, n, steps, e);
    }
    if (result == 0)
        result = series_end(&series, e);
    buf_free(&data);
    series_free(&series);
    return result < 0 ? result : file_ends(fd, e);
}

/* What an array is called that was given no name: its file without directory and suffix. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_copy(slash ? slash + 1 : path);
    size_t n = strlen(name);
    if (n > 4 && !strcmp(name + n - 4, ".npy"))
        name[n - 4] = 0;
    return name;
}

static int import_file(const struct format_want *want, const char *path, const struct meta *meta, struct sink *k,
                       struct err *e)
{
    struct npy_head head;
    int fd = infile_open(path, e);
    if (fd < 0)
        return -1;
    char *name = want->name ? mem_copy(want->name) : name_of(path);
    int result = read_header(fd, &head, e);
    if (result == 0)
        result = want->series ? import_series(fd, &head, want, k, e)
                              : (want->column ? import_column : import_tensor)(fd, &head, name, meta, k, e);
    if (result < 0 && e->status == STATUS_DATA)
        err_where(e, "%s", infile_label(path));
    free(name);
    if (fd != STDIN_FILENO)
        close(fd);
    return result;
}

int npy_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    struct meta meta = {0}, head = {0};
    if (n_paths > 1 && (want->name || want->column || want->series))
        return err_fail(e, STATUS_MISUSED, "--name, --column and --series go with one file (%zu were named)", n_paths);
    if (want->column && want->series)
        return err_fail(e, STATUS_MISUSED, "--column: rows are items; --series: they are steps (which of the two?)");
    if (!want->series && (want->columns || want->target_columns))
        return err_fail(e, STATUS_MISUSED, "of an array columns are chosen with --series alone");
    if (!want->name && !want->series && (!n_paths || !strcmp(paths[0], "-")))
        return err_fail(e, STATUS_MISUSED, "an array from standard input needs a name (--name NAME)");
    int result = format_meta(want, &meta, e);
    if (result == 0) {
        head_make(&head, want->profile ? want->profile : want->series ? "vectors" : "tensors", NULL, want->hop);
        result = sink_head(k, &head, e);
    }
    for (size_t i = 0; result == 0 && i < (n_paths ? n_paths : 1); i++)
        result = import_file(want, n_paths ? paths[i] : NULL, &meta, k, e);
    if (result == 0)
        result = sink_end(k, "complete", NULL, e);
    meta_free(&meta);
    meta_free(&head);
    return result;
}

/* ---- Export ---- */

static int put_header(const struct tensor *t, uint64_t rows, struct outfile *out, struct err *e)
{
    struct buf text = {0}, dict = {0};
    buf_printf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", descrs[t->dtype]);
    for (unsigned d = 0; d < t->rank; d++)
        buf_printf(&dict, "%s%" PRIu64, d ? ", " : "", d ? t->dims[d] : rows);
    buf_text(&dict, t->rank == 1 ? ",), }" : "), }");
    while ((sizeof magic + 4 + dict.len + 1) % 64)
        buf_char(&dict, ' ');
    buf_char(&dict, '\n');
    uint16_t length = (uint16_t)dict.len;
    buf_add(&text, magic, sizeof magic);
    buf_add(&text, "\1\0", 2);
    buf_add(&text, &length, sizeof length);
    buf_add(&text, dict.data, dict.len);
    int result = outfile_write(out, text.data, text.len, e);
    buf_free(&text);
    buf_free(&dict);
    return result;
}

struct extract {
    const char *name;
    struct tensor tensor; /* found as TENSOR; or the column's last batch */
    bool found;
    struct spool spool;  /* the column's rows */
    bool spooled;        /* it is a column, not a tensor */
    uint64_t rows, base; /* rows so far; offsets columns: the last offset so far */
    struct buf names;    /* what there is, for messages */
};

static int check_kind(const struct tensor *t, struct err *e)
{
    if (!descrs[t->dtype])
        return err_fail(e, STATUS_DATA, "NumPy has no %s (tns export --format text has)", dtype_name(t->dtype));
    return 0;
}

static void note_names(struct extract *x, const struct tensor *t, size_t n)
{
    for (size_t i = 0; i < n && x->names.len < 300; i++)
        buf_printf(&x->names, "%s%.60s", x->names.len ? ", " : "", t[i].name);
}

/* Offsets go on where those of the batch before ended; their first, 0, is written once. */
static int spool_offsets(struct extract *x, const struct tensor *t, struct err *e)
{
    bool first = !x->rows;
    uint64_t n = t->dims[0] - !first, *offsets = mem_get(n, sizeof *offsets);
    for (uint64_t i = 0; i < n; i++)
        offsets[i] = x->base + ((const uint64_t *)t->data)[i + !first];
    int result = spool_add(&x->spool, offsets, n * sizeof *offsets, e);
    x->base += ((const uint64_t *)t->data)[t->dims[0] - 1];
    x->rows += n;
    free(offsets);
    return result;
}

static int spool_column(struct extract *x, struct tensor *t, struct err *e)
{
    if (check_kind(t, e) < 0)
        return -1;
    x->spooled = true;
    if (x->found) { /* within a segment this holds; segments may differ */
        bool same = x->tensor.dtype == t->dtype && x->tensor.rank == t->rank;
        for (unsigned d = 1; same && d < t->rank; d++)
            same = x->tensor.dims[d] == t->dims[d];
        if (!same)
            return err_fail(e, STATUS_DATA, "'%s' has another type or shape in a later segment", x->name);
    }
    tensor_free(&x->tensor);
    x->tensor = *t;
    *t = (struct tensor){.name = mem_copy("")};
    x->found = true;
    if (is_offsets(x->name))
        return spool_offsets(x, &x->tensor, e);
    x->rows += x->tensor.dims[0];
    return spool_add(&x->spool, x->tensor.data, x->tensor.bytes, e);
}

static int collect(struct extract *x, struct source *s, struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    struct tensor *t = segment_find(segment, x->name);
    bool first = true;
    int got;
    note_names(x, segment->tensors, segment->n);
    if (t) {
        if (x->found)
            return err_fail(e, STATUS_DATA, "'%s' stands in more than one segment", x->name);
        if (check_kind(t, e) < 0)
            return -1;
        x->tensor = *t;
        *t = (struct tensor){.name = mem_copy("")};
        x->found = true;
    }
    for (; (got = source_batch(s, &batch, e)) > 0; first = false) {
        if (first)
            note_names(x, batch.columns, batch.n_columns);
        t = batch_find(&batch, x->name);
        if (t && (x->spooled || !x->found) && spool_column(x, t, e) < 0) {
            got = -1;
            break;
        }
    }
    batch_free(&batch);
    return got;
}

static int copy_spool(struct spool *s, struct outfile *out, struct err *e)
{
    int more = spool_rewind(s, e);
    while (more == 0 && (more = spool_fill(s, e)) > 0) {
        more = outfile_write(out, s->block.data, s->block.len, e);
        s->at = s->block.len;
    }
    return more;
}

int npy_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    struct extract x = {.name = want->name};
    struct segment segment = {0};
    int got;
    if (!want->name)
        return err_fail(e, STATUS_MISUSED, "which tensor or column? (--name NAME; tns ls shows the names)");
    while ((got = source_segment(s, &segment, e)) > 0)
        if ((got = collect(&x, s, &segment, e)) < 0)
            break;
    if (got == 0 && !x.found)
        got = err_fail(e, STATUS_DATA, "%s: there is no tensor or column '%s' (there is %s)", source_label(s),
                       want->name, x.names.len ? buf_string(&x.names) : "none");
    if (got == 0)
        got = put_header(&x.tensor, x.spooled ? x.rows : x.tensor.dims[0], out, e);
    if (got == 0)
        got = x.spooled ? copy_spool(&x.spool, out, e) : outfile_write(out, x.tensor.data, x.tensor.bytes, e);
    spool_close(&x.spool);
    segment_free(&segment);
    tensor_free(&x.tensor);
    buf_free(&x.names);
    return got;
}
