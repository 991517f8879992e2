#include "net/w2v.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "data/vocab.h"
#include "math/gemm.h"
#include "net/w2v_draw.h"
#include "net/w2v_softmax.h"
#include "net/w2v_subword.h"

#define AT(field) offsetof(struct w2v_config, field)

enum {
    MAX_NEGATIVE = W2V_MAX_OUT - 3,
    MAX_WAY = 66, /* in the tree of hs, whose nodes' rows a model keeps: not to change with what a step takes */
    MAX_WINDOW = 10000,
    MAX_DIM = 16384,
    SENTENCE_WORDS = 1000,
};

const struct opt w2v_options[] = {
    {"model", 'm', OPT_CHOICE, AT(model), OPT_RECORD, NULL, "skipgram", 0, 0, "skipgram|cbow",
     "predict each word of a context from its centre, or the centre from the mean of its context"},
    {"loss", 0, OPT_CHOICE, AT(loss), OPT_RECORD, NULL, "ns", 0, 0, "ns|hs|softmax",
     "negative sampling, hierarchical softmax over a Huffman tree, or the softmax over all words, for few of them"},
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
     "learning rate at the start, falling to nearly 0 (default: 0.0375 for skipgram, 0.05 for cbow)"},
    {"subwords", 0, OPT_TEXT, AT(subwords), OPT_RECORD, "MIN-MAX", NULL, 0, 0, NULL,
     "make vectors of words from those of their n-grams of MIN to MAX characters too, so that unknown words have some "
     "(3-6)"},
    {"buckets", 0, OPT_INT, AT(buckets), OPT_RECORD, "N", "2000000", 1, SUBWORD_MAX_BUCKETS, NULL,
     "n-grams of --subwords share N buckets by their hash"},
    {"lock-free", 0, OPT_SWITCH, AT(lock_free), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "let threads learn without regard to each other: faster, but no two runs give the same bytes"},
    {0},
};

void w2v_config_settle(struct w2v_config *config)
{
    if (config->rate == 0)
        config->rate = config->model == W2V_CBOW ? 0.05 : 0.0375;
}

int w2v_config_check(const struct w2v_config *config, const struct opt_group *groups, struct err *e)
{
    if (config->loss != W2V_NS && opt_given(groups, "negative"))
        return err_fail(e, STATUS_MISUSED, "--negative is for --loss ns: other losses draw none (leave it out)");
    if (config->loss == W2V_SOFTMAX && config->lock_free)
        return err_fail(e, STATUS_MISUSED,
                        "--lock-free: the threads of --loss softmax share each step anyway (leave it out)");
    if (!config->subwords && opt_given(groups, "buckets"))
        return err_fail(e, STATUS_MISUSED, "--buckets is for --subwords (give it, or leave this out)");
    if (config->subwords && config->lock_free)
        return err_fail(e, STATUS_MISUSED, "--lock-free: --subwords are learned by one thread (leave one of them out)");
    if (config->subwords && subword_rule_read(&(struct subword_rule){0}, config->subwords, config->buckets, e) < 0)
        return err_where(e, "--subwords");
    return 0;
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
        real *row = (w->word ? w->word : w->in) + id * w->stride;
        bool given = false;
        for (size_t j = 0; j < w->d && !given; j++)
            given = row[j] != 0;
        for (size_t j = 0; s->counts[id] && !given && j < w->d; j++)
            row[j] = (real)((rng_unit(&rng) - 0.5) / (double)w->d);
    }
}

int w2v_make(struct w2v *w, size_t v, size_t d, struct err *e)
{
    uint64_t reals, bytes;
    size_t stride = (d + W2V_LANES - 1) / W2V_LANES * W2V_LANES;
    if (!mem_product(v, stride, &reals) || !mem_product(reals, sizeof(real), &bytes) || bytes >> 46)
        return err_fail(e, STATUS_MISUSED, "--dim: %zu numbers for each of %zu words are more than a stream can hold",
                        d, v);
    *w = (struct w2v){.v = v, .d = d, .stride = stride, .code = code[kern_level()]};
    w->in = mem_aligned(reals, sizeof(real));
    w->out = mem_aligned(reals, sizeof(real));
    return 0;
}

void w2v_prepare(struct w2v *w, const struct w2v_config *config, const uint64_t *counts)
{
    _Static_assert((int)MAX_WAY <= (int)W2V_MAX_OUT, "a step takes a way as a whole");
    if (config->loss == W2V_HS)
        huffman_make(&w->tree, counts, w->v, VOCAB_UNKNOWN + 1, MAX_WAY);
}

void w2v_start(struct w2v *w, const uint64_t *counts, struct rng seed)
{
    par_for(w->v, 256, start_rows, &(struct start){w, counts, seed});
}

void w2v_free(struct w2v *w)
{
    huffman_free(&w->tree);
    w2v_subwords_free(w);
    free(w->in);
    free(w->out);
    *w = (struct w2v){0};
}

/* ---- Loss -------------------------------------------------------------------------------------------------------- */

void w2v_loss_start(struct w2v_loss *loss)
{
    loss->nats = 0;
    for (size_t l = 0; l < W2V_LANES; l++) {
        loss->fraction[l] = 1;
        loss->power[l] = 0;
    }
}

double w2v_loss_take(struct w2v_loss *loss)
{
    double powers = 0, logs = 0;
    for (size_t l = 0; l < W2V_LANES; l++) {
        powers += (double)loss->power[l];
        logs += scalar_log((double)loss->fraction[l]);
    }
    double nats = loss->nats - (powers * 0.693147180559945309417 + logs);
    w2v_loss_start(loss);
    return nats;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

void w2v_learner_open(struct w2v_learner *l, const struct w2v *w, enum w2v_kind kind)
{
    *l = (struct w2v_learner){.w = w, .kind = kind, .step = mem_aligned(1, sizeof *l->step)};
    l->centre = mem_aligned(4 * w->stride, sizeof(real));
    l->step->d = w->stride;
    if (w->sub) {
        l->composer = mem_get(1, sizeof *l->composer);
        w2v_composer_open(l->composer, w);
    }
}

void w2v_learner_softmax(struct w2v_learner *l, const uint64_t *counts)
{
    l->softmax = mem_get(1, sizeof *l->softmax);
    w2v_softmax_open(l->softmax, l->w, counts);
}

void w2v_learner_close(struct w2v_learner *l)
{
    if (l->softmax)
        w2v_softmax_close(l->softmax);
    free(l->softmax);
    free(l->step);
    free(l->centre);
    free(l->rows);
    if (l->composer)
        w2v_composer_close(l->composer);
    free(l->composer);
    *l = (struct w2v_learner){0};
}

/* Weighs n inputs from the i-th on, which are in the context of the first centre, or the second, or both. */
static void weigh(struct w2v_step *s, size_t i, size_t n, const struct w2v_weighed *how, bool first, bool second)
{
    size_t present = how->centres == 2 ? 2 : how->present;
    for (size_t k0 = 0; k0 < s->m; k0 += W2V_OUT_GROUP) {
        real row[W2V_OUT_GROUP] = {0};
        for (size_t k = k0; k < s->m && k < k0 + W2V_OUT_GROUP; k++)
            row[k - k0] = k < present ? (real)(k == 1 && how->centres == 2 ? second : first) : -(real)(first + second);
        for (size_t at = i; at < i + n; at++)
            memcpy(s->weight + w2v_place(at, k0), row, sizeof row);
    }
}

/* Weights of a step's inputs, `first` of the first context alone, `second` of the second, then those of both. Most
 * steps of two centres have the same. */
static void weigh_all(struct w2v_learner *l, const struct w2v_windows *win, size_t first, size_t second)
{
    struct w2v_step *s = l->step;
    size_t rows = win->centres == 2 ? W2V_MAX_IN : s->n;
    struct w2v_weighed now = {s->m, win->centres, win->present, first, second, rows};
    if (!memcmp(&now, &l->weighed, sizeof now))
        return;
    l->weighed = now;
    weigh(s, 0, first, &now, true, false);
    weigh(s, first, second, &now, false, true);
    weigh(s, first + second, rows - first - second, &now, true, win->centres == 2);
}

/* The inputs of a step against its outputs. */
static void learn_step(struct w2v_learner *l, const struct w2v_windows *win)
{
    if (l->softmax)
        w2v_softmax_learn(l->softmax, l->step, win->out[0]);
    else
        l->w->code->learn(l->step);
}

/* Each context word against all outputs; those of a single centre as many at once as a step takes. */
static void learn_skipgram(struct w2v_learner *l, const struct w2v_windows *win)
{
    const struct w2v *w = l->w;
    struct w2v_step *s = l->step;
    size_t left = win->shares.first + win->shares.second + win->shares.both;
    for (const uint32_t *context = win->in; left > 0; context += s->n, left -= s->n) {
        s->n = left < W2V_MAX_IN ? left : W2V_MAX_IN;
        if (win->centres == 2)
            weigh_all(l, win, win->shares.first, win->shares.second);
        else
            weigh_all(l, win, 0, 0);
        for (size_t i = 0; i < s->n; i++)
            s->in[i] = s->add[i] = w->in + context[i] * w->stride;
        learn_step(l, win);
    }
}

/* The means of the contexts against all outputs; what moves a mean moves every row. */
static void learn_cbow(struct w2v_learner *l, const struct w2v_windows *win)
{
    const struct w2v *w = l->w;
    struct w2v_step *s = l->step;
    size_t n = win->shares.both + win->shares.first + win->shares.second;
    real *const mean[2] = {l->centre, l->centre + w->stride}, *const delta[2] = {mean[1] + w->stride,
                                                                                 mean[1] + 2 * w->stride};
    l->rows = n > l->room ? mem_grow(l->rows, l->room = n, sizeof *l->rows) : l->rows;
    for (size_t i = 0; i < n; i++)
        l->rows[i] = w->in + win->in[i] * w->stride;
    w->code->mean(w->stride, win->shares, l->rows, mean);
    memset(delta[0], 0, 2 * w->stride * sizeof(real));
    s->n = win->centres;
    for (size_t k = 0; k < s->n; k++) {
        s->in[k] = mean[k];
        s->add[k] = delta[k];
    }
    weigh_all(l, win, 1, win->centres - 1);
    learn_step(l, win);
    w->code->spread(w->stride, win->shares, l->rows, delta);
}

void w2v_learn(struct w2v_learner *l, const struct w2v_windows *win, struct w2v_loss *loss)
{
    const struct w2v *w = l->w;
    struct w2v_step *s = l->step;
    s->m = win->n_out;
    s->rate = win->rate;
    s->loss = loss;
    for (size_t k = 0; k < s->m; k++)
        s->out[k] = w->out + win->out[k] * w->stride;
    if (l->composer)
        w2v_composer_step(l->composer, win->in, win->shares.both + win->shares.first + win->shares.second);
    if (l->kind == W2V_CBOW)
        learn_cbow(l, win);
    else
        learn_skipgram(l, win);
}

void w2v_settle(struct w2v_learner *l)
{
    if (l->composer)
        w2v_composer_settle(l->composer);
}
