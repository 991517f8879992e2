/* Vocabularies in order: by falling count, equal counts by bytes. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/vocab.h"

/* A word while it is sorted: its first bytes decide most cases without a look at the text. */
struct ranked {
    uint64_t count, head;
    uint32_t id;
};

/* The first 8 bytes as a number that orders as they do. */
static uint64_t head_of(const char *word, size_t length)
{
    uint64_t head = 0;
    memcpy(&head, word, length < sizeof head ? length : sizeof head);
    return be64toh(head);
}

/* A digit of what words are sorted by, from the least one on: the head from behind, then the count from below,
 * falling. */
enum { DIGITS = 16 };
static inline unsigned digit_of(const struct ranked *r, int digit)
{
    return (unsigned char)(digit < 8 ? r->head >> 8 * digit : ~(r->count >> 8 * (digit - 8)));
}

/* Sorts by one digit, of whose values there are counts[]; words whose digits are equal stay in order. */
static void sort_by_digit(struct ranked *to, const struct ranked *from, size_t n, int digit, const size_t counts[256])
{
    size_t starts[256], sum = 0;
    for (size_t d = 0; d < 256; d++) {
        starts[d] = sum;
        sum += counts[d];
    }
    for (size_t i = 0; i < n; i++)
        to[starts[digit_of(&from[i], digit)]++] = from[i];
}

static int by_text(const void *a, const void *b, void *vocab)
{
    size_t length, other;
    const char *word = vocab_word(vocab, ((const struct ranked *)a)->id, &length);
    const char *second = vocab_word(vocab, ((const struct ranked *)b)->id, &other);
    int order = memcmp(word, second, length < other ? length : other);
    return order ? order : (length > other) - (length < other);
}

/* By falling count, then by bytes. Returns the sorted words: `ranked`, or others and `ranked` is freed. */
static struct ranked *sort_words(struct vocab *v, struct ranked *ranked, size_t n)
{
    struct ranked *other = mem_grow(NULL, n, sizeof *other);
    size_t(*counts)[256] = mem_get(DIGITS, sizeof *counts);
    for (size_t i = 0; i < n; i++)
        for (int digit = 0; digit < DIGITS; digit++)
            counts[digit][digit_of(&ranked[i], digit)]++;
    for (int digit = 0; digit < DIGITS; digit++)
        if (n && counts[digit][digit_of(ranked, digit)] != n) { /* else they are all equal */
            sort_by_digit(other, ranked, n, digit, counts[digit]);
            struct ranked *sorted = other;
            other = ranked;
            ranked = sorted;
        }
    free(counts);
    free(other);
    for (size_t i = 0, end; i < n; i = end) { /* those that only differ behind their heads */
        for (end = i + 1; end < n && ranked[end].count == ranked[i].count && ranked[end].head == ranked[i].head;)
            end++;
        if (end - i > 1)
            qsort_r(ranked + i, end - i, sizeof *ranked, by_text, v);
    }
    return ranked;
}

/* The words from id `first` on that are seen often enough, in order; *n of them. */
static struct ranked *rank(struct vocab *v, uint32_t first, uint64_t min_count, size_t *n)
{
    size_t enough = 0;
    for (uint32_t id = first; id < v->n; id++)
        enough += v->counts[id] >= min_count;
    struct ranked *ranked = mem_get(enough, sizeof *ranked);
    *n = 0;
    for (uint32_t id = first; id < v->n; id++) {
        size_t length;
        const char *word = vocab_word(v, id, &length);
        if (v->counts[id] >= min_count)
            ranked[(*n)++] = (struct ranked){v->counts[id], head_of(word, length), id};
    }
    return sort_words(v, ranked, *n);
}

/* Makes `v` the words `ids` of it, in that order. */
static void select_words(struct vocab *v, const uint32_t *ids, size_t n)
{
    struct vocab selected = {.n = n, .room = n, .meta = v->meta, .merges = v->merges, .n_merges = v->n_merges};
    size_t bytes = 0;
    free(v->slots); /* before more memory is asked for */
    v->slots = NULL;
    for (size_t i = 0; i < n; i++)
        bytes += v->offsets[ids[i] + 1] - v->offsets[ids[i]];
    buf_room(&selected.text, bytes);
    selected.offsets = mem_get(n + 1, sizeof *selected.offsets);
    selected.counts = mem_get(n, sizeof *selected.counts);
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const char *word = vocab_word(v, ids[i], &length);
        buf_add(&selected.text, word, length);
        selected.offsets[i + 1] = selected.text.len;
        selected.counts[i] = v->counts[ids[i]];
    }
    v->meta = (struct meta){0};
    v->merges = NULL;
    vocab_free(v);
    *v = selected;
    vocab_index(v);
}

/* Puts the words from id `first` on in order and leaves some out. */
static uint32_t *reorder(struct vocab *v, uint32_t first, uint64_t min_count, size_t max_words)
{
    size_t n;
    vocab_settle(v);
    struct ranked *ranked = rank(v, first, min_count, &n);
    uint32_t *map = mem_get(v->n, sizeof *map), *ids;
    n = max_words && n > max_words ? max_words : n;
    ids = mem_get(first + n, sizeof *ids);
    uint64_t left_out = 0;
    for (uint32_t id = 0; id < v->n; id++) {
        map[id] = id < first ? id : VOCAB_NONE;
        if (id < first)
            ids[id] = id;
    }
    for (size_t i = 0; i < n; i++) {
        ids[first + i] = ranked[i].id;
        map[ranked[i].id] = first + (uint32_t)i;
    }
    free(ranked);
    for (uint32_t id = first; id < v->n; id++)
        if (map[id] == VOCAB_NONE) {
            map[id] = VOCAB_UNKNOWN;
            left_out += v->counts[id];
        }
    select_words(v, ids, first + n);
    if (left_out)
        v->counts[VOCAB_UNKNOWN] += left_out;
    free(ids);
    return map;
}

uint32_t *vocab_drop(struct vocab *v, size_t first, uint64_t min_count, uint64_t *dropped)
{
    uint32_t *map = mem_get(v->n, sizeof *map), *ids = mem_get(v->n, sizeof *ids), n = 0;
    vocab_settle(v);
    for (uint32_t id = 0; id < v->n; id++) {
        bool keeps = id < first || v->counts[id] >= min_count;
        *dropped += keeps ? 0 : v->counts[id];
        map[id] = keeps ? n : VOCAB_NONE;
        ids[n] = id;
        n += keeps;
    }
    select_words(v, ids, n);
    free(ids);
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
