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

static struct vocab_learn *learn_of(struct text_tokens *t, int side)
{
    return &t->learn[t->shared ? 0 : side];
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
    t->spooling = t->learning || t->extra;
    for (int i = 0; i < n_sides(t); i++) {
        t->part[i].ids = mem_get(TEXT_PART, sizeof *t->part[i].ids);
        t->part[i].lengths = mem_get(t->keep_text ? TEXT_PART : 0, sizeof *t->part[i].lengths);
    }
    t->tags = mem_get(t->extra == TEXT_TAGS ? TEXT_PART : 0, sizeof *t->tags);
}

/* What labels or tags are called in a stream, before anything is done with them. */
static void name_classes(struct text_tokens *t)
{
    static const char *const names[] = {[TEXT_LABELS] = "label.", [TEXT_TAGS] = "tag."};
    t->classes.prefix = names[t->extra];
}

/* ---- The vocabulary ---- */

size_t text_tokens_bound(size_t max_words)
{
    enum { TIMES = 10, LEAST = 1000000 };
    size_t bound = max_words * TIMES;
    return !max_words ? 0 : bound < LEAST ? LEAST : bound;
}

void text_tokens_learn(struct text_tokens *t)
{
    t->learning = true;
    name_classes(t);
    for (int i = 0; i < n_vocabs(t); i++) {
        vocab_special(&t->vocab[i]);
        t->learn[i].bound = t->bound;
    }
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

/* A further segment must bring the same words (and classes). */
static int same_again(struct text_tokens *t, const struct segment *segment, struct err *e)
{
    struct vocab again[2] = {0};
    int result = read_vocabs(t, again, segment, e);
    for (int i = 0; result == 0 && i < n_vocabs(t); i++)
        result = vocab_again(&t->vocab[i], &again[i], e);
    vocab_free(&again[0]);
    vocab_free(&again[1]);
    return result < 0 || !t->extra ? result : text_classes_read(&t->classes, segment, false, e);
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
            if (result == 0 && t->extra)
                result = text_classes_read(&t->classes, &segment, true, e);
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
    name_classes(t);
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

static void add_text(struct text_tokens *t, int side)
{
    const struct text_part *part = &t->part[side];
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

/* The part at hand goes into the columns. */
static void add_part(struct text_tokens *t, int side, bool continued)
{
    const struct text_part *part = &t->part[side];
    struct side_columns *c = &t->columns[side];
    buf_add(&c->ids, part->ids, part->n * sizeof *part->ids);
    uint64_t end = c->ids.len / sizeof *part->ids;
    if (!c->offsets.len)
        buf_add(&c->offsets, &zero, sizeof zero);
    buf_add(&c->offsets, &end, sizeof end);
    buf_char(&c->continued, continued);
    t->bytes += part->n * sizeof *part->ids + 9;
    if (t->keep_text)
        add_text(t, side);
}

/* The same for its label or tags, which have been waiting in their spool. */
static int add_classes(struct text_tokens *t, bool continued, struct err *e)
{
    bool labels = t->extra == TEXT_LABELS;
    uint32_t *ids = labels ? &t->label : t->tags;
    size_t n = labels ? 1 : t->part[0].n, waiting = labels && continued ? 0 : n;
    if (text_classes_next(&t->classes, ids, waiting, e) < 0)
        return -1;
    buf_add(&t->class_column, ids, n * sizeof *ids);
    t->bytes += n * sizeof *ids;
    return 0;
}

static void empty_parts(struct text_tokens *t)
{
    for (int side = 0; side < n_sides(t); side++) {
        t->part[side].n = 0;
        buf_clear(&t->part[side].text);
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
    const char *prefix = t->pairs ? prefixes[side] : "";
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
    buf_clear(&t->class_column);
    t->n = t->bytes = 0;
    return result;
}

/* An item of the batch is complete. */
static int end_row(struct text_tokens *t, struct err *e)
{
    t->n++;
    return t->bytes < STREAM_BATCH_BYTES ? 0 : write_batch(t, e);
}

/* ---- The spool: for each part and side a word of its length and `continued`, the ids, and where text is kept its
 * lengths and bytes; between parts a word for each vocabulary that has forgotten words ---- */

#define SPOOL_CONTINUED 0x80000000u
#define SPOOL_FORGOT    0x40000000u /* and which vocabulary */

static int spool_part(struct text_tokens *t, bool continued, struct err *e)
{
    for (int side = 0; side < n_sides(t); side++) {
        const struct text_part *part = &t->part[side];
        uint32_t word = (uint32_t)part->n | (continued ? SPOOL_CONTINUED : 0);
        size_t bytes = part->n * sizeof *part->ids;
        if (spool_add(&t->spool, &word, sizeof word, e) < 0 || spool_add(&t->spool, part->ids, bytes, e) < 0)
            return -1;
        if (t->keep_text && (spool_add(&t->spool, part->lengths, bytes, e) < 0 ||
                             spool_add(&t->spool, part->text.data, part->text.len, e) < 0))
            return -1;
    }
    return 0;
}

static int forget(struct text_tokens *t, struct err *e)
{
    for (int i = 0; t->learning && i < n_vocabs(t); i++) {
        uint32_t word = SPOOL_FORGOT | (uint32_t)i;
        if (vocab_learn_forget(&t->learn[i], &t->vocab[i]) && spool_add(&t->spool, &word, sizeof word, e) < 0)
            return -1;
    }
    return 0;
}

/* Reads what must be there. */
static int fetch(struct text_tokens *t, void *to, size_t bytes, struct err *e)
{
    if (bytes && spool_next(&t->spool, to, bytes, e) <= 0)
        return e->status ? -1 : err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    return 0;
}

static int fetch_text(struct text_tokens *t, struct text_part *part, struct err *e)
{
    size_t length = 0;
    if (fetch(t, part->lengths, part->n * sizeof *part->lengths, e) < 0)
        return -1;
    for (size_t i = 0; i < part->n; i++)
        length += part->lengths[i];
    char *to = buf_room(&part->text, length);
    part->text.len = length;
    return fetch(t, to, length, e);
}

/* The next part of one side, from the spool into the columns: 1; 0 at the end; -1. */
static int replay_side(struct text_tokens *t, int side, bool *continued, struct err *e)
{
    struct text_part *part = &t->part[side];
    uint32_t word = 0;
    int got;
    while ((got = spool_next(&t->spool, &word, sizeof word, e)) > 0 && (word & SPOOL_FORGOT))
        vocab_learn_next(&t->learn[word & 1]);
    const uint32_t *map = vocab_learn_map(learn_of(t, side));
    if (got <= 0)
        return got;
    *continued = word & SPOOL_CONTINUED;
    part->n = word & ~SPOOL_CONTINUED;
    if (part->n > TEXT_PART)
        return err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    if (fetch(t, part->ids, part->n * sizeof *part->ids, e) < 0 || (t->keep_text && fetch_text(t, part, e) < 0))
        return -1;
    for (size_t i = 0; map && i < part->n; i++)
        part->ids[i] = map[part->ids[i]];
    add_part(t, side, *continued);
    return 1;
}

static int replay(struct text_tokens *t, struct err *e)
{
    if (spool_rewind(&t->spool, e) < 0)
        return -1;
    for (;;) {
        bool continued = false;
        int got = 1;
        for (int side = 0; got > 0 && side < n_sides(t); side++)
            got = replay_side(t, side, &continued, e);
        if (got <= 0)
            return got;
        if ((text_tokens_classified(t) && add_classes(t, continued, e) < 0) || end_row(t, e) < 0)
            return -1;
        empty_parts(t);
    }
}

/* ---- Parts ---- */

/* Looks the words up that wait for it. */
static void find_ids(struct text_tokens *t, int side)
{
    struct text_part *part = &t->part[side];
    struct vocab *v = vocab_of(t, side);
    uint32_t *ids = part->ids + part->n;
    size_t n = part->next.n;
    part->n += n;
    t->tokens += n;
    if (t->learning) {
        vocab_learn_batch(learn_of(t, side), v, &part->next, ids);
        return;
    }
    vocab_batch_find(&part->next, v, ids);
    for (size_t i = 0; i < n; i++) {
        t->unknown += ids[i] == VOCAB_NONE;
        ids[i] = ids[i] == VOCAB_NONE ? VOCAB_UNKNOWN : ids[i];
    }
}

int text_tokens_add(void *tokens, int side, const struct text_word *words, size_t n, struct err *e)
{
    struct text_tokens *t = tokens;
    struct text_part *part = &t->part[side];
    struct vocab *v = vocab_of(t, side);
    for (const struct text_word *word = words; word < words + n; word++) {
        if (t->extra == TEXT_TAGS && text_classes_add(&t->classes, word->tag, word->tag_length, e) < 0)
            return -1;
        if (t->keep_text) {
            part->lengths[part->n + part->next.n] = (uint32_t)word->written_length;
            buf_add(&part->text, word->written, word->written_length);
        }
        if (vocab_batch_add(&part->next, v, word->word, word->length))
            find_ids(t, side);
    }
    return 0;
}

int text_tokens_label(void *tokens, const char *label, size_t length, struct err *e)
{
    struct text_tokens *t = tokens;
    return text_classes_add(&t->classes, label, length, e);
}

int text_tokens_part(void *tokens, bool continued, struct err *e)
{
    struct text_tokens *t = tokens;
    int result;
    for (int side = 0; side < n_sides(t); side++)
        find_ids(t, side);
    if (t->spooling) {
        result = spool_part(t, continued, e) < 0 ? -1 : forget(t, e);
    } else {
        for (int side = 0; side < n_sides(t); side++)
            add_part(t, side, continued);
        result = end_row(t, e);
    }
    empty_parts(t);
    return result;
}

/* ---- The end ---- */

int text_tokens_learnt(struct text_tokens *t, const struct text_options *o, uint64_t min_count, size_t max_words,
                       struct sink *sink, struct err *e)
{
    t->sink = sink;
    for (int i = 0; i < n_vocabs(t); i++) {
        uint64_t literal = t->vocab[i].counts[VOCAB_UNKNOWN];
        vocab_learn_end(&t->learn[i], &t->vocab[i], min_count, max_words);
        t->unknown += t->vocab[i].counts[VOCAB_UNKNOWN] - literal;
    }
    return write_vocabs(t, o, e);
}

uint64_t text_tokens_error(const struct text_tokens *t)
{
    return t->learn[0].error > t->learn[1].error ? t->learn[0].error : t->learn[1].error;
}

bool text_tokens_classified(const struct text_tokens *t)
{
    return t->extra == TEXT_LABELS || (t->extra == TEXT_TAGS && (t->classes.annotated || !t->classes.n));
}

int text_tokens_end(struct text_tokens *t, struct err *e)
{
    if (text_tokens_classified(t) && text_classes_write(&t->classes, t->sink, e) < 0)
        return -1;
    if ((t->spooling && replay(t, e) < 0) || (t->n && write_batch(t, e) < 0))
        return -1;
    return sink_end(t->sink, "complete", t->parents, e);
}

void text_tokens_close(struct text_tokens *t)
{
    spool_close(&t->spool);
    for (int i = 0; i < 2; i++) {
        struct side_columns *c = &t->columns[i];
        vocab_free(&t->vocab[i]);
        vocab_learn_free(&t->learn[i]);
        free(t->part[i].ids);
        free(t->part[i].lengths);
        vocab_batch_free(&t->part[i].next);
        buf_free(&t->part[i].text);
        buf_free(&c->offsets);
        buf_free(&c->ids);
        buf_free(&c->continued);
        buf_free(&c->text_offsets);
        buf_free(&c->text);
    }
    text_classes_close(&t->classes);
    buf_free(&t->class_column);
    free(t->tags);
    free(t->parents);
    *t = (struct text_tokens){0};
}
