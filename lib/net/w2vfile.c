#include "net/w2vfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The matrices of a model, rows of D numbers each. To keep one more is one row here. */
static const struct matrix {
    const char *name;
    size_t at, rows; /* in struct w2v: a real *, NULL where a model has none; how many rows it has */
} matrices[] = {
    {"w.in", offsetof(struct w2v, in), offsetof(struct w2v, v)},
    {"w.out", offsetof(struct w2v, out), offsetof(struct w2v, v)},
    {"w.word", offsetof(struct w2v, word), offsetof(struct w2v, v)},
    {"w.sub", offsetof(struct w2v, sub), offsetof(struct w2v, grams.n)},
};
enum { N_MATRICES = sizeof matrices / sizeof *matrices };

static real *values_of(const struct matrix *m, const struct w2v *w)
{
    real *values;
    memcpy(&values, (const char *)w + m->at, sizeof values);
    return values;
}

static size_t rows_of(const struct matrix *m, const struct w2v *w)
{
    size_t rows;
    memcpy(&rows, (const char *)w + m->rows, sizeof rows);
    return rows;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

void w2vfile_pack(real *values, size_t rows, const struct w2v *w)
{
    for (size_t row = 1; row < rows && w->d < w->stride; row++)
        memmove(values + row * w->d, values + row * w->stride, w->d * sizeof *values);
}

void w2vfile_unpack(real *values, size_t rows, const struct w2v *w)
{
    for (size_t row = rows; row-- > 0 && w->d < w->stride;) {
        memmove(values + row * w->stride, values + row * w->d, w->d * sizeof *values);
        memset(values + row * w->stride + w->d, 0, (w->stride - w->d) * sizeof *values);
    }
}

static int write_matrix(struct sink *k, const struct matrix *m, const struct w2v *w, struct err *e)
{
    real *values = values_of(m, w);
    size_t rows = rows_of(m, w);
    uint64_t dims[] = {rows, w->d};
    if (!values)
        return 0;
    w2vfile_pack(values, rows, w);
    struct tensor t = tensor_view(m->name, REAL_DTYPE, 2, dims, values);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    w2vfile_unpack(values, rows, w);
    return result;
}

int w2vfile_write(struct sink *k, const struct meta *head, const struct vocab *vocab, struct w2v *w, struct err *e)
{
    if (sink_head(k, head, e) < 0 || vocab_write(vocab, "", k, e) < 0)
        return -1;
    for (size_t i = 0; i < N_MATRICES; i++)
        if (write_matrix(k, &matrices[i], w, e) < 0)
            return -1;
    return w->sub ? subwords_write(&w->grams, k, e) : 0;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* Is it a matrix of rows of d finite numbers (d 0: of any)? */
static int check_matrix(const struct tensor *t, uint64_t d, struct err *e)
{
    if (t->rank != 2 || !t->dims[1] || (d && t->dims[1] != d)) {
        struct buf shape = {0};
        shape_text(t->rank, t->dims, &shape);
        if (d)
            err_fail(e, STATUS_DATA, "tensor '%s' is %s, not rows of %llu numbers", t->name, buf_string(&shape),
                     (unsigned long long)d);
        else
            err_fail(e, STATUS_DATA, "tensor '%s' is %s, not a vector for each word", t->name, buf_string(&shape));
        buf_free(&shape);
        return -1;
    }
    if (!dtype_is_real(t->dtype))
        return err_fail(e, STATUS_DATA, "tensor '%s' is %s, not real numbers", t->name, dtype_name(t->dtype));
    return tensor_finite(t, e);
}

static int check_model(struct w2vfile *f, struct err *e)
{
    const struct segment *segment = &f->segment;
    if (segment_wants(segment, "model/w2v", e) < 0 || vocab_read(&f->vocab, "", segment, e) < 0)
        return -1;
    const struct tensor *in = segment_need(segment, "w.in", e);
    if (!in || check_matrix(in, 0, e) < 0)
        return -1;
    if (in->dims[0] != f->vocab.n)
        return err_fail(e, STATUS_DATA, "tensor 'w.in' has %llu rows, not one for each of %zu words",
                        (unsigned long long)in->dims[0], f->vocab.n);
    f->d = in->dims[1];
    for (const struct matrix *m = matrices + 1; m < matrices + N_MATRICES; m++) {
        const struct tensor *t = segment_find(segment, m->name);
        if (t && check_matrix(t, f->d, e) < 0)
            return -1;
    }
    return 0;
}

int w2vfile_load(struct w2vfile *f, const char *path, struct err *e)
{
    *f = (struct w2vfile){0};
    int result = segment_load(path, &f->segment, f->digest, e);
    if (result == 0 && (result = check_model(f, e)) < 0)
        err_where(e, "%s", path);
    if (result < 0)
        w2vfile_free(f);
    return result;
}

void w2vfile_free(struct w2vfile *f)
{
    segment_free(&f->segment);
    vocab_free(&f->vocab);
    *f = (struct w2vfile){0};
}

bool w2vfile_has(const struct w2vfile *f, const char *name)
{
    return segment_find(&f->segment, name) != NULL;
}

static int take_matrix(struct w2v *w, const struct matrix *m, bool whole, const struct segment *segment, struct err *e)
{
    real *values = values_of(m, w);
    size_t rows = rows_of(m, w);
    const struct tensor *t = segment_need(segment, m->name, e);
    if (!t || check_matrix(t, w->d, e) < 0)
        return -1;
    if (t->dims[0] > rows || (whole && t->dims[0] < rows))
        return err_fail(e, STATUS_DATA, "tensor '%s' has %llu rows, not %zu", t->name, (unsigned long long)t->dims[0],
                        rows);
    if (tensor_reals(t, values, e) < 0)
        return -1;
    w2vfile_unpack(values, t->dims[0], w);
    return 0;
}

int w2vfile_take(struct w2v *w, const char *name, const struct segment *segment, struct err *e)
{
    const struct matrix *m = matrices;
    while (strcmp(m->name, name))
        m++;
    return take_matrix(w, m, false, segment, e);
}

int w2vfile_take_subwords(struct w2v *w, const struct segment *segment, struct err *e)
{
    struct subwords theirs;
    if (subwords_read(&theirs, segment, e) < 0)
        return -1;
    bool same = theirs.n <= w->grams.n;
    for (size_t row = 0; row < theirs.n && same; row++)
        same = theirs.buckets[row] == w->grams.buckets[row];
    subwords_free(&theirs);
    if (!same)
        return err_fail(e, STATUS_DATA, "tensor 'w.sub.bucket' names other n-grams than those of its vocabulary");
    return w2vfile_take(w, "w.word", segment, e) < 0 ? -1 : w2vfile_take(w, "w.sub", segment, e);
}

int w2vfile_take_all(struct w2v *w, const struct segment *segment, struct err *e)
{
    for (const struct matrix *m = matrices; m < matrices + N_MATRICES; m++)
        if (values_of(m, w) && take_matrix(w, m, true, segment, e) < 0)
            return -1;
    return 0;
}
