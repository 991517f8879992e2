/* Training: turns of a few hundred steps in every stream, by one thread or several. */
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/par.h"
#include "net/w2v_draw.h"
#include "net/w2v_subword.h"

enum { AHEAD = 4, LINE = 64, SPINS = 2000 };

/* One place of the corpus. Steps stand in one order over all streams: 0 of stream 0, 0 of stream 1, ..., 1 of stream 0, ... */
struct stream {
    _Alignas(LINE) atomic_size_t done; /* steps of this turn */
    _Alignas(LINE) struct w2v_draw draw;
    struct w2v_chunk chunks[2], *now, *next; /* learned from, drawn */
    int drawn;
    struct err draw_error;
    struct w2v_loss loss;
    double sum; /* of losses, of this turn */
    uint64_t pairs;
};

struct training {
    struct w2v *w;
    const struct w2v_config *config;
    struct w2v_chances chances;
    struct stream *streams;
    size_t n_streams, n_tasks;
    bool waiting;                 /* threads wait for each other */
    bool apart;                   /* one thread learns, the other draws */
    bool again;                   /* this turn was learned from before a checkpoint: it is drawn alone */
    struct w2v_learner *learners; /* [n_tasks] */
    struct w2v_at *at;
    const struct w2v_watch *watch;
};

/* ---- Steps that share rows --------------------------------------------------------------------------------------- */

static bool share_one(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
    uint32_t same = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            same |= a[i] == b[k];
    return same;
}

static bool share_rows(const struct w2v_chunk *a, size_t i, const struct w2v_chunk *b, size_t k)
{
    const struct w2v_draw_step *s = &a->steps[i], *o = &b->steps[k];
    const uint32_t *x = a->ids + s->at, *y = b->ids + o->at;
    return share_one(x, s->in, y, o->in) || share_one(x + s->in, s->out, y + o->in, o->out);
}

static void wait_until(const struct stream *o, size_t done)
{
    for (int spin = 0; atomic_load_explicit(&o->done, memory_order_acquire) < done; spin++)
        if (spin < SPINS)
#ifdef __x86_64__
            __builtin_ia32_pause();
#else
            ;
#endif
        else
            sched_yield();
}

/* Waits until every earlier step that shares a row with step k of stream s is done. */
static void wait_for_turn(const struct training *t, size_t s, size_t k)
{
    for (size_t other = 0; other < t->n_streams; other++) {
        const struct stream *o = &t->streams[other];
        size_t earlier = k + (other < s), n = o->now->n;
        if (other == s)
            continue;
        if (earlier > n)
            earlier = n;
        size_t done = atomic_load_explicit(&o->done, memory_order_acquire);
        while (earlier > done && !share_rows(t->streams[s].now, k, o->now, earlier - 1))
            earlier--;
        if (earlier > done)
            wait_until(o, earlier);
    }
}

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

/* Fetches the rows that step k takes and those before did not, into the second-level cache: the first has no room for them
 * before they are used. (Not inlined it would be a function without effect, and left out.) */
static inline __attribute__((always_inline)) void fetch_rows(const struct w2v *w, const struct w2v_chunk *c, size_t k)
{
    if (k >= c->n)
        return;
    const struct w2v_draw_step *s = &c->steps[k];
    const uint32_t *ids = c->ids + s->at + s->in;
    for (size_t i = 0; i < s->out + s->fetch; i++) {
        const char *row = (const char *)((i < s->out ? w->out : w->in) + ids[i] * w->stride);
        for (size_t at = 0; at < w->stride * sizeof(real); at += LINE)
            __builtin_prefetch(row + at, 0, 2);
        if (w->sub && i >= s->out)
            w2v_subwords_fetch(w, ids[i]);
    }
}

static void learn_step(struct training *t, struct w2v_learner *l, size_t stream, size_t k)
{
    struct stream *s = &t->streams[stream];
    const struct w2v_draw_step *step = &s->now->steps[k];
    const uint32_t *ids = s->now->ids + step->at;
    struct w2v_windows windows = {.in = ids,
                                  .out = ids + step->in,
                                  .shares = step->shares,
                                  .centres = step->centres,
                                  .n_out = step->out,
                                  .rate = step->rate,
                                  .present = step->present};
    fetch_rows(t->w, s->now, k + AHEAD);
    if (t->waiting)
        wait_for_turn(t, stream, k);
    w2v_learn(l, &windows, &s->loss);
    if (t->waiting)
        atomic_store_explicit(&s->done, k + 1, memory_order_release);
    s->pairs +=
        t->config->model == W2V_CBOW ? step->centres : 2 * step->shares.both + step->shares.first + step->shares.second;
}

/* Learns from every `every`-th stream in turn, from the first on. */
static void learn_streams(struct training *t, struct w2v_learner *l, size_t first, size_t every)
{
    size_t longest = 0;
    for (size_t s = first; s < t->n_streams; s += every)
        if (t->streams[s].now->n > longest)
            longest = t->streams[s].now->n;
    for (size_t k = 0; k < longest; k++)
        for (size_t s = first; s < t->n_streams; s += every)
            if (k < t->streams[s].now->n)
                learn_step(t, l, s, k);
    w2v_settle(l);
    for (size_t s = first; s < t->n_streams; s += every)
        t->streams[s].sum += w2v_loss_take(&t->streams[s].loss);
}

/* Draws what comes next in them. */
static void draw_streams(struct training *t, size_t first, size_t every)
{
    for (size_t s = first; s < t->n_streams; s += every) {
        struct stream *own = &t->streams[s];
        own->drawn = w2v_draw_chunk(&own->draw, own->next, &own->draw_error);
    }
}

/* A thread's part of a turn. */
static void turn(void *context, size_t low, size_t high)
{
    struct training *t = context;
    for (size_t task = low; task < high; task++) {
        size_t first = t->apart ? 0 : task, every = t->apart ? 1 : t->n_tasks;
        if (!t->again && (!t->apart || task == 0))
            learn_streams(t, &t->learners[task], first, every);
        if (!t->apart || task == 1)
            draw_streams(t, first, every);
    }
}

/* ---- Reports ----------------------------------------------------------------------------------------------------- */

static int diverged(const struct training *t, const char *what, struct err *e)
{
    return err_fail(e, STATUS_DIVERGED,
                    "training diverged: %s is no longer a finite number in epoch %lld (try a smaller --lr than %g)",
                    what, (long long)t->at->epoch + 1, t->config->rate);
}

/* Words of the corpus behind what has been learned. */
static uint64_t words_now(const struct training *t)
{
    uint64_t words = t->chances.corpus->words * t->at->epoch;
    for (size_t s = 0; s < t->n_streams; s++)
        words += t->streams[s].now->words;
    return words;
}

static bool ended(const struct training *t)
{
    for (size_t s = 0; s < t->n_streams; s++)
        if (!t->streams[s].now->last)
            return false;
    return true;
}

static int report_now(struct training *t, struct err *e)
{
    struct w2v_at *at = t->at;
    struct w2v_report r = {.epoch = (int64_t)at->epoch + 1,
                           .words = at->words,
                           .pairs = at->pairs,
                           .loss = at->pairs ? at->loss / (double)at->pairs : 0,
                           .rate = (double)t->streams[0].draw.rate,
                           .epoch_ended = ended(t)};
    if (!isfinite(r.loss))
        return diverged(t, "the loss", e);
    at->reported = r.words;
    at->pairs = 0;
    at->loss = 0;
    return t->watch->report(t->watch->context, &r, e);
}

static int check_finite(const struct training *t, struct err *e)
{
    const struct w2v *w = t->w;
    for (size_t i = 0; i < w->v * w->stride; i++)
        if (!isfinite(w->in[i]) || !isfinite(w->out[i]))
            return diverged(t, "a vector", e);
    return 0;
}

/* ---- Epochs ------------------------------------------------------------------------------------------------------ */

/* What was drawn is what comes now. */
static int advance(struct training *t, struct err *e)
{
    for (size_t s = 0; s < t->n_streams; s++) {
        struct stream *one = &t->streams[s];
        struct w2v_chunk *drawn = one->next;
        if (one->drawn < 0) {
            *e = one->draw_error;
            return -1;
        }
        one->next = one->now;
        one->now = drawn;
        atomic_store_explicit(&one->done, 0, memory_order_relaxed);
    }
    return 0;
}

/* A turn is done: what it has cost, and where that leaves training. */
static int end_turn(struct training *t, struct err *e)
{
    struct w2v_at *at = t->at;
    at->turn++;
    at->words = words_now(t);
    for (size_t s = 0; s < t->n_streams; s++) {
        at->loss += t->streams[s].sum;
        at->pairs += t->streams[s].pairs;
        t->streams[s].sum = 0;
        t->streams[s].pairs = 0;
    }
    if (ended(t))
        w2v_subwords_compose(t->w);
    return ended(t) || at->words - at->reported >= W2V_REPORT_WORDS ? report_now(t, e) : 0;
}

static int save_where_due(struct training *t, bool epoch_ended, struct err *e)
{
    const struct w2v_watch *watch = t->watch;
    if (!watch->due || !watch->due(watch->context, epoch_ended))
        return 0;
    if (!epoch_ended)
        w2v_subwords_compose(t->w);
    return !epoch_ended && check_finite(t, e) < 0 ? -1 : watch->save(watch->context, e);
}

static int train_epoch(struct training *t, struct err *e)
{
    uint64_t turns = 0;
    for (size_t s = 0; s < t->n_streams; s++) {
        struct stream *one = &t->streams[s];
        w2v_draw_epoch(&one->draw, (int64_t)t->at->epoch);
        one->drawn = w2v_draw_chunk(&one->draw, one->next, &one->draw_error);
    }
    do {
        if (advance(t, e) < 0)
            return -1;
        t->again = turns++ < t->at->turn;
        par_for(t->n_tasks, 1, turn, t);
        if ((!t->again && end_turn(t, e) < 0) || (!ended(t) && save_where_due(t, false, e) < 0))
            return -1;
    } while (!ended(t));
    if (turns < t->at->turn)
        return err_fail(e, STATUS_DATA, "turn %llu of an epoch of %llu is to come next",
                        (unsigned long long)t->at->turn + 1, (unsigned long long)turns);
    if (check_finite(t, e) < 0)
        return -1;
    t->at->epoch++;
    t->at->turn = 0;
    return save_where_due(t, true, e);
}

static void open_streams(struct training *t, struct rng seed)
{
    t->streams = mem_aligned(t->n_streams, sizeof *t->streams);
    t->learners = mem_get(t->n_tasks, sizeof *t->learners);
    for (size_t s = 0; s < t->n_streams; s++) {
        struct stream *one = &t->streams[s];
        w2v_draw_open(&one->draw, &t->chances, s, t->n_streams, seed);
        w2v_loss_start(&one->loss);
        one->now = &one->chunks[0];
        one->next = &one->chunks[1];
    }
    for (size_t i = 0; i < t->n_tasks; i++) {
        w2v_learner_open(&t->learners[i], t->w, (enum w2v_kind)t->config->model);
        if (t->config->loss == W2V_SOFTMAX)
            w2v_learner_softmax(&t->learners[i], t->chances.corpus->counts);
    }
}

static void close_streams(struct training *t)
{
    for (size_t s = 0; s < t->n_streams; s++) {
        w2v_draw_close(&t->streams[s].draw);
        w2v_chunk_free(&t->streams[s].chunks[0]);
        w2v_chunk_free(&t->streams[s].chunks[1]);
    }
    for (size_t i = 0; i < t->n_tasks; i++)
        w2v_learner_close(&t->learners[i]);
    free(t->streams);
    free(t->learners);
}

int w2v_train(struct w2v *w, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed,
              struct w2v_at *at, const struct w2v_watch *watch, struct err *e)
{
    struct training t = {.w = w, .config = config, .at = at, .watch = watch};
    size_t threads = (size_t)par_threads();
    int result = 0;
    if (!at->turn)
        at->places = config->lock_free ? threads : W2V_STREAMS;
    t.n_streams = at->places;
    t.n_tasks = threads < t.n_streams ? threads : t.n_streams;
    if (config->loss == W2V_SOFTMAX)
        t.n_tasks = 1;                              /* whose steps are shared by all threads */
    bool shared = config->loss == W2V_HS || w->sub; /* every step shares a row with every other, or may */
    t.apart = t.n_tasks > 1 && !config->lock_free && shared;
    t.waiting = t.n_tasks > 1 && !config->lock_free && !t.apart;
    w2v_chances_make(&t.chances, config, corpus, &w->tree);
    open_streams(&t, seed);
    while (result == 0 && at->epoch < (uint64_t)config->epochs)
        result = train_epoch(&t, e);
    close_streams(&t);
    w2v_chances_free(&t.chances);
    return result;
}
