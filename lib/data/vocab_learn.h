/* vocab_learn: learns a vocabulary from text that goes by once, in bounded memory where a bound is given.
 *
 * What stands in the text in place of a word, until its final id is known, is a handle (u32). Without a bound a handle
 * is the word's first id. With one, the words seen least often are forgotten whenever there are more than `bound` (as
 * word2vec's ReduceVocab does): at least the rarer half, and every word that is as rare as the most frequent of these.
 * A forgotten word's occurrences so far are <unk>'s, and its handle is used again: from the next period on it means
 * another word. When the text is read again, periods have to follow each other as they did.
 *
 * The error: a word that was forgotten and came back counts from there, so that a word's count is at most `error` lower
 * than the truth, and a word that truly is among the most frequent may be left out for another by no more than that.
 * Counts are those of the ids written, always: what is lacking in a word's count is in that of <unk>. Up to `bound`
 * different words everything is exact. */
#ifndef DATA_VOCAB_LEARN_H
#define DATA_VOCAB_LEARN_H

#include "data/vocab.h"

/* Set the first, zero the rest; vocab_learn_free at the end. */
struct vocab_learn {
    size_t bound;    /* 0: none */
    uint64_t error;  /* how much too low a count may be */
    uint64_t forgot; /* occurrences that became <unk> by being forgotten */
    /* private */
    uint32_t period;
    uint32_t *handles;                        /* [n_words] of the words known */
    uint32_t *since;                          /* [n_handles] the period since which a handle means its word */
    uint32_t *spare;                          /* [n_spare] handles that mean no word */
    size_t n_words, n_handles, n_spare, room; /* never more handles than there were words at once */
    uint32_t *final, *map;                    /* [n_handles] where handles lead in the end; and in the period at hand */
};

/* Counts a batch of words; handles[] gets one for each. */
void vocab_learn_batch(struct vocab_learn *l, struct vocab *v, struct vocab_batch *batch, uint32_t *handles);

/* Forgets rare words, if there are too many: true if a new period began. */
bool vocab_learn_forget(struct vocab_learn *l, struct vocab *v);

/* The text has ended: vocab_prune, and back to the first period. */
void vocab_learn_end(struct vocab_learn *l, struct vocab *v, uint64_t min_count, size_t max_words);

/* map[handle]: its final id, in the period at hand. */
const uint32_t *vocab_learn_map(const struct vocab_learn *l);

/* The next period begins. */
void vocab_learn_next(struct vocab_learn *l);

void vocab_learn_free(struct vocab_learn *l);

#endif
