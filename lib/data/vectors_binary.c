/* Vectors as word2vec.c -binary 1 and gensim write them. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "data/vectors.h"
#include "data/vectors_model.h"

enum { BLOCK = 1 << 20, MAX_HEADER = 100 };

struct reader {
    struct vectors_model model;
    int fd;
    struct buf block;
    size_t at;       /* in the block */
    uint64_t passed; /* bytes in front of it */
};

/* How many bytes there are from `at` on: `least` or more, fewer at the end of the file; or -1. */
static long available(struct reader *r, size_t least, struct err *e)
{
    while (r->block.len - r->at < least) {
        if (r->at) {
            memmove(r->block.data, r->block.data + r->at, r->block.len - r->at);
            r->block.len -= r->at;
            r->passed += r->at;
            r->at = 0;
        }
        long got = file_read(r->fd, buf_room(&r->block, BLOCK), BLOCK, e);
        if (got < 0)
            return err_where(e, "%s", r->model.notes.label);
        if (!got)
            break;
        r->block.len += (size_t)got;
    }
    return (long)(r->block.len - r->at);
}

/* How many bytes stand before `stop`, in *length: 1; 0 when it does not come within `most`; -1. */
static int before(struct reader *r, char stop, size_t most, size_t *length, struct err *e)
{
    long n = available(r, most, e);
    if (n < 0)
        return -1;
    const char *text = r->block.data + r->at, *end = n ? memchr(text, stop, (size_t)n < most ? (size_t)n : most) : NULL;
    *length = end ? (size_t)(end - text) : 0;
    return end != NULL;
}

static int read_header(struct reader *r, uint64_t *n, struct err *e)
{
    uint64_t d;
    size_t length;
    char text[MAX_HEADER + 1] = "";
    int found = before(r, '\n', MAX_HEADER, &length, e);
    if (found < 0)
        return -1;
    if (found)
        memcpy(text, r->block.data + r->at, length);
    if (!found)
        err_fail(e, STATUS_DATA, "there is no line of two numbers (is it word2vec's binary format?)");
    if (!found || vectors_header(text, n, &d, e) < 0 || vectors_model_begin(&r->model, *n, d, r->fd, e) < 0)
        return err_where(e, "%s:1", r->model.notes.label);
    r->at += length + 1;
    return 0;
}

/* Line feeds, which some writers put behind a vector. */
static int skip_line_ends(struct reader *r, struct err *e)
{
    long n;
    while ((n = available(r, 1, e)) > 0 && r->block.data[r->at] == '\n')
        r->at++;
    return n < 0 ? -1 : 0;
}

static int bad(struct reader *r, struct err *e)
{
    return vectors_where(&r->model.notes, e);
}

static int check_finite(struct reader *r, const float *row, size_t length, struct err *e)
{
    size_t d = r->model.d, j = 0;
    unsigned sound = 1;
    for (size_t i = 0; i < d; i++)
        sound &= isfinite(row[i]) != 0;
    if (sound)
        return 0;
    while (isfinite(row[j]))
        j++;
    err_fail(e, STATUS_DATA, "number %zu of '%.*s' is %s", j + 1, (int)(length < 60 ? length : 60),
             r->block.data + r->at, isnan(row[j]) ? "NaN" : "infinite");
    return bad(r, e);
}

static int read_word(struct reader *r, struct err *e)
{
    size_t bytes = r->model.d * sizeof(float), length;
    float *row = vectors_model_row(&r->model);
    if (skip_line_ends(r, e) < 0)
        return -1;
    r->model.notes.number++;
    r->model.notes.byte = r->passed + r->at;
    int found = before(r, ' ', VECTORS_MAX_WORD + 1, &length, e);
    if (found < 0)
        return -1;
    size_t need = found ? length + 1 + bytes : VECTORS_MAX_WORD + 1;
    long n = available(r, need, e);
    if (n < 0)
        return -1;
    if ((size_t)n < need) {
        err_fail(e, STATUS_DATA, "the file ends within it");
        return bad(r, e);
    }
    if (!found) {
        err_fail(e, STATUS_DATA, "it is longer than %d bytes (are there %zu numbers a word?)", VECTORS_MAX_WORD,
                 r->model.d);
        return bad(r, e);
    }
    const char *word = r->block.data + r->at;
    memcpy(row, word + length + 1, bytes);
    if (check_finite(r, row, length, e) < 0 || vectors_model_add(&r->model, word, length, e) < 0)
        return -1;
    r->at += length + 1 + bytes;
    return 0;
}

static int read_all(struct reader *r, struct err *e)
{
    uint64_t n = 0;
    long more;
    if (read_header(r, &n, e) < 0)
        return -1;
    while (r->model.notes.number < n)
        if (read_word(r, e) < 0)
            return -1;
    if (skip_line_ends(r, e) < 0 || (more = available(r, 1, e)) < 0)
        return -1;
    return more ? err_fail(e, STATUS_DATA, "%s: at byte %llu: something follows the last of the %llu words",
                           r->model.notes.label, (unsigned long long)(r->passed + r->at), (unsigned long long)n)
                : 0;
}

int word2vec_binary_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    struct reader r = {0};
    const char *path = n_paths ? paths[0] : NULL;
    if (n_paths > 1)
        return err_fail(e, STATUS_MISUSED, "'%s' is one file too many", paths[1]);
    if ((r.fd = infile_open(path, e)) < 0)
        return -1;
    r.model.notes.want = want;
    r.model.notes.label = infile_label(path);
    int result = read_all(&r, e);
    r.model.notes.number = 0; /* what comes is about the whole */
    if (result == 0)
        result = vectors_model_write(&r.model, k, e);
    vectors_model_free(&r.model);
    buf_free(&r.block);
    if (r.fd != STDIN_FILENO)
        close(r.fd);
    return result;
}
