#include "data/text_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const prefixes[2] = {"src.", "tgt."};
static const uint64_t zero = 0;

static int n_sides(const struct text_tokens *t)
{
    return t->pairs ? 2 : 1;
}

/* The vocabulary of a side. */
static struct vocab *vocab_of(struct text_tokens *t, int side)
{
    return &t->vocab[t->shared ? 0 : side];
}

static int n_vocabs(const struct text_tokens *t)
{
    return t->pairs && !t->shared ? 2 : 1;
}

static const char *vocab_prefix(const struct text_tokens *t, int i)
{
    return n_vocabs(t) == 2 ? prefixes[i] : "";
}

static void open_parts(struct text_tokens *t)
{
    for (int i = 0; i < n_sides(t); i++)
        t->part[i] = mem_get(TEXT_PART, sizeof *t->part[i]);
}

/* ---- The vocabulary ---- */

void text_tokens_learn(struct text_tokens *t)
{
    t->learning = true;
    for (int i = 0; i < n_vocabs(t); i++)
        vocab_special(&t->vocab[i]);
    open_parts(t);
}

static int check_special(const struct vocab *v, struct err *e)
{
    static const char unknown[] = "<unk>";
    size_t length = 0;
    const char *word = v->n > VOCAB_UNKNOWN ? vocab_word(v, VOCAB_UNKNOWN, &length) : "";
    if (length != strlen(unknown) || memcmp(word, unknown, length))
        return err_fail(e, STATUS_DATA, "its vocabulary has no '%s' as word %d", unknown, VOCAB_UNKNOWN);
    return 0;
}

/* Both vocabularies of pairs must have been made alike, since a text is split one way. */
static int check_alike(const struct meta *a, const struct meta *b, struct err *e)
{
    for (size_t i = 0; i < b->n; i++) {
        const char *other = meta_get(a, b->pairs[i].key);
        if (!other || strcmp(other, b->pairs[i].value))
            return err_fail(e, STATUS_DATA, "its two vocabularies differ in '%s' (tokenize the sides apart)",
                            b->pairs[i].key);
    }
    return 0;
}

static int read_vocabs(struct text_tokens *t, struct vocab vocab[2], const struct segment *segment, struct err *e)
{
    for (int i = 0; i < n_vocabs(t); i++)
        if (vocab_read(&vocab[i], vocab_prefix(t, i), segment, e) < 0 || check_special(&vocab[i], e) < 0)
            return -1;
    return n_vocabs(t) == 2 ? check_alike(&vocab[0].meta, &vocab[1].meta, e) : 0;
}

/* A further segment must bring the same words. */
static int same_again(struct text_tokens *t, const struct segment *segment, struct err *e)
{
    struct vocab again[2] = {0};
    int result = read_vocabs(t, again, segment, e);
    for (int i = 0; result == 0 && i < n_vocabs(t); i++)
        result = vocab_again(&t->vocab[i], &again[i], e);
    vocab_free(&again[0]);
    vocab_free(&again[1]);
    return result;
}

/* Everything is read, the data behind a vocabulary too: what is cut off or damaged is refused. */
static int load(struct text_tokens *t, struct source *s, struct err *e)
{
    struct segment segment = {0};
    struct batch batch = {0};
    int got, result = 0;
    for (bool first = true; result == 0 && (got = source_segment(s, &segment, e)) != 0; first = false) {
        if (got < 0) {
            result = -1;
        } else if (first) {
            t->shared = t->pairs && !segment_find(&segment, "src.vocab.text");
            result = read_vocabs(t, t->vocab, &segment, e);
        } else {
            result = same_again(t, &segment, e);
        }
        while (result == 0 && (got = source_batch(s, &batch, e)) != 0)
            result = got < 0 ? -1 : 0;
    }
    if (result == 0)
        t->parents = mem_copy(source_digests(s));
    batch_free(&batch);
    segment_free(&segment);
    return result;
}

int text_tokens_load(struct text_tokens *t, const char *path, struct opt_group *groups, struct err *e)
{
    struct source *s = source_open_path(path, e);
    if (!s)
        return -1;
    int result = load(t, s, e);
    source_close(s);
    if (result < 0 || text_options_restore(groups, &t->vocab[0].meta, e) < 0) {
        err_where(e, "%s", infile_label(path));
        return err_where(e, "reading the vocabulary");
    }
    return 0;
}

static int write_vocabs(struct text_tokens *t, const struct text_options *o, struct err *e)
{
    for (int i = 0; i < n_vocabs(t); i++) {
        text_options_keep(o, &t->vocab[i].meta);
        if (vocab_write(&t->vocab[i], vocab_prefix(t, i), t->sink, e) < 0)
            return -1;
    }
    return 0;
}

int text_tokens_apply(struct text_tokens *t, const struct text_options *o, struct sink *sink, struct err *e)
{
    t->sink = sink;
    open_parts(t);
    return write_vocabs(t, o, e);
}

/* ---- Columns ---- */

static void add_text(struct text_tokens *t, int side, const char *word, size_t length)
{
    struct side_columns *c = &t->columns[side];
    buf_add(&c->text, word, length);
    uint64_t end = c->text.len;
    if (!c->text_offsets.len)
        buf_add(&c->text_offsets, &zero, sizeof zero);
    buf_add(&c->text_offsets, &end, sizeof end);
    t->bytes += length + sizeof end;
}

static void add_part(struct text_tokens *t, int side, const uint32_t *ids, size_t n, bool continued)
{
    struct side_columns *c = &t->columns[side];
    buf_add(&c->ids, ids, n * sizeof *ids);
    uint64_t end = c->ids.len / sizeof *ids;
    if (!c->offsets.len)
        buf_add(&c->offsets, &zero, sizeof zero);
    if (t->keep_text && !c->text_offsets.len)
        buf_add(&c->text_offsets, &zero, sizeof zero);
    buf_add(&c->offsets, &end, sizeof end);
    buf_char(&c->continued, continued);
    t->bytes += n * sizeof *ids + (t->keep_text ? 17 : 9);
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
    const char *prefix = t->pairs ? prefixes[side] : "";
    if (view(batch, prefix, "ids.offsets", DTYPE_U64, &c->offsets, NULL, e) < 0 ||
        view(batch, prefix, "ids", DTYPE_U32, &c->ids, NULL, e) < 0 ||
        view(batch, prefix, "continued", DTYPE_BOOL, &c->continued, NULL, e) < 0)
        return -1;
    if (!t->keep_text)
        return 0;
    if (view(batch, prefix, "tok.offsets", DTYPE_U64, &c->offsets, NULL, e) < 0 ||
        view(batch, prefix, "tok.text.offsets", DTYPE_U64, &c->text_offsets, "tok", e) < 0 ||
        view(batch, prefix, "tok.text", DTYPE_UTF8, &c->text, NULL, e) < 0)
        return -1;
    return 0;
}

static int write_batch(struct text_tokens *t, struct err *e)
{
    struct batch batch = {.n = t->n};
    int result = 0;
    for (int side = 0; result == 0 && side < n_sides(t); side++)
        result = view_side(t, side, &batch, e);
    if (result == 0)
        result = sink_batch(t->sink, &batch, e);
    batch_free(&batch);
    for (int side = 0; side < n_sides(t); side++) {
        struct side_columns *c = &t->columns[side];
        buf_clear(&c->offsets);
        buf_clear(&c->ids);
        buf_clear(&c->continued);
        buf_clear(&c->text_offsets);
        buf_clear(&c->text);
    }
    t->n = t->bytes = 0;
    return result;
}

/* An item of the batch is complete. */
static int end_row(struct text_tokens *t, struct err *e)
{
    t->n++;
    return t->bytes < STREAM_BATCH_BYTES ? 0 : write_batch(t, e);
}

/* ---- The spool: for each part and side a word of its length and `continued`, then the ids ---- */

#define SPOOL_CONTINUED 0x80000000u

static int spool_part(struct text_tokens *t, bool continued, struct err *e)
{
    for (int side = 0; side < n_sides(t); side++) {
        uint32_t word = (uint32_t)t->n_part[side] | (continued ? SPOOL_CONTINUED : 0);
        if (spool_add(&t->spool, &word, sizeof word, e) < 0 ||
            spool_add(&t->spool, t->part[side], t->n_part[side] * sizeof *t->part[side], e) < 0)
            return -1;
    }
    return 0;
}

/* ---- Parts ---- */

int text_tokens_token(void *tokens, int side, const char *word, size_t length, struct err *e)
{
    struct text_tokens *t = tokens;
    struct vocab *v = vocab_of(t, side);
    uint32_t id;
    (void)e;
    t->tokens++;
    if (t->learning) {
        id = vocab_add(v, word, length);
        v->counts[id]++;
    } else {
        id = vocab_find(v, word, length);
        if (id == VOCAB_NONE) {
            id = VOCAB_UNKNOWN;
            t->unknown++;
        }
        if (t->keep_text)
            add_text(t, side, word, length);
    }
    t->part[side][t->n_part[side]++] = id;
    return 0;
}

int text_tokens_part(void *tokens, bool continued, struct err *e)
{
    struct text_tokens *t = tokens;
    int result;
    if (t->learning) {
        result = spool_part(t, continued, e);
    } else {
        for (int side = 0; side < n_sides(t); side++)
            add_part(t, side, t->part[side], t->n_part[side], continued);
        result = end_row(t, e);
    }
    t->n_part[0] = t->n_part[1] = 0;
    return result;
}

/* ---- What was learnt ---- */

/* A vocabulary before pruning: where ids lead, and the words themselves where text is kept. */
struct before {
    uint32_t *map;
    struct buf text;
    uint64_t *offsets;
};

static void prune(struct text_tokens *t, struct vocab *v, uint64_t min_count, size_t max_words, struct before *b)
{
    uint64_t literal = v->counts[VOCAB_UNKNOWN];
    if (t->keep_text) {
        buf_add(&b->text, v->text.data, v->text.len);
        b->offsets = mem_get(v->n + 1, sizeof *b->offsets);
        memcpy(b->offsets, v->offsets, (v->n + 1) * sizeof *b->offsets);
    }
    b->map = vocab_prune(v, min_count, max_words);
    t->unknown += v->counts[VOCAB_UNKNOWN] - literal;
}

/* The next part of one side, from the spool into the columns: 1; 0 at the end; -1. */
static int replay_side(struct text_tokens *t, int side, const struct before *b, struct err *e)
{
    uint32_t word = 0, *ids = t->part[side];
    int got = spool_next(&t->spool, &word, sizeof word, e);
    size_t n = got > 0 ? word & ~SPOOL_CONTINUED : 0;
    if (got <= 0)
        return got;
    if (n > TEXT_PART || (n && spool_next(&t->spool, ids, n * sizeof *ids, e) <= 0))
        return e->status ? -1 : err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    for (size_t i = 0; i < n; i++) {
        if (b->offsets)
            add_text(t, side, b->text.data + b->offsets[ids[i]], b->offsets[ids[i] + 1] - b->offsets[ids[i]]);
        ids[i] = b->map[ids[i]];
    }
    add_part(t, side, ids, n, word & SPOOL_CONTINUED);
    return 1;
}

static int replay(struct text_tokens *t, const struct before before[2], struct err *e)
{
    if (spool_rewind(&t->spool, e) < 0)
        return -1;
    for (;;) {
        int got = 1;
        for (int side = 0; got > 0 && side < n_sides(t); side++)
            got = replay_side(t, side, &before[t->shared ? 0 : side], e);
        if (got <= 0 || end_row(t, e) < 0)
            return got > 0 ? -1 : got;
    }
}

int text_tokens_learnt(struct text_tokens *t, const struct text_options *o, uint64_t min_count, size_t max_words,
                       struct sink *sink, struct err *e)
{
    struct before before[2] = {0};
    t->sink = sink;
    for (int i = 0; i < n_vocabs(t); i++)
        prune(t, &t->vocab[i], min_count, max_words, &before[i]);
    int result = write_vocabs(t, o, e);
    if (result == 0)
        result = replay(t, before, e);
    for (int i = 0; i < 2; i++) {
        free(before[i].map);
        free(before[i].offsets);
        buf_free(&before[i].text);
    }
    return result;
}

int text_tokens_end(struct text_tokens *t, struct err *e)
{
    if (t->n && write_batch(t, e) < 0)
        return -1;
    return sink_end(t->sink, "complete", t->parents, e);
}

void text_tokens_close(struct text_tokens *t)
{
    spool_close(&t->spool);
    for (int i = 0; i < 2; i++) {
        struct side_columns *c = &t->columns[i];
        vocab_free(&t->vocab[i]);
        free(t->part[i]);
        buf_free(&c->offsets);
        buf_free(&c->ids);
        buf_free(&c->continued);
        buf_free(&c->text_offsets);
        buf_free(&c->text);
    }
    free(t->parents);
    *t = (struct text_tokens){0};
}
