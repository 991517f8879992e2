/* Parts of word2vec: the spool, the draws, kernels against each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "data/vocab.h"
#include "net/w2v_draw.h"

static void the_corpus_gives_back_what_was_put_in(void **state)
{
    const uint32_t first[] = {2, 127, 128, 1, 16383, 16384}, second[] = {0, 1}, third[] = {300000, 5}, fourth[] = {7};
    const uint32_t expected[] = {2, 127, 128, 16383, 16384, 300000, 5, 0, 7, 0};
    struct w2v_corpus c;
    struct w2v_reader reader;
    struct err e;
    uint32_t id;
    (void)state;
    w2v_corpus_open(&c, 300001);
    assert_int_equal(w2v_corpus_add(&c, first, 6, false, &e), 0);
    assert_int_equal(w2v_corpus_add(&c, third, 2, true, &e), 0);   /* goes on */
    assert_int_equal(w2v_corpus_add(&c, second, 2, false, &e), 0); /* nothing in it */
    assert_int_equal(w2v_corpus_add(&c, fourth, 1, false, &e), 0);
    assert_int_equal(w2v_corpus_add(&c, (uint32_t[]){300001}, 1, false, &e), -1);
    assert_int_equal(e.status, STATUS_DATA);
    assert_int_equal(w2v_corpus_finish(&c, &e), 0);
    assert_int_equal(c.words, 8);
    assert_int_equal(c.sentences, 2);
    assert_int_equal(c.unknown, 3);
    assert_int_equal(c.counts[16384], 1);
    w2v_reader_open(&reader, &c, 0, 1);
    for (int pass = 0; pass < 2; pass++) {
        w2v_reader_rewind(&reader);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            assert_int_equal(w2v_reader_next(&reader, &id, &e), 1);
            assert_int_equal(id, expected[i]);
        }
        assert_int_equal(w2v_reader_next(&reader, &id, &e), 0);
    }
    w2v_corpus_close(&c);
}

/* Parts hold about as many words each, begin where sentences do unless one is very long, and make up the whole. */
static void parts_make_up_the_corpus(void **state)
{
    static const struct {
        size_t sentences, words; /* of each */
    } corpora[] = {{1, 3}, {3, 1}, {20000, 7}, {1, 1000000}, {12, 200000}};
    struct err e;
    (void)state;
    for (size_t k = 0; k < sizeof corpora / sizeof *corpora; k++)
        for (size_t parts = 1; parts <= 5; parts += 2) {
            struct w2v_corpus c;
            struct w2v_reader reader;
            uint64_t expected = 0, words = 0, read = 0;
            w2v_corpus_open(&c, 30000);
            for (size_t s = 0; s < corpora[k].sentences; s++)
                for (size_t i = 0; i < corpora[k].words; i++)
                    assert_int_equal(w2v_corpus_add(&c, (uint32_t[]){4 + (uint32_t)(expected++ % 29000)}, 1, i > 0, &e),
                                     0);
            assert_int_equal(w2v_corpus_finish(&c, &e), 0);
            for (size_t part = 0; part < parts; part++) {
                uint32_t id;
                w2v_reader_open(&reader, &c, part, parts);
                words += reader.words;
                if (expected > 100000)
                    assert_in_range(reader.words * parts, expected / 2, expected * 2);
                if (corpora[k].sentences > 1000)
                    assert_int_equal(read % corpora[k].words, 0);
                while (w2v_reader_next(&reader, &id, &e) == 1)
                    if (id != VOCAB_PAD)
                        assert_int_equal(id, 4 + read++ % 29000);
            }
            assert_int_equal(words, expected);
            assert_int_equal(read, expected);
            w2v_corpus_close(&c);
        }
}

static void negatives_follow_the_counts(void **state)
{
    const uint64_t counts[] = {0, 0, 0, 0, 3, 1000, 0, 81, 16, 1}; /* neither sorted nor all there */
    struct w2v_noise noise;
    struct rng rng = rng_seed(1);
    size_t n = sizeof counts / sizeof *counts, drawn[10] = {0}, draws = 2000000;
    double total = 0;
    (void)state;
    w2v_noise_make(&noise, counts, n);
    for (size_t i = 0; i < draws; i++)
        drawn[w2v_noise_draw(&noise, &rng)]++;
    for (size_t i = 0; i < n; i++)
        total += pow((double)counts[i], 0.75);
    for (size_t i = 0; i < n; i++) {
        double share = pow((double)counts[i], 0.75) / total;
        assert_true(fabs((double)drawn[i] / (double)draws - share) < 4 * sqrt(share / (double)draws) + 2e-5);
    }
    w2v_noise_free(&noise);
}

/* One chunk after another of an epoch over words 4 .. 13, all alike frequent but for 4, which is half of them. */
static void draws_keep_their_promises(void **state)
{
    struct w2v_config config = {.window = 400, .dynamic = true, .negative = 6, .sample = 0.1, .epochs = 2, .rate = 1};
    struct w2v_corpus corpus;
    struct w2v_chances chances;
    struct w2v_draw draw;
    struct w2v_chunk chunk = {0};
    struct err e;
    enum { WORDS = 20000 };
    size_t kept = 0, kept_frequent = 0, largest = 0, fetched = 0;
    double rate = 1;
    (void)state;
    w2v_corpus_open(&corpus, 14);
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t id = i % 2 ? 4 : 5 + i / 2 % 9;
        assert_int_equal(w2v_corpus_add(&corpus, &id, 1, i > 0, &e), 0);
    }
    assert_int_equal(w2v_corpus_finish(&corpus, &e), 0);
    w2v_chances_make(&chances, &config, &corpus, NULL);
    w2v_draw_open(&draw, &chances, 0, 1, rng_seed(3));
    w2v_draw_epoch(&draw, 0);
    do {
        assert_int_equal(w2v_draw_chunk(&draw, &chunk, &e), 0);
        for (size_t k = 0; k < chunk.n; k++) {
            const struct w2v_draw_step *s = &chunk.steps[k];
            const uint32_t *out = chunk.ids + s->at + s->in;
            assert_int_equal(s->in, s->shares.both + s->shares.first + s->shares.second);
            assert_int_equal(s->out, s->centres + 6);
            assert_true((double)s->rate <= rate);
            rate = (double)s->rate;
            kept += s->centres;
            fetched += s->fetch;
            largest = s->in > largest ? s->in : largest;
            for (size_t i = 0; i < s->out; i++) {
                kept_frequent += i < s->centres && out[i] == 4;
                assert_true(out[i] >= 4 && out[i] < 14);
                for (size_t j = 0; j < i; j++)
                    assert_int_not_equal(out[i], out[j]);
            }
        }
    } while (!chunk.last);
    assert_in_range(largest, 790, 802);
    assert_int_equal(fetched, kept);       /* each word's row once */
    assert_true(rate > 0.5 && rate < 0.6); /* at the end of the first of two epochs */
    double chance = w2v_keep(0.1, 0.5);
    assert_true(fabs(chance - (sqrt(0.2) + 0.2)) < 1e-12);
    assert_true(fabs((double)kept_frequent - chance * WORDS / 2) < 300);
    assert_int_equal(kept - kept_frequent, WORDS / 2); /* a ninth of a half is below the threshold's reach */
    w2v_draw_close(&draw);
    w2v_chances_free(&chances);
    w2v_chunk_free(&chunk);
    w2v_corpus_close(&corpus);
}

/* The pairs of centres and contexts that steps stand for are those of windows of one centre each. */
static void steps_hold_whole_windows(void **state)
{
    struct w2v_config config = {.window = 3, .negative = 1, .epochs = 1, .rate = 1};
    struct w2v_corpus corpus;
    struct w2v_chances chances;
    struct w2v_draw draw;
    struct w2v_chunk chunk = {0};
    struct err e;
    (void)state;
    for (size_t n = 1; n <= 12; n++) {
        char expected[16][16] = {{0}}, got[16][16] = {{0}};
        w2v_corpus_open(&corpus, 40);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(w2v_corpus_add(&corpus, (uint32_t[]){4 + i}, 1, i > 0, &e), 0);
        assert_int_equal(w2v_corpus_finish(&corpus, &e), 0);
        w2v_chances_make(&chances, &config, &corpus, NULL);
        w2v_draw_open(&draw, &chances, 0, 1, rng_seed(n));
        w2v_draw_epoch(&draw, 0);
        assert_int_equal(w2v_draw_chunk(&draw, &chunk, &e), 0);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                expected[i][j] = i != j && (i < j ? j - i : i - j) <= 3;
        for (size_t k = 0; k < chunk.n; k++) {
            const struct w2v_draw_step *s = &chunk.steps[k];
            const uint32_t *in = chunk.ids + s->at, *out = in + s->in;
            for (size_t i = 0; i < s->in; i++) {
                bool second = i >= s->shares.first && i < s->shares.first + s->shares.second;
                if (!second)
                    got[out[0] - 4][in[i] - 4]++;
                if (i >= s->shares.first)
                    got[out[1] - 4][in[i] - 4]++;
            }
        }
        assert_memory_equal(got, expected, sizeof got);
        w2v_draw_close(&draw);
        w2v_chances_free(&chances);
        w2v_corpus_close(&corpus);
    }
    w2v_chunk_free(&chunk);
}

/* A vocabulary of three words has one negative at most for two centres. */
static void few_words_give_few_negatives(void **state)
{
    struct w2v_config config = {.window = 1, .negative = 5, .epochs = 1, .rate = 1};
    struct w2v_corpus corpus;
    struct w2v_chances chances;
    struct w2v_draw draw;
    struct w2v_chunk chunk = {0};
    struct err e;
    (void)state;
    w2v_corpus_open(&corpus, 7);
    assert_int_equal(w2v_corpus_add(&corpus, (uint32_t[]){4, 5, 5, 6}, 4, false, &e), 0);
    assert_int_equal(w2v_corpus_finish(&corpus, &e), 0);
    w2v_chances_make(&chances, &config, &corpus, NULL);
    w2v_draw_open(&draw, &chances, 0, 1, rng_seed(3));
    w2v_draw_epoch(&draw, 0);
    assert_int_equal(w2v_draw_chunk(&draw, &chunk, &e), 0);
    assert_int_equal(chunk.n, 2);
    for (size_t k = 0; k < chunk.n; k++) { /* 4 5, then 5 6 */
        assert_int_equal(chunk.steps[k].centres, 2);
        assert_int_equal(chunk.steps[k].out, 3);
        assert_int_equal(chunk.ids[chunk.steps[k].at + chunk.steps[k].in + 2], k ? 4 : 6);
    }
    w2v_draw_close(&draw);
    w2v_chances_free(&chances);
    w2v_chunk_free(&chunk);
    w2v_corpus_close(&corpus);
}

/* A step of the same rows by every level of kernels: the same but for rounding. */
static void kernels_agree(void **state)
{
    static const struct w2v_code *const codes[KERN_LEVELS] = KERN_FAMILY(w2v);
    enum { LENGTH = 48, ROWS = W2V_MAX_IN + W2V_MAX_OUT };
    real *start = mem_aligned(ROWS * LENGTH, sizeof(real)), *rows[2];
    struct rng rng = rng_seed(5);
    struct w2v_step *step = mem_aligned(1, sizeof *step);
    struct w2v_loss loss;
    double sum = 0;
    (void)state;
    for (size_t i = 0; i < ROWS * LENGTH; i++)
        start[i] = (real)(rng_normal(&rng) * 0.4);
    rows[0] = mem_aligned(ROWS * LENGTH, sizeof(real));
    rows[1] = mem_aligned(ROWS * LENGTH, sizeof(real));
    for (size_t n = 1; n <= W2V_MAX_IN; n++)
        for (size_t m = 1; m <= W2V_MAX_OUT; m += m < 16 ? 1 : 10)
            for (int level = 0; level < KERN_LEVELS; level++) {
                real *at = rows[level > 0];
                if (!kern_has((enum kern_level)level))
                    continue;
                memcpy(at, start, ROWS * LENGTH * sizeof(real));
                w2v_loss_start(&loss);
                *step = (struct w2v_step){.d = LENGTH, .n = n, .m = m, .rate = (real)0.5, .loss = &loss};
                for (size_t i = 0; i < n; i++)
                    for (size_t k = 0; k < m; k++)
                        step->weight[w2v_place(i, k)] = (real)((int)((i * m + k) * 7 % 5) - 2);
                for (size_t i = 0; i < n; i++)
                    step->in[i] = step->add[i] = at + i * LENGTH;
                for (size_t k = 0; k < m; k++)
                    step->out[k] = at + (W2V_MAX_IN + k) * LENGTH;
                codes[level]->learn(step);
                if (!level)
                    sum = w2v_loss_take(&loss);
                else
                    assert_true(fabs(w2v_loss_take(&loss) - sum) < 1e-5 * sum);
                for (size_t i = 0; level && i < ROWS * LENGTH; i++)
                    if (fabs((double)(rows[0][i] - rows[1][i])) > 1e-5)
                        fail_msg("level %d, %zu x %zu: %g, not %g", level, n, m, (double)rows[1][i],
                                 (double)rows[0][i]);
            }
    free(start);
    free(rows[0]);
    free(rows[1]);
    free(step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_gives_back_what_was_put_in),
        cmocka_unit_test(parts_make_up_the_corpus),
        cmocka_unit_test(negatives_follow_the_counts),
        cmocka_unit_test(draws_keep_their_promises),
        cmocka_unit_test(steps_hold_whole_windows),
        cmocka_unit_test(few_words_give_few_negatives),
        cmocka_unit_test(kernels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
