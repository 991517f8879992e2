/* What w2v_learn does to its rows against central differences of the loss as the paper writes it, at every level of
 * kernels. The loss here is written out anew, in double, from nothing but the equation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/gemm.h"
#include "net/w2v_subword.h"

#ifdef RUNNEL_DOUBLE
#define STEP     1e-3
#define RELATIVE 1e-6
#define ABSOLUTE 1e-10 /* rounding of the loss, divided by the step */
#else
#define STEP     1e-3
#define RELATIVE 1e-3
#define ABSOLUTE 1e-5
#endif

enum { V = 80, D = 7, MAX_WORDS = 2 * V * D };

/* Windows, and which context words are in the first's and in the second's. */
struct window {
    enum w2v_kind kind;
    size_t n, m, centres, present; /* present: with one centre, outputs that were there */
    bool softmax;                  /* over all the outputs, of which the first was there */
    struct w2v_shares shares;
    uint32_t context[W2V_MAX_IN + 8], out[W2V_MAX_OUT];
};

static bool belongs(const struct window *w, size_t i, size_t centre)
{
    size_t class = i < w->shares.first ? 0 : i < w->shares.first + w->shares.second ? 1 : 2;
    return class == 2 || class == centre;
}

/* -log s(out_c . h) - sum of log s(-out_k . h) over the negatives k; of hierarchical softmax, -log s(+-out_k . h) over
 * the inner nodes k of a way; of the softmax, -log of its first output's share. Rows are [V, D]. */
static long double loss_of(const double *h, const double *out, const struct window *w, size_t centre)
{
    long double loss = 0; /* of thousands of terms, whose differences are looked at */
    double first = 0, sum = 0;
    for (size_t k = 0; k < w->m; k++) {
        double score = 0;
        if (w->centres == 2 && k < 2 && k != centre)
            continue;
        for (size_t j = 0; j < D; j++)
            score += h[j] * out[w->out[k] * D + j];
        bool there = w->centres == 2 ? k == centre : k < w->present;
        loss += log1p(exp(there ? -score : score));
        sum += exp(score);
        first = k ? first : score;
    }
    return w->softmax ? (long double)(log(sum) - first) : loss;
}

/* `undivided`: each window's loss times the words of its context, whose rows get the whole gradient of their mean. */
static long double loss_all(const double *in, const double *out, const struct window *w, bool undivided)
{
    long double loss = 0;
    for (size_t centre = 0; centre < w->centres; centre++) {
        double mean[D] = {0}, n = 0;
        for (size_t i = 0; i < w->n; i++) {
            if (!belongs(w, i, centre))
                continue;
            if (w->kind == W2V_SKIPGRAM)
                loss += loss_of(in + w->context[i] * D, out, w, centre);
            for (size_t j = 0; j < D; j++)
                mean[j] += in[w->context[i] * D + j];
            n++;
        }
        for (size_t j = 0; j < D; j++)
            mean[j] /= n;
        loss += w->kind == W2V_CBOW ? loss_of(mean, out, w, centre) * (undivided ? n : 1) : 0;
    }
    return loss;
}

static void copy_out(const struct w2v *w, double *values)
{
    for (size_t id = 0; id < V; id++)
        for (size_t j = 0; j < D; j++) {
            values[id * D + j] = (double)w->in[id * w->stride + j];
            values[(V + id) * D + j] = (double)w->out[id * w->stride + j];
        }
}

/* Distinct ids; both ranges have rows that the window does not touch. */
static void choose(uint32_t *ids, size_t n, struct rng *rng)
{
    for (size_t i = 0; i < n; i++) {
        bool taken = true;
        while (taken) {
            ids[i] = (uint32_t)rng_below(rng, V);
            taken = false;
            for (size_t k = 0; k < i; k++)
                taken |= ids[k] == ids[i];
        }
    }
}

/* By central differences of fourth order. */
static double slope_at(double *values, size_t at, const struct window *w)
{
    double value = values[at];
    long double slope = 0;
    for (int i = 0; i < 4; i++) {
        values[at] = value + (double)(const int[]){-2, -1, 1, 2}[i] * STEP;
        slope += (double)(const int[]){1, -8, 8, -1}[i] * loss_all(values, values + V * D, w, at < V * D) / (12 * STEP);
    }
    values[at] = value;
    return (double)slope;
}

static void check(enum w2v_kind kind, size_t n, size_t m, size_t centres, size_t present, bool softmax, uint64_t seed)
{
    static double before[MAX_WORDS], after[MAX_WORDS];
    struct rng rng = rng_seed(seed);
    struct window w = {.kind = kind,
                       .n = n,
                       .m = m,
                       .centres = centres,
                       .present = present,
                       .softmax = softmax,
                       .shares = {.first = n}};
    struct w2v model;
    struct w2v_learner learner;
    struct w2v_loss loss;
    struct err e;
    assert_int_equal(w2v_make(&model, V, D, &e), 0);
    for (size_t id = 0; id < V; id++)
        for (size_t j = 0; j < D; j++) {
            model.in[id * model.stride + j] = (real)(rng_normal(&rng) * 0.7);
            model.out[id * model.stride + j] = (real)(rng_normal(&rng) * 0.7);
        }
    choose(w.context, n, &rng);
    choose(w.out, m, &rng);
    if (centres == 2) {
        w.shares.first = 1 + n / 8;
        w.shares.second = 1 + n / 9;
        w.shares.both = n - w.shares.first - w.shares.second;
    }
    copy_out(&model, before);
    w2v_loss_start(&loss);
    w2v_learner_open(&learner, &model, kind);
    if (softmax) {
        uint64_t counts[V] = {0};
        for (size_t k = 0; k < m; k++)
            counts[w.out[k]] = k + 1;
        w2v_learner_softmax(&learner, counts);
    }
    w2v_learn(&learner, &(struct w2v_windows){w.context, w.out, w.shares, centres, softmax ? 1 : m, 1, w.present},
              &loss);
    w2v_learner_close(&learner);
    copy_out(&model, after);
    double expected = (double)loss_all(before, before + V * D, &w, false), got = w2v_loss_take(&loss);
    if (fabs(got - expected) > RELATIVE * fabs(expected) + ABSOLUTE)
        fail_msg("kind %d, %zu x %zu of %zu: loss %.12g, not %.12g", (int)kind, n, m, centres, got, expected);
    for (size_t at = 0; at < MAX_WORDS; at++) {
        double slope = slope_at(before, at, &w), moved = before[at] - after[at]; /* a rate of 1 */
        if (fabs(moved - slope) > RELATIVE * fabs(slope) + ABSOLUTE)
            fail_msg("kind %d, %zu x %zu of %zu, %s row %zu, %zu: moved by %.12g, the slope is %.12g", (int)kind, n, m,
                     centres, at < V * D ? "in" : "out", at / D % V, at % D, moved, slope);
    }
    for (size_t at = 0; at < V * model.stride; at++) /* padding stays zeros */
        if (at % model.stride >= D)
            assert_true(model.in[at] == 0 && model.out[at] == 0);
    w2v_free(&model);
}

/* Vectors that are means: the vector's whole gradient goes to the word's own row, and to an n-gram's as often as it is
 * in it. What is moved is the parts; n-grams stand in several words, and in one word twice. */
static void check_subwords(enum w2v_kind kind, size_t n, uint64_t seed)
{
    static double values[MAX_WORDS], word[V * D], sub[50 * V * D], expected[50 * V * D];
    struct rng rng = rng_seed(seed);
    struct window w = {.kind = kind, .n = n, .m = 6, .centres = 1, .present = 1, .shares = {.first = n}};
    struct vocab vocab = {0};
    struct w2v model;
    struct w2v_learner learner;
    struct w2v_loss loss;
    struct err e;
    vocab_special(&vocab);
    for (uint32_t id = VOCAB_SPECIAL; id < V; id++) {
        char text[] = {(char)('a' + id % 3), 'n', 'a', 'n', 'a', (char)('a' + id / 3)};
        vocab.counts[vocab_add(&vocab, text, sizeof text)] = 1;
    }
    assert_int_equal(w2v_make(&model, V, D, &e), 0);
    assert_int_equal(w2v_subwords_make(&model, &(struct subword_rule){2, 4, 1000000}, &vocab, rng, &e), 0);
    assert_in_range(model.grams.n, V, 50 * V);
    for (size_t at = 0; at < V * D; at++) {
        word[at] = model.word[at / D * model.stride + at % D] = (real)rng_normal(&rng);
        values[V * D + at] = model.out[at / D * model.stride + at % D] = (real)rng_normal(&rng);
    }
    for (size_t at = 0; at < model.grams.n * D; at++)
        sub[at] = model.sub[at / D * model.stride + at % D] = (real)rng_normal(&rng);
    for (size_t at = 0; at < V * D; at++) {
        size_t from = model.gram_at[at / D], to = model.gram_at[at / D + 1];
        values[at] = word[at];
        for (size_t i = from; i < to; i++)
            values[at] += sub[model.gram_rows[i] * D + at % D];
        values[at] /= (double)(to - from + 1);
    }
    choose(w.context, n, &rng);
    choose(w.out, w.m, &rng);
    w2v_loss_start(&loss);
    w2v_learner_open(&learner, &model, kind);
    w2v_learn(&learner, &(struct w2v_windows){w.context, w.out, w.shares, 1, w.m, 1, 1}, &loss);
    w2v_settle(&learner);
    w2v_learner_close(&learner);
    memset(expected, 0, sizeof expected);
    for (size_t at = 0; at < V * D; at++) {
        double slope = slope_at(values, at, &w), moved = word[at] - (double)model.word[at / D * model.stride + at % D];
        if (fabs(moved - slope) > RELATIVE * fabs(slope) + ABSOLUTE)
            fail_msg("own row %zu, %zu: moved by %.12g, the slope is %.12g", at / D, at % D, moved, slope);
        for (size_t i = model.gram_at[at / D]; i < model.gram_at[at / D + 1]; i++)
            expected[model.gram_rows[i] * D + at % D] += slope;
    }
    for (size_t at = 0; at < model.grams.n * D; at++) {
        double moved = sub[at] - (double)model.sub[at / D * model.stride + at % D];
        if (fabs(moved - expected[at]) > RELATIVE * fabs(expected[at]) + ABSOLUTE)
            fail_msg("n-gram %zu, %zu: moved by %.12g, slopes are %.12g", at / D, at % D, moved, expected[at]);
    }
    w2v_free(&model);
    vocab_free(&vocab);
}

static void steps_follow_the_gradient(void **state)
{
    const size_t contexts[] = {1, 2, 3, 6, 32}, outputs[] = {1, 2, 5, 6, 7, 8, 9, 12, 13, 26, 67};
    const char *const levels[] = {"plain", "avx2", "avx512"};
    struct err e;
    (void)state;
    for (size_t l = 0; l < 3; l++) {
        if (!kern_has((enum kern_level)l))
            continue;
        assert_int_equal(kern_select(levels[l], &e), 0);
        for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
            for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k += 1 + (i % 3 == 1)) {
                for (size_t centres = 1; centres <= 2 && centres <= contexts[i] && centres <= outputs[k]; centres++) {
                    check(W2V_SKIPGRAM, contexts[i], outputs[k], centres, 1, false, 7 * i + k);
                    check(W2V_CBOW, contexts[i], outputs[k], centres, 1, false, 70 * i + k);
                }
                if (k == 0)
                    check_subwords(i % 2 ? W2V_SKIPGRAM : W2V_CBOW, contexts[i], i);
                check(k % 2 ? W2V_SKIPGRAM : W2V_CBOW, contexts[i], outputs[k], 1, k % (outputs[k] + 1), false, i + k);
                check(k % 2 ? W2V_CBOW : W2V_SKIPGRAM, contexts[i], outputs[k], 1, 1, true, i + k);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_follow_the_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
