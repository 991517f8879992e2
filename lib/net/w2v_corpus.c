#include "net/w2v_corpus.h"

#include <stdlib.h>

#include "base/mem.h"
#include "data/vocab.h"

void w2v_corpus_open(struct w2v_corpus *c, size_t n_vocab)
{
    *c = (struct w2v_corpus){.n_vocab = n_vocab, .counts = mem_get(n_vocab, sizeof *c->counts)};
}

static int put(struct w2v_corpus *c, uint32_t value, struct err *e)
{
    unsigned char bytes[5];
    size_t n = 0;
    for (; value >= 128; value >>= 7)
        bytes[n++] = (unsigned char)(value | 128);
    bytes[n++] = (unsigned char)value;
    return spool_add(&c->spool, bytes, n, e);
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
    return sentence_end(c, e);
}

int w2v_corpus_rewind(struct w2v_corpus *c, struct err *e)
{
    return spool_rewind(&c->spool, e);
}

int w2v_corpus_next(struct w2v_corpus *c, uint32_t *id, struct err *e)
{
    struct spool *s = &c->spool;
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (s->at == s->block.len) {
            int more = spool_fill(s, e);
            if (more <= 0)
                return more;
        }
        unsigned char byte = (unsigned char)s->block.data[s->at++];
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *id = value;
            return 1;
        }
    }
}

void w2v_corpus_close(struct w2v_corpus *c)
{
    spool_close(&c->spool);
    free(c->counts);
    *c = (struct w2v_corpus){0};
}
