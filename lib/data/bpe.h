/* bpe: byte-pair encoding, words into pieces (Sennrich, Haddow, Birch: "Neural Machine Translation of Rare Words with
 * Subword Units", ACL 2016).
 *
 * Words are first their characters. Learning joins, again and again, the two neighbouring symbols that stand together
 * most often in the words of a vocabulary, each word counted as often as it is seen; of pairs that are as frequent as
 * each other the one of the older symbols comes first. Encoding does the merges on a word in the order in which they
 * were learned: one at a time, always the earliest, of several places the leftmost.
 *
 * Symbols are the words of a vocabulary whose `merges` say how they came about. All 256 bytes are among them, ASCII as
 * it is, others spelt by text_byte_spell: a character that is not known becomes its bytes, so that nothing is <unk>.
 * No merge makes a symbol that is spelt like a byte or a special token; hence symbols put end to end (text_level.h)
 * are exactly the words. A word of more than BPE_STRETCH bytes is encoded in stretches of that length, between
 * characters. */
#ifndef DATA_BPE_H
#define DATA_BPE_H

#include "data/vocab.h"

enum { BPE_STRETCH = 128, BPE_SHORTEST = BPE_STRETCH - 4 };

/* Learns at most `n_merges` merges from the words of `words` from id `first` on, of pairs that are seen min_count
 * times and twice at least. Characters seen fewer than min_count times are left to their bytes. `symbols` must be zero
 * and becomes the vocabulary, in order (vocab_prune), counts as in the encoded text. Takes memory by the number of
 * words. */
void bpe_learn(const struct vocab *words, size_t first, size_t n_merges, uint64_t min_count, struct vocab *symbols);

/* ---- Pairs of symbols, and a number for each ---- */

struct bpe_pairs {
    struct bpe_slot {
        uint32_t left, right, value; /* value + 1, 0 empty */
    } * slots;
    size_t n;
    unsigned bits; /* 2^bits slots */
};
#define BPE_NONE UINT32_MAX
/* The number of a pair or BPE_NONE. */
uint32_t bpe_pair(const struct bpe_pairs *p, uint32_t left, uint32_t right);
/* The same; a pair that has none gets `value`, which must be less than BPE_NONE. */
uint32_t bpe_pair_add(struct bpe_pairs *p, uint32_t left, uint32_t right, uint32_t value);

/* ---- Encoding ---- */

/* Zero-initialize; bpe_forget, before words are added; bpe_open, before any is encoded; bpe_close at the end. */
struct bpe {
    const struct vocab *symbols;
    struct bpe_pairs ranks; /* of merges */
    uint32_t *results;      /* [n_merges] */
    struct vocab words;     /* seen so far, and what became of them: */
    struct buf pieces;      /* u32, end to end */
    struct buf starts;      /* u64 [words.n + 1], as far as they are encoded */
};

/* Uses the merges of a vocabulary, which must stay. */
void bpe_open(struct bpe *b, const struct vocab *symbols);

/* Adds the pieces of a word to `ids`: u32. A byte that the vocabulary lacks is VOCAB_UNKNOWN. */
void bpe_encode(const struct bpe *b, const char *word, size_t length, struct buf *ids);

/* Encodes the words that were added to b->words since. */
void bpe_encode_new(struct bpe *b);
/* The pieces of word `id` of b->words. */
const uint32_t *bpe_pieces(const struct bpe *b, uint32_t id, size_t *n);
/* Forgets the words, so that memory does not grow with them; ids begin anew, from 1. */
void bpe_forget(struct bpe *b);
void bpe_close(struct bpe *b);

/* For learning and encoding alike: the bytes of a word's next stretch, BPE_SHORTEST at least unless the word ends with
 * it; the characters of a stretch as symbols, at most one a byte. Returns how many. */
size_t bpe_stretch(const char *word, size_t length);
size_t bpe_characters(const struct vocab *symbols, const char *text, size_t length, uint32_t ids[BPE_STRETCH]);

#endif
