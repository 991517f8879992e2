/* Training: epochs of turns, and what is told and kept between them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/par.h"
#include "net/w2v_subword.h"
#include "net/w2v_turn.h"

struct training {
    struct w2v *w;
    const struct w2v_config *config;
    struct w2v_chances chances;
    struct w2v_turns turns;
    struct w2v_at *at;
    const struct w2v_watch *watch;
};

/* ---- Reports ----------------------------------------------------------------------------------------------------- */

/* N-grams that share rows push them by the gradients of all their words at once: a half of the buckets in use means
 * that about every other n-gram shares its own. */
static int diverged(const struct training *t, const char *what, struct err *e)
{
    const struct subwords *grams = &t->w->grams;
    char buckets[64] = "";
    if (grams->n > grams->rule.buckets / 2)
        snprintf(buckets, sizeof buckets, ", or more --buckets than %u", (unsigned)grams->rule.buckets);
    return err_fail(e, STATUS_DIVERGED,
                    "training diverged: %s is no longer a finite number in epoch %lld (try a smaller --lr than %g%s)",
                    what, (long long)t->at->epoch + 1, t->config->rate, buckets);
}

/* Words of the corpus behind what has been learned. */
static uint64_t words_now(const struct training *t)
{
    uint64_t words = t->chances.corpus->words * t->at->epoch;
    for (size_t s = 0; s < t->turns.n_places; s++)
        words += t->turns.places[s].now->words;
    return words;
}

static int report_now(struct training *t, struct err *e)
{
    struct w2v_at *at = t->at;
    struct w2v_report r = {.epoch = (int64_t)at->epoch + 1,
                           .words = at->words,
                           .pairs = at->pairs,
                           .loss = at->pairs ? at->loss / (double)at->pairs : 0,
                           .rate = (double)t->turns.places[0].draw.rate,
                           .epoch_ended = w2v_turns_ended(&t->turns)};
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

/* A turn is done: what it has cost, and where that leaves training. */
static int end_turn(struct training *t, struct err *e)
{
    struct w2v_at *at = t->at;
    at->turn++;
    at->words = words_now(t);
    for (size_t s = 0; s < t->turns.n_places; s++) {
        at->loss += t->turns.places[s].sum;
        at->pairs += t->turns.places[s].pairs;
        t->turns.places[s].sum = 0;
        t->turns.places[s].pairs = 0;
    }
    if (w2v_turns_ended(&t->turns))
        w2v_subwords_compose(t->w);
    return w2v_turns_ended(&t->turns) || at->words - at->reported >= W2V_REPORT_WORDS ? report_now(t, e) : 0;
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
    w2v_turns_epoch(&t->turns, (int64_t)t->at->epoch);
    do {
        bool again = turns++ < t->at->turn; /* learned from before a checkpoint */
        if (w2v_turn(&t->turns, again, e) < 0)
            return -1;
        if ((!again && end_turn(t, e) < 0) || (!w2v_turns_ended(&t->turns) && save_where_due(t, false, e) < 0))
            return -1;
    } while (!w2v_turns_ended(&t->turns));
    if (turns < t->at->turn)
        return err_fail(e, STATUS_DATA, "turn %llu of an epoch of %llu is to come next",
                        (unsigned long long)t->at->turn + 1, (unsigned long long)turns);
    if (check_finite(t, e) < 0)
        return -1;
    t->at->epoch++;
    t->at->turn = 0;
    return save_where_due(t, true, e);
}

int w2v_train(struct w2v *w, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed,
              struct w2v_at *at, const struct w2v_watch *watch, struct err *e)
{
    struct training t = {.w = w, .config = config, .at = at, .watch = watch};
    size_t threads = (size_t)par_threads();
    int result = 0;
    if (!at->turn)
        at->places = config->lock_free ? threads : W2V_STREAMS;
    w2v_chances_make(&t.chances, config, corpus, &w->tree);
    w2v_turns_open(&t.turns, w, config, &t.chances, at->places, threads, seed);
    while (result == 0 && at->epoch < (uint64_t)config->epochs)
        result = train_epoch(&t, e);
    w2v_turns_close(&t.turns);
    w2v_chances_free(&t.chances);
    return result;
}
