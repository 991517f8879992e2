#include "data/text_classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int text_classes_read(struct text_classes *c, const struct segment *segment, bool first, struct err *e)
{
    char name[32];
    snprintf(name, sizeof name, "%svocab.text", c->prefix);
    bool has = segment_find(segment, name) != NULL;
    if (first) {
        c->known = has;
        if (!has)
            return 0;
        if (vocab_read(&c->vocab, c->prefix, segment, e) < 0)
            return -1;
        c->n_known = c->vocab.n;
        return 0;
    }
    struct vocab again = {0};
    if (has != c->known)
        return err_fail(e, STATUS_DATA, "one of its segments has '%s' and another has not", name);
    int result = !has ? 0 : vocab_read(&again, c->prefix, segment, e) < 0 ? -1 : vocab_again(&c->vocab, &again, e);
    vocab_free(&again);
    return result;
}

int text_classes_add(struct text_classes *c, const char *text, size_t length, struct err *e)
{
    uint32_t id = vocab_add(&c->vocab, text, length);
    if (id >= c->n_known)
        c->vocab.counts[id]++; /* those of known ones say how often they were seen in training */
    c->n++;
    c->unknown += c->known && id >= c->n_known;
    c->annotated = c->annotated || length != 1 || *text != '_';
    return spool_add(&c->spool, &id, sizeof id, e);
}

int text_classes_write(struct text_classes *c, struct sink *sink, struct err *e)
{
    c->map = vocab_sort(&c->vocab, c->n_known);
    return vocab_write(&c->vocab, c->prefix, sink, e) < 0 ? -1 : spool_rewind(&c->spool, e);
}

int text_classes_next(struct text_classes *c, uint32_t *ids, size_t n, struct err *e)
{
    if (n && spool_next(&c->spool, ids, n * sizeof *ids, e) <= 0)
        return e->status ? -1 : err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    for (size_t i = 0; i < n; i++)
        ids[i] = c->map[ids[i]];
    return 0;
}

void text_classes_close(struct text_classes *c)
{
    vocab_free(&c->vocab);
    spool_close(&c->spool);
    free(c->map);
    *c = (struct text_classes){0};
}
