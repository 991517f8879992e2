/* text_tokens: parts of items into a stream of ids, in front of it the vocabulary.
 *
 * Applying a vocabulary streams as it reads. Learning one spools the ids (not the text) into a file without a name
 * and writes everything when the text has ended; memory then grows with the vocabulary alone.
 *
 * Columns: ids.offsets u64[N+1], ids u32, continued bool[N]; with kept text tok.offsets u64[N+1], tok.text.offsets
 * u64[T+1] over tok, tok.text utf8. Of pairs all of them twice, with src. and tgt. in front. The vocabulary is
 * vocab.*; of pairs src.vocab.* and tgt.vocab.*, unless both sides share one, which is vocab.* again. */
#ifndef DATA_TEXT_TOKENS_H
#define DATA_TEXT_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "data/text_item.h"
#include "data/vocab.h"

/* Zero-initialize, set the first three; text_tokens_close at the end. */
struct text_tokens {
    bool pairs;  /* items have two sides */
    bool shared; /* one vocabulary for both */
    bool keep_text;
    uint64_t tokens, unknown; /* in all; those that became <unk> */
    /* private */
    bool learning;
    struct vocab vocab[2];
    char *parents;     /* digests of where the vocabulary was read */
    uint32_t *part[2]; /* ids of the part at hand, [TEXT_PART] */
    size_t n_part[2];
    struct spool spool;
    struct side_columns {
        struct buf offsets, ids, continued, text_offsets, text;
    } columns[2];
    uint64_t n, bytes; /* of the batch at hand */
    struct sink *sink;
};

/* Begins to learn. */
void text_tokens_learn(struct text_tokens *t);

/* Reads the vocabulary of a stream or model, which must be whole; sets `shared`. The tokenizer's options are set as
 * the vocabulary has them (text_options_restore). */
int text_tokens_load(struct text_tokens *t, const char *path, struct opt_group *groups, struct err *e);
/* Begins to apply it: writes it behind the HEAD that `sink` has got. */
int text_tokens_apply(struct text_tokens *t, const struct text_options *o, struct sink *sink, struct err *e);

/* For a text_part_receiver whose context is a struct text_tokens. */
int text_tokens_token(void *tokens, int side, const char *word, size_t length, struct err *e);
int text_tokens_part(void *tokens, bool continued, struct err *e);

/* What was learnt: the vocabulary (vocab_prune), then everything that was spooled, behind the HEAD that `sink` has
 * got. */
int text_tokens_learnt(struct text_tokens *t, const struct text_options *o, uint64_t min_count, size_t max_words,
                       struct sink *sink, struct err *e);
/* Writes the last batch and ends the segment. */
int text_tokens_end(struct text_tokens *t, struct err *e);
void text_tokens_close(struct text_tokens *t);

#endif
