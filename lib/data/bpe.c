#include "data/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/text_level.h"

/* ---- Pairs of symbols ---- */

static struct bpe_slot *slot_of(const struct bpe_pairs *p, uint32_t left, uint32_t right)
{
    uint64_t key = (uint64_t)left << 32 | right, hash = (key ^ key >> 29) * 0x9e3779b97f4a7c15u;
    size_t mask = ((size_t)1 << p->bits) - 1;
    for (size_t i = (hash ^ hash >> 32) & mask;; i = (i + 1) & mask) {
        struct bpe_slot *slot = &p->slots[i];
        if (!slot->value || (slot->left == left && slot->right == right))
            return slot;
    }
}

uint32_t bpe_pair(const struct bpe_pairs *p, uint32_t left, uint32_t right)
{
    return p->slots ? slot_of(p, left, right)->value - 1 : BPE_NONE; /* which is what 0 leads to */
}

static void grow(struct bpe_pairs *p)
{
    struct bpe_pairs larger = {.n = p->n, .bits = p->slots ? p->bits + 1 : 10};
    larger.slots = mem_get((size_t)1 << larger.bits, sizeof *larger.slots);
    for (size_t i = 0; p->slots && i < (size_t)1 << p->bits; i++)
        if (p->slots[i].value)
            *slot_of(&larger, p->slots[i].left, p->slots[i].right) = p->slots[i];
    free(p->slots);
    *p = larger;
}

uint32_t bpe_pair_add(struct bpe_pairs *p, uint32_t left, uint32_t right, uint32_t value)
{
    if (!p->slots || 3 * p->n >= (size_t)2 << p->bits)
        grow(p);
    struct bpe_slot *slot = slot_of(p, left, right);
    if (!slot->value) {
        *slot = (struct bpe_slot){left, right, value + 1};
        p->n++;
    }
    return slot->value - 1;
}

/* ---- Words into characters ---- */

size_t bpe_stretch(const char *word, size_t length)
{
    size_t n = length < BPE_STRETCH ? length : BPE_STRETCH;
    while (n < length && n > BPE_SHORTEST && ((unsigned char)word[n] & 0xc0) == 0x80)
        n--;
    return n;
}

size_t bpe_characters(const struct vocab *symbols, const char *text, size_t length, uint32_t ids[BPE_STRETCH])
{
    size_t n = 0;
    for (size_t at = 0, bytes; at < length; at += bytes) {
        char spelt[TEXT_BYTE_ROOM];
        bytes = utf8_length(text + at, length - at);
        uint32_t id = bytes ? vocab_find(symbols, text + at, bytes) : VOCAB_NONE;
        bytes += !bytes;
        for (size_t i = 0; id == VOCAB_NONE && i < bytes; i++) {
            uint32_t byte = vocab_find(symbols, spelt, text_byte_spell((unsigned char)text[at + i], spelt));
            ids[n++] = byte == VOCAB_NONE ? VOCAB_UNKNOWN : byte;
        }
        if (id != VOCAB_NONE)
            ids[n++] = id;
    }
    return n;
}

/* ---- Encoding ---- */

/* The symbol that a merge makes: its two, end to end. */
static uint32_t result_of(const struct vocab *symbols, const uint32_t *merge, struct buf *text)
{
    size_t length;
    buf_clear(text);
    for (int i = 0; i < 2; i++) {
        const char *word = vocab_word(symbols, merge[i], &length);
        buf_add(text, word, length);
    }
    return vocab_find(symbols, text->data, text->len);
}

void bpe_open(struct bpe *b, const struct vocab *symbols)
{
    struct buf text = {0};
    b->symbols = symbols;
    b->results = mem_get(symbols->n_merges, sizeof *b->results);
    for (size_t i = 0; i < symbols->n_merges; i++) {
        const uint32_t *merge = symbols->merges + 2 * i;
        bpe_pair_add(&b->ranks, merge[0], merge[1], (uint32_t)i);
        b->results[i] = result_of(symbols, merge, &text);
    }
    buf_free(&text);
}

/* Does the merges on the symbols of a stretch. Returns how many are left. */
static size_t merge(const struct bpe *b, uint32_t *ids, size_t n)
{
    uint32_t ranks[BPE_STRETCH]; /* of each symbol with the one behind it */
    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = bpe_pair(&b->ranks, ids[i], ids[i + 1]);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (n < 2 || ranks[best] == BPE_NONE)
            return n;
        ids[best] = b->results[ranks[best]];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(ranks + best, ranks + best + 1, (n - best - 1) * sizeof *ranks);
        if (best + 1 < n)
            ranks[best] = bpe_pair(&b->ranks, ids[best], ids[best + 1]);
        if (best > 0)
            ranks[best - 1] = bpe_pair(&b->ranks, ids[best - 1], ids[best]);
    }
}

void bpe_encode(const struct bpe *b, const char *word, size_t length, struct buf *ids)
{
    for (size_t bytes; length; word += bytes, length -= bytes) {
        uint32_t symbols[BPE_STRETCH];
        bytes = bpe_stretch(word, length);
        size_t n = bpe_characters(b->symbols, word, bytes, symbols);
        buf_add(ids, symbols, merge(b, symbols, n) * sizeof *symbols);
    }
}

void bpe_encode_new(struct bpe *b)
{
    for (uint32_t id = (uint32_t)(b->starts.len / sizeof(uint64_t) - 1); id < b->words.n; id++) {
        size_t length;
        const char *word = vocab_word(&b->words, id, &length);
        bpe_encode(b, word, length, &b->pieces);
        buf_add(&b->starts, &(uint64_t){b->pieces.len / sizeof(uint32_t)}, sizeof(uint64_t));
    }
}

const uint32_t *bpe_pieces(const struct bpe *b, uint32_t id, size_t *n)
{
    const uint64_t *starts = (const uint64_t *)b->starts.data;
    *n = starts[id + 1] - starts[id];
    return (const uint32_t *)b->pieces.data + starts[id];
}

void bpe_forget(struct bpe *b)
{
    vocab_free(&b->words);
    vocab_add(&b->words, "", 0); /* a vocabulary that words are looked up in holds one */
    buf_clear(&b->pieces);
    buf_clear(&b->starts);
    buf_add(&b->starts, &(uint64_t){0}, sizeof(uint64_t));
}

void bpe_close(struct bpe *b)
{
    vocab_free(&b->words);
    free(b->ranks.slots);
    free(b->results);
    buf_free(&b->pieces);
    buf_free(&b->starts);
    *b = (struct bpe){0};
}
