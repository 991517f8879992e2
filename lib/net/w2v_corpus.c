#include "net/w2v_corpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"
#include "data/vocab.h"

enum {
    MARKS = 4096,
    LONG_SENTENCE = 1 << 16, /* words, or this many times a mark's spacing: then it is marked within */
    LONG_SPACINGS = 16,
};

void w2v_corpus_open(struct w2v_corpus *c, size_t n_vocab)
{
    *c = (struct w2v_corpus){.n_vocab = n_vocab,
                             .counts = mem_get(n_vocab, sizeof *c->counts),
                             .marks = mem_get(MARKS, sizeof *c->marks),
                             .spacing = 1,
                             .hash = XXH3_createState()};
    if (!c->hash)
        mem_exhausted(1);
    XXH3_128bits_reset(c->hash);
}

static int put(struct w2v_corpus *c, uint32_t value, struct err *e)
{
    unsigned char bytes[5];
    size_t n = 0;
    for (; value >= 128; value >>= 7)
        bytes[n++] = (unsigned char)(value | 128);
    bytes[n++] = (unsigned char)value;
    c->bytes += n;
    return spool_add(&c->spool, bytes, n, e);
}

/* A word comes that one may begin with: marks it, unless the last mark is near. When there are many, every second one
 * goes, so that they take the same memory for any corpus. */
static void mark(struct w2v_corpus *c)
{
    uint64_t since = c->n_marks ? c->words - c->marks[c->n_marks - 1].word : c->spacing;
    uint64_t within = LONG_SPACINGS * c->spacing > LONG_SENTENCE ? LONG_SPACINGS * c->spacing : LONG_SENTENCE;
    if (since < (c->open ? within : c->spacing))
        return;
    if (c->n_marks == MARKS) {
        c->n_marks /= 2;
        for (size_t i = 0; i < c->n_marks; i++)
            c->marks[i] = c->marks[2 * i];
        c->spacing *= 2;
    }
    c->marks[c->n_marks++] = (struct w2v_mark){c->bytes, c->words};
}

static int sentence_end(struct w2v_corpus *c, struct err *e)
{
    if (!c->open)
        return 0;
    c->open = false;
    c->sentences++;
    return put(c, VOCAB_PAD, e);
}

int w2v_corpus_add(struct w2v_corpus *c, const uint32_t *ids, size_t n, bool continued, struct err *e)
{
    const uint64_t item[] = {n, continued};
    XXH3_128bits_update(c->hash, item, sizeof item);
    XXH3_128bits_update(c->hash, ids, n * sizeof *ids);
    if (!continued && sentence_end(c, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ids[i];
        if (id >= c->n_vocab)
            return err_fail(e, STATUS_DATA, "token %zu: id %u is beyond the vocabulary of %zu words", i, id,
                            c->n_vocab);
        if (id == VOCAB_PAD || id == VOCAB_UNKNOWN) {
            c->unknown++;
            continue;
        }
        mark(c);
        c->counts[id]++;
        c->words++;
        c->open = true;
        if (put(c, id, e) < 0)
            return -1;
    }
    return 0;
}

int w2v_corpus_finish(struct w2v_corpus *c, struct err *e)
{
    XXH128_hash_t digest = XXH3_128bits_digest(c->hash);
    snprintf(c->digest, sizeof c->digest, "%016" PRIx64 "%016" PRIx64, digest.high64, digest.low64);
    return sentence_end(c, e) < 0 ? -1 : spool_rewind(&c->spool, e);
}

void w2v_corpus_close(struct w2v_corpus *c)
{
    spool_close(&c->spool);
    free(c->counts);
    free(c->marks);
    XXH3_freeState(c->hash);
    *c = (struct w2v_corpus){0};
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

/* Where part `part` begins: at the first mark that is not too early. */
static struct w2v_mark start_of(const struct w2v_corpus *c, size_t part, size_t parts)
{
    uint64_t wanted = c->words / parts * part + c->words % parts * part / parts;
    for (size_t i = 0; part < parts && i < c->n_marks; i++)
        if (c->marks[i].word >= wanted)
            return c->marks[i];
    return (struct w2v_mark){c->bytes, c->words};
}

void w2v_reader_open(struct w2v_reader *r, const struct w2v_corpus *corpus, size_t part, size_t parts)
{
    struct w2v_mark from = start_of(corpus, part, parts), to = start_of(corpus, part + 1, parts);
    r->corpus = corpus;
    r->from = from.byte;
    r->to = to.byte;
    r->words = to.word - from.word;
    w2v_reader_rewind(r);
}

void w2v_reader_rewind(struct w2v_reader *r)
{
    r->next = r->from;
    r->at = r->n = 0;
}

static int fill(struct w2v_reader *r, struct err *e)
{
    uint64_t left = r->to - r->next;
    size_t n = left < W2V_READER_BLOCK ? left : W2V_READER_BLOCK;
    if (n && spool_read(&r->corpus->spool, r->next, r->block, n, e) < 0)
        return -1;
    r->next += n;
    r->at = 0;
    r->n = n;
    return n > 0;
}

int w2v_reader_next(struct w2v_reader *r, uint32_t *id, struct err *e)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (r->at == r->n) {
            int more = fill(r, e);
            if (more <= 0)
                return more;
        }
        unsigned char byte = r->block[r->at++];
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *id = value;
            return 1;
        }
    }
}
