/* The batches of a corpus on their way to its spools. */
#include "net/corpus_reader.h"
#include "base/mem.h"
#include "net/loss.h"

#include <inttypes.h>

/* Everything spooled counts into the digest. */
static int put(struct corpus_reader *r, struct spool *s, const void *bytes, size_t length, struct err *e)
{
    XXH3_128bits_update(r->hash, bytes, length);
    return spool_add(s, bytes, length, e);
}

/* ---- Targets ----------------------------------------------------------------------------------------------------- */

/* One class, by the number that training has for it. */
static int class_of(struct corpus_reader *r, const struct tensor *targets, size_t row, uint32_t *class, struct err *e)
{
    struct corpus *c = r->c;
    const struct corpus *like = r->want->like;
    if (corpus_class(targets, row, r->n_classes ? r->n_classes : CORPUS_MAX_CLASSES, class, e) < 0)
        return -1;
    if (r->classes)
        *class = r->classes[*class];
    else if (like && *class >= like->outputs)
        *class = TARGET_NONE;
    if (*class == TARGET_NONE)
        c->unseen++;
    else if (*class >= c->outputs)
        c->outputs = (size_t) * class + 1;
    return 0;
}

/* Targets of rows low up to high: of inputs, or of items. */
static int put_targets(struct corpus_reader *r, const struct corpus_columns *k, size_t low, size_t high, struct err *e)
{
    struct corpus *c = r->c;
    size_t n = high - low;
    if (k->wanted)
        return put(r, &c->wanted, k->wanted + low * k->outputs, n * k->outputs * sizeof *k->wanted, e);
    for (size_t row = low; row < high; row++)
        if (class_of(r, k->targets, row, &r->words[row - low], e) < 0)
            return -1;
    return put(r, &c->targets, r->words, n * sizeof *r->words, e);
}

/* ---- Spellings --------------------------------------------------------------------------------------------------- */

/* Of the spellings their texts count into the digest, when they come up. */
static uint32_t spell(struct corpus_reader *r, const char *text, size_t length)
{
    size_t known = r->c->spellings.n;
    uint32_t spelling = speller_word(&r->speller, text, length);
    if (spelling == known) {
        text = vocab_word(&r->speller.texts, spelling, &length);
        XXH3_128bits_update(r->hash, text, length);
    }
    return spelling;
}

static int spelling_of(struct corpus_reader *r, const struct corpus_columns *k, size_t row, uint32_t *spelling,
                       struct err *e)
{
    if (k->text_offsets) {
        const uint64_t *at = k->text_offsets + row;
        *spelling = spell(r, k->text + at[0], at[1] - at[0]);
        return 0;
    }
    if (corpus_id(k->ids, row, r->read->n, e) < 0)
        return -1;
    uint32_t *known = &r->spelt_as[k->ids[row]];
    if (*known == VOCAB_NONE) {
        size_t length;
        const char *text = speller_text(r->read, k->ids[row], &length);
        *known = spell(r, text, length);
    }
    *spelling = *known;
    return 0;
}

static int put_spelt(struct corpus_reader *r, const struct corpus_columns *k, size_t low, size_t high, struct err *e)
{
    for (size_t row = low; row < high; row++)
        if (spelling_of(r, k, row, &r->words[row - low], e) < 0)
            return -1;
    return put(r, &r->c->spelt, r->words, (high - low) * sizeof *r->words, e);
}

/* ---- Items ------------------------------------------------------------------------------------------------------- */

/* A mark as a position of its own. */
static int put_mark(struct corpus_reader *r, uint32_t id, struct err *e)
{
    struct corpus *c = r->c;
    const uint32_t empty = 0;
    if (put(r, &c->ids, &id, sizeof id, e) < 0)
        return -1;
    if (c->dim && put(r, &c->vec, r->zeros, c->dim * sizeof *r->zeros, e) < 0)
        return -1;
    if (r->want->spell && put(r, &c->spelt, &empty, sizeof empty, e) < 0)
        return -1;
    c->n++;
    return 0;
}

int corpus_end_item(struct corpus_reader *r, struct err *e)
{
    if (!r->open)
        return 0;
    r->open = false;
    return r->c->kind == TARGET_NEXT_ID ? put_mark(r, r->end, e) : 0;
}

/* Item i of the batch begins: what belongs to the item as a whole. */
static int begin_item(struct corpus_reader *r, const struct corpus_columns *k, size_t i, struct err *e)
{
    struct corpus *c = r->c;
    if (corpus_end_item(r, e) < 0)
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
    if (target_is_item(c->kind) && put_targets(r, k, i, i + 1, e) < 0)
        return -1;
    if (k->features && put(r, &c->features, k->features + i * k->feature, k->feature * sizeof *k->features, e) < 0)
        return -1;
    return c->kind == TARGET_NEXT_ID ? put_mark(r, r->begin, e) : 0;
}

static int put_ids(struct corpus_reader *r, const uint32_t *ids, size_t low, size_t high, struct err *e)
{
    for (size_t row = low; row < high; row++) {
        if (corpus_id(ids, row, r->read->n, e) < 0)
            return -1;
        uint32_t id = r->map ? r->map[ids[row]] : ids[row];
        r->c->unknown += id == VOCAB_UNKNOWN && ids[row] != VOCAB_UNKNOWN;
        r->words[row - low] = id;
    }
    return put(r, &r->c->ids, r->words, (high - low) * sizeof *ids, e);
}

/* The inputs of an item, or of a part of one, and what stands beside each of them. */
static int put_inputs(struct corpus_reader *r, const struct corpus_columns *k, size_t low, size_t high, struct err *e)
{
    struct corpus *c = r->c;
    size_t n = high - low, dim = c->dim;
    if (n > r->n_words) {
        r->n_words = n;
        r->words = mem_grow(r->words, n, sizeof *r->words);
    }
    if ((corpus_wants_ids(c) && put_ids(r, k->ids, low, high, e) < 0) ||
        (c->target && !target_is_item(c->kind) && put_targets(r, k, low, high, e) < 0) ||
        (k->vec && put(r, &c->vec, k->vec + low * dim, n * dim * sizeof *k->vec, e) < 0) ||
        (r->want->spell && put_spelt(r, k, low, high, e) < 0))
        return -1;
    c->n += n;
    return 0;
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

int corpus_find_columns(const struct corpus_reader *r, struct corpus_columns *k, const struct batch *batch,
                        struct err *e)
{
    const struct corpus *c = r->c;
    const struct task *task = r->want->task;
    bool spell_ids = r->want->spell && !batch_find(batch, "tok.text");
    if (corpus_columns(k, batch, c->dim, corpus_wants_ids(c) || spell_ids, NULL, e) < 0)
        return -1;
    if (c->target && corpus_columns_target(k, batch, c->target, r->kinds, e) < 0)
        return err_where(e, "task %s learns '%s'%s", task->name, c->target,
                         r->want->target ? "" : " (--target names another)");
    if (task->feature && corpus_columns_features(k, batch, task->feature, e) < 0)
        return err_where(e, "task %s starts from '%s'", task->name, task->feature);
    if (r->want->spell && corpus_columns_text(k, batch, e) < 0)
        return -1;
    if (r->started && k->wanted && k->outputs != c->outputs)
        return err_fail(e, STATUS_DATA, "column '%s' has %zu numbers a row, and had %zu before", c->target, k->outputs,
                        c->outputs);
    if (r->started && k->feature != c->feature)
        return err_fail(e, STATUS_DATA, "column '%s' has %zu numbers a row, and had %zu before", task->feature,
                        k->feature, c->feature);
    return 0;
}

int corpus_put_batch(struct corpus_reader *r, const struct batch *batch, struct err *e)
{
    struct corpus_columns k;
    int result = corpus_find_columns(r, &k, batch, e);
    for (uint64_t i = 0; i < batch->n && result == 0; i++) {
        bool goes_on = k.continued && k.continued[i];
        if (goes_on && !r->open)
            result = err_fail(e, STATUS_DATA, "item %" PRIu64 " continues an item that is not there", batch->row0 + i);
        else if (!goes_on)
            result = begin_item(r, &k, i, e);
        if (result == 0)
            result = put_inputs(r, &k, k.offsets[i], k.offsets[i + 1], e);
    }
    corpus_columns_free(&k);
    return result;
}
