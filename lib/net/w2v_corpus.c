#include "net/w2v_corpus.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/vocab.h"

enum { BLOCK = 1 << 18 };

int w2v_corpus_open(struct w2v_corpus *c, size_t n_vocab, struct err *e)
{
    *c = (struct w2v_corpus){.fd = spool_open(e), .n_vocab = n_vocab};
    if (c->fd < 0)
        return -1;
    c->counts = mem_get(n_vocab, sizeof *c->counts);
    return 0;
}

static int flush(struct w2v_corpus *c, struct err *e)
{
    int result = file_write(c->fd, c->block.data, c->block.len, e);
    buf_clear(&c->block);
    return result < 0 ? err_where(e, "spooling the words") : 0;
}

static int put(struct w2v_corpus *c, uint32_t value, struct err *e)
{
    if (c->block.len + 5 > BLOCK && flush(c, e) < 0)
        return -1;
    char *to = buf_room(&c->block, 5), *start = to;
    for (; value >= 128; value >>= 7)
        *to++ = (char)(value | 128);
    *to++ = (char)value;
    c->block.len += (size_t)(to - start);
    return 0;
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
    return sentence_end(c, e) < 0 || flush(c, e) < 0 ? -1 : 0;
}

int w2v_corpus_rewind(struct w2v_corpus *c, struct err *e)
{
    buf_clear(&c->block);
    c->at = 0;
    return lseek(c->fd, 0, SEEK_SET) < 0 ? err_system(e, "going back in the spooled words") : 0;
}

/* The next block of the spool; 0 at its end. */
static int refill(struct w2v_corpus *c, struct err *e)
{
    buf_clear(&c->block);
    long n = file_read(c->fd, buf_room(&c->block, BLOCK), BLOCK, e);
    if (n < 0)
        return err_where(e, "reading the spooled words");
    c->block.len = (size_t)n;
    c->at = 0;
    return n > 0;
}

int w2v_corpus_next(struct w2v_corpus *c, uint32_t *id, struct err *e)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (c->at == c->block.len) {
            int more = refill(c, e);
            if (more <= 0)
                return more;
        }
        unsigned char byte = (unsigned char)c->block.data[c->at++];
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) {
            *id = value;
            return 1;
        }
    }
}

void w2v_corpus_close(struct w2v_corpus *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->counts);
    buf_free(&c->block);
    *c = (struct w2v_corpus){.fd = -1};
}
