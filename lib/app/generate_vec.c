/* Series of vectors that a network makes up. */
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/generate.h"
#include "app/predicted.h"
#include "base/mem.h"
#include "net/corpus.h"
#include "net/sample_vec.h"

enum { ROOM = 16 << 20 }; /* numbers made at a time */

/* Where it goes, and what of. */
struct series {
    struct vec_sampler s;
    bool as_text;
    uint64_t steps; /* to be made up of each item */
    uint64_t item;  /* the number of the next one */
    uint64_t *ends; /* [SAMPLE_VEC_ROWS + 1]: rows of the items being written */
    float *values;  /* theirs */
    uint64_t room;
};

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

/* Items with rows ends[i] up to ends[i + 1] of w->values; of one that goes on, a part. */
static int write_items(struct series *w, size_t n, const uint64_t *ends, const uint8_t *continued, bool goes_on,
                       struct err *e)
{
    size_t dim = w->s.dim;
    if (w->as_text) {
        for (size_t i = 0; i < n; i++)
            predicted_rows(w->values + ends[i] * dim, ends[i + 1] - ends[i], dim, !goes_on);
        return 0;
    }
    struct tensor columns[] = {tensor_view("vec.offsets", DTYPE_U64, 1, (uint64_t[]){n + 1}, ends),
                               tensor_view("vec", DTYPE_F32, 2, (uint64_t[]){ends[n], dim}, w->values),
                               tensor_view("continued", DTYPE_BOOL, 1, (uint64_t[]){n}, continued)};
    const struct batch batch = {.n = n, .columns = columns, .n_columns = 3};
    int result = sink_batch(cli_sink("vectors", e), &batch, e);
    for (size_t i = 0; i < 3; i++)
        tensor_free(&columns[i]);
    return result;
}

static void make_room(struct series *w, uint64_t rows)
{
    if (rows * w->s.dim <= w->room)
        return;
    w->room = rows * w->s.dim;
    w->values = mem_grow(w->values, w->room, sizeof *w->values);
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void put_given(struct series *w, uint64_t row, const real *vec)
{
    for (size_t k = 0; k < w->s.dim; k++)
        w->values[row * w->s.dim + k] = (float)vec[k];
}

/* Rows that items begin with, as far as they are written. */
static uint64_t given_of(const struct series *w, const uint64_t *offsets, size_t i)
{
    return offsets && w->s.config->keep_prime ? offsets[i + 1] - offsets[i] : 0;
}

/* One item, in parts where it is long. */
static int make_item(struct series *w, uint64_t given, const real *vec, struct err *e)
{
    uint64_t rows = given + w->steps, at = 0;
    do {
        uint64_t n = rows - at < STREAM_MAX_ITEM_TOKENS ? rows - at : STREAM_MAX_ITEM_TOKENS;
        make_room(w, n);
        for (uint64_t row = 0; row < n; row++)
            if (at + row < given)
                put_given(w, row, vec + (at + row) * w->s.dim);
            else
                vec_sampler_next(&w->s, w->values + row * w->s.dim, w->s.dim);
        if (write_items(w, 1, (uint64_t[]){0, n}, (uint8_t[]){at > 0}, at + n < rows, e) < 0)
            return -1;
        at += n;
    } while (at < rows);
    return 0;
}

/* Several that are short enough, a step of all at a time. */
static int make_several(struct series *w, size_t n, const uint64_t *offsets, const real *vec, struct err *e)
{
    static const uint8_t whole[SAMPLE_VEC_ROWS];
    size_t dim = w->s.dim;
    float *now = mem_get(n * dim, sizeof *now);
    for (size_t i = 0; i < n; i++)
        w->ends[i + 1] = w->ends[i] + given_of(w, offsets, i) + w->steps;
    make_room(w, w->ends[n]);
    for (size_t i = 0; i < n; i++)
        for (uint64_t row = 0; row < given_of(w, offsets, i); row++)
            put_given(w, w->ends[i] + row, vec + (offsets[i] + row) * dim);
    for (uint64_t t = 0; t < w->steps; t++) {
        vec_sampler_next(&w->s, now, dim);
        for (size_t i = 0; i < n; i++)
            memcpy(w->values + (w->ends[i + 1] - w->steps + t) * dim, now + i * dim, dim * sizeof *now);
    }
    free(now);
    return write_items(w, n, w->ends, whole, false, e);
}

/* Makes n items, which begin as they do in `vec`, and writes them. */
static int make_items(struct series *w, size_t n, const uint64_t *offsets, const real *vec, struct err *e)
{
    vec_sampler_begin(&w->s, n, w->item, offsets, vec);
    w->item += n;
    return n == 1 ? make_item(w, given_of(w, offsets, 0), vec ? vec + offsets[0] * w->s.dim : NULL, e)
                  : make_several(w, n, offsets, vec, e);
}

/* How many items of at most `rows` rows are made at a time. */
static size_t together(const struct series *w, uint64_t rows)
{
    uint64_t most = rows > STREAM_MAX_ITEM_TOKENS ? 1 : ROOM / ((rows + 1) * w->s.dim);
    return most > SAMPLE_VEC_ROWS ? SAMPLE_VEC_ROWS : most ? most : 1;
}

static int make_anew(struct series *w, struct err *e)
{
    uint64_t left = (uint64_t)w->s.config->items, most = together(w, w->steps);
    for (uint64_t n; left > 0; left -= n) {
        n = left < most ? left : most;
        if (make_items(w, n, NULL, NULL, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- Going on with a stream -------------------------------------------------------------------------------------- */

static int go_on(struct series *w, const struct batch *batch, struct err *e)
{
    struct corpus_columns k;
    int result = corpus_columns(&k, batch, w->s.dim, false, NULL, e);
    for (uint64_t i = 0; result == 0 && i < batch->n; i++)
        if (k.continued && k.continued[i])
            result = err_fail(e, STATUS_DATA,
                              "item %llu continues the one before: only whole items can be gone on with (cut them into "
                              "shorter ones)",
                              (unsigned long long)(batch->row0 + i));
    for (uint64_t i = 0, n; result == 0 && i < batch->n; i += n) {
        uint64_t longest = 0;
        for (n = 0; i + n < batch->n; n++) {
            uint64_t rows = w->steps + k.offsets[i + n + 1] - k.offsets[i + n];
            longest = rows > longest ? rows : longest;
            if (n && n + 1 > together(w, longest))
                break;
        }
        result = make_items(w, n, k.offsets + i, k.vec, e);
    }
    corpus_columns_free(&k);
    return result;
}

static int go_on_segment(struct series *w, struct source *source, const struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    struct buf parents = {0};
    int more = -1;
    if (segment_wants(segment, "vectors", e) == 0 && (w->as_text || cli_head(&segment->head, e) == 0))
        while ((more = source_batch(source, &batch, e)) > 0 && (more = go_on(w, &batch, e)) == 0)
            ;
    batch_free(&batch);
    if (more < 0)
        return err_where(e, "%s", source_label(source));
    buf_printf(&parents, "%s %s", meta_get(source_end(source), "digest"), w->s.file->digest);
    if (!w->as_text)
        more = sink_end(cli_sink("vectors", e), meta_get(source_end(source), "status"), buf_string(&parents), e);
    buf_free(&parents);
    return more;
}

static int go_on_stream(struct series *w, const char *path, struct err *e)
{
    struct segment segment = {0};
    struct source *source = source_open_path(path, e);
    int more = -1;
    while (source && (more = source_segment(source, &segment, e)) > 0)
        if ((more = go_on_segment(w, source, &segment, e)) < 0)
            break;
    segment_free(&segment);
    source_close(source);
    return more;
}

int generate_vectors(struct rnnfile *file, const struct sample_config *config, const char *path, bool as_text,
                     struct err *e)
{
    struct series w = {.as_text = as_text, .steps = (uint64_t)config->generate};
    struct sink *sink = as_text ? NULL : cli_sink("vectors", e);
    int result = vec_sampler_make(&w.s, file, config, rng_seed((uint64_t)cli.seed), e);
    w.ends = mem_get(SAMPLE_VEC_ROWS + 1, sizeof *w.ends);
    if (result == 0 && path)
        result = go_on_stream(&w, path, e);
    else if (result == 0 && (as_text || (result = cli_head(NULL, e)) == 0))
        result = make_anew(&w, e);
    if (result == 0 && !path && !as_text)
        result = sink_end(sink, "complete", file->digest, e);
    vec_sampler_free(&w.s);
    free(w.ends);
    free(w.values);
    return result;
}
