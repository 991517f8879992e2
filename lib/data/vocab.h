/* vocab: words and their ids, and how they travel in front of a stream.
 *
 * In a stream it is three TENSOR frames: <prefix>vocab.text.offsets u64[V+1], <prefix>vocab.text utf8 (its meta holds
 * the tokenizer's options), <prefix>vocab.count u64[V]; at level bpe a fourth, <prefix>vocab.merges u32[M, 2]. Ids are
 * u32; the first are the special tokens, then words by falling count, ties by bytes. */
#ifndef DATA_VOCAB_H
#define DATA_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/stream.h"

enum { VOCAB_PAD, VOCAB_UNKNOWN, VOCAB_BEGIN, VOCAB_END, VOCAB_SPECIAL }; /* <pad> <unk> <s> </s> */
#define VOCAB_NONE UINT32_MAX
extern const char *const vocab_special_words[VOCAB_SPECIAL];

struct vocab {
    size_t n;
    struct buf text;   /* all words end to end */
    uint64_t *offsets; /* [n + 1] */
    uint64_t *counts;  /* [n] */
    struct meta meta;  /* the tokenizer's options */
    uint32_t *merges;  /* [2 n_merges] of level bpe (bpe.h): two symbols each, in order; NULL: none */
    size_t n_merges;
    /* private: the index */
    struct vocab_slot {
        uint64_t key;  /* the first bytes of a short word, a hash of a long one */
        uint32_t form; /* a short word's length and its further bytes */
        uint32_t id;   /* id + 1, 0 empty */
    } * slots;
    size_t n_slots, room;
    uint8_t *recent; /* [n_recent] what counts lack yet: see vocab_settle */
    size_t n_recent;
    unsigned slot_bits; /* n_slots = 2^slot_bits */
};

/* Zero-initialize a vocabulary; this adds the four special tokens, count 0. */
void vocab_special(struct vocab *v);
/* Is the word of this id there, and the special token of that number? */
bool vocab_is_special(const struct vocab *v, uint32_t id);
/* The id of a word, adding it with count 0 when it is new. */
uint32_t vocab_add(struct vocab *v, const char *word, size_t length);
/* The id of a word or VOCAB_NONE. */
uint32_t vocab_find(const struct vocab *v, const char *word, size_t length);
/* A word: its bytes (not NUL-ended) and length. */
const char *vocab_word(const struct vocab *v, uint32_t id, size_t *length);

/* Words that are looked up together: memory is asked for a word's slot when the word comes and has answered when the
 * slot is looked at. Zero-initialize; vocab_batch_free at the end. Add words until vocab_batch_add says that it is
 * full, then (or before) have the ids of all of them, in order, after which the batch is empty. The vocabulary holds a
 * word at least and is otherwise left alone meanwhile. */
enum { VOCAB_BATCH = 32 };
struct vocab_batch {
    size_t n;
    struct vocab_wanted {
        struct vocab_slot slot;
        uint64_t hash;
        size_t at, length; /* in `text`: of a word that no slot holds */
    } words[VOCAB_BATCH];
    struct buf text;
};
bool vocab_batch_add(struct vocab_batch *b, const struct vocab *v, const char *word, size_t length);
/* Adds those that are new and counts each once. Counts are complete when vocab_settle has been called: up to 255 times
 * a word are noted in a byte, so that what is counted most fits into a near cache. */
void vocab_batch_count(struct vocab_batch *b, struct vocab *v, uint32_t *ids);
void vocab_settle(struct vocab *v);
/* VOCAB_NONE for those it lacks. */
void vocab_batch_find(struct vocab_batch *b, const struct vocab *v, uint32_t *ids);
void vocab_batch_free(struct vocab_batch *b);

/* Sorts words behind the special ones by falling count (ties by bytes), drops those below `min_count` and, when
 * `max_words` > 0, all but that many. new_ids[old id] gets the new id, VOCAB_UNKNOWN for what was dropped, whose counts
 * go to <unk>. Owned by the caller. */
uint32_t *vocab_prune(struct vocab *v, uint64_t min_count, size_t max_words);
/* Sorts the words from id `first` on in the same way and drops none; for vocabularies without special tokens, as those
 * of labels and tags. new_ids[old id], owned by the caller. */
uint32_t *vocab_sort(struct vocab *v, size_t first);
/* Drops the words from id `first` on that are seen fewer than `min_count` times, whose counts are added to *dropped.
 * The others stay in order: new_ids[old id], VOCAB_NONE for what was dropped; owned by the caller. */
uint32_t *vocab_drop(struct vocab *v, size_t first, uint64_t min_count, uint64_t *dropped);

/* Writes / reads the tensors; `prefix` is "", "src.", ... Reading checks offsets, that words are unique, and that
 * merges join words to a word; a vocabulary that is not there at all is STATUS_DATA. */
int vocab_write(const struct vocab *v, const char *prefix, struct sink *k, struct err *e);
int vocab_read(struct vocab *v, const char *prefix, const struct segment *segment, struct err *e);

/* Are words, order, merges and tokenizer options the same? (Counts are not looked at.) */
bool vocab_same(const struct vocab *a, const struct vocab *b);
/* Refuses, as STATUS_DATA, the vocabulary of a later segment that is not the same. */
int vocab_again(const struct vocab *first, const struct vocab *later, struct err *e);
/* map[id of `from`] = id in `to` by the word itself, VOCAB_UNKNOWN for words it lacks. Owned by the caller. */
uint32_t *vocab_map(const struct vocab *from, const struct vocab *to);

/* Sorts ids by falling counts[id], equal ones by id. */
void ids_by_count(uint32_t *ids, size_t n, const uint64_t *counts);

/* Makes the index anew, for who has set words, offsets and counts by himself; no word may stand twice. */
void vocab_index(struct vocab *v);

void vocab_free(struct vocab *v);

#endif
