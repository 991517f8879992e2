/* text_tokens: parts of items into a stream of ids, in front of it the vocabulary.
 *
 * Applying a vocabulary streams as it reads. Learning one spools the ids (the text too where it is kept) into a file
 * without a name and writes everything when the text has ended; memory then grows with the number of different words
 * alone, up to a bound where there is one. Labels and tags are always spooled, since their vocabulary may have to grow.
 *
 * At level bpe tokens are the segments of a text, white space among them. A blank goes to the segment behind it, and
 * what that makes is a word for bpe.h, which divides it into pieces: these are the tokens of the stream. While
 * learning, ids of words are what is spooled. A row then may become several, so that none has more than TEXT_PART ids;
 * kept text stands at the first piece of its word.
 *
 * Columns: ids.offsets u64[N+1], ids u32, continued bool[N]; label u32[N] (that of an item on each of its parts) or
 * tags u32 over ids; with kept text tok.offsets u64[N+1], tok.text.offsets u64[T+1] over tok, tok.text utf8. Of pairs
 * all of them twice, with src. and tgt. in front. The vocabulary is vocab.*; of pairs src.vocab.* and tgt.vocab.*,
 * unless both sides share one, which is vocab.* again; then label.vocab.* or tag.vocab.*. Where tags are nothing but
 * `_` (not annotated), neither they nor their vocabulary are written. */
#ifndef DATA_TEXT_TOKENS_H
#define DATA_TEXT_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "data/bpe.h"
#include "data/text_classes.h"
#include "data/text_item.h"
#include "data/vocab_learn.h"

enum { TEXT_LOT = 1 << 14 }; /* ids that are gathered before anything is done with them */

enum text_extra { TEXT_NO_CLASSES, TEXT_LABELS, TEXT_TAGS };

/* Zero-initialize, set the first five; text_tokens_close at the end. */
struct text_tokens {
    bool pairs;  /* items have two sides */
    bool shared; /* one vocabulary for both */
    bool keep_text;
    size_t bound;             /* words to know at a time while learning (vocab_learn.h); 0: any number */
    enum text_extra extra;    /* what else an item (not of pairs) or a token brings */
    uint64_t tokens, unknown; /* in all; those that became <unk> */
    struct text_classes
        classes; /* labels or tags; may be read, and its vocabulary's meta be set before it is written */
    /* private */
    bool learning, spooling;
    bool pieces; /* level bpe */
    struct vocab vocab[2];
    struct vocab_learn learn[2];
    char *parents; /* digests of where the vocabulary was read */
    struct text_part {
        uint32_t *ids, *lengths; /* [TEXT_LOT + TEXT_PART + 1]; lengths of the kept text */
        size_t n;
        struct vocab_batch next; /* words behind these whose ids are not looked up yet */
        struct buf text;
        struct buf ends;     /* u32: of rows (text_rows.h) */
        bool blank;          /* level bpe: waits for the next segment, */
        size_t blank_length; /* and what it was in the text */
    } part[2];               /* those at hand */
    struct text_part row[2]; /* the same in pieces */
    struct bpe bpe[2];
    struct buf word; /* scratch: one with its blank */
    uint32_t *tags;  /* of the row at hand */
    uint32_t label;  /* of the item at hand */
    struct spool spool;
    struct side_columns {
        struct buf offsets, ids, continued, text_offsets, text;
    } columns[2];
    struct buf class_column;
    uint64_t n, bytes; /* of the batch at hand */
    struct sink *sink;
};

/* The bound that a vocabulary of `max_words` words is learnt with: ten times as many, a million at least; 0 of 0. */
size_t text_tokens_bound(size_t max_words);
/* Begins to learn. */
void text_tokens_learn(struct text_tokens *t, const struct text_options *o);

/* Reads the vocabulary of a stream or model, which must be whole; sets `shared`. The tokenizer's options are set as
 * the vocabulary has them (text_options_restore). */
int text_tokens_load(struct text_tokens *t, const char *path, struct opt_group *groups, struct err *e);
/* Begins to apply it: writes it behind the HEAD that `sink` has got. */
int text_tokens_apply(struct text_tokens *t, const struct text_options *o, struct sink *sink, struct err *e);

/* For a text_part_receiver whose context is a struct text_tokens. */
int text_tokens_add(void *tokens, int side, const struct text_word *words, size_t n, struct err *e);
int text_tokens_part(void *tokens, bool continued, struct err *e);
int text_tokens_label(void *tokens, const char *label, size_t length, struct err *e);

/* Writes what was learnt, the vocabulary (vocab_prune), behind the HEAD that `sink` has got. */
int text_tokens_learnt(struct text_tokens *t, const struct text_options *o, uint64_t min_count, size_t max_words,
                       struct sink *sink, struct err *e);
/* How much too low a word's count may be, since words were forgotten. */
uint64_t text_tokens_error(const struct text_tokens *t);
/* Are there labels, or tags that say something? */
bool text_tokens_classified(const struct text_tokens *t);
/* Writes everything that was spooled, and the last batch, and ends the segment. */
int text_tokens_end(struct text_tokens *t, struct err *e);
void text_tokens_close(struct text_tokens *t);

#endif
