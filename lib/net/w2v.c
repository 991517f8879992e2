#include "net/w2v.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "data/vocab.h"
#include "math/gemm.h"
#include "net/w2v_draw.h"

#define AT(field) offsetof(struct w2v_config, field)

enum {
    MAX_NEGATIVE = W2V_MAX_OUT - 1,
    MAX_WINDOW = 10000,
    MAX_DIM = 16384,
    SENTENCE_WORDS = 1000,
    AHEAD = 4,
    LINE = 64
};

const struct opt w2v_options[] = {
    {"model", 'm', OPT_CHOICE, AT(model), OPT_RECORD, NULL, "skipgram", 0, 0, "skipgram|cbow",
     "predict each word of a context from its centre, or the centre from the mean of its context"},
    {"loss", 0, OPT_CHOICE, AT(loss), OPT_RECORD, NULL, "ns", 0, 0, "ns", "the loss: negative sampling"},
    {"dim", 'd', OPT_INT, AT(dim), OPT_RECORD, "N", "100", 1, MAX_DIM, NULL, "numbers in a vector"},
    {"window", 'w', OPT_INT, AT(window), OPT_RECORD, "N", "5", 1, MAX_WINDOW, NULL,
     "words a window reaches to either side, at most"},
    {"dynamic-window", 0, OPT_SWITCH, AT(dynamic), OPT_RECORD, NULL, "yes", 0, 0, NULL,
     "draw each window's reach from 1 to --window, so that near words count more"},
    {"negative", 'n', OPT_INT, AT(negative), OPT_RECORD, "N", "5", 1, MAX_NEGATIVE, NULL,
     "negatives drawn for a window"},
    {"sample", 's', OPT_REAL, AT(sample), OPT_RECORD, "X", "1e-4", 0, 1, NULL,
     "drop words that are a larger share of the text than X, the more the larger; 0: none"},
    {"epochs", 'e', OPT_INT, AT(epochs), OPT_RECORD, "N", "5", 1, 1e6, NULL, "go over the text N times"},
    {"lr", 0, OPT_REAL, AT(rate), OPT_RECORD | OPT_LOW_OPEN, "X", NULL, 0, 1e9, NULL,
     "learning rate at the start, falling to nearly 0 (default: 0.025 for skipgram, 0.05 for cbow)"},
    {0},
};

void w2v_config_settle(struct w2v_config *config)
{
    if (config->rate == 0)
        config->rate = config->model == W2V_CBOW ? 0.05 : 0.025;
}

size_t w2v_sentence_words(const struct w2v_config *config)
{
    size_t windows = 4 * (size_t)config->window;
    return windows > SENTENCE_WORDS ? windows : SENTENCE_WORDS;
}

/* ---- The model --------------------------------------------------------------------------------------------------- */

static const struct w2v_code *const code[KERN_LEVELS] = KERN_FAMILY(w2v);

struct start {
    struct w2v *w;
    const uint64_t *counts;
    struct rng seed;
};

static void start_rows(void *context, size_t low, size_t high)
{
    const struct start *s = context;
    const struct w2v *w = s->w;
    for (size_t id = low; id < high; id++) {
        struct rng rng = rng_fork(s->seed, "w2v.row", id);
        for (size_t j = 0; s->counts[id] && j < w->d; j++)
            w->in[id * w->stride + j] = (real)((rng_unit(&rng) - 0.5) / (double)w->d);
    }
}

int w2v_make(struct w2v *w, size_t v, size_t d, const uint64_t *counts, struct rng seed, struct err *e)
{
    uint64_t reals, bytes;
    size_t stride = (d + W2V_LANES - 1) / W2V_LANES * W2V_LANES;
    if (!mem_product(v, stride, &reals) || !mem_product(reals, sizeof(real), &bytes) || bytes >> 46)
        return err_fail(e, STATUS_MISUSED, "--dim: %zu numbers for each of %zu words are more than a stream can hold",
                        d, v);
    *w = (struct w2v){.v = v, .d = d, .stride = stride, .code = code[kern_level()]};
    w->in = mem_aligned(reals, sizeof(real));
    w->out = mem_aligned(reals, sizeof(real));
    w->step = mem_aligned(1, sizeof *w->step);
    w->centre = mem_aligned(2 * stride, sizeof(real));
    w->step->d = stride;
    par_for(v, 256, start_rows, &(struct start){w, counts, seed});
    return 0;
}

void w2v_pack(struct w2v *w)
{
    for (size_t id = 1; id < w->v; id++) {
        memmove(w->in + id * w->d, w->in + id * w->stride, w->d * sizeof(real));
        memmove(w->out + id * w->d, w->out + id * w->stride, w->d * sizeof(real));
    }
    w->stride = w->d;
}

void w2v_free(struct w2v *w)
{
    free(w->in);
    free(w->out);
    free(w->step);
    free(w->centre);
    free(w->rows);
    *w = (struct w2v){0};
}

/* ---- A window ---------------------------------------------------------------------------------------------------- */

/* Each context word against all outputs, as many at once as a step takes. */
static void learn_skipgram(struct w2v *w, const uint32_t *context, size_t n)
{
    struct w2v_step *s = w->step;
    while (n > 0) {
        s->n = n < W2V_MAX_IN ? n : W2V_MAX_IN;
        for (size_t i = 0; i < s->n; i++)
            s->in[i] = s->add[i] = w->in + context[i] * w->stride;
        w->code->learn(s);
        context += s->n;
        n -= s->n;
    }
}

/* The mean of the context against all outputs; what moves it moves every row. */
static void learn_cbow(struct w2v *w, const uint32_t *context, size_t n)
{
    struct w2v_step *s = w->step;
    real *mean = w->centre, *delta = mean + w->stride;
    w->rows = n > w->room ? mem_grow(w->rows, w->room = n, sizeof *w->rows) : w->rows;
    for (size_t i = 0; i < n; i++)
        w->rows[i] = w->in + context[i] * w->stride;
    w->code->mean(w->stride, n, w->rows, mean);
    memset(delta, 0, w->stride * sizeof(real));
    s->n = 1;
    s->in[0] = mean;
    s->add[0] = delta;
    w->code->learn(s);
    w->code->spread(w->stride, n, w->rows, delta);
}

void w2v_learn(struct w2v *w, enum w2v_kind kind, const uint32_t *context, size_t n, const uint32_t *out, size_t m,
               double rate, struct w2v_loss *loss)
{
    struct w2v_step *s = w->step;
    s->m = m;
    s->rate = (real)rate;
    s->loss = *loss;
    for (size_t k = 0; k < m; k++)
        s->out[k] = w->out + out[k] * w->stride;
    if (kind == W2V_CBOW)
        learn_cbow(w, context, n);
    else
        learn_skipgram(w, context, n);
    *loss = s->loss;
}

/* ---- Training ---------------------------------------------------------------------------------------------------- */

struct training {
    struct w2v *w;
    const struct w2v_config *config;
    struct w2v_draw draw;
    struct w2v_chunk chunks[2], *now, *next; /* learned from, drawn */
    int drawn;
    struct err draw_error;
    struct w2v_loss loss; /* since the last report */
    uint64_t pairs, reported;
    uint32_t *context; /* room for the widest window */
};

static inline void fetch_row(const struct w2v *w, const real *matrix, uint32_t id)
{
    const char *row = (const char *)(matrix + id * w->stride);
    for (size_t at = 0; at < w->stride * sizeof(real); at += LINE)
        __builtin_prefetch(row + at);
}

/* Rows that windows soon to come need, so that they are here by then: the outputs of word i, and the input that enters. */
static void fetch_ahead(const struct training *t, size_t i)
{
    const struct w2v_chunk *c = t->now;
    size_t negative = (size_t)t->config->negative, window = (size_t)t->config->window;
    if (i < c->n) {
        fetch_row(t->w, t->w->out, c->ids[i]);
        for (size_t k = 0; k < negative; k++)
            if (c->noise[i * negative + k] != VOCAB_NONE)
                fetch_row(t->w, t->w->out, c->noise[i * negative + k]);
    }
    if (i + window < c->n)
        fetch_row(t->w, t->w->in, c->ids[i + window]);
}

static void learn_word(struct training *t, size_t i, size_t low, size_t high, double rate)
{
    const struct w2v_chunk *c = t->now;
    size_t negative = (size_t)t->config->negative, n = 0, m = 1;
    uint32_t out[W2V_MAX_OUT] = {c->ids[i]};
    for (size_t j = low; j < high; j++)
        if (j != i)
            t->context[n++] = c->ids[j];
    while (m <= negative && c->noise[i * negative + m - 1] != VOCAB_NONE) {
        out[m] = c->noise[i * negative + m - 1];
        m++;
    }
    if (n) {
        w2v_learn(t->w, (enum w2v_kind)t->config->model, t->context, n, out, m, rate, &t->loss);
        t->pairs += t->config->model == W2V_CBOW ? 1 : n;
    }
}

static void learn_chunk(struct training *t)
{
    const struct w2v_chunk *c = t->now;
    for (size_t s = 0; s < c->n_sentences; s++) {
        size_t start = c->sentences[s].start, end = c->sentences[s + 1].start;
        for (size_t i = start; i < end; i++) {
            size_t reach = c->reach[i];
            fetch_ahead(t, i + AHEAD);
            learn_word(t, i, i - start < reach ? start : i - reach, end - i <= reach ? end : i + reach + 1,
                       c->sentences[s].rate);
        }
    }
}

/* The two halves of a turn; they share nothing but what neither writes. */
static void turn(void *context, size_t low, size_t high)
{
    struct training *t = context;
    for (size_t half = low; half < high; half++)
        if (half == 0)
            learn_chunk(t);
        else
            t->drawn = w2v_draw_chunk(&t->draw, t->next, &t->draw_error);
}

static int diverged(const struct training *t, const char *what, struct err *e)
{
    return err_fail(
        e, STATUS_DIVERGED,
        "training diverged: %s is no longer a finite number in epoch %lld, %llu words into it (try a smaller --lr "
        "than %g)",
        what, (long long)t->draw.epoch + 1, (unsigned long long)t->now->words, t->config->rate);
}

static int report_now(struct training *t, int (*report)(void *, const struct w2v_report *, struct err *), void *context,
                      struct err *e)
{
    const struct w2v_chunk *c = t->now;
    double sum = t->loss.sum - scalar_log(t->loss.product);
    uint64_t words = t->draw.corpus->words * (uint64_t)t->draw.epoch + c->words;
    struct w2v_report r = {.epoch = t->draw.epoch + 1,
                           .words = words,
                           .pairs = t->pairs,
                           .epoch_ended = c->last,
                           .loss = t->pairs ? sum / (double)t->pairs : 0,
                           .rate = c->n_sentences ? c->sentences[c->n_sentences - 1].rate : 0};
    if (!isfinite(sum))
        return diverged(t, "the loss", e);
    t->loss = (struct w2v_loss){.product = 1};
    t->pairs = 0;
    t->reported = words;
    return report(context, &r, e);
}

static int check_finite(const struct training *t, struct err *e)
{
    const struct w2v *w = t->w;
    for (size_t i = 0; i < w->v * w->stride; i++)
        if (!isfinite(w->in[i]) || !isfinite(w->out[i]))
            return diverged(t, "a vector", e);
    return 0;
}

static int train_epoch(struct training *t, int64_t epoch,
                       int (*report)(void *, const struct w2v_report *, struct err *), void *context, struct err *e)
{
    if (w2v_draw_epoch(&t->draw, epoch, e) < 0 || w2v_draw_chunk(&t->draw, t->next, e) < 0)
        return -1;
    do {
        struct w2v_chunk *drawn = t->next;
        t->next = t->now;
        t->now = drawn;
        t->drawn = 0;
        par_for(t->now->last ? 1 : 2, 1, turn, t);
        if (t->drawn < 0) {
            *e = t->draw_error;
            return -1;
        }
        uint64_t words = t->draw.corpus->words * (uint64_t)epoch + t->now->words;
        if ((t->now->last || words - t->reported >= W2V_REPORT_WORDS) && report_now(t, report, context, e) < 0)
            return -1;
    } while (!t->now->last);
    return check_finite(t, e);
}

int w2v_train(struct w2v *w, const struct w2v_config *config, struct w2v_corpus *corpus, struct rng seed,
              int (*report)(void *context, const struct w2v_report *r, struct err *e), void *context, struct err *e)
{
    struct training t = {.w = w, .config = config, .loss = {.product = 1}};
    int result = 0;
    w2v_draw_open(&t.draw, config, corpus, seed);
    t.now = &t.chunks[0];
    t.next = &t.chunks[1];
    t.context = mem_get(2 * (size_t)config->window, sizeof *t.context);
    for (int64_t epoch = 0; epoch < config->epochs && result == 0; epoch++)
        result = train_epoch(&t, epoch, report, context, e);
    w2v_draw_close(&t.draw);
    w2v_chunk_free(&t.chunks[0]);
    w2v_chunk_free(&t.chunks[1]);
    free(t.context);
    return result;
}
