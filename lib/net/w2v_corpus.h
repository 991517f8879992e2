/* w2v_corpus: the sentences a word2vec trainer goes over again and again, in a spool file and not in memory.
 *
 * A word takes one byte where its id is below 128, two below 16384, and so on; a sentence ends in a zero byte, which is
 * no word because <pad> never is. What stays in memory are the counts, and where every so many words begin, so that the
 * corpus can be read in several places at once. */
#ifndef NET_W2V_CORPUS_H
#define NET_W2V_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/spool.h"

struct w2v_corpus {
    size_t n_vocab;
    uint64_t *counts;   /* [n_vocab] of the words kept; owned */
    uint64_t words;     /* kept words in all, their sum */
    uint64_t unknown;   /* <unk> and <pad>, dropped before windows are looked at */
    uint64_t sentences; /* with at least one word */
    char digest[33];    /* of all ids and of where items end: the identity of the text */
    /* private */
    struct spool spool;
    struct XXH3_state_s *hash;
    uint64_t bytes;
    bool open; /* the sentence being added to has words */
    struct w2v_mark {
        uint64_t byte, word;
    } * marks; /* places that part-takers may begin at: starts of sentences, and in very long ones starts of words */
    size_t n_marks;
    uint64_t spacing; /* words between marks, at least */
};

/* An empty corpus over ids 0 .. n_vocab-1. */
void w2v_corpus_open(struct w2v_corpus *c, size_t n_vocab);

/* Adds an item's ids as a sentence, or to the sentence before when `continued`. An id beyond the vocabulary is
 * STATUS_DATA. */
int w2v_corpus_add(struct w2v_corpus *c, const uint32_t *ids, size_t n, bool continued, struct err *e);

/* Ends the adding. */
int w2v_corpus_finish(struct w2v_corpus *c, struct err *e);

void w2v_corpus_close(struct w2v_corpus *c);

/* Reads one of several consecutive parts of about the same number of words. */
enum { W2V_READER_BLOCK = 1 << 15 };
struct w2v_reader {
    const struct w2v_corpus *corpus;
    uint64_t words; /* of the part */
    /* private */
    uint64_t from, to, next; /* bytes: the part's, and of the block to be read next */
    size_t at, n;
    unsigned char block[W2V_READER_BLOCK];
};

/* Part `part` of `parts`; corpus must be finished and is kept. */
void w2v_reader_open(struct w2v_reader *r, const struct w2v_corpus *corpus, size_t part, size_t parts);
/* Back to the part's start. */
void w2v_reader_rewind(struct w2v_reader *r);
/* Words and sentence ends (VOCAB_PAD) in turn: 1, or 0 behind the last one. */
int w2v_reader_next(struct w2v_reader *r, uint32_t *id, struct err *e);

#endif
