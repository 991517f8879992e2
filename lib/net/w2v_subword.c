#include "net/w2v_subword.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"

enum {
    LINE = 64,
    MAX_GRAMS = 1 << 30, /* of all words together */
};

/* ---- The model --------------------------------------------------------------------------------------------------- */

/* Which rows each word's n-grams have. */
static int list_grams(struct w2v *w, const struct vocab *vocab, struct err *e)
{
    size_t length;
    w->gram_at = mem_get(w->v + 1, sizeof *w->gram_at);
    for (uint32_t id = 0; id < w->v; id++) {
        const char *word = vocab_word(vocab, id, &length);
        size_t n = id < VOCAB_SPECIAL ? 0 : subword_grams(&w->grams.rule, word, length, NULL);
        w->gram_at[id + 1] = w->gram_at[id] + n;
        if (w->gram_at[id + 1] > MAX_GRAMS)
            return err_fail(e, STATUS_MISUSED,
                            "--subwords: the words have more than %d n-grams (fewer lengths, or words)", MAX_GRAMS);
    }
    w->gram_rows = mem_get(w->gram_at[w->v] + 1, sizeof *w->gram_rows);
    for (uint32_t id = VOCAB_SPECIAL; id < w->v; id++) {
        uint32_t *rows = w->gram_rows + w->gram_at[id];
        const char *word = vocab_word(vocab, id, &length);
        for (size_t i = 0, n = subword_grams(&w->grams.rule, word, length, rows); i < n; i++)
            rows[i] = subwords_add(&w->grams, rows[i]);
    }
    return 0;
}

struct start {
    struct w2v *w;
    struct rng seed;
};

static void start_rows(void *context, size_t low, size_t high)
{
    const struct start *s = context;
    const struct w2v *w = s->w;
    for (size_t row = low; row < high; row++) {
        struct rng rng = rng_fork(s->seed, "w2v.sub", w->grams.buckets[row]);
        for (size_t j = 0; j < w->d; j++)
            w->sub[row * w->stride + j] = (real)((2 * rng_unit(&rng) - 1) / (double)w->d);
    }
}

int w2v_subwords_make(struct w2v *w, const struct subword_rule *rule, const struct vocab *vocab, struct rng seed,
                      struct err *e)
{
    uint64_t reals, bytes;
    w->grams = (struct subwords){.rule = *rule};
    if (list_grams(w, vocab, e) < 0)
        return -1;
    if (!mem_product(w->grams.n, w->stride, &reals) || !mem_product(reals, sizeof(real), &bytes) || bytes >> 46)
        return err_fail(e, STATUS_MISUSED, "--dim: %zu numbers for each of %zu n-grams are more than a stream can hold",
                        w->d, w->grams.n);
    w->word = mem_aligned(w->v * w->stride, sizeof(real));
    w->sub = mem_aligned(reals, sizeof(real));
    par_for(w->grams.n, 256, start_rows, &(struct start){w, seed});
    return 0;
}

void w2v_subwords_free(struct w2v *w)
{
    subwords_free(&w->grams);
    free(w->gram_at);
    free(w->gram_rows);
    free(w->word);
    free(w->sub);
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

/* The rows a word is the mean of; how many. */
static size_t parts_of(const struct w2v *w, uint32_t id, real **parts)
{
    size_t n = 0;
    parts[n++] = w->word + id * w->stride;
    for (uint64_t at = w->gram_at[id]; at < w->gram_at[id + 1]; at++)
        parts[n++] = w->sub + w->gram_rows[at] * w->stride;
    return n;
}

static real **parts_room(const struct w2v *w)
{
    size_t longest = 0;
    for (size_t id = 0; id < w->v; id++)
        if (w->gram_at[id + 1] - w->gram_at[id] > longest)
            longest = w->gram_at[id + 1] - w->gram_at[id];
    return mem_get(longest + 1, sizeof(real *));
}

static void compose(const struct w2v *w, uint32_t id, real **parts)
{
    real *vector = w->in + id * w->stride;
    size_t n = parts_of(w, id, parts);
    w->code->mean(w->stride, (struct w2v_shares){.first = n}, parts, (real *const[]){vector, vector});
}

static void compose_rows(void *context, size_t low, size_t high)
{
    const struct w2v *w = context;
    real **parts = parts_room(w);
    for (size_t id = low; id < high; id++)
        compose(w, (uint32_t)id, parts);
    free(parts);
}

void w2v_subwords_compose(struct w2v *w)
{
    if (w->sub)
        par_for(w->v, 256, compose_rows, w);
}

void w2v_subwords_fetch(const struct w2v *w, uint32_t id)
{
    size_t bytes = w->stride * sizeof(real);
    for (size_t at = 0; at < bytes; at += LINE)
        __builtin_prefetch((const char *)(w->word + id * w->stride) + at, 0, 2);
    for (uint64_t i = w->gram_at[id]; i < w->gram_at[id + 1]; i++)
        for (size_t at = 0; at < bytes; at += LINE)
            __builtin_prefetch((const char *)(w->sub + w->gram_rows[i] * w->stride) + at, 0, 2);
}

/* ---- Words that are open ----------------------------------------------------------------------------------------- */

void w2v_composer_open(struct w2v_composer *c, const struct w2v *w)
{
    *c = (struct w2v_composer){.w = w, .open = mem_get(w->v, sizeof *c->open), .parts = parts_room(w)};
}

void w2v_composer_close(struct w2v_composer *c)
{
    for (size_t i = 0; i < c->room; i++)
        free(c->queue[i].was);
    free(c->queue);
    free(c->open);
    free(c->parts);
    *c = (struct w2v_composer){0};
}

static void more_room(struct w2v_composer *c)
{
    size_t room = c->room ? 2 * c->room : 64;
    struct w2v_opened *queue = mem_get(room, sizeof *queue);
    for (size_t i = 0; i < c->room; i++)
        queue[i] = c->queue[(c->first + i) % c->room];
    for (size_t i = c->room; i < room; i++)
        queue[i].was = mem_aligned(c->w->stride, sizeof(real));
    free(c->queue);
    c->queue = queue;
    c->first = 0;
    c->room = room;
}

static void open_word(struct w2v_composer *c, uint32_t id)
{
    const struct w2v *w = c->w;
    if (c->n == c->room)
        more_room(c);
    struct w2v_opened *o = &c->queue[(c->first + c->n++) & (c->room - 1)];
    compose(w, id, c->parts);
    memcpy(o->was, w->in + id * w->stride, w->stride * sizeof *o->was);
    o->id = id;
    o->step = c->step;
    c->open[id] = true;
}

static void close_first(struct w2v_composer *c)
{
    const struct w2v *w = c->w;
    struct w2v_opened *o = &c->queue[c->first];
    const real *vector = w->in + o->id * w->stride;
    size_t n = parts_of(w, o->id, c->parts);
    for (size_t j = 0; j < w->stride; j++)
        o->was[j] = vector[j] - o->was[j];
    w->code->spread(w->stride, (struct w2v_shares){.first = n}, c->parts, (real *const[]){o->was, o->was});
    c->open[o->id] = false;
    c->first = (c->first + 1) & (c->room - 1);
    c->n--;
}

void w2v_composer_step(struct w2v_composer *c, const uint32_t *ids, size_t n)
{
    c->step++;
    while (c->n && c->queue[c->first].step + W2V_OPEN_STEPS <= c->step)
        close_first(c);
    for (size_t i = 0; i < n; i++)
        if (!c->open[ids[i]])
            open_word(c, ids[i]);
}

void w2v_composer_settle(struct w2v_composer *c)
{
    while (c->n)
        close_first(c);
}
