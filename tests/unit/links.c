/* Links between words: their text, files of given ones, precision, recall and alignment error rate. */
#include "unit.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/lines.h"
#include "base/rng.h"
#include "data/links.h"

static void check(const struct links *l, size_t n, const uint32_t (*wanted)[3])
{
    assert_int_equal(l->n, n);
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(l->at[k].source, wanted[k][0]);
        assert_int_equal(l->at[k].target, wanted[k][1]);
        assert_int_equal(l->at[k].sure, wanted[k][2]);
    }
}

static void pharaoh(void **state)
{
    (void)state;
    struct links l = {0};
    struct err e = {0};
    const char *line = "\t3-4 0p2  0?1 4294967294-0\r";
    assert_int_equal(links_parse_pharaoh(line, strlen(line), 0, &l, &e), 0);
    check(&l, 4, (const uint32_t[][3]){{3, 4, 1}, {0, 2, 0}, {0, 1, 0}, {4294967294u, 0, 1}});
    l.n = 0;
    assert_int_equal(links_parse_pharaoh("1-2 2p1", 7, 1, &l, &e), 0);
    check(&l, 2, (const uint32_t[][3]){{0, 1, 1}, {1, 0, 0}});
    l.n = 0;
    assert_int_equal(links_parse_pharaoh("", 0, 0, &l, &e), 0);
    assert_int_equal(l.n, 0);
    static const char *const bad[] = {"1",    "1-",   "-1",  "1-2x",         "1-2-3",         "1:2",
                                      "1--2", "1 -2", "a-b", "4294967295-0", "99999999999-0", "0-1,2-3"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_int_equal(links_parse_pharaoh(bad[k], strlen(bad[k]), 0, &l, &e), -1);
        assert_failed(e, STATUS_DATA, "is no link");
    }
    assert_int_equal(links_parse_pharaoh("0-0 7-9 1.5-2", 13, 0, &l, &e), -1);
    assert_failed(e, STATUS_DATA, "column 9: '1.5-2'");
    assert_int_equal(links_parse_pharaoh("1-1 0-1", 7, 1, &l, &e), -1);
    assert_failed(e, STATUS_DATA, "column 5: '0-1' has the word 0");
    links_free(&l);
}

static void wpt(void **state)
{
    (void)state;
    struct links l = {0};
    struct err e = {0};
    uint64_t pair;
    static const char *const lines[] = {"0002 3 4", "2 1 1 P", "2 1 2 S 0.75", "2 0 5 S"};
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(links_parse_wpt(lines[k], strlen(lines[k]), &pair, &l, &e), 0);
        assert_int_equal(pair, 1);
    }
    check(&l, 3, (const uint32_t[][3]){{2, 3, 1}, {0, 0, 0}, {0, 1, 1}});
    static const char *const bad[][2] = {{"1 2", "is not of the form"}, {"1-2", "is not of the form"},
                                         {"0 1 1", "count from 1"},     {"1 1 1 Q", "neither S (sure) nor P"},
                                         {"1 1 1 Sure", "neither S"},   {"1 1 1 S 1 2", "one word too many"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_int_equal(links_parse_wpt(bad[k][0], strlen(bad[k][0]), &pair, &l, &e), -1);
        assert_failed(e, STATUS_DATA, bad[k][1]);
    }
    links_free(&l);
}

static void sorting(void **state)
{
    (void)state;
    struct links l = {0};
    links_sort(&l);
    links_add(&l, 2, 1, false);
    links_add(&l, 0, 1, false);
    links_add(&l, 5, 0, true);
    links_add(&l, 2, 1, true);
    links_add(&l, 2, 1, false);
    links_sort(&l);
    check(&l, 3, (const uint32_t[][3]){{5, 0, 1}, {0, 1, 0}, {2, 1, 1}});
    links_free(&l);
}

/* Sure 0-0, 1-1, 2-2; possible 1-2, 3-2. Found 0-0, 1-1, 1-2, 3-3:
 * A = 4, S = 3, A and S = 2, A and P = 3, so precision 3/4, recall 2/3, AER 1 - 5/7. */
static void error_rate(void **state)
{
    (void)state;
    struct links given = {0}, found = {0};
    struct link_tally t = {0};
    struct err e = {0};
    assert_int_equal(links_parse_pharaoh("0-0 1-1 2-2 1p2 3?2", 19, 0, &given, &e), 0);
    assert_int_equal(links_parse_pharaoh("0-0 1-1 1-2 3-3", 15, 0, &found, &e), 0);
    links_sort(&given);
    links_sort(&found);
    link_tally_add(&t, &found, &(struct gold_pair){.links = &given});
    assert_int_equal(t.found, 4);
    assert_int_equal(t.sure, 3);
    assert_true(fabs(link_precision(&t) - 3.0 / 4) < 1e-15);
    assert_true(fabs(link_recall(&t) - 2.0 / 3) < 1e-15);
    assert_true(fabs(link_error_rate(&t) - (1 - 5.0 / 7)) < 1e-15);
    /* Source word 3 and target word 1 are not judged: 3-3 and 1-1 do not count as found. */
    t = (struct link_tally){0};
    link_tally_add(&t, &found, &(struct gold_pair){&given, "1110", "1011"});
    assert_int_equal(t.found, 2);
    assert_int_equal(t.found_sure, 1);
    assert_int_equal(t.found_possible, 2);
    assert_int_equal(t.sure, 3);
    t = (struct link_tally){0};
    assert_true(isnan(link_precision(&t)) && isnan(link_recall(&t)) && isnan(link_error_rate(&t)));
    links_free(&given);
    links_free(&found);
}

/* The merge of sorted lists counts what a table of all pairs of words counts. */
static void random_tallies(void **state)
{
    (void)state;
    enum { SIDE = 7 };
    struct rng rng = rng_seed(11);
    for (int round = 0; round < 500; round++) {
        struct links given = {0}, found = {0};
        struct link_tally t = {0};
        int table[SIDE][SIDE] = {0};
        uint64_t in[4] = {0};
        for (uint64_t k = rng_below(&rng, 20); k > 0; k--) {
            uint32_t i = (uint32_t)rng_below(&rng, SIDE), j = (uint32_t)rng_below(&rng, SIDE),
                     sure = rng_below(&rng, 2) & 1;
            links_add(&given, i, j, sure);
            table[i][j] |= sure ? 3 : 1;
        }
        for (uint64_t k = rng_below(&rng, 20); k > 0; k--) {
            uint32_t i = (uint32_t)rng_below(&rng, SIDE), j = (uint32_t)rng_below(&rng, SIDE);
            links_add(&found, i, j, true);
            table[i][j] |= 4;
        }
        for (int k = 0; k < SIDE * SIDE; k++) {
            int cell = table[k / SIDE][k % SIDE];
            in[0] += cell >> 2;
            in[1] += cell >> 1 & 1;
            in[2] += cell == 7;
            in[3] += cell >= 5;
        }
        links_sort(&given);
        links_sort(&found);
        link_tally_add(&t, &found, &(struct gold_pair){.links = &given});
        assert_int_equal(t.found, in[0]);
        assert_int_equal(t.sure, in[1]);
        assert_int_equal(t.found_sure, in[2]);
        assert_int_equal(t.found_possible, in[3]);
        links_free(&given);
        links_free(&found);
    }
}

static void diagonal(void **state)
{
    (void)state;
    struct links l = {0};
    links_diagonal(&l, 4, 3); /* round(0), round(4/3), round(8/3) */
    check(&l, 3, (const uint32_t[][3]){{0, 0, 1}, {1, 1, 1}, {3, 2, 1}});
    l.n = 0;
    links_diagonal(&l, 1, 3); /* round(2/3) is no word: the last one */
    check(&l, 3, (const uint32_t[][3]){{0, 0, 1}, {0, 1, 1}, {0, 2, 1}});
    l.n = 0;
    links_diagonal(&l, 0, 3);
    links_diagonal(&l, 3, 0);
    assert_int_equal(l.n, 0);
    links_free(&l);
}

/* A file in memory, by its path. */
static const char *text_file(const char *text, char path[32])
{
    snprintf(path, 32, "/proc/self/fd/%d", memory_file(text, strlen(text)));
    return path;
}

static void gold_pharaoh(void **state)
{
    (void)state;
    struct gold_pair pair;
    struct err e = {0};
    char path[32], marks[32];
    struct gold *g =
        gold_open(text_file("1-1 2p1\n\n3-1", path), LINKS_PHARAOH, 1, text_file("10 1\n 1\n001 1\n", marks), &e);
    assert_non_null(g);
    assert_int_equal(gold_next(g, 2, 1, &pair, &e), 0);
    check(pair.links, 2, (const uint32_t[][3]){{0, 0, 1}, {1, 0, 0}});
    assert_string_equal(pair.source, "10");
    assert_string_equal(pair.target, "1");
    assert_int_equal(gold_next(g, 0, 1, &pair, &e), 0);
    assert_int_equal(pair.links->n, 0);
    assert_string_equal(pair.source, "");
    assert_int_equal(gold_end(g, &e), -1);
    assert_failed(e, STATUS_DATA, ":3: there are only 2 pairs");
    gold_close(g);
    g = gold_open(text_file("0-0\n0-2\n", path), LINKS_PHARAOH, 0, NULL, &e);
    assert_int_equal(gold_next(g, 1, 1, &pair, &e), 0);
    assert_null(pair.source);
    assert_int_equal(gold_next(g, 2, 2, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, ":2: the link 0-2 lies beyond pair 2's 2 source and 2 target words");
    gold_close(g);
    g = gold_open(text_file("0-0\n", path), LINKS_PHARAOH, 0, text_file("1x 1\n", marks), &e);
    assert_int_equal(gold_next(g, 2, 1, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, "is not made of 0 and 1");
    gold_close(g);
    g = gold_open(text_file("0-0\n", path), LINKS_PHARAOH, 0, text_file("111 1\n", marks), &e);
    assert_int_equal(gold_next(g, 2, 1, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, "3 marks for the pair's 2 source words");
    gold_close(g);
    g = gold_open(text_file("", path), LINKS_PHARAOH, 0, NULL, &e);
    assert_int_equal(gold_next(g, 2, 1, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, "ends after line 0, but pair 1 follows");
    gold_close(g);
    assert_null(gold_open("/nonexistent/x", LINKS_PHARAOH, 0, NULL, &e));
    assert_int_equal(e.status, STATUS_FAILED);
}

static void gold_wpt(void **state)
{
    (void)state;
    struct gold_pair pair;
    struct err e = {0};
    char path[32];
    struct gold *g = gold_open(text_file("1 1 2 S\n1 2 1 P\n3 1 1\n4 9 9\n", path), LINKS_WPT, 1, NULL, &e);
    assert_int_equal(gold_next(g, 2, 2, &pair, &e), 0);
    check(pair.links, 2, (const uint32_t[][3]){{1, 0, 0}, {0, 1, 1}});
    assert_int_equal(gold_next(g, 2, 2, &pair, &e), 0); /* pair 2 has no line */
    assert_int_equal(pair.links->n, 0);
    assert_int_equal(gold_next(g, 2, 2, &pair, &e), 0);
    check(pair.links, 1, (const uint32_t[][3]){{0, 0, 1}});
    assert_int_equal(gold_end(g, &e), -1);
    assert_failed(e, STATUS_DATA, "there are only 3 pairs");
    assert_int_equal(gold_next(g, 2, 2, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, "the link 9-9 lies beyond pair 4's");
    gold_close(g);
    g = gold_open(text_file("2 1 1\n1 1 1\n", path), LINKS_WPT, 1, NULL, &e);
    assert_int_equal(gold_next(g, 1, 1, &pair, &e), 0);
    assert_int_equal(gold_next(g, 1, 1, &pair, &e), -1);
    assert_failed(e, STATUS_DATA, ":2: pair 1 stands behind pair 2");
    gold_close(g);
}

static void lines(void **state)
{
    (void)state;
    struct lines l;
    struct err e = {0};
    char path[32];
    assert_int_equal(lines_open(&l, text_file("\357\273\277a\r\n\nlast", path), &e), 0);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_string_equal(l.text, "a");
    assert_true(l.whole);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_int_equal(l.length, 0);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_string_equal(l.text, "last");
    assert_int_equal(l.number, 3);
    assert_false(l.whole);
    assert_int_equal(lines_next(&l, &e), 0);
    assert_int_equal(l.number, 3);
    assert_false(l.whole);
    lines_close(&l);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_file("ok\nx\0y\n", 7));
    assert_int_equal(lines_open(&l, path, &e), 0);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_int_equal(lines_next(&l, &e), -1);
    assert_failed(e, STATUS_DATA, ":2: there is a NUL byte");
    lines_close(&l);
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory_file("x\0y\nok\n", 7));
    assert_int_equal(lines_open(&l, path, &e), 0);
    l.nuls = true;
    assert_int_equal(lines_next(&l, &e), 1);
    assert_int_equal(l.length, 3);
    assert_memory_equal(l.text, "x\0y", 4);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_string_equal(l.text, "ok");
    assert_true(l.whole);
    lines_close(&l);
    /* a line far longer than a block */
    struct buf text = {0};
    for (int k = 0; k < 300000; k++)
        buf_char(&text, 'x');
    buf_text(&text, "\nend\n");
    assert_int_equal(lines_open(&l, text_file(text.data, path), &e), 0);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_int_equal(l.length, 300000);
    assert_int_equal(lines_next(&l, &e), 1);
    assert_string_equal(l.text, "end");
    assert_int_equal(lines_next(&l, &e), 0);
    lines_close(&l);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pharaoh),        cmocka_unit_test(wpt),
        cmocka_unit_test(sorting),        cmocka_unit_test(error_rate),
        cmocka_unit_test(random_tallies), cmocka_unit_test(diagonal),
        cmocka_unit_test(gold_pharaoh),   cmocka_unit_test(gold_wpt),
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
