/* Words to ids: open addressing, with a word of up to 11 bytes in its slot, so that most are found in one cache
 * line. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"
#include "data/vocab.h"

enum { SHORT = 11 }; /* bytes of a word that stands in its slot */
#define FIRST_BITS 10u
#define LONG_WORD  0xff000000u /* the form of a word that is longer */

/* Are that many words too many for the slots? Two thirds are full at most. */
static bool crowded(size_t n_words, size_t n_slots)
{
    return 3 * n_words > 2 * n_slots;
}

/* Something to read where a word has nothing. That it is zeros is hidden from the compiler, which would make branches
 * of the choices below: how long words are is what a processor cannot foresee. */
static inline const char *nothing(void)
{
    static const char zeros[8];
    const char *hidden = zeros;
    __asm__("" : "+r"(hidden));
    return hidden;
}

/* The bytes of a word of less than 8. */
static inline uint64_t seven(const char *word, size_t n)
{
    const char *zeros = nothing(), *four = n & 4 ? word : zeros, *two = n & 2 ? word + (n & 4) : zeros,
               *one = n & 1 ? word + (n & 6) : zeros;
    uint32_t a;
    uint16_t b;
    memcpy(&a, four, sizeof a);
    memcpy(&b, two, sizeof b);
    return le32toh(a) | (uint64_t)le16toh(b) << 8 * (n & 4) | (uint64_t)(unsigned char)*one << 8 * (n & 6);
}

/* The slot of a word, but for its id. */
static inline struct vocab_slot slot_for(const char *word, size_t length)
{
    if (length > SHORT)
        return (struct vocab_slot){.key = XXH3_64bits(word, length), .form = LONG_WORD};
    uint64_t eight, rest = seven(word + (length & 8), length & 7), more = 0 - (uint64_t)(length >> 3);
    memcpy(&eight, length & 8 ? word : nothing(), sizeof eight);
    return (struct vocab_slot){.key = (rest & ~more) | le64toh(eight),
                               .form = (uint32_t)(length << 24 | (rest & more))};
}

/* The way back: a short word's bytes from its slot. */
static const char *spell(const struct vocab_slot *slot, char bytes[SHORT])
{
    for (int i = 0; i < SHORT; i++)
        bytes[i] = (char)(i < 8 ? slot->key >> 8 * i : slot->form >> 8 * (i - 8));
    return bytes;
}

static uint64_t hash_of(const struct vocab_slot *word)
{
    uint64_t hash = (word->key ^ word->form * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
    return (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
}

/* The slot a word's search begins with. */
static size_t home_of(const struct vocab *v, uint64_t hash)
{
    return hash >> (64 - v->slot_bits);
}

static bool is_word(const struct vocab *v, uint32_t id, const char *word, size_t length)
{
    size_t n = v->offsets[id + 1] - v->offsets[id];
    return n == length && !memcmp(v->text.data + v->offsets[id], word, length);
}

/* The slot of a word: its own, or the empty one where it belongs. */
static inline struct vocab_slot *slot_of(const struct vocab *v, const struct vocab_slot *wanted, uint64_t hash,
                                         const char *word, size_t length)
{
    for (size_t i = home_of(v, hash);; i = (i + 1) & (v->n_slots - 1)) {
        struct vocab_slot *slot = &v->slots[i];
        if (!slot->id || (slot->key == wanted->key && slot->form == wanted->form &&
                          (length <= SHORT || is_word(v, slot->id - 1, word, length))))
            return slot;
    }
}

/* Puts a word that is not in the index there. */
static void index_word(struct vocab *v, const struct vocab_slot *word)
{
    size_t i = home_of(v, hash_of(word));
    while (v->slots[i].id)
        i = (i + 1) & (v->n_slots - 1);
    v->slots[i] = *word;
}

static void new_slots(struct vocab *v, unsigned bits)
{
    v->slot_bits = bits;
    v->n_slots = (size_t)1 << bits;
    v->slots = mem_aligned(v->n_slots, sizeof *v->slots);
}

/* Twice as many slots. Their forms and keys say all that is needed: no word is looked at. */
static void grow_index(struct vocab *v)
{
    struct vocab_slot *old = v->slots;
    size_t n = v->n_slots;
    new_slots(v, n ? v->slot_bits + 1 : FIRST_BITS);
    for (size_t i = 0; i < n; i++)
        if (old[i].id)
            index_word(v, &old[i]);
    free(old);
}

void vocab_index(struct vocab *v)
{
    unsigned bits = FIRST_BITS;
    while (crowded(v->n, (size_t)1 << bits))
        bits++;
    free(v->slots);
    new_slots(v, bits);
    for (uint32_t id = 0; id < v->n; id++) {
        size_t length;
        const char *word = vocab_word(v, id, &length);
        struct vocab_slot slot = slot_for(word, length);
        slot.id = id + 1;
        index_word(v, &slot);
    }
}

static uint32_t add_word(struct vocab *v, struct vocab_slot *slot, const char *word, size_t length)
{
    if (v->n + 2 > v->room) {
        v->room = v->room ? 2 * v->room : 512;
        v->offsets = mem_grow(v->offsets, v->room + 1, sizeof *v->offsets);
        v->counts = mem_grow(v->counts, v->room, sizeof *v->counts);
    }
    v->offsets[v->n] = v->text.len;
    buf_add(&v->text, word, length);
    v->offsets[v->n + 1] = v->text.len;
    v->counts[v->n] = 0;
    slot->id = (uint32_t)v->n + 1;
    return (uint32_t)v->n++;
}

static inline uint32_t add(struct vocab *v, const struct vocab_slot *wanted, uint64_t hash, const char *word,
                           size_t length)
{
    if (crowded(v->n + 1, v->n_slots))
        grow_index(v);
    struct vocab_slot *slot = slot_of(v, wanted, hash, word, length);
    if (slot->id)
        return slot->id - 1;
    char spelt[SHORT];
    *slot = *wanted;
    return add_word(v, slot, length > SHORT ? word : spell(slot, spelt), length);
}

uint32_t vocab_add(struct vocab *v, const char *word, size_t length)
{
    struct vocab_slot wanted = slot_for(word, length);
    return add(v, &wanted, hash_of(&wanted), word, length);
}

uint32_t vocab_find(const struct vocab *v, const char *word, size_t length)
{
    if (!v->n_slots)
        return VOCAB_NONE;
    struct vocab_slot wanted = slot_for(word, length);
    return slot_of(v, &wanted, hash_of(&wanted), word, length)->id - 1; /* VOCAB_NONE is what 0 leads to */
}

/* ---- Many words at a time ---- */

bool vocab_batch_add(struct vocab_batch *b, const struct vocab *v, const char *word, size_t length)
{
    struct vocab_wanted *w = &b->words[b->n++];
    w->slot = slot_for(word, length);
    w->hash = hash_of(&w->slot);
    __builtin_prefetch(&v->slots[home_of(v, w->hash)]);
    w->length = length;
    if (length > SHORT) {
        w->at = b->text.len;
        buf_add(&b->text, word, length);
    }
    return b->n == VOCAB_BATCH;
}

void vocab_batch_count(struct vocab_batch *b, struct vocab *v, uint32_t *ids)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct vocab_wanted *w = &b->words[i];
        const char *word = w->length > SHORT ? b->text.data + w->at : NULL; /* the slot has it */
        ids[i] = add(v, &w->slot, w->hash, word, w->length);
    }
    if (v->n_recent < v->room) {
        v->recent = mem_grow(v->recent, v->room, 1);
        memset(v->recent + v->n_recent, 0, v->room - v->n_recent);
        v->n_recent = v->room;
    }
    for (size_t i = 0; i < b->n; i++)
        if (!++v->recent[ids[i]])
            v->counts[ids[i]] += 256;
    b->n = 0;
    b->text.len = 0;
}

void vocab_settle(struct vocab *v)
{
    for (size_t id = 0; id < v->n && id < v->n_recent; id++)
        v->counts[id] += v->recent[id];
    if (v->n_recent)
        memset(v->recent, 0, v->n_recent);
}

void vocab_batch_find(struct vocab_batch *b, const struct vocab *v, uint32_t *ids)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct vocab_wanted *w = &b->words[i];
        ids[i] = slot_of(v, &w->slot, w->hash, b->text.data + w->at, w->length)->id - 1;
    }
    b->n = 0;
    b->text.len = 0;
}

void vocab_batch_free(struct vocab_batch *b)
{
    buf_free(&b->text);
    *b = (struct vocab_batch){0};
}
