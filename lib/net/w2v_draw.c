#include "net/w2v_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/vocab.h"

enum {
    NOISE_TRIES = 16,
    PAIRED_WINDOW = 8, /* in wider ones every step has pairs enough, and whole items are best learned word by word */
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
    n->first = n->n ? n->ids[0] : 0;
    n->in_order = true;
    for (size_t rank = 0; rank < n->n; rank++)
        n->in_order &= n->ids[rank] == n->first + rank;
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

static inline uint32_t draw(const struct w2v_noise *n, struct rng *rng)
{
    uint64_t bits = rng_next(rng);
    size_t step = bits >> (64 - W2V_NOISE_BITS);
    uint32_t low = n->points[step], span = n->points[step + 1] - low;
    uint32_t point = low + (uint32_t)((bits >> (32 - W2V_NOISE_BITS) & UINT32_MAX) * span >> 32);
    uint32_t rank = point >> n->shift;
    rank = rank < n->n ? rank : (uint32_t)n->n - 1;
    return n->in_order ? n->first + rank : n->ids[rank];
}

uint32_t w2v_noise_draw(const struct w2v_noise *n, struct rng *rng)
{
    return draw(n, rng);
}

void w2v_noise_free(struct w2v_noise *n)
{
    free(n->ids);
    n->ids = NULL;
}

/* Negatives for one step: distinct, and none of its centres. A vocabulary too small for that many gives fewer. A window
 * of CBOW meets each of them but once; where two windows share them, one more makes up for that. */
static size_t draw_noise(struct w2v_draw *d, const uint32_t *centres, size_t n_centres, uint32_t *noise)
{
    const struct w2v_config *config = d->chances->config;
    size_t wanted = (size_t)config->negative, n = 0;
    if (config->model == W2V_CBOW && n_centres == 2 && wanted)
        wanted++;
    for (size_t tries = NOISE_TRIES * wanted; n < wanted && tries > 0; tries--) {
        uint32_t id = draw(&d->chances->noise, &d->rng);
        bool taken = id == centres[0] || id == centres[n_centres - 1];
        for (size_t k = 0; k < n; k++)
            taken |= noise[k] == id;
        if (!taken)
            noise[n++] = id;
    }
    return n;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

double w2v_keep(double sample, double f)
{
    double chance = sample > 0 && f > 0 ? sqrt(sample / f) + sample / f : 1;
    return fmin(chance, 1);
}

void w2v_chances_make(struct w2v_chances *c, const struct w2v_config *config, const struct w2v_corpus *corpus,
                      const struct huffman *tree)
{
    c->tree = tree;
    c->config = config;
    c->corpus = corpus;
    c->keep = mem_get(corpus->n_vocab, sizeof *c->keep);
    for (size_t id = 0; id < corpus->n_vocab; id++) {
        double share = corpus->words ? (double)corpus->counts[id] / (double)corpus->words : 0;
        c->keep[id] = (uint32_t)(w2v_keep(config->sample, share) * UINT32_MAX);
    }
    w2v_noise_make(&c->noise, corpus->counts, corpus->n_vocab);
}

void w2v_chances_free(struct w2v_chances *c)
{
    free(c->keep);
    w2v_noise_free(&c->noise);
}

void w2v_draw_open(struct w2v_draw *d, const struct w2v_chances *chances, size_t part, size_t parts, struct rng seed)
{
    d->chances = chances;
    d->seed = rng_fork(seed, "w2v.part", part);
    d->limit = w2v_sentence_words(chances->config);
    d->sentence = mem_get(d->limit, sizeof *d->sentence);
    w2v_reader_open(&d->reader, chances->corpus, part, parts);
}

void w2v_draw_epoch(struct w2v_draw *d, int64_t epoch)
{
    d->epoch = epoch;
    d->words = 0;
    d->n = d->i = 0;
    d->rng = rng_fork(d->seed, "w2v.epoch", (uint64_t)epoch);
    w2v_reader_rewind(&d->reader);
}

void w2v_draw_close(struct w2v_draw *d)
{
    free(d->sentence);
}

/* The rate falls in a straight line over the words of all epochs, to a ten-thousandth of the first. */
static real rate_now(const struct w2v_draw *d)
{
    const struct w2v_config *config = d->chances->config;
    double all = (double)d->reader.words * (double)config->epochs;
    double done = (double)d->reader.words * (double)d->epoch + (double)d->words;
    return (real)(config->rate * fmax(1 - done / all, 1e-4));
}

/* The next sentence, or as much of it as a sentence may be long: 1; 0 behind the last one. */
static int draw_sentence(struct w2v_draw *d, struct err *e)
{
    uint32_t id;
    const uint32_t *keep = d->chances->keep;
    d->n = d->i = d->seen = 0;
    d->rate = rate_now(d);
    while (d->n < d->limit) {
        int more = w2v_reader_next(&d->reader, &id, e);
        if (more < 0)
            return -1;
        if (!more)
            return d->n > 0;
        if (id == VOCAB_PAD)
            break;
        d->words++;
        if (keep[id] == UINT32_MAX || (uint32_t)rng_next(&d->rng) <= keep[id])
            d->sentence[d->n++] = id;
    }
    return 1;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

static size_t copy_words(const struct w2v_draw *d, size_t from, size_t to, uint32_t *ids)
{
    if (to > d->n)
        to = d->n;
    for (size_t p = from; p < to; p++)
        *ids++ = d->sentence[p];
    return from < to ? to - from : 0;
}

/* The words within `reach` of one centre, or of two that stand side by side: those near the first alone (one of them is
 * the second centre), near the second alone, near both. */
static struct w2v_shares copy_context(const struct w2v_draw *d, size_t centres, size_t reach, uint32_t *ids)
{
    size_t i = d->i, low = i < reach ? 0 : i - reach;
    struct w2v_shares n = {0};
    if (centres == 1) {
        n.first = copy_words(d, low, i, ids);
        n.first += copy_words(d, i + 1, i + reach + 1, ids + n.first);
        return n;
    }
    size_t first_alone = i >= reach;
    n.first = first_alone ? copy_words(d, low, low + 1, ids) : 0;
    n.first += copy_words(d, i + 1, i + 2, ids + n.first);
    ids += n.first;
    n.second = copy_words(d, i, i + 1, ids);
    n.second += copy_words(d, i + reach + 1, i + reach + 2, ids + n.second);
    ids += n.second;
    n.both = copy_words(d, low + first_alone, i, ids);
    n.both += copy_words(d, i + 2, i + reach + 1, ids + n.both);
    return n;
}

/* Room for `more` ids, and for who looks a little beyond the last one. */
static void chunk_room(struct w2v_chunk *c, size_t more)
{
    if (c->n_ids + more + W2V_CHUNK_SLACK > c->room) {
        size_t room = 2 * (c->n_ids + more + W2V_CHUNK_SLACK);
        c->ids = mem_grow(c->ids, room, sizeof *c->ids);
        memset(c->ids + c->room, 0, (room - c->room) * sizeof *c->ids);
        c->room = room;
    }
}

/* The centres and with negative sampling their negatives, or the inner nodes above the centre. */
static void draw_outputs(struct w2v_draw *d, const uint32_t *centre, struct w2v_draw_step *s, uint32_t *ids)
{
    if (d->chances->config->loss == W2V_HS) {
        size_t there;
        s->out = (uint32_t)huffman_path(d->chances->tree, *centre, ids, &there);
        s->present = (uint32_t)there;
        return;
    }
    for (size_t k = 0; k < s->centres; k++)
        ids[k] = centre[k];
    s->out = s->centres;
    if (d->chances->config->loss == W2V_NS)
        s->out += (uint32_t)draw_noise(d, centre, s->centres, ids + s->centres);
    s->present = 1;
}

/* The step of the next centre, or in narrow windows of the next two, which then share reach and negatives; a centre
 * without context has none. */
static void draw_step(struct w2v_draw *d, struct w2v_chunk *c)
{
    const struct w2v_config *config = d->chances->config;
    size_t window = (size_t)config->window, reach = window;
    const uint32_t *centre = d->sentence + d->i;
    bool paired = window <= PAIRED_WINDOW && config->loss == W2V_NS && d->i + 1 < d->n && centre[0] != centre[1];
    size_t centres = paired ? 2 : 1;
    chunk_room(c, 4 * (window + 2) + W2V_MAX_OUT);
    if (config->dynamic)
        reach = 1 + (size_t)rng_below(&d->rng, window);
    struct w2v_draw_step *s = &c->steps[c->n];
    uint32_t *ids = c->ids + c->n_ids;
    *s = (struct w2v_draw_step){.at = c->n_ids, .centres = (uint32_t)centres, .rate = d->rate};
    s->shares = copy_context(d, centres, reach, ids);
    s->in = (uint32_t)(s->shares.both + s->shares.first + s->shares.second);
    if (s->in) {
        ids += s->in;
        draw_outputs(d, centre, s, ids);
    }
    if (s->out) {
        size_t far = d->i + centres + window;
        s->fetch = (uint32_t)copy_words(d, d->seen, far, ids + s->out);
        d->seen = far;
        c->n_ids += s->in + s->out + s->fetch;
        c->n++;
    }
    d->i += centres;
}

int w2v_draw_chunk(struct w2v_draw *d, struct w2v_chunk *c, struct err *e)
{
    c->n = c->n_ids = 0;
    c->last = false;
    while (c->n < W2V_CHUNK_STEPS) {
        if (d->i < d->n) {
            draw_step(d, c);
            continue;
        }
        int more = draw_sentence(d, e);
        if (more < 0)
            return -1;
        if (!more) {
            c->last = true;
            break;
        }
    }
    c->words = d->words;
    return 0;
}

void w2v_chunk_free(struct w2v_chunk *c)
{
    free(c->ids);
    *c = (struct w2v_chunk){0};
}
