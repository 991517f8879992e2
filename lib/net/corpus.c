#include "net/corpus.h"
#include "base/mem.h"
#include "base/stop.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* What reading needs beside the corpus. */
struct reader {
    struct corpus *c;
    const struct corpus_want *want;
    XXH3_state_t *hash;
    uint32_t *map;       /* ids of this segment to those of the vocabulary; NULL: the same */
    size_t map_size;     /* ids there are in this segment */
    uint32_t begin, end; /* <s>, </s> */
    real *zeros;         /* the vector of a mark */
    uint32_t *words;     /* ids or classes of an item, on their way to a spool */
    size_t n_words;
    bool open;    /* an item has begun and not ended */
    bool started; /* the first segment has been seen */
    uint64_t n_starts;
};

/* ---- Spools ------------------------------------------------------------------------------------------------------ */

/* Everything spooled counts into the digest. */
static int put(struct reader *r, struct spool *s, const void *bytes, size_t length, struct err *e)
{
    XXH3_128bits_update(r->hash, bytes, length);
    return spool_add(s, bytes, length, e);
}

int corpus_ids(const struct corpus *c, uint64_t first, size_t count, uint32_t *ids, struct err *e)
{
    return spool_read(&c->ids, first * sizeof *ids, ids, count * sizeof *ids, e);
}

int corpus_vec(const struct corpus *c, uint64_t first, size_t count, real *vec, struct err *e)
{
    size_t row = c->dim * sizeof *vec;
    return spool_read(&c->vec, first * row, vec, count * row, e);
}

int corpus_targets(const struct corpus *c, uint64_t first, size_t count, uint32_t *targets, struct err *e)
{
    return spool_read(&c->targets, first * sizeof *targets, targets, count * sizeof *targets, e);
}

/* ---- Items ------------------------------------------------------------------------------------------------------- */

/* A mark as a position of its own. */
static int put_mark(struct reader *r, uint32_t id, struct err *e)
{
    struct corpus *c = r->c;
    if (put(r, &c->ids, &id, sizeof id, e) < 0)
        return -1;
    if (c->dim && put(r, &c->vec, r->zeros, c->dim * sizeof *r->zeros, e) < 0)
        return -1;
    c->n++;
    return 0;
}

static int end_item(struct reader *r, struct err *e)
{
    if (!r->open)
        return 0;
    r->open = false;
    return r->c->target ? 0 : put_mark(r, r->end, e);
}

static int begin_item(struct reader *r, struct err *e)
{
    struct corpus *c = r->c;
    if (end_item(r, e) < 0)
        return -1;
    r->open = true;
    if (!c->by_item)
        return 0;
    if (c->items + 2 > r->n_starts) {
        r->n_starts = 2 * r->n_starts + 1024;
        c->starts = mem_grow(c->starts, r->n_starts, sizeof *c->starts);
    }
    c->starts[c->items++] = c->n;
    XXH3_128bits_update(r->hash, &c->n, sizeof c->n);
    return c->target ? 0 : put_mark(r, r->begin, e);
}

/* ---- Columns ----------------------------------------------------------------------------------------------------- */

int corpus_id(const uint32_t *ids, size_t row, size_t limit, struct err *e)
{
    if (ids[row] < limit)
        return 0;
    return err_fail(e, STATUS_DATA, "column 'ids', row %zu: %" PRIu32 " is beyond the vocabulary of %zu words", row,
                    ids[row], limit);
}

int corpus_class(const struct tensor *t, size_t row, uint64_t limit, uint32_t *class, struct err *e)
{
    double value = tensor_at(t, row);
    if (!(value >= 0) || value >= (double)limit || value != floor(value))
        return err_fail(e, STATUS_DATA, "column '%s', row %zu: %g is no class (a whole number below %" PRIu64 ")",
                        t->name, row, value, limit);
    *class = (uint32_t)value;
    return 0;
}

static int same_offsets(const struct batch *batch, const struct corpus_columns *k, const char *name, struct err *e)
{
    const uint64_t *offsets = batch_offsets(batch, name, e);
    if (!offsets)
        return -1;
    if (memcmp(offsets, k->offsets, (batch->n + 1) * sizeof *offsets))
        return err_fail(e, STATUS_DATA, "column '%s' has not one row for each input of its item", name);
    return 0;
}

static int take_vec(struct corpus_columns *k, const struct tensor *vec, size_t dim, struct err *e)
{
    if (vec->rank != 2 || !dtype_is_real(vec->dtype))
        return err_fail(e, STATUS_DATA, "column 'vec' is no matrix of real numbers");
    if (vec->dims[1] != dim)
        return err_fail(e, STATUS_DATA, "column 'vec' has %" PRIu64 " dimensions, not %zu", vec->dims[1], dim);
    if (tensor_finite(vec, e) < 0)
        return -1;
    k->vec = vec->data;
    if (vec->dtype == REAL_DTYPE)
        return 0;
    k->vec = k->owned = mem_get(tensor_count(vec) + 1, sizeof *k->owned);
    return tensor_reals(vec, k->owned, e);
}

int corpus_columns(struct corpus_columns *k, const struct batch *batch, size_t dim, bool ids, const char *target,
                   struct err *e)
{
    const struct tensor *column = NULL, *vec = batch_find(batch, "vec");
    *k = (struct corpus_columns){0};
    if (!(k->offsets = batch_offsets(batch, dim ? "vec" : "ids", e)))
        return -1;
    if (batch_find(batch, "continued")) {
        if (!(column = batch_need(batch, "continued", DTYPE_BOOL, 1, e)))
            return -1;
        k->continued = column->data;
    }
    if (dim && (!vec ? err_fail(e, STATUS_DATA, "the input has no column 'vec'") : take_vec(k, vec, dim, e)) < 0)
        return -1;
    if (!dim || ids) {
        if (!(column = batch_need(batch, "ids", DTYPE_U32, 1, e)) || (dim && same_offsets(batch, k, "ids", e) < 0))
            return -1;
        k->ids = column->data;
    }
    if (!target)
        return 0;
    if (!(k->targets = batch_find(batch, target)))
        return err_fail(e, STATUS_DATA, "the input has no column '%s' to learn (--target names one)", target);
    if (k->targets->rank != 1 || dtype_is_real(k->targets->dtype) || k->targets->dtype == DTYPE_UTF8)
        return err_fail(e, STATUS_DATA, "column '%s' does not hold a whole number for each input", target);
    return same_offsets(batch, k, target, e);
}

void corpus_columns_free(struct corpus_columns *k)
{
    free(k->owned);
    k->owned = NULL;
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

static int put_ids(struct reader *r, const uint32_t *ids, size_t low, size_t high, struct err *e)
{
    for (size_t row = low; row < high; row++) {
        if (corpus_id(ids, row, r->map_size, e) < 0)
            return -1;
        uint32_t id = r->map ? r->map[ids[row]] : ids[row];
        r->c->unknown += id == VOCAB_UNKNOWN && ids[row] != VOCAB_UNKNOWN;
        r->words[row - low] = id;
    }
    return put(r, &r->c->ids, r->words, (high - low) * sizeof *ids, e);
}

static int put_targets(struct reader *r, const struct tensor *targets, size_t low, size_t high, struct err *e)
{
    struct corpus *c = r->c;
    uint64_t limit = r->want->like ? r->want->like->outputs : CORPUS_MAX_CLASSES;
    for (size_t row = low; row < high; row++) {
        if (corpus_class(targets, row, limit, &r->words[row - low], e) < 0)
            return -1;
        if (r->words[row - low] >= c->outputs)
            c->outputs = (size_t)r->words[row - low] + 1;
    }
    return put(r, &c->targets, r->words, (high - low) * sizeof *r->words, e);
}

static int put_item(struct reader *r, const struct corpus_columns *k, size_t low, size_t high, struct err *e)
{
    size_t n = high - low, dim = r->c->dim;
    if (n > r->n_words) {
        r->n_words = n;
        r->words = mem_grow(r->words, n, sizeof *r->words);
    }
    if ((k->ids && put_ids(r, k->ids, low, high, e) < 0) ||
        (k->targets && put_targets(r, k->targets, low, high, e) < 0) ||
        (k->vec && put(r, &r->c->vec, k->vec + low * dim, n * dim * sizeof *k->vec, e) < 0))
        return -1;
    r->c->n += n;
    return 0;
}

static int put_batch(struct reader *r, const struct batch *batch, struct err *e)
{
    struct corpus_columns k;
    int result = corpus_columns(&k, batch, r->c->dim, !r->c->target, r->c->target, e);
    for (uint64_t i = 0; i < batch->n && result == 0; i++) {
        bool goes_on = k.continued && k.continued[i];
        if (goes_on && !r->open)
            result = err_fail(e, STATUS_DATA, "item %" PRIu64 " continues an item that is not there", batch->row0 + i);
        else if (!goes_on)
            result = begin_item(r, e);
        if (result == 0)
            result = put_item(r, &k, k.offsets[i], k.offsets[i + 1], e);
    }
    corpus_columns_free(&k);
    return result;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------- */

/* The vocabulary that ids are spooled in. */
static const struct vocab *own_vocab(const struct reader *r)
{
    return r->want->like ? &r->want->like->vocab : &r->c->vocab;
}

/* What the very first batch decides: the dimension, the kind of target, by text or by item. */
static int first_batch(struct reader *r, const struct batch *batch, bool vectors, struct err *e)
{
    struct corpus *c = r->c;
    const struct corpus *like = r->want->like;
    const struct tensor *vec = batch_find(batch, "vec");
    const char *target = like ? like->target : r->want->target;
    if (vectors && (!vec || vec->rank != 2 || !vec->dims[1]))
        return err_fail(e, STATUS_DATA, "there is no column 'vec' of vectors in it");
    c->dim = vectors ? vec->dims[1] : 0;
    if (like && c->dim != like->dim)
        return err_fail(e, STATUS_DATA, "its inputs are not of the kind and size of those that are trained on");
    if (!target && !like && batch_find(batch, "target"))
        target = "target";
    c->target = target ? mem_copy(target) : NULL;
    c->by_item = like ? like->by_item : r->want->by == CORPUS_ITEM || (r->want->by == CORPUS_AUTO && target);
    if (vectors)
        r->zeros = mem_get(c->dim, sizeof *r->zeros);
    r->started = true;
    const struct vocab *vocab = own_vocab(r);
    if (!vocab->n && !(vectors && target))
        return err_fail(e, STATUS_DATA, "it brings no vocabulary (tokenize puts one in front)");
    if (target)
        return 0;
    c->outputs = vocab->n;
    r->begin = vocab_find(vocab, "<s>", 3);
    r->end = vocab_find(vocab, "</s>", 4);
    if (r->end == VOCAB_NONE || (c->by_item && r->begin == VOCAB_NONE))
        return err_fail(e, STATUS_DATA, "its vocabulary lacks <s> or </s>, which mark where items begin and end");
    return 0;
}

/* Reads a segment's vocabulary: that of the first becomes the corpus's, unless another one is asked for. */
static int segment_vocab(struct reader *r, const struct segment *segment, bool first, struct err *e)
{
    struct vocab vocab = {0};
    int result = segment_find(segment, "vocab.text") ? vocab_read(&vocab, "", segment, e) : 0;
    free(r->map);
    r->map = NULL;
    r->map_size = vocab.n;
    if (result == 0 && first && !r->want->like) {
        r->c->vocab = vocab;
        return 0;
    }
    if (result == 0 && !vocab_same(&vocab, own_vocab(r))) {
        if (r->want->like && vocab.n && own_vocab(r)->n)
            r->map = vocab_map(&vocab, own_vocab(r));
        else
            result = vocab_again(own_vocab(r), &vocab, e);
    }
    vocab_free(&vocab);
    return result;
}

static int read_segment(struct reader *r, struct source *s, const struct segment *segment, bool first, struct err *e)
{
    const char *profile = segment_profile(segment);
    bool vectors = !strcmp(profile, "vectors");
    struct batch batch = {0};
    int more;
    if (segment_wants(segment, "tokens or vectors", e) < 0)
        return -1;
    if (r->started && vectors != (r->c->dim > 0))
        return err_fail(e, STATUS_DATA, "a segment of %s follows one of %s", profile, vectors ? "tokens" : "vectors");
    if (segment_vocab(r, segment, first, e) < 0)
        return -1;
    while ((more = source_batch(s, &batch, e)) > 0 && !stop_pending())
        if ((!r->started && first_batch(r, &batch, vectors, e) < 0) || put_batch(r, &batch, e) < 0) {
            more = err_where(e, "batch of item %" PRIu64, batch.row0);
            break;
        }
    batch_free(&batch);
    if (more < 0 || stop_pending())
        return -1;
    return source_whole(s, e) < 0 ? -1 : end_item(r, e);
}

static int read_all(struct reader *r, struct source *s, struct err *e)
{
    struct corpus *c = r->c;
    struct segment segment = {0};
    int more;
    for (bool first = true; (more = source_segment(s, &segment, e)) > 0; first = false) {
        if (first)
            meta_copy(&c->head, &segment.head);
        if (read_segment(r, s, &segment, first, e) < 0) {
            more = -1;
            break;
        }
    }
    segment_free(&segment);
    if (more < 0 || stop_pending())
        return -1;
    c->steps = c->target ? c->n : c->by_item ? c->n - c->items : c->n ? c->n - 1 : 0;
    if (c->steps == 0)
        return err_fail(e, STATUS_DATA, "there is nothing in it to learn from");
    if (c->by_item)
        c->starts[c->items] = c->n;
    if (spool_rewind(&c->ids, e) < 0 || spool_rewind(&c->vec, e) < 0 || spool_rewind(&c->targets, e) < 0)
        return -1;
    if (r->want->like)
        c->outputs = r->want->like->outputs;
    c->parents = mem_copy(source_digests(s));
    XXH128_hash_t digest = XXH3_128bits_digest(r->hash);
    snprintf(c->digest, sizeof c->digest, "%016" PRIx64 "%016" PRIx64, (uint64_t)digest.high64, (uint64_t)digest.low64);
    return 0;
}

int corpus_read(struct corpus *c, struct source *s, const struct corpus_want *want, struct err *e)
{
    struct reader r = {.c = c, .want = want, .hash = XXH3_createState()};
    *c = (struct corpus){0};
    if (!r.hash)
        mem_exhausted(1024);
    XXH3_128bits_reset(r.hash);
    int result = read_all(&r, s, e);
    /* a stop outranks whatever became of the input: who sent it may have ended the stage before this one first */
    if (result < 0 && stop_pending())
        err_fail(e, STATUS_STOPPED, "stopped by a signal while the input was read (run the same command again)");
    XXH3_freeState(r.hash);
    free(r.map);
    free(r.zeros);
    free(r.words);
    return result < 0 ? err_where(e, "%s", source_label(s)) : 0;
}

void corpus_free(struct corpus *c)
{
    vocab_free(&c->vocab);
    free(c->target);
    free(c->starts);
    free(c->parents);
    meta_free(&c->head);
    spool_close(&c->ids);
    spool_close(&c->vec);
    spool_close(&c->targets);
}
