#include "net/w2v_turn.h"

#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/par.h"
#include "net/w2v_subword.h"

enum {
    AHEAD = 4, /* steps, that rows are fetched ahead */
    LINE = 64,
    SPINS = 2000,
    PATIENCE = 200000,    /* ns: some hundred steps; who waits longer waits for a thread that does not run */
    SOLO_FIRST = 4,       /* turns taken alone, to know the pace; where two threads do not pay, */
    SOLO_LEAST = 64,      /* turns, a few hundredths of a second, */
    SOLO_MOST = 4096,     /* and some seconds */
    FREE_WORDS = 1 << 16, /* lock-free, words a place learns from before all meet */
};

/* ---- Steps that share rows --------------------------------------------------------------------------------------- */

/* Four at a time, so that b may be looked at a little beyond its end (W2V_CHUNK_SLACK): who waits once too often loses
 * little. */
static bool share_one(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
    typedef uint32_t four __attribute__((vector_size(16), aligned(4)));
    four same = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k += 4)
            same |= (four)(*(const four *)(b + k) == a[i]);
    return same[0] | same[1] | same[2] | same[3];
}

static bool share_rows(const struct w2v_chunk *a, size_t i, const struct w2v_chunk *b, size_t k)
{
    const struct w2v_draw_step *s = &a->steps[i], *o = &b->steps[k];
    const uint32_t *x = a->ids + s->at, *y = b->ids + o->at;
    return share_one(x, s->in, y, o->in) || share_one(x + s->in, s->out, y + o->in, o->out);
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void relax(unsigned spin)
{
#ifdef __x86_64__
    if (spin % SPINS)
        __builtin_ia32_pause();
    else
#endif
        sched_yield();
}

/* Behind this nobody else learns any more in this turn: they had not begun and will not, have handed over, or were
 * done. */
static void wait_for_all(struct w2v_turns *t, size_t task)
{
    for (size_t other = 0; other < t->n_tasks; other++) {
        atomic_int *state = &t->tasks[other].state;
        int waiting = W2V_WAITING;
        if (other == task || atomic_compare_exchange_strong(state, &waiting, W2V_HANDED_OVER))
            continue;
        for (unsigned spin = 1; atomic_load_explicit(state, memory_order_acquire) == W2V_LEARNING; spin++)
            relax(spin);
    }
}

/* Waits until a place has done so many steps: true; false when this task is to hand over, or has become the only
 * one. */
static bool wait_until(struct w2v_turns *t, size_t task, const struct w2v_place *o, size_t done)
{
    int64_t start = 0;
    for (unsigned spin = 1; atomic_load_explicit(&o->done, memory_order_acquire) < done; spin++) {
        relax(spin);
        if (spin % SPINS)
            continue;
        int nobody = -1;
        int64_t now = nanoseconds();
        start = start ? start : now;
        if (now - start > PATIENCE && atomic_compare_exchange_strong(&t->alone, &nobody, (int)task))
            wait_for_all(t, task);
        if (atomic_load_explicit(&t->alone, memory_order_relaxed) >= 0)
            return false;
    }
    return true;
}

/* Waits until every earlier step that shares a row with step k of a place is done; false as wait_until has it. */
static bool wait_for_turn(struct w2v_turns *t, size_t task, size_t place, size_t k)
{
    for (size_t other = 0; other < t->n_places; other++) {
        const struct w2v_place *o = &t->places[other];
        size_t earlier = k + (other < place), n = o->now->n;
        if (other % t->n_tasks == task)
            continue;
        if (earlier > n)
            earlier = n;
        size_t done = atomic_load_explicit(&o->done, memory_order_acquire);
        while (earlier > done && !share_rows(t->places[place].now, k, o->now, earlier - 1))
            earlier--;
        if (earlier > done && !wait_until(t, task, o, earlier))
            return false;
    }
    return atomic_load_explicit(&t->alone, memory_order_relaxed) < 0;
}

/* ---- Learning ---------------------------------------------------------------------------------------------------- */

/* Fetches the rows that step k takes and those before did not, into the second-level cache: the first has no room for
 * them before they are used. (Not inlined it would be a function without effect, and left out.) */
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

static void learn_step(struct w2v_turns *t, struct w2v_learner *l, struct w2v_place *p, size_t k)
{
    const struct w2v_draw_step *step = &p->now->steps[k];
    const uint32_t *ids = p->now->ids + step->at;
    struct w2v_windows windows = {.in = ids,
                                  .out = ids + step->in,
                                  .shares = step->shares,
                                  .centres = step->centres,
                                  .n_out = step->out,
                                  .rate = step->rate,
                                  .present = step->present};
    w2v_learn(l, &windows, &p->loss);
    atomic_store_explicit(&p->done, k + 1, memory_order_release);
    p->pairs +=
        t->config->model == W2V_CBOW ? step->centres : 2 * step->shares.both + step->shares.first + step->shares.second;
}

/* Does in their order what steps are left in the places first, first + every, ...; false as wait_until has it. */
static bool learn_places(struct w2v_turns *t, size_t task, size_t first, size_t every, bool waiting)
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = first; i < t->n_places; i += every) {
        size_t done = atomic_load_explicit(&t->places[i].done, memory_order_relaxed), n = t->places[i].now->n;
        least = done < least ? done : least;
        most = n > most ? n : most;
    }
    for (size_t k = least; k < most; k++)
        for (size_t i = first; i < t->n_places; i += every) {
            struct w2v_place *p = &t->places[i];
            if (k >= p->now->n || k < atomic_load_explicit(&p->done, memory_order_relaxed))
                continue;
            if (waiting) /* on its way while rows are asked for */
                __builtin_prefetch(&t->places[i + 1 < t->n_places ? i + 1 : 0].done);
            fetch_rows(t->w, p->now, k + AHEAD);
            if (waiting && !wait_for_turn(t, task, i, k))
                return false;
            learn_step(t, &t->tasks[task].learner, p, k);
        }
    w2v_settle(&t->tasks[task].learner);
    return true;
}

static void draw_place(struct w2v_place *p)
{
    p->sum += w2v_loss_take(&p->loss);
    p->drawn = w2v_draw_chunk(&p->draw, p->next, &p->draw_error);
}

static void draw_places(struct w2v_turns *t, size_t first, size_t every)
{
    for (size_t i = first; i < t->n_places; i += every)
        draw_place(&t->places[i]);
}

static void swap(struct w2v_place *p)
{
    struct w2v_chunk *drawn = p->next;
    p->next = p->now;
    p->now = drawn;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
}

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

/* All places, in this thread. */
static void turn_alone(struct w2v_turns *t)
{
    if (!t->drawn_only)
        learn_places(t, 0, 0, 1, false);
    draw_places(t, 0, 1);
}

static void turn_apart(void *context, size_t low, size_t high)
{
    struct w2v_turns *t = context;
    for (size_t task = low; task < high; task++)
        if (task > 0)
            for (size_t i = 0; i < t->n_places; i++)
                t->places[i].drawn = w2v_draw_chunk(&t->places[i].draw, t->places[i].next, &t->places[i].draw_error);
        else if (!t->drawn_only)
            learn_places(t, 0, 0, 1, false);
}

static void turn_waiting(void *context, size_t low, size_t high)
{
    struct w2v_turns *t = context;
    for (size_t task = low; task < high; task++) {
        atomic_int *state = &t->tasks[task].state;
        int waiting = W2V_WAITING;
        if (!atomic_compare_exchange_strong(state, &waiting, W2V_LEARNING))
            continue;
        if (t->drawn_only || learn_places(t, task, task, t->n_tasks, true)) {
            atomic_store_explicit(state, W2V_LEARNED, memory_order_release);
            draw_places(t, task, t->n_tasks);
        } else if (atomic_load(&t->alone) != (int)task) {
            atomic_store_explicit(state, W2V_HANDED_OVER, memory_order_release);
        } else {
            learn_places(t, task, 0, 1, false);
            for (size_t i = 0; i < t->n_places; i++)
                if (atomic_load(&t->tasks[i % t->n_tasks].state) != W2V_LEARNED)
                    draw_place(&t->places[i]);
        }
    }
}

/* One place, for a good while. */
static void turn_free(void *context, size_t low, size_t high)
{
    struct w2v_turns *t = context;
    for (size_t task = low; task < high; task++)
        for (size_t i = task; i < t->n_places; i += t->n_tasks) {
            struct w2v_place *p = &t->places[i];
            for (uint64_t start = p->now->words;; swap(p)) {
                if (!t->drawn_only)
                    for (size_t k = 0; k < p->now->n; k++) {
                        fetch_rows(t->w, p->now, k + AHEAD);
                        learn_step(t, &t->tasks[task].learner, p, k);
                    }
                w2v_settle(&t->tasks[task].learner);
                draw_place(p);
                if (p->drawn < 0 || p->now->last || p->now->words - start >= FREE_WORDS)
                    break;
            }
        }
}

/* A running mean of about the last n values. */
static void average(double *mean, double value, double n)
{
    *mean = *mean > 0 ? *mean + (value - *mean) / n : value;
}

/* All places, in several threads, which must be worth it: a turn in which one thread did not run counts for many good
 * ones, but one such turn in a hundred does no harm. */
static void turn_together(struct w2v_turns *t, size_t steps)
{
    int64_t start = nanoseconds();
    for (size_t task = 0; task < t->n_tasks; task++)
        atomic_store(&t->tasks[task].state, W2V_WAITING);
    atomic_store(&t->alone, -1);
    par_for(t->n_tasks, 1, turn_waiting, t);
    average(&t->pace_together, (double)(nanoseconds() - start) / (double)(steps + 1), 32);
    if (t->pace_together > t->pace_alone) {
        t->solo = t->penalty;
        t->penalty = 2 * t->penalty < SOLO_MOST ? 2 * t->penalty : SOLO_MOST;
        t->pace_together = t->pace_alone * 0.6; /* so that the next try has a chance */
    } else if (t->penalty > SOLO_LEAST) {
        t->penalty -= t->penalty / 16;
    }
}

static void take_turn(struct w2v_turns *t)
{
    size_t steps = 0;
    for (size_t i = 0; i < t->n_places; i++)
        steps += t->places[i].now->n;
    if (t->config->lock_free) {
        par_for(t->n_tasks, 1, turn_free, t);
    } else if (t->apart) {
        par_for(t->n_tasks, 1, turn_apart, t);
        for (size_t i = 0; i < t->n_places; i++)
            t->places[i].sum += w2v_loss_take(&t->places[i].loss);
    } else if (t->waiting && !t->solo) {
        turn_together(t, steps);
    } else {
        int64_t start = nanoseconds();
        turn_alone(t);
        average(&t->pace_alone, (double)(nanoseconds() - start) / (double)(steps + 1), 8);
        t->solo -= t->solo > 0;
    }
}

int w2v_turn(struct w2v_turns *t, bool drawn_only, struct err *e)
{
    for (size_t i = 0; i < t->n_places; i++) {
        if (t->places[i].drawn < 0) {
            *e = t->places[i].draw_error;
            return -1;
        }
        swap(&t->places[i]);
    }
    t->drawn_only = drawn_only;
    take_turn(t);
    return 0;
}

bool w2v_turns_ended(const struct w2v_turns *t)
{
    for (size_t i = 0; i < t->n_places; i++)
        if (!t->places[i].now->last)
            return false;
    return true;
}

void w2v_turns_epoch(struct w2v_turns *t, int64_t epoch)
{
    for (size_t i = 0; i < t->n_places; i++) {
        struct w2v_place *p = &t->places[i];
        w2v_draw_epoch(&p->draw, epoch);
        p->drawn = w2v_draw_chunk(&p->draw, p->next, &p->draw_error);
    }
}

void w2v_turns_open(struct w2v_turns *t, struct w2v *w, const struct w2v_config *config,
                    const struct w2v_chances *chances, size_t n_places, size_t threads, struct rng seed)
{
    bool shared = config->loss == W2V_HS || w->sub; /* every step shares a row with every other, or may */
    *t = (struct w2v_turns){.w = w, .config = config, .n_places = n_places, .solo = SOLO_FIRST, .penalty = SOLO_LEAST};
    t->n_tasks = threads < n_places ? threads : n_places;
    if (config->loss == W2V_SOFTMAX)
        t->n_tasks = 1; /* whose steps are shared by all threads */
    t->apart = t->n_tasks > 1 && !config->lock_free && shared;
    t->waiting = t->n_tasks > 1 && !config->lock_free && !shared;
    t->places = mem_aligned(n_places, sizeof *t->places);
    t->tasks = mem_aligned(t->n_tasks, sizeof *t->tasks);
    for (size_t i = 0; i < n_places; i++) {
        struct w2v_place *p = &t->places[i];
        w2v_draw_open(&p->draw, chances, i, n_places, seed);
        w2v_loss_start(&p->loss);
        p->now = &p->chunks[0];
        p->next = &p->chunks[1];
    }
    for (size_t task = 0; task < t->n_tasks; task++) {
        w2v_learner_open(&t->tasks[task].learner, w, (enum w2v_kind)config->model);
        if (config->loss == W2V_SOFTMAX)
            w2v_learner_softmax(&t->tasks[task].learner, chances->corpus->counts);
    }
}

void w2v_turns_close(struct w2v_turns *t)
{
    for (size_t i = 0; i < t->n_places; i++) {
        w2v_draw_close(&t->places[i].draw);
        w2v_chunk_free(&t->places[i].chunks[0]);
        w2v_chunk_free(&t->places[i].chunks[1]);
    }
    for (size_t task = 0; task < t->n_tasks; task++)
        w2v_learner_close(&t->tasks[task].learner);
    free(t->places);
    free(t->tasks);
}
