#include "net/corpus_reader.h"
#include "base/mem.h"
#include "base/stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Spools ------------------------------------------------------------------------------------------------------ */

static int get(const struct spool *s, uint64_t first, size_t count, size_t row, void *to, struct err *e)
{
    return spool_read(s, first * row, to, count * row, e);
}

int corpus_ids(const struct corpus *c, uint64_t first, size_t count, uint32_t *ids, struct err *e)
{
    return get(&c->ids, first, count, sizeof *ids, ids, e);
}

int corpus_vec(const struct corpus *c, uint64_t first, size_t count, real *vec, struct err *e)
{
    return get(&c->vec, first, count, c->dim * sizeof *vec, vec, e);
}

int corpus_targets(const struct corpus *c, uint64_t first, size_t count, uint32_t *targets, struct err *e)
{
    return get(&c->targets, first, count, sizeof *targets, targets, e);
}

int corpus_wanted(const struct corpus *c, uint64_t first, size_t count, real *wanted, struct err *e)
{
    if (c->kind == TARGET_NEXT_VEC)
        return corpus_vec(c, first + 1, count, wanted, e);
    return get(&c->wanted, first, count, c->outputs * sizeof *wanted, wanted, e);
}

int corpus_features(const struct corpus *c, uint64_t first, size_t count, real *features, struct err *e)
{
    return get(&c->features, first, count, c->feature * sizeof *features, features, e);
}

int corpus_spelt(const struct corpus *c, uint64_t first, size_t count, uint32_t *spelt, struct err *e)
{
    return get(&c->spelt, first, count, sizeof *spelt, spelt, e);
}

/* ---- The first batch --------------------------------------------------------------------------------------------- */

/* The vocabulary that ids are spooled in. */
static const struct vocab *own_vocab(const struct corpus_reader *r)
{
    return r->want->like ? &r->want->like->vocab : &r->c->vocab;
}

/* The names that classes are mapped to. */
static const struct vocab *own_labels(const struct corpus_reader *r)
{
    return r->want->like ? &r->want->like->labels : &r->c->labels;
}

static int find_inputs(struct corpus_reader *r, const struct batch *batch, bool vectors, struct err *e)
{
    struct corpus *c = r->c;
    const struct tensor *vec = batch_find(batch, "vec");
    if (vectors && (!vec || vec->rank != 2 || !vec->dims[1]))
        return err_fail(e, STATUS_DATA, "there is no column 'vec' of vectors in it");
    c->dim = vectors ? vec->dims[1] : 0;
    if (r->want->like && c->dim != r->want->like->dim)
        return err_fail(e, STATUS_DATA, "its inputs are not of the kind and size of those that are trained on");
    if (vectors)
        r->zeros = mem_get(c->dim, sizeof *r->zeros);
    return 0;
}

/* The column of the targets, and their kind; of a column the kind is told by what it is. */
static int find_target(struct corpus_reader *r, const struct batch *batch, struct err *e)
{
    struct corpus *c = r->c;
    const struct corpus *like = r->want->like;
    const struct task *task = r->want->task;
    const char *target = like ? like->target : r->want->target;
    struct corpus_columns k;
    if (!target && !like && task->target && (!task->optional || batch_find(batch, task->target)))
        target = task->target;
    c->target = target ? mem_copy(target) : NULL;
    if (!target)
        c->kind = task->classes ? TARGET_NEXT_ID : TARGET_NEXT_VEC;
    if (c->kind == TARGET_NEXT_VEC && !c->dim)
        return err_fail(e, STATUS_DATA,
                        "task %s over ids wants a column of numbers to learn: '%s', or what --target names", task->name,
                        task->target);
    r->kinds = like ? 1u << like->kind : corpus_kinds(task);
    int result = corpus_find_columns(r, &k, batch, e);
    if (result == 0) {
        c->kind = target ? k.kind : c->kind;
        c->outputs = c->kind == TARGET_NEXT_VEC ? c->dim : k.outputs;
        c->feature = k.feature;
        r->kinds = 1u << c->kind;
    }
    if (result == 0 && r->want->spell && !k.text_offsets && !r->read->n)
        result = err_fail(e, STATUS_DATA,
                          "it brings neither 'tok.text' nor a vocabulary to spell words by (tokenize --keep-text)");
    corpus_columns_free(&k);
    return result;
}

/* By text or by item, and the marks that go between items. */
static int find_marks(struct corpus_reader *r, struct err *e)
{
    struct corpus *c = r->c;
    const struct corpus *like = r->want->like;
    const struct vocab *vocab = own_vocab(r);
    bool automatic = r->want->by == CORPUS_AUTO;
    c->by_item = like ? like->by_item : automatic ? c->target || r->want->task->by_item : r->want->by == CORPUS_ITEM;
    if (!c->by_item && (target_is_item(c->kind) || c->feature))
        return err_fail(e, STATUS_MISUSED, "column '%s' has a row for each item: --by text cannot be had with it",
                        c->feature ? r->want->task->feature : c->target);
    if (!vocab->n && corpus_wants_ids(c))
        return err_fail(e, STATUS_DATA, "it brings no vocabulary (tokenize puts one in front)");
    if (c->kind != TARGET_NEXT_ID)
        return 0;
    c->outputs = vocab->n;
    r->begin = vocab_find(vocab, "<s>", 3);
    r->end = vocab_find(vocab, "</s>", 4);
    if (r->end == VOCAB_NONE || (c->by_item && r->begin == VOCAB_NONE))
        return err_fail(e, STATUS_DATA, "its vocabulary lacks <s> or </s>, which mark where items begin and end");
    return 0;
}

/* What the very first batch decides. */
static int first_batch(struct corpus_reader *r, const struct batch *batch, bool vectors, struct err *e)
{
    const struct corpus *like = r->want->like;
    if (find_inputs(r, batch, vectors, e) < 0 || find_target(r, batch, e) < 0 || find_marks(r, e) < 0)
        return -1;
    if (like && (r->c->feature != like->feature || (target_is_real(like->kind) && r->c->outputs != like->outputs)))
        return err_fail(e, STATUS_DATA, "its targets or features are not of the size of those that are trained on");
    r->started = true;
    return 0;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------- */

/* Reads a segment's vocabulary: that of the first becomes the corpus's, unless another one is asked for. */
static int segment_vocab(struct corpus_reader *r, const struct segment *segment, bool first, struct err *e)
{
    vocab_free(&r->vocab);
    free(r->map);
    free(r->spelt_as);
    r->map = r->spelt_as = NULL;
    r->read = &r->vocab;
    if (segment_find(segment, "vocab.text") && vocab_read(&r->vocab, "", segment, e) < 0)
        return -1;
    if (r->want->spell) {
        r->spelt_as = mem_get(r->vocab.n, sizeof *r->spelt_as);
        memset(r->spelt_as, 0xff, r->vocab.n * sizeof *r->spelt_as); /* VOCAB_NONE */
    }
    if (first && !r->want->like) {
        r->c->vocab = r->vocab;
        r->vocab = (struct vocab){0};
        r->read = &r->c->vocab;
        return 0;
    }
    if (vocab_same(&r->vocab, own_vocab(r)))
        return 0;
    if (!r->want->like || !r->vocab.n || !own_vocab(r)->n)
        return vocab_again(own_vocab(r), &r->vocab, e);
    r->map = vocab_map(&r->vocab, own_vocab(r));
    return 0;
}

/* Adds names that are new behind the corpus's own. */
static uint32_t *add_labels(struct vocab *own, const struct vocab *labels)
{
    uint32_t *map = mem_get(labels->n, sizeof *map);
    for (uint32_t i = 0; i < labels->n; i++) {
        size_t length;
        const char *name = vocab_word(labels, i, &length);
        map[i] = vocab_add(own, name, length);
        own->counts[map[i]] += labels->counts[i];
    }
    return map;
}

/* Reads the names of a segment's classes: those of the first become the corpus's, and new ones of later segments too,
 * unless others are asked for. */
static int segment_labels(struct corpus_reader *r, const struct segment *segment, struct err *e)
{
    struct corpus *c = r->c;
    struct vocab labels = {0};
    bool fixed = r->want->like || (r->want->labels && r->want->labels->n), first = !r->labelled && !fixed;
    free(r->classes);
    r->classes = NULL;
    r->labelled = true;
    if (!c->target || target_is_real(c->kind))
        return 0;
    int result = corpus_labels_read(&labels, c->target, segment, e);
    r->n_classes = labels.n;
    if (result == 0 && !first && !labels.n != !own_labels(r)->n)
        result = err_fail(e, STATUS_DATA,
                          labels.n ? "the classes in '%s' have names, and had none before"
                                   : "the classes in '%s' have no names, and had some before",
                          c->target);
    else if (result == 0 && labels.n)
        r->classes = fixed ? corpus_labels_map(&labels, own_labels(r)) : add_labels(&c->labels, &labels);
    if (result == 0 && first)
        meta_copy(&c->labels.meta, &labels.meta);
    vocab_free(&labels);
    return result;
}

static int read_segment(struct corpus_reader *r, struct source *s, const struct segment *segment, bool first,
                        struct err *e)
{
    const char *profile = segment_profile(segment);
    bool vectors = !strcmp(profile, "vectors"), labels = false;
    struct batch batch = {0};
    int more;
    if (segment_wants(segment, "tokens or vectors", e) < 0)
        return -1;
    if (r->started && vectors != (r->c->dim > 0))
        return err_fail(e, STATUS_DATA, "a segment of %s follows one of %s", profile, vectors ? "tokens" : "vectors");
    if (segment_vocab(r, segment, first, e) < 0)
        return -1;
    while ((more = source_batch(s, &batch, e)) > 0 && !stop_pending()) {
        if ((!r->started && first_batch(r, &batch, vectors, e) < 0) || (!labels && segment_labels(r, segment, e) < 0) ||
            corpus_put_batch(r, &batch, e) < 0) {
            more = err_where(e, "batch of item %" PRIu64, batch.row0);
            break;
        }
        labels = true;
    }
    batch_free(&batch);
    if (more < 0 || stop_pending())
        return -1;
    return source_whole(s, e) < 0 ? -1 : corpus_end_item(r, e);
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static void copy_vocab(struct vocab *to, const struct vocab *from)
{
    free(add_labels(to, from));
    meta_copy(&to->meta, &from->meta);
}

/* What a model brings that training starts from. */
static void take_known(struct corpus_reader *r)
{
    struct corpus *c = r->c;
    const struct corpus_want *want = r->want;
    if (want->labels && !want->like)
        copy_vocab(&c->labels, want->labels);
    if (!want->spell)
        return;
    if (want->characters && want->characters->n && !want->like)
        copy_vocab(&c->characters, want->characters);
    const struct vocab *known = want->like ? &want->like->characters : c->characters.n ? &c->characters : NULL;
    speller_begin(&r->speller, &c->spellings, known ? NULL : &c->characters, known);
}

static void count_steps(struct corpus *c)
{
    if (!c->by_item) {
        c->steps = c->n && target_is_next(c->kind) ? c->n - 1 : c->n;
        return;
    }
    c->starts[c->items] = c->n;
    for (uint64_t i = 0; i < c->items; i++) {
        uint64_t steps = corpus_item_steps(c, i);
        c->steps += steps;
        c->skipped += !steps && !target_is_item(c->kind);
    }
}

static int read_all(struct corpus_reader *r, struct source *s, struct err *e)
{
    struct corpus *c = r->c;
    struct spool *spools[] = {&c->ids, &c->vec, &c->targets, &c->wanted, &c->features, &c->spelt};
    struct segment segment = {0};
    int more;
    if (r->want->target && !r->want->task->target)
        return err_fail(e, STATUS_MISUSED, "task %s learns the next id: --target '%s' has no place in it",
                        r->want->task->name, r->want->target);
    take_known(r);
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
    if (r->started)
        count_steps(c);
    if (c->steps == 0)
        return err_fail(e, STATUS_DATA, "there is nothing in it to learn from");
    if (c->unseen && c->unseen == (target_is_item(c->kind) ? c->items : c->n))
        return err_fail(e, STATUS_DATA, "the model knows none of its classes in '%s'", c->target);
    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++)
        if (spool_rewind(spools[i], e) < 0)
            return -1;
    if (r->want->like)
        c->outputs = r->want->like->outputs;
    else if (c->labels.n)
        c->outputs = c->labels.n;
    c->parents = mem_copy(source_digests(s));
    XXH128_hash_t digest = XXH3_128bits_digest(r->hash);
    snprintf(c->digest, sizeof c->digest, "%016" PRIx64 "%016" PRIx64, (uint64_t)digest.high64, (uint64_t)digest.low64);
    return 0;
}

int corpus_read(struct corpus *c, struct source *s, const struct corpus_want *want, struct err *e)
{
    struct corpus_reader r = {.c = c, .want = want, .hash = XXH3_createState(), .n_words = 1};
    *c = (struct corpus){0};
    if (!r.hash)
        mem_exhausted(1024);
    XXH3_128bits_reset(r.hash);
    r.words = mem_get(r.n_words, sizeof *r.words);
    int result = read_all(&r, s, e);
    if (result < 0)
        stop_outranks(e);
    XXH3_freeState(r.hash);
    vocab_free(&r.vocab);
    speller_free(&r.speller);
    free(r.map);
    free(r.classes);
    free(r.zeros);
    free(r.words);
    free(r.spelt_as);
    return result < 0 ? err_where(e, "%s", source_label(s)) : 0;
}

void corpus_free(struct corpus *c)
{
    vocab_free(&c->vocab);
    vocab_free(&c->labels);
    vocab_free(&c->characters);
    spellings_free(&c->spellings);
    free(c->target);
    free(c->starts);
    free(c->parents);
    meta_free(&c->head);
    spool_close(&c->ids);
    spool_close(&c->vec);
    spool_close(&c->targets);
    spool_close(&c->wanted);
    spool_close(&c->features);
    spool_close(&c->spelt);
}
