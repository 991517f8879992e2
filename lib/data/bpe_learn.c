/* Learning merges: every pair of neighbouring symbols has its count and the stretches it may be in; a merge goes
 * through those alone and corrects the counts around it. Pairs wait in a heap, whose entries may be out of date: a
 * count that has grown gets another entry, one that has fallen is seen when its entry comes up. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/bpe.h"
#include "data/text_level.h"

enum { FIRST_BYTE = VOCAB_SPECIAL, FIRST_HIGH_BYTE = FIRST_BYTE + 128, FIRST_CHARACTER = FIRST_BYTE + 256 };

struct learner {
    struct vocab *symbols;
    uint64_t least;    /* times that a pair must be seen */
    struct buf merges; /* u32 pairs */
    struct stretch {
        size_t start; /* in `text` */
        uint64_t count;
        uint32_t n; /* symbols */
    } * stretches;
    size_t n_stretches;
    uint32_t *text; /* the symbols of all stretches; one that has become shorter leaves a gap */
    struct pair {
        uint32_t left, right;
        uint64_t count;
        uint32_t first; /* of `places` */
        bool touched, done;
    } * pairs;
    size_t n_pairs, room_pairs;
    struct bpe_pairs index; /* to `pairs` */
    struct place {
        uint32_t stretch, next;
    } * places;
    size_t n_places, room_places;
    uint32_t spare; /* the first place that is free again */
    struct candidate {
        uint64_t count;
        uint32_t pair;
    } * heap;
    size_t n_heap, room_heap;
    struct buf touched; /* u32: pairs that the merge at hand has made more frequent */
};

/* ---- The heap ---- */

static bool is_before(const struct learner *l, const struct candidate *a, const struct candidate *b)
{
    const struct pair *p = &l->pairs[a->pair], *q = &l->pairs[b->pair];
    if (a->count != b->count)
        return a->count > b->count;
    return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static void push(struct learner *l, uint32_t pair)
{
    if (l->pairs[pair].count < l->least)
        return;
    if (l->n_heap == l->room_heap) {
        l->room_heap = l->room_heap ? 2 * l->room_heap : 1024;
        l->heap = mem_grow(l->heap, l->room_heap, sizeof *l->heap);
    }
    struct candidate added = {l->pairs[pair].count, pair};
    size_t i = l->n_heap++;
    for (; i && is_before(l, &added, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = added;
}

static struct candidate pop(struct learner *l)
{
    struct candidate best = l->heap[0], last = l->heap[--l->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < l->n_heap; i = child) {
        if (child + 1 < l->n_heap && is_before(l, &l->heap[child + 1], &l->heap[child]))
            child++;
        if (!is_before(l, &l->heap[child], &last))
            break;
        l->heap[i] = l->heap[child];
    }
    l->heap[i] = last;
    return best;
}

/* The most frequent pair, or BPE_NONE. */
static uint32_t best_pair(struct learner *l)
{
    while (l->n_heap) {
        struct candidate top = pop(l);
        uint64_t count = l->pairs[top.pair].count;
        if (count == top.count)
            return top.pair;
        if (count < top.count)
            push(l, top.pair);
    }
    return BPE_NONE;
}

/* ---- Counts ---- */

static bool is_high_byte(uint32_t symbol)
{
    return symbol < FIRST_BYTE || (symbol >= FIRST_HIGH_BYTE && symbol < FIRST_CHARACTER);
}

static struct pair *pair_of(struct learner *l, uint32_t left, uint32_t right)
{
    uint32_t i = bpe_pair_add(&l->index, left, right, (uint32_t)l->n_pairs);
    if (i == l->n_pairs) {
        if (l->n_pairs == l->room_pairs) {
            l->room_pairs = l->room_pairs ? 2 * l->room_pairs : 1024;
            l->pairs = mem_grow(l->pairs, l->room_pairs, sizeof *l->pairs);
        }
        l->pairs[l->n_pairs++] = (struct pair){.left = left, .right = right, .first = BPE_NONE};
    }
    return &l->pairs[i];
}

static uint32_t new_place(struct learner *l)
{
    uint32_t place = l->spare;
    if (place != BPE_NONE) {
        l->spare = l->places[place].next;
        return place;
    }
    if (l->n_places == l->room_places) {
        l->room_places = l->room_places ? 2 * l->room_places : 4096;
        l->places = mem_grow(l->places, l->room_places, sizeof *l->places);
    }
    return (uint32_t)l->n_places++;
}

static void count_up(struct learner *l, uint32_t left, uint32_t right, uint32_t stretch)
{
    if (is_high_byte(left) || is_high_byte(right))
        return;
    struct pair *p = pair_of(l, left, right);
    p->count += l->stretches[stretch].count;
    if (!p->touched) {
        uint32_t i = (uint32_t)(p - l->pairs);
        buf_add(&l->touched, &i, sizeof i);
        p->touched = true;
    }
    if (p->first == BPE_NONE || l->places[p->first].stretch != stretch) {
        uint32_t place = new_place(l);
        l->places[place] = (struct place){stretch, p->first};
        p->first = place;
    }
}

static void count_down(struct learner *l, uint32_t left, uint32_t right, uint32_t stretch)
{
    if (!is_high_byte(left) && !is_high_byte(right))
        pair_of(l, left, right)->count -= l->stretches[stretch].count;
}

/* Pairs that have become more frequent go to the heap. */
static void push_touched(struct learner *l)
{
    const uint32_t *touched = (const uint32_t *)l->touched.data;
    for (size_t i = 0; i < l->touched.len / sizeof *touched; i++) {
        l->pairs[touched[i]].touched = false;
        push(l, touched[i]);
    }
    buf_clear(&l->touched);
}

/* ---- Merges ---- */

static void merge_in_stretch(struct learner *l, uint32_t stretch, uint32_t left, uint32_t right, uint32_t result)
{
    struct stretch *s = &l->stretches[stretch];
    uint32_t *old = l->text + s->start, new[BPE_STRETCH], n = 0;
    bool goes[BPE_STRETCH] = {false}, comes[BPE_STRETCH];
    for (uint32_t i = 0; i < s->n; n++) {
        comes[n] = i + 1 < s->n && old[i] == left && old[i + 1] == right;
        new[n] = comes[n] ? result : old[i];
        goes[i] = comes[n];
        i += comes[n] ? 2 : 1;
    }
    if (n == s->n)
        return;
    for (uint32_t i = 0; i + 1 < s->n; i++)
        if (goes[i] || goes[i + 1] || (i && goes[i - 1]))
            count_down(l, old[i], old[i + 1], stretch);
    for (uint32_t i = 0; i + 1 < n; i++)
        if (comes[i] || comes[i + 1])
            count_up(l, new[i], new[i + 1], stretch);
    memcpy(old, new, n * sizeof *new);
    s->n = n;
}

static void merge_everywhere(struct learner *l, uint32_t pair, uint32_t result)
{
    uint32_t left = l->pairs[pair].left, right = l->pairs[pair].right, place = l->pairs[pair].first;
    l->pairs[pair].first = BPE_NONE;
    while (place != BPE_NONE) {
        struct place here = l->places[place];
        l->places[place].next = l->spare;
        l->spare = place;
        merge_in_stretch(l, here.stretch, left, right, result);
        place = here.next;
    }
    push_touched(l);
}

/* The symbol that a pair becomes; BPE_NONE when it would be spelt like a special token or a byte. */
static uint32_t symbol_of(struct learner *l, uint32_t left, uint32_t right)
{
    struct buf text = {0};
    size_t length;
    const char *word = vocab_word(l->symbols, left, &length);
    buf_add(&text, word, length);
    word = vocab_word(l->symbols, right, &length);
    buf_add(&text, word, length);
    uint32_t id = vocab_find(l->symbols, text.data, text.len);
    bool barred = text_byte(text.data, text.len) >= 0 || (id != VOCAB_NONE && id < VOCAB_SPECIAL);
    id = barred ? BPE_NONE : vocab_add(l->symbols, text.data, text.len);
    buf_free(&text);
    return id;
}

static void learn(struct learner *l, size_t n_merges)
{
    uint32_t best;
    for (size_t n = 0; n < n_merges && (best = best_pair(l)) != BPE_NONE;) {
        uint32_t left = l->pairs[best].left, right = l->pairs[best].right, symbol = symbol_of(l, left, right);
        if (symbol == BPE_NONE)
            continue;
        if (!l->pairs[best].done) { /* else it came up again, since one of its symbols can be made in several ways */
            buf_add(&l->merges, &left, sizeof left);
            buf_add(&l->merges, &right, sizeof right);
            n++;
        }
        l->pairs[best].done = true;
        merge_everywhere(l, best, symbol);
    }
}

/* ---- Beginning and end ---- */

/* Special tokens, bytes, characters. */
static void first_symbols(struct vocab *symbols, const struct vocab *words, size_t first, uint64_t min_count)
{
    char spelt[TEXT_BYTE_ROOM];
    uint64_t dropped = 0;
    vocab_special(symbols);
    for (int byte = 0; byte < 256; byte++)
        vocab_add(symbols, spelt, text_byte_spell((unsigned char)byte, spelt));
    for (size_t id = first; id < words->n; id++) {
        size_t length;
        const char *word = vocab_word(words, (uint32_t)id, &length);
        for (size_t at = 0, n; at < length; at += n) {
            n = utf8_length(word + at, length - at);
            if (n) {
                uint32_t character = vocab_add(symbols, word + at, n);
                symbols->counts[character] += words->counts[id];
            }
            n += !n;
        }
    }
    free(vocab_drop(symbols, FIRST_CHARACTER, min_count, &dropped));
    memset(symbols->counts, 0, symbols->n * sizeof *symbols->counts);
}

/* All words as stretches of characters, with the counts of their pairs. */
static void first_pairs(struct learner *l, const struct vocab *words, size_t first)
{
    size_t room = 0, end = 0;
    for (size_t id = first; id < words->n; id++)
        room += (words->offsets[id + 1] - words->offsets[id]) / BPE_SHORTEST + 1;
    l->stretches = mem_get(room, sizeof *l->stretches);
    l->text = mem_get(words->text.len, sizeof *l->text); /* a byte is one symbol at most */
    for (size_t id = first; id < words->n; id++) {
        size_t length;
        const char *word = vocab_word(words, (uint32_t)id, &length);
        for (size_t bytes; length; word += bytes, length -= bytes) {
            uint32_t ids[BPE_STRETCH];
            bytes = bpe_stretch(word, length);
            uint32_t n = (uint32_t)bpe_characters(l->symbols, word, bytes, ids), at = (uint32_t)l->n_stretches;
            l->stretches[l->n_stretches++] = (struct stretch){end, words->counts[id], n};
            memcpy(l->text + end, ids, n * sizeof *ids);
            end += n;
            for (uint32_t i = 0; i + 1 < n; i++)
                count_up(l, ids[i], ids[i + 1], at);
        }
    }
    push_touched(l);
}

/* Counts symbols as they stand in the encoded words, and puts them in order. */
static void finish(struct vocab *symbols, const struct vocab *words, size_t first)
{
    struct bpe b = {0};
    struct buf ids = {0};
    bpe_open(&b, symbols);
    for (size_t id = first; id < words->n; id++) {
        size_t length;
        const char *word = vocab_word(words, (uint32_t)id, &length);
        buf_clear(&ids);
        bpe_encode(&b, word, length, &ids);
        for (size_t i = 0; i < ids.len / sizeof(uint32_t); i++)
            symbols->counts[((const uint32_t *)ids.data)[i]] += words->counts[id];
    }
    bpe_close(&b);
    buf_free(&ids);
    uint32_t *map = vocab_sort(symbols, VOCAB_SPECIAL);
    for (size_t i = 0; i < 2 * symbols->n_merges; i++)
        symbols->merges[i] = map[symbols->merges[i]];
    free(map);
}

void bpe_learn(const struct vocab *words, size_t first, size_t n_merges, uint64_t min_count, struct vocab *symbols)
{
    struct learner l = {.symbols = symbols, .least = min_count < 2 ? 2 : min_count, .spare = BPE_NONE};
    first_symbols(symbols, words, first, min_count);
    first_pairs(&l, words, first);
    learn(&l, n_merges);
    free(l.stretches);
    free(l.text);
    free(l.pairs);
    free(l.index.slots);
    free(l.places);
    free(l.heap);
    buf_free(&l.touched);
    symbols->n_merges = l.merges.len / (2 * sizeof(uint32_t));
    symbols->merges = (uint32_t *)buf_string(&l.merges); /* never NULL: it is a vocabulary with merges */
    finish(symbols, words, first);
}
