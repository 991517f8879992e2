/* Between the words and classes of a stream and those of the model. */
#include "net/score_parts.h"
#include "base/mem.h"
#include "net/loss.h"

#include <stdlib.h>
#include <string.h>

/* ---- Vocabularies of a segment ----------------------------------------------------------------------------------- */

/* Puts a tensor into a segment, in the place of one of that name. */
static void put_tensor(struct segment *segment, struct tensor t)
{
    struct tensor *old = segment_find(segment, t.name);
    if (old) {
        tensor_free(old);
        *old = t;
        return;
    }
    segment->tensors = mem_grow(segment->tensors, segment->n + 1, sizeof *segment->tensors);
    segment->tensors[segment->n++] = t;
}

static struct tensor copy_of(const char *prefix, const char *name, enum dtype dtype, uint64_t n, const void *data)
{
    char *full = mem_printf("%s%s", prefix, name);
    struct tensor t = tensor_make(full, dtype, 1, &n);
    if (n)
        memcpy(t.data, data, t.bytes);
    free(full);
    return t;
}

/* Puts a vocabulary that is not empty into a segment. */
static void put_vocab(struct segment *segment, const char *prefix, const struct vocab *v)
{
    struct tensor text = copy_of(prefix, "vocab.text", DTYPE_UTF8, v->text.len, v->text.data);
    meta_copy(&text.meta, &v->meta);
    put_tensor(segment, copy_of(prefix, "vocab.text.offsets", DTYPE_U64, v->n + 1, v->offsets));
    put_tensor(segment, text);
    put_tensor(segment, copy_of(prefix, "vocab.count", DTYPE_U64, v->n, v->counts));
}

/* ---- Classes ----------------------------------------------------------------------------------------------------- */

/* The model's classes in the stream's numbering; names that the stream lacks come behind its own. */
static uint32_t *numbers_in(struct vocab *own, const struct vocab *labels)
{
    uint32_t *map = mem_get(labels->n, sizeof *map);
    for (uint32_t k = 0; k < labels->n; k++) {
        size_t length;
        const char *name = vocab_word(labels, k, &length);
        map[k] = vocab_add(own, name, length);
    }
    return map;
}

static int class_names(struct scorer *s, struct segment *segment, struct err *e)
{
    const struct vocab *labels = &s->file->words.labels;
    const char *target = s->file->target;
    struct vocab own = {0};
    if (corpus_labels_read(&own, target, segment, e) < 0)
        return -1;
    char *prefix = corpus_labels_prefix(target);
    int result = 0;
    s->n_classes = own.n;
    if (own.n && !labels->n) {
        result = err_fail(e, STATUS_DATA, "the classes in '%s' have names (%svocab.text), and those of the model none",
                          target, prefix);
    } else if (own.n) {
        s->class_to = corpus_labels_map(&own, labels);
        s->class_from = numbers_in(&own, labels);
        if (own.n > s->n_classes)
            put_vocab(segment, prefix, &own);
    } else if (labels->n) {
        put_vocab(segment, prefix, labels);
    }
    free(prefix);
    vocab_free(&own);
    return result;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* The words of ids that are read, or of those that are predicted where none are. */
static int word_names(struct scorer *s, struct segment *segment, struct err *e)
{
    const struct vocab *known = &s->file->words.vocab;
    bool there = segment_find(segment, "vocab.text") != NULL;
    if (!there && s->decodes && !s->reads) {
        put_vocab(segment, "", known);
        return 0;
    }
    if (vocab_read(&s->words, "", segment, e) < 0)
        return -1;
    if (known->n && !vocab_same(&s->words, known)) {
        s->to_model = vocab_map(&s->words, known);
        s->from_model = s->next ? vocab_map(known, &s->words) : NULL;
    }
    return 0;
}

void score_names_free(struct scorer *s)
{
    respell_free(&s->spell);
    vocab_free(&s->words);
    free(s->to_model);
    free(s->from_model);
    free(s->class_to);
    free(s->class_from);
    s->to_model = s->from_model = s->class_to = s->class_from = NULL;
    s->n_classes = 0;
}

int score_names(struct scorer *s, struct segment *segment, struct err *e)
{
    const struct rnnfile *f = s->file;
    bool classes = f->target && !target_is_real(f->kind) && f->model.shape.classes;
    bool words = f->model.shape.ids || s->next, spelt = f->model.shape.characters > 0;
    score_names_free(s);
    if (classes && class_names(s, segment, e) < 0)
        return -1;
    if (words && word_names(s, segment, e) < 0)
        return -1;
    if (!words && spelt && segment_find(segment, "vocab.text") && vocab_read(&s->words, "", segment, e) < 0)
        return -1;
    if (spelt)
        respell_begin(&s->spell, &s->words, &f->words.characters);
    return 0;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

int score_id(struct scorer *s, uint64_t row, bool count, uint32_t *id, struct err *e)
{
    const uint32_t *ids = s->k->ids;
    if (corpus_id(ids, row, s->words.n, e) < 0)
        return -1;
    *id = s->to_model ? s->to_model[ids[row]] : ids[row];
    s->sum.unknown += count && *id == VOCAB_UNKNOWN && ids[row] != VOCAB_UNKNOWN;
    return 0;
}

int score_class(struct scorer *s, uint64_t row, uint32_t *class, struct err *e)
{
    uint64_t known = s->file->model.shape.classes;
    if (corpus_class(s->k->targets, row, s->n_classes ? s->n_classes : CORPUS_MAX_CLASSES, class, e) < 0)
        return -1;
    if (s->class_to)
        *class = s->class_to[*class];
    else if (*class >= known)
        *class = TARGET_NONE;
    s->sum.unseen += *class == TARGET_NONE;
    return 0;
}

int score_spelt(struct scorer *s, uint64_t row, uint32_t *spelt, struct err *e)
{
    const uint64_t *at = s->k->text_offsets ? s->k->text_offsets + row : NULL;
    if (at) {
        *spelt = respell_text(&s->spell, s->k->text + at[0], at[1] - at[0]);
        return 0;
    }
    if (corpus_id(s->k->ids, row, s->words.n, e) < 0)
        return -1;
    *spelt = respell_id(&s->spell, s->k->ids[row]);
    return 0;
}
