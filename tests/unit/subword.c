/* N-grams of words as the paper and fastText cut them, their buckets' rows, and vectors of unknown words. */
#include "unit.h"

#include "base/mem.h"
#include "net/subword.h"

/* FNV-1a, 32 bits, with bytes as signed chars. */
static uint32_t hash(const char *text, uint32_t buckets)
{
    uint32_t h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (uint32_t)(int32_t)(signed char)*text) * 16777619u;
    return h % buckets;
}

static void n_grams_are_those_of_the_paper(void **state)
{
    static const struct {
        const char *word, *range, *grams[12];
    } cases[] = {
        {"where", "3", {"<wh", "whe", "her", "ere", "re>"}},
        {"where", "5-9", {"<wher", "<where", "<where>", "where", "where>", "here>"}},
        {"a", "3-6", {"<a>"}},
        {"a", "1-2", {"<a", "a", "a>"}}, /* no brackets alone */
        {"a", "4-6", {NULL}},
        {"n\303\251e", "2-3", {"<n", "<n\303\251", "n\303\251", "n\303\251e", "\303\251e", "\303\251e>", "e>"}},
        {"\345\255\246\344\271\240", "1", {"\345\255\246", "\344\271\240"}},
        {"aaaa", "3", {"<aa", "aaa", "aaa", "aa>"}},
        {"", "2-3", {"<>"}},
    };
    struct err e;
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (uint32_t buckets = 7; buckets < 100000000; buckets = buckets * 91 + 1) {
            struct subword_rule rule;
            uint32_t got[12];
            size_t n = 0, length = strlen(cases[c].word);
            while (n < 12 && cases[c].grams[n])
                n++;
            assert_int_equal(subword_rule_read(&rule, cases[c].range, buckets, &e), 0);
            assert_int_equal(subword_grams(&rule, cases[c].word, length, NULL), n);
            assert_int_equal(subword_grams(&rule, cases[c].word, length, got), n);
            for (size_t i = 0; i < n; i++)
                if (got[i] != hash(cases[c].grams[i], buckets))
                    fail_msg("'%s', %s: n-gram %zu is not '%s'", cases[c].word, cases[c].range, i, cases[c].grams[i]);
        }
    for (const char *const *bad =
             (const char *const[]){"", "-", "0", "3-", "-3", "6-3", "3-33", "3-6-9", "a-b", "2.5", NULL};
         *bad; bad++)
        assert_int_equal(subword_rule_read(&(struct subword_rule){0}, *bad, 10, &e), -1);
}

static void buckets_have_the_rows_they_got(void **state)
{
    struct subwords s = {0};
    (void)state;
    assert_int_equal(subwords_find(&s, 3), SUBWORD_NONE);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < 5000; i++)
            assert_int_equal(subwords_add(&s, i * 7919 % 100003), i);
    assert_int_equal(s.n, 5000);
    assert_int_equal(subwords_find(&s, 2 * 7919 % 100003), 2);
    assert_int_equal(subwords_find(&s, 5000 * 7919 % 100003), SUBWORD_NONE);
    subwords_free(&s);
}

/* A model with the subwords of a word, row r being r + 1, r + 1, read back; spoilt by another subword.max, by more rows
 * of w.sub, by a bucket that is there twice. */
static void read_back(struct segment *segment, const char *word, const char *max, int more, bool twice)
{
    struct err e = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct meta head = {0};
    struct subwords s = {.rule = {2, 3, 100000000}};
    uint32_t buckets[64];
    real rows[64][2];
    size_t n = subword_grams(&s.rule, word, strlen(word), buckets);
    for (size_t i = 0; i < n; i++)
        subwords_add(&s, buckets[i]);
    for (size_t i = 0; i < 64; i++)
        rows[i][0] = rows[i][1] = (real)(i + 1);
    if (twice)
        s.buckets[1] = s.buckets[0];
    if (max)
        s.rule.high = (size_t)atol(max);
    head_make(&head, "model/w2v", NULL, "test");
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(subwords_write(&s, k, &e), 0);
    struct tensor t = tensor_view("w.sub", REAL_DTYPE, 2, (uint64_t[]){s.n + (size_t)more, 2}, rows);
    assert_int_equal(sink_tensor(k, &t, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    tensor_free(&t);
    meta_free(&head);
    subwords_free(&s);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    struct source *source = source_open(out.fd, "test");
    assert_int_equal(segment_only(source, segment, NULL, &e), 0);
    source_close(source);
}

static void unknown_words_are_means_of_what_they_share(void **state)
{
    struct segment segment = {0};
    struct subword_model m;
    struct err e = {0};
    real v[2];
    (void)state;
    read_back(&segment, "ab", NULL, 0, false); /* <a <ab ab ab> b> */
    assert_int_equal(subword_load(&m, &segment, 2, &e), 1);
    assert_true(subword_compose(&m, "ab", 2, v));
    assert_true(v[0] == 3 && v[1] == 3);
    assert_true(subword_compose(&m, "ac", 2, v)); /* <a alone */
    assert_true(v[0] == 1);
    assert_true(subword_compose(&m, "xab", 3, v)); /* ab ab> b> */
    assert_true(v[0] == 4);
    assert_false(subword_compose(&m, "xyz", 3, v));
    assert_true(v[0] == 0 && v[1] == 0);
    subword_unload(&m);
    assert_int_equal(subword_load(&m, &segment, 3, &e), -1); /* vectors of 3 numbers */
    segment_free(&segment);
    read_back(&segment, "ab", "1", 0, false);
    assert_int_equal(subword_load(&m, &segment, 2, &e), -1);
    assert_failed(e, STATUS_DATA, "tensor 'w.sub.bucket': subword.max=1 is not a number from 2 to 32");
    segment_free(&segment);
    read_back(&segment, "ab", NULL, 1, false);
    assert_int_equal(subword_load(&m, &segment, 2, &e), -1);
    assert_failed(e, STATUS_DATA, "tensor 'w.sub' is not 5 rows of 2 real numbers");
    segment_free(&segment);
    read_back(&segment, "ab", NULL, 0, true);
    assert_int_equal(subword_load(&m, &segment, 2, &e), -1);
    assert_failed(e, STATUS_DATA, "row 1: bucket");
    segment_free(&segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(n_grams_are_those_of_the_paper),
                                       cmocka_unit_test(buckets_have_the_rows_they_got),
                                       cmocka_unit_test(unknown_words_are_means_of_what_they_share)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
