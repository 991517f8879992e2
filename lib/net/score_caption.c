/* Captions: from <s> and the state that an item's feature sets, word after word until </s>. */
#include "net/score_parts.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Some items at once. */
struct captions {
    struct scorer *s;
    size_t n;
    uint64_t first; /* item of the batch */
    uint32_t ids[SCORE_ROWS], spelt[SCORE_ROWS];
    bool ended[SCORE_ROWS];
    struct rng rng[SCORE_ROWS];
    struct buf words[SCORE_ROWS]; /* the stream's ids */
    real *logits;
};

/* Each row reads its last word and chooses the next; returns how many go on. */
static size_t advance(struct captions *c)
{
    struct scorer *s = c->s;
    struct model *m = &s->file->model;
    size_t going = 0;
    struct minibatch one = {.steps = 1, .rows = c->n, .ids = c->ids};
    if (m->shape.characters) {
        one.spelt = c->spelt;
        one.spellings = &s->spell.spellings;
    }
    model_forward(m, &one, s->states, s->states);
    for (size_t b = 0; b < c->n; b++) {
        if (c->ended[b])
            continue;
        model_logits(m, 0, b, c->logits);
        uint32_t id = chooser_next(&s->chooser, c->logits, &c->rng[b]);
        uint32_t own = s->from_model ? s->from_model[id] : id;
        c->ended[b] = id == s->end;
        if (c->ended[b])
            continue;
        buf_add(&c->words[b], &own, sizeof own);
        c->ids[b] = id;
        if (m->shape.characters) {
            size_t length;
            const char *text = speller_text(&s->file->words.vocab, id, &length);
            c->spelt[b] = respell_text(&s->spell, text, length);
        }
        going++;
    }
    return going;
}

static void write_group(struct captions *c, uint64_t row0)
{
    struct scorer *s = c->s;
    size_t feature = s->file->model.shape.feature;
    for (size_t b = 0; b < c->n; b++) {
        c->ids[b] = s->begin;
        c->spelt[b] = 0;
        c->ended[b] = false;
        c->rng[b] = rng_fork(s->config->rng, "caption", row0 + c->first + b);
        buf_clear(&c->words[b]);
        memcpy(s->features + b * feature, s->k->features + (c->first + b) * feature, feature * sizeof *s->features);
    }
    model_start(&s->file->model, c->n, s->features, s->states);
    for (int64_t words = 0; words < s->config->draw->max_words && advance(c); words++)
        ;
}

static int add_captions(struct batch *batch, const struct buf *offsets, const struct buf *ids, struct err *e)
{
    uint64_t n = ids->len / sizeof(uint32_t), ends = batch->n + 1;
    struct tensor t = tensor_make("pred.ids.offsets", DTYPE_U64, 1, &ends);
    memcpy(t.data, offsets->data, offsets->len);
    if (batch_add(batch, t, e) < 0)
        return -1;
    t = tensor_make("pred.ids", DTYPE_U32, 1, &n);
    if (n)
        memcpy(t.data, ids->data, ids->len);
    return batch_add(batch, t, e);
}

int score_captions(struct scorer *s, struct batch *batch, struct err *e)
{
    struct captions *c = mem_get(1, sizeof *c);
    struct buf offsets = {0}, ids = {0};
    uint64_t end = 0;
    c->s = s;
    c->logits = mem_aligned(s->file->model.outputs + CELL_LANES, sizeof *c->logits);
    buf_add(&offsets, &end, sizeof end);
    for (c->first = 0; c->first < batch->n; c->first += c->n) {
        c->n = batch->n - c->first < SCORE_ROWS ? batch->n - c->first : SCORE_ROWS;
        write_group(c, batch->row0);
        for (size_t b = 0; b < c->n; b++) {
            buf_add(&ids, c->words[b].data, c->words[b].len);
            end = ids.len / sizeof(uint32_t);
            buf_add(&offsets, &end, sizeof end);
        }
    }
    int result = add_captions(batch, &offsets, &ids, e);
    for (size_t b = 0; b < SCORE_ROWS; b++)
        buf_free(&c->words[b]);
    free(c->logits);
    free(c);
    buf_free(&offsets);
    buf_free(&ids);
    return result;
}
