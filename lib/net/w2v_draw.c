#include "net/w2v_draw.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "data/vocab.h"

enum {
    CHUNK_WORDS = 4096, /* kept words; a chunk ends with the sentence that reaches them */
    NOISE_TRIES = 16,
};

/* ---- Negatives --------------------------------------------------------------------------------------------------- */

/* count^0.75 by square roots, which round alike on every machine. */
static double mass(uint64_t count)
{
    double root = sqrt((double)count);
    return root * sqrt(root);
}

void w2v_noise_make(struct w2v_noise *n, const uint64_t *counts, size_t n_vocab)
{
    n->ids = mem_get(n_vocab + 1, sizeof *n->ids);
    n->n = 0;
    double total = 0, below = 0;
    for (size_t id = 0; id < n_vocab; id++)
        if (counts[id])
            n->ids[n->n++] = (uint32_t)id;
    ids_by_count(n->ids, n->n, counts);
    for (size_t rank = 0; rank < n->n; rank++)
        total += mass(counts[n->ids[rank]]);
    n->shift = 0;
    while (n->shift < 24 && (uint64_t)n->n << (n->shift + 1) < UINT32_MAX)
        n->shift++;
    size_t rank = 0;
    for (size_t i = 0; i < W2V_NOISE_STEPS; i++) {
        double target = total * (double)i / W2V_NOISE_STEPS;
        while (rank + 1 < n->n && below + mass(counts[n->ids[rank]]) <= target)
            below += mass(counts[n->ids[rank++]]);
        double within = rank < n->n ? (target - below) / mass(counts[n->ids[rank]]) : 0;
        n->points[i] = (uint32_t)(((double)rank + fmin(within, 1)) * (double)(1u << n->shift));
    }
    n->points[W2V_NOISE_STEPS] = (uint32_t)(n->n << n->shift);
}

uint32_t w2v_noise_draw(const struct w2v_noise *n, struct rng *rng)
{
    uint64_t bits = rng_next(rng);
    size_t step = bits >> 50;
    uint32_t low = n->points[step], span = n->points[step + 1] - low;
    uint32_t point = low + (uint32_t)((bits >> 18 & UINT32_MAX) * span >> 32);
    size_t rank = point >> n->shift;
    return n->ids[rank < n->n ? rank : n->n - 1];
}

void w2v_noise_free(struct w2v_noise *n)
{
    free(n->ids);
    n->ids = NULL;
}

/* Negatives for one window: distinct, and not its centre. A vocabulary too small for that many gives fewer. */
static void draw_noise(struct w2v_draw *d, uint32_t centre, uint32_t *noise)
{
    int64_t wanted = d->config->negative, n = 0;
    for (int64_t tries = NOISE_TRIES * wanted; n < wanted && tries > 0; tries--) {
        uint32_t id = w2v_noise_draw(&d->noise, &d->rng);
        bool taken = id == centre;
        for (int64_t k = 0; k < n; k++)
            taken |= noise[k] == id;
        if (!taken)
            noise[n++] = id;
    }
    while (n < wanted)
        noise[n++] = VOCAB_NONE;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

double w2v_keep(double sample, double f)
{
    double chance = sample > 0 && f > 0 ? sqrt(sample / f) + sample / f : 1;
    return fmin(chance, 1);
}

void w2v_draw_open(struct w2v_draw *d, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed)
{
    d->config = config;
    d->corpus = corpus;
    d->seed = seed;
    d->keep = mem_get(corpus->n_vocab, sizeof *d->keep);
    for (size_t id = 0; id < corpus->n_vocab; id++) {
        double share = corpus->words ? (double)corpus->counts[id] / (double)corpus->words : 0;
        d->keep[id] = (uint32_t)(w2v_keep(config->sample, share) * UINT32_MAX);
    }
    w2v_noise_make(&d->noise, corpus->counts, corpus->n_vocab);
    d->limit = w2v_sentence_words(config);
}

int w2v_draw_epoch(struct w2v_draw *d, int64_t epoch, struct err *e)
{
    d->epoch = epoch;
    d->words = 0;
    d->rng = rng_fork(d->seed, "w2v.epoch", (uint64_t)epoch);
    return w2v_corpus_rewind(d->corpus, e);
}

/* The rate falls in a straight line over the words of all epochs, to a ten-thousandth of the first. */
static double rate_now(const struct w2v_draw *d)
{
    double all = (double)d->corpus->words * (double)d->config->epochs;
    double done = (double)d->corpus->words * (double)d->epoch + (double)d->words;
    return d->config->rate * fmax(1 - done / all, 1e-4);
}

static void chunk_room(struct w2v_chunk *c, size_t negative)
{
    if (c->n == c->room) {
        c->room = c->room ? c->room * 2 : CHUNK_WORDS;
        c->ids = mem_grow(c->ids, c->room, sizeof *c->ids);
        c->reach = mem_grow(c->reach, c->room, sizeof *c->reach);
        c->noise = mem_grow(c->noise, c->room * negative + 1, sizeof *c->noise);
    }
    if (c->n_sentences + 2 > c->room_sentences) {
        c->room_sentences = c->room_sentences ? c->room_sentences * 2 : 64;
        c->sentences = mem_grow(c->sentences, c->room_sentences, sizeof *c->sentences);
    }
}

static void keep_word(struct w2v_draw *d, struct w2v_chunk *c, uint32_t id)
{
    size_t negative = (size_t)d->config->negative;
    chunk_room(c, negative);
    c->ids[c->n] = id;
    c->reach[c->n] = (uint32_t)d->config->window;
    if (d->config->dynamic)
        c->reach[c->n] = 1 + (uint32_t)rng_below(&d->rng, (uint64_t)d->config->window);
    draw_noise(d, id, c->noise + c->n * negative);
    c->n++;
}

/* The next sentence, or as much of it as a sentence may be long: 1; 0 behind the last one. */
static int draw_sentence(struct w2v_draw *d, struct w2v_chunk *c, struct err *e)
{
    size_t start = c->n;
    uint32_t id;
    int more;
    chunk_room(c, (size_t)d->config->negative);
    c->sentences[c->n_sentences] = (struct w2v_sentence){start, rate_now(d)};
    while (c->n - start < d->limit && (more = w2v_corpus_next(d->corpus, &id, e)) != 0) {
        if (more < 0)
            return -1;
        if (id == VOCAB_PAD)
            break;
        d->words++;
        if (d->keep[id] == UINT32_MAX || (uint32_t)rng_next(&d->rng) <= d->keep[id])
            keep_word(d, c, id);
    }
    if (c->n > start)
        c->n_sentences++;
    return d->words < d->corpus->words;
}

int w2v_draw_chunk(struct w2v_draw *d, struct w2v_chunk *c, struct err *e)
{
    c->n = c->n_sentences = 0;
    int more = d->words < d->corpus->words;
    while (more > 0 && c->n < CHUNK_WORDS)
        more = draw_sentence(d, c, e);
    if (more < 0)
        return -1;
    chunk_room(c, (size_t)d->config->negative);
    c->sentences[c->n_sentences].start = c->n;
    c->words = d->words;
    c->last = !more;
    return 0;
}

void w2v_draw_close(struct w2v_draw *d)
{
    free(d->keep);
    w2v_noise_free(&d->noise);
}

void w2v_chunk_free(struct w2v_chunk *c)
{
    free(c->ids);
    free(c->reach);
    free(c->noise);
    free(c->sentences);
    *c = (struct w2v_chunk){0};
}
