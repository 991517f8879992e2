/* What is asked of vectors: search against the plain way, questions as lines, rank correlation. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/kern.h"
#include "net/embed_eval.h"
#include "net/embed_line.h"

/* A model of n words called a, b, ... aa, ...; their vectors are to be set. */
static struct embed model_of(size_t n, size_t d)
{
    struct embed m = {.v = n + VOCAB_SPECIAL, .d = d};
    char word[32];
    vocab_special(&m.vocab);
    for (size_t i = 0; i < n; i++) {
        size_t length = 0;
        for (size_t rest = i + 1; rest; rest = (rest - 1) / 26)
            word[length++] = (char)('a' + (rest - 1) % 26);
        uint32_t id = vocab_add(&m.vocab, word, length);
        m.vocab.counts[id] = 2 * n - i;
    }
    m.vec = mem_aligned(m.v * d, sizeof(real));
    return m;
}

static void equal_values_share_their_rank(void **state)
{
    const double a[] = {1, 2, 2, 3, 9}, b[] = {1, 3, 2, 4, 4}, falling[] = {5, 4, 3, 2, 1}, flat[] = {1, 1, 1, 1, 1};
    const double rising[] = {0, 10, 11, 50, 51};
    (void)state;
    assert_true(fabs(spearman(rising, falling, 5) + 1) < 1e-12);
    /* ranks of a: 0 1.5 1.5 3 4; of b: 0 2 1 3.5 3.5; less their mean 2 the products sum to 9, the squares to 9.5
     * each */
    assert_true(fabs(spearman(a, b, 5) - 9.0 / 9.5) < 1e-12);
    assert_true(fabs(spearman(a, rising, 5) - 9.5 / sqrt(9.5 * 10)) < 1e-12);
    assert_true(isnan(spearman(a, flat, 5)));
    assert_true(isnan(spearman(a, b, 0)));
}

/* 200 words whose vectors lie on a quarter circle, the higher the id the farther round: neighbours are the ids
 * beside. */
static void search_finds_the_nearest(void **state)
{
    const uint32_t first[] = {99, 101, 98, 102, 97, 103}, words[] = {100, 203, 202};
    struct embed m = model_of(200, 3);
    struct embed_index x;
    struct embed_questions q = {0};
    struct embed_hit hits[2 * 6];
    (void)state;
    for (size_t id = 4; id < m.v; id++) {
        double angle = (double)id * 0.007, length = 1 + (double)(id % 5);
        m.vec[id * 3] = (real)(cos(angle) * length);
        m.vec[id * 3 + 1] = (real)(sin(angle) * length);
    }
    memset(m.vec + 150 * 3, 0, 3 * sizeof(real)); /* without a vector: no candidate */
    embed_index_make(&x, &m, 0);
    assert_int_equal(x.n, 199);
    embed_ask_sum(&q, &m, words, NULL, 1);
    embed_ask_sum(&q, &m, words + 1, NULL, 2); /* their sum lies between */
    embed_search(&x, &q, 6, hits);
    for (size_t i = 0; i < 6; i++) {
        assert_true(hits[i].id == first[i] || hits[i].id == first[i ^ 1]); /* both sides are equally far */
        assert_int_equal(hits[6 + i].id, 201 - i);
        assert_true(fabs((double)hits[6 + i].score - cos((1.5 + (double)i) * 0.007)) < 1e-5);
    }
    embed_index_free(&x);
    embed_index_make(&x, &m, 50); /* the most frequent: ids 4 .. 53 */
    embed_search(&x, &q, 6, hits);
    assert_int_equal(hits[0].id, 53);
    embed_index_free(&x);
    embed_questions_free(&q);
    embed_free(&m);
}

enum { WORDS = 1000, DIM = 37, ASKED = 300, TOP = 20 };

/* One of everything that may stand in a matrix: no order of counts, zeros, very long and very short vectors, equal
 * ones. */
static struct embed motley(void)
{
    struct embed m = model_of(WORDS, DIM);
    struct rng rng = rng_seed(5);
    for (size_t i = 0; i < m.v * DIM; i++)
        m.vec[i] = (real)(rng_unit(&rng) - 0.5);
    for (size_t j = 0; j < DIM; j++) {
        m.vec[200 * DIM + j] = 0;
        m.vec[201 * DIM + j] *= (real)1e18;
        m.vec[202 * DIM + j] *= (real)1e-18;
        m.vec[203 * DIM + j] = m.vec[700 * DIM + j];
    }
    for (size_t id = 300; id < 600; id++)
        m.vocab.counts[id] = rng_below(&rng, 500);
    return m;
}

/* The score of one candidate, the plain way. */
static double plain_score(const struct embed *m, const struct embed_questions *q, const uint32_t *words, uint32_t id)
{
    double x[3];
    for (int i = 0; i < 3; i++)
        x[i] = (embed_cosine(m, words[i], id) + 1) / 2;
    if (q->method == EMBED_COSMUL)
        return x[1] * x[2] / (x[0] + 0.001);
    const real *query = q->queries + (size_t)(words - q->except) / EMBED_TERMS * DIM;
    real unit[DIM];
    double cosine = 0;
    embed_unit(m, id, unit);
    for (size_t j = 0; j < DIM; j++)
        cosine += (double)unit[j] * (double)query[j];
    return cosine;
}

static bool asked_with(const uint32_t *words, uint32_t id)
{
    return words[0] == id || words[1] == id || words[2] == id;
}

/* Hits fall, are no words asked with, have the scores they should, and nothing better was left out. */
static void check_hits(const struct embed_index *x, const struct embed_questions *q, size_t question,
                       const struct embed_hit *hits)
{
    const uint32_t *words = q->except + question * EMBED_TERMS;
    size_t better = 0;
    for (size_t i = 0; i < TOP; i++) {
        double score = plain_score(x->m, q, words, hits[i].id);
        assert_true(fabs(score - (double)hits[i].score) < 1e-5 * (1 + fabs(score)));
        assert_false(asked_with(words, hits[i].id) || hits[i].id == 200);
        if (i)
            assert_true(hits[i].score < hits[i - 1].score ||
                        (hits[i].score == hits[i - 1].score && x->place[hits[i].id] > x->place[hits[i - 1].id]));
    }
    for (size_t i = 0; i < x->n; i++)
        better += !asked_with(words, x->ids[i]) &&
                  plain_score(x->m, q, words, x->ids[i]) > (double)hits[TOP - 1].score + 1e-5;
    assert_true(better <= TOP - 1);
}

static void search_is_the_plain_way_faster(void **state)
{
    static const char *const levels[] = {"plain", "avx2", "avx512"};
    struct embed m = motley();
    struct embed_index x;
    struct err e;
    (void)state;
    for (int level = 0; level < KERN_LEVELS; level++) {
        if (!kern_has((enum kern_level)level))
            continue;
        assert_int_equal(kern_select(levels[level], &e), 0);
        embed_index_make(&x, &m, 0);
        assert_int_equal(x.n, WORDS - 1);
        for (int method = EMBED_COSADD; method <= EMBED_COSMUL; method++) {
            struct embed_questions q = {.method = (enum embed_method)method}, one = q;
            struct embed_hit *hits = mem_get(ASKED * TOP, sizeof *hits), alone[TOP];
            struct rng rng = rng_seed(7);
            for (size_t i = 0; i < ASKED; i++) {
                uint32_t words[3];
                for (int w = 0; w < 3; w++)
                    words[w] = (uint32_t)(204 + rng_below(&rng, WORDS - 204));
                embed_ask_analogy(&q, &m, words);
            }
            embed_search(&x, &q, TOP, hits);
            for (size_t i = 0; i < ASKED; i += level ? 29 : 7) {
                check_hits(&x, &q, i, hits + i * TOP);
                embed_questions_clear(&one);
                embed_ask_analogy(&one, &m, q.except + i * EMBED_TERMS);
                embed_search(&x, &one, TOP, alone);
                assert_memory_equal(alone, hits + i * TOP, sizeof alone);
            }
            free(hits);
            embed_questions_free(&q);
            embed_questions_free(&one);
        }
        embed_index_free(&x);
    }
    assert_int_equal(kern_select("auto", &e), 0);
    embed_free(&m);
}

/* Equal vectors: the more frequent first; more asked for than there is: the rest is nothing. */
static void ties_and_ends(void **state)
{
    const uint32_t word = 700;
    struct embed m = motley();
    struct embed_index x;
    struct embed_questions q = {0};
    struct embed_hit *hits = mem_get(2 * WORDS, sizeof *hits);
    (void)state;
    memcpy(m.vec + 500 * DIM, m.vec + 700 * DIM, DIM * sizeof(real));
    embed_index_make(&x, &m, 0);
    embed_ask_sum(&q, &m, &word, NULL, 1);
    embed_search(&x, &q, 2 * WORDS, hits);
    assert_int_equal(hits[0].id, 203); /* whose count is the larger */
    assert_int_equal(hits[1].id, 500);
    assert_true(hits[0].score == hits[1].score);
    assert_int_equal(hits[WORDS - 3].score < 1, 1);
    assert_true(hits[WORDS - 3].id != VOCAB_NONE);
    for (size_t i = WORDS - 2; i < 2 * WORDS; i++)
        assert_int_equal(hits[i].id, VOCAB_NONE);
    free(hits);
    embed_index_free(&x);
    embed_questions_free(&q);
    embed_free(&m);
}

static void lines_are_questions(void **state)
{
    static const struct {
        const char *line;
        int kind; /* -1: refused */
        size_t n;
        const char *second, *said;
    } cases[] = {
        {"", EMBED_NOTHING, 0, NULL, NULL},
        {"  \t ", EMBED_NOTHING, 0, NULL, NULL},
        {" a ", EMBED_NEIGHBORS, 1, NULL, NULL},
        {"A", EMBED_NEIGHBORS, 1, NULL, NULL},
        {"a b", EMBED_SIMILARITY, 2, "b", NULL},
        {"a  b\tc d", EMBED_SIMILARITY, 2, "c d", NULL},
        {"c d", EMBED_NEIGHBORS, 1, NULL, NULL}, /* is itself a word */
        {"a b c", EMBED_ANALOGY, 3, "b", NULL},
        {"a - b + c", EMBED_SUM, 3, "b", NULL},
        {"a + b", EMBED_SUM, 2, "b", NULL},
        {"a + + b", -1, 0, NULL, "no question"},
        {"a b c b", -1, 0, NULL, "no question"},
        {"a zzzz", -1, 0, NULL, "'zzzz' is not a word of the model"},
        {"a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a", EMBED_SUM, 16, "a", NULL},
        {"a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a", -1, 0, NULL, "more than 16 words"},
    };
    struct embed m = model_of(5, 2);
    (void)state;
    vocab_add(&m.vocab, "c d", 3);
    vocab_add(&m.vocab, "a  b", 4);
    free(m.vec);
    m.v = m.vocab.n;
    m.vec = mem_aligned(m.v * 2, sizeof(real));
    for (size_t i = 0; i < m.v * 2; i++)
        m.vec[i] = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct embed_line q;
        struct err e;
        char *line = mem_copy(cases[i].line);
        int result = embed_line_read(&q, &m, line, &e);
        if (result == 0 && ((int)q.kind != cases[i].kind || q.n != cases[i].n))
            fail_msg("'%s': kind %d of %zu words", cases[i].line, (int)q.kind, q.n);
        if (cases[i].second)
            assert_string_equal(q.words[1], cases[i].second);
        if (q.kind == EMBED_SUM && result == 0)
            assert_int_equal(q.minus[1], strchr(cases[i].line, '-') != NULL);
        if (cases[i].kind < 0) {
            assert_int_equal(result, -1);
            assert_failed(e, STATUS_MISUSED, cases[i].said);
        }
        free(line);
    }
    embed_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_share_their_rank),
        cmocka_unit_test(search_finds_the_nearest),
        cmocka_unit_test(search_is_the_plain_way_faster),
        cmocka_unit_test(ties_and_ends),
        cmocka_unit_test(lines_are_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
