#include "data/vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"

static uint64_t hash_of(const char *word, size_t length)
{
    return XXH3_64bits(word, length);
}

/* Slot of a word: its own, or the empty one where it belongs. */
static size_t slot_of(const struct vocab *v, const char *word, size_t length, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = hash & (v->n_slots - 1);; i = (i + 1) & (v->n_slots - 1)) {
        if (!v->slots[i])
            return i;
        if (v->tags[i] != tag)
            continue;
        uint32_t id = v->slots[i] - 1;
        size_t n = v->offsets[id + 1] - v->offsets[id];
        if (n == length && !memcmp(v->text.data + v->offsets[id], word, length))
            return i;
    }
}

static void index_words(struct vocab *v, size_t n_slots)
{
    free(v->slots);
    free(v->tags);
    v->n_slots = n_slots;
    v->slots = mem_get(n_slots, sizeof *v->slots);
    v->tags = mem_get(n_slots, sizeof *v->tags);
    for (uint32_t id = 0; id < v->n; id++) {
        size_t length;
        const char *word = vocab_word(v, id, &length);
        uint64_t hash = hash_of(word, length);
        size_t i = slot_of(v, word, length, hash);
        v->slots[i] = id + 1;
        v->tags[i] = (uint32_t)(hash >> 32);
    }
}

uint32_t vocab_add(struct vocab *v, const char *word, size_t length)
{
    if (2 * (v->n + 1) > v->n_slots)
        index_words(v, v->n_slots ? 2 * v->n_slots : 1024);
    uint64_t hash = hash_of(word, length);
    size_t i = slot_of(v, word, length, hash);
    if (v->slots[i])
        return v->slots[i] - 1;
    if (v->n + 2 > v->room) {
        v->room = v->room ? 2 * v->room : 512;
        v->offsets = mem_grow(v->offsets, v->room + 1, sizeof *v->offsets);
        v->counts = mem_grow(v->counts, v->room, sizeof *v->counts);
    }
    v->offsets[v->n] = v->text.len;
    buf_add(&v->text, word, length);
    v->offsets[v->n + 1] = v->text.len;
    v->counts[v->n] = 0;
    v->slots[i] = (uint32_t)v->n + 1;
    v->tags[i] = (uint32_t)(hash >> 32);
    return (uint32_t)v->n++;
}

void vocab_special(struct vocab *v)
{
    static const char *const words[VOCAB_SPECIAL] = {"<pad>", "<unk>", "<s>", "</s>"};
    for (size_t i = 0; i < VOCAB_SPECIAL; i++)
        vocab_add(v, words[i], strlen(words[i]));
}

uint32_t vocab_find(const struct vocab *v, const char *word, size_t length)
{
    if (!v->n_slots)
        return VOCAB_NONE;
    size_t i = slot_of(v, word, length, hash_of(word, length));
    return v->slots[i] ? v->slots[i] - 1 : VOCAB_NONE;
}

const char *vocab_word(const struct vocab *v, uint32_t id, size_t *length)
{
    *length = v->offsets[id + 1] - v->offsets[id];
    return v->text.data + v->offsets[id];
}

struct ranked {
    const struct vocab *v;
    uint32_t id;
};

static int by_count(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    uint64_t m = x->v->counts[x->id], n = y->v->counts[y->id];
    if (m != n)
        return m < n ? 1 : -1;
    size_t length, other;
    const char *word = vocab_word(x->v, x->id, &length), *second = vocab_word(y->v, y->id, &other);
    int order = memcmp(word, second, length < other ? length : other);
    return order ? order : (length > other) - (length < other);
}

/* Puts the words from id `first` on in order and leaves some out. */
static uint32_t *reorder(struct vocab *v, uint32_t first, uint64_t min_count, size_t max_words)
{
    size_t n = v->n - first, kept = 0;
    struct ranked *ranked = mem_get(n, sizeof *ranked);
    uint32_t *map = mem_get(v->n, sizeof *map);
    struct vocab pruned = {.meta = v->meta};
    for (uint32_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){v, i + first};
    qsort(ranked, n, sizeof *ranked, by_count);
    for (uint32_t i = 0; i < first; i++) {
        size_t length;
        const char *word = vocab_word(v, i, &length);
        map[i] = vocab_add(&pruned, word, length);
        pruned.counts[i] = v->counts[i];
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ranked[i].id;
        if (v->counts[id] >= min_count && (!max_words || kept < max_words)) {
            size_t length;
            const char *word = vocab_word(v, id, &length);
            map[id] = vocab_add(&pruned, word, length);
            pruned.counts[map[id]] = v->counts[id];
            kept++;
        } else {
            map[id] = VOCAB_UNKNOWN;
            pruned.counts[VOCAB_UNKNOWN] += v->counts[id];
        }
    }
    free(ranked);
    v->meta = (struct meta){0};
    vocab_free(v);
    *v = pruned;
    return map;
}

uint32_t *vocab_prune(struct vocab *v, uint64_t min_count, size_t max_words)
{
    return reorder(v, VOCAB_SPECIAL, min_count, max_words);
}

uint32_t *vocab_sort(struct vocab *v, size_t first)
{
    return reorder(v, (uint32_t)first, 0, 0);
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
    return result;
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
    return 0;
}

static bool meta_same(const struct meta *a, const struct meta *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->pairs[i].key, b->pairs[i].key) || strcmp(a->pairs[i].value, b->pairs[i].value))
            return false;
    return true;
}

bool vocab_same(const struct vocab *a, const struct vocab *b)
{
    return a->n == b->n && a->text.len == b->text.len && meta_same(&a->meta, &b->meta) &&
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
    free(v->slots);
    free(v->tags);
    *v = (struct vocab){0};
}

static int by_falling_count(const void *a, const void *b, void *counts)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    uint64_t m = ((const uint64_t *)counts)[i], n = ((const uint64_t *)counts)[j];
    return m != n ? (m < n) - (m > n) : (i > j) - (i < j);
}

void ids_by_count(uint32_t *ids, size_t n, const uint64_t *counts)
{
    qsort_r(ids, n, sizeof *ids, by_falling_count, (void *)counts);
}
