#include "data/vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const vocab_special_words[VOCAB_SPECIAL] = {"<pad>", "<unk>", "<s>", "</s>"};

void vocab_special(struct vocab *v)
{
    for (size_t i = 0; i < VOCAB_SPECIAL; i++)
        vocab_add(v, vocab_special_words[i], strlen(vocab_special_words[i]));
}

bool vocab_is_special(const struct vocab *v, uint32_t id)
{
    size_t length;
    const char *word = id < v->n ? vocab_word(v, id, &length) : NULL;
    return word && id < VOCAB_SPECIAL && length == strlen(vocab_special_words[id]) &&
           !memcmp(word, vocab_special_words[id], length);
}

const char *vocab_word(const struct vocab *v, uint32_t id, size_t *length)
{
    *length = v->offsets[id + 1] - v->offsets[id];
    return v->text.data + v->offsets[id];
}

static int write_merges(const struct vocab *v, const char *prefix, struct sink *k, struct err *e)
{
    char name[TENSOR_MAX_NAME + 32];
    uint64_t dims[2] = {v->n_merges, 2};
    snprintf(name, sizeof name, "%svocab.merges", prefix);
    struct tensor t = tensor_view(name, DTYPE_U32, 2, dims, v->merges);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    return result;
}

int vocab_write(const struct vocab *v, const char *prefix, struct sink *k, struct err *e)
{
    static const uint64_t none[1];
    char name[TENSOR_MAX_NAME + 32];
    struct tensor t;
    uint64_t ends = v->n + 1, bytes = v->text.len, words = v->n;
    snprintf(name, sizeof name, "%svocab.text.offsets", prefix);
    t = tensor_view(name, DTYPE_U64, 1, &ends, v->n ? v->offsets : none);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    snprintf(name, sizeof name, "%svocab.text", prefix);
    t = tensor_view(name, DTYPE_UTF8, 1, &bytes, v->text.data);
    meta_copy(&t.meta, &v->meta);
    result = result < 0 ? result : sink_tensor(k, &t, e);
    tensor_free(&t);
    snprintf(name, sizeof name, "%svocab.count", prefix);
    t = tensor_view(name, DTYPE_U64, 1, &words, v->counts);
    result = result < 0 ? result : sink_tensor(k, &t, e);
    tensor_free(&t);
    return result < 0 || !v->merges ? result : write_merges(v, prefix, k, e);
}

static const struct tensor *part(const char *prefix, const char *rest, const struct segment *segment, enum dtype dtype,
                                 struct err *e)
{
    char name[TENSOR_MAX_NAME + 32];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    const struct tensor *t = segment_need(segment, name, e);
    if (!t) /* what it has instead helps nobody; where to get one does */
        err_fail(e, STATUS_DATA, "there is no vocabulary: no tensor '%s' (tokenize puts one in front)", name);
    return !t || tensor_expect(t, dtype, 1, e) < 0 ? NULL : t;
}

/* Two words joined must be a word. */
static int check_merge(const struct vocab *v, uint64_t i, struct buf *text, struct err *e)
{
    const uint32_t *merge = v->merges + 2 * i;
    buf_clear(text);
    for (int k = 0; k < 2; k++) {
        size_t length;
        if (merge[k] >= v->n)
            return err_fail(e, STATUS_DATA, "the vocabulary's merge %llu is of word %u, but there are %zu words",
                            (unsigned long long)i, merge[k], v->n);
        const char *word = vocab_word(v, merge[k], &length);
        buf_add(text, word, length);
    }
    if (vocab_find(v, text->data, text->len) == VOCAB_NONE)
        return err_fail(e, STATUS_DATA, "the vocabulary's merge %llu gives '%.60s', which is no word of it",
                        (unsigned long long)i, text->data);
    return 0;
}

static int read_merges(struct vocab *v, const char *prefix, const struct segment *segment, struct err *e)
{
    char name[TENSOR_MAX_NAME + 32];
    struct buf text = {0};
    snprintf(name, sizeof name, "%svocab.merges", prefix);
    const struct tensor *t = segment_find(segment, name);
    if (!t)
        return 0;
    if (tensor_expect(t, DTYPE_U32, 2, e) < 0)
        return -1;
    if (t->dims[1] != 2 || t->dims[0] >= VOCAB_NONE)
        return err_fail(e, STATUS_DATA, "'%s' is not pairs of words", name);
    v->n_merges = t->dims[0];
    v->merges = mem_grow(NULL, v->n_merges + 1, 2 * sizeof *v->merges);
    if (v->n_merges)
        memcpy(v->merges, t->data, t->bytes);
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < v->n_merges; i++)
        result = check_merge(v, i, &text, e);
    buf_free(&text);
    return result;
}

int vocab_read(struct vocab *v, const char *prefix, const struct segment *segment, struct err *e)
{
    const struct tensor *offsets = part(prefix, "vocab.text.offsets", segment, DTYPE_U64, e);
    const struct tensor *text = offsets ? part(prefix, "vocab.text", segment, DTYPE_UTF8, e) : NULL;
    const struct tensor *counts = text ? part(prefix, "vocab.count", segment, DTYPE_U64, e) : NULL;
    if (!counts)
        return -1;
    vocab_free(v);
    uint64_t n = counts->dims[0];
    const uint64_t *offset = offsets->data, *count = counts->data;
    if (offsets->dims[0] != n + 1 || n >= VOCAB_NONE || offset[0] || offset[n] != text->dims[0])
        return err_fail(e, STATUS_DATA, "the vocabulary's offsets, text and counts do not fit together");
    for (uint64_t i = 0; i < n; i++) {
        if (offset[i + 1] < offset[i] || offset[i + 1] > text->dims[0])
            return err_fail(e, STATUS_DATA, "the vocabulary's offset %llu is out of order", (unsigned long long)i + 1);
        const char *word = (const char *)text->data + offset[i];
        if (vocab_add(v, word, offset[i + 1] - offset[i]) != i)
            return err_fail(e, STATUS_DATA, "the vocabulary holds the word '%.*s' twice",
                            (int)(offset[i + 1] - offset[i] < 60 ? offset[i + 1] - offset[i] : 60), word);
        v->counts[i] = count[i];
    }
    meta_copy(&v->meta, &text->meta);
    return read_merges(v, prefix, segment, e);
}

static bool merges_same(const struct vocab *a, const struct vocab *b)
{
    return !a->merges == !b->merges && a->n_merges == b->n_merges &&
           (!a->n_merges || !memcmp(a->merges, b->merges, 2 * a->n_merges * sizeof *a->merges));
}

bool vocab_same(const struct vocab *a, const struct vocab *b)
{
    return a->n == b->n && a->text.len == b->text.len && meta_same(&a->meta, &b->meta) && merges_same(a, b) &&
           (!a->n || (!memcmp(a->offsets, b->offsets, (a->n + 1) * sizeof *a->offsets) &&
                      !memcmp(a->text.data, b->text.data, a->text.len)));
}

int vocab_again(const struct vocab *first, const struct vocab *later, struct err *e)
{
    if (vocab_same(first, later))
        return 0;
    return err_fail(e, STATUS_DATA,
                    "its vocabulary differs from that of what was read before (tokenize all of it with the same "
                    "--vocab)");
}

uint32_t *vocab_map(const struct vocab *from, const struct vocab *to)
{
    uint32_t *map = mem_get(from->n, sizeof *map);
    for (uint32_t id = 0; id < from->n; id++) {
        size_t length;
        const char *word = vocab_word(from, id, &length);
        uint32_t found = vocab_find(to, word, length);
        map[id] = found == VOCAB_NONE ? VOCAB_UNKNOWN : found;
    }
    return map;
}

void vocab_free(struct vocab *v)
{
    buf_free(&v->text);
    meta_free(&v->meta);
    free(v->offsets);
    free(v->counts);
    free(v->merges);
    free(v->recent);
    free(v->slots);
    *v = (struct vocab){0};
}
