/* The ground floor: errors, memory, options, random numbers, threads, files. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/par.h"
#include "base/rng.h"
#include "base/utf8.h"

/* ---- Errors, buffers, memory ---- */

static void errors(void **state)
{
    (void)state;
    struct err e = {0};
    char longer[4000];
    assert_int_equal(err_fail(&e, STATUS_DATA, "row %d is bad", 7), -1);
    assert_int_equal(err_where(&e, "reading %s", "m.tns"), -1);
    assert_string_equal(e.text, "reading m.tns: row 7 is bad");
    assert_int_equal(e.status, STATUS_DATA);
    err_where(&e, "reading %s", "m.tns"); /* said once is enough */
    assert_string_equal(e.text, "reading m.tns: row 7 is bad");
    err_where(&e, "reading");
    assert_string_equal(e.text, "reading: reading m.tns: row 7 is bad");
    errno = ENOENT;
    err_system(&e, "x.txt");
    assert_string_equal(e.text, "x.txt: No such file or directory");
    assert_int_equal(e.status, STATUS_FAILED);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    err_fail(&e, STATUS_DATA, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    err_where(&e, "%s", longer);
    assert_true(strlen(e.text) < sizeof e.text);
    err_fail(&e, STATUS_DATA, "the cause");
    err_where(&e, "%s", longer);
    assert_non_null(strstr(e.text, "the cause"));
}

static void buffers(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_string_equal(buf_string(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 3890);
    assert_int_equal((uintptr_t)b.data % MEM_ALIGN, 0);
    assert_int_equal(b.data[b.len], 0);
    buf_clear(&b);
    buf_add(&b, "a\0b", 3);
    buf_char(&b, 'c');
    buf_text(&b, "de");
    assert_int_equal(b.len, 6);
    assert_memory_equal(b.data, "a\0bcde", 7);
    buf_free(&b);
    assert_null(b.data);
}

static jmp_buf out_of_memory;
static size_t asked;

static void exhausted(size_t bytes)
{
    asked = bytes;
    longjmp(out_of_memory, 1);
}

static void memory(void **state)
{
    (void)state;
    uint64_t product;
    assert_true(mem_product(1ull << 31, 1ull << 31, &product));
    assert_int_equal(product, 1ull << 62);
    assert_false(mem_product(1ull << 32, 1ull << 32, &product));
    char *zeros = mem_aligned(1000, 3);
    assert_int_equal((uintptr_t)zeros % MEM_ALIGN, 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(zeros[i], 0);
    free(zeros);
    char *text = mem_printf("%s-%d", "a", 1), *copy = mem_copy_bytes(text, 2);
    assert_string_equal(copy, "a-");
    free(text);
    free(copy);
    free(mem_get(0, 8));

    void (*before)(size_t) = mem_exhausted;
    mem_exhausted = exhausted;
    volatile int times = 0; /* each wrong size must leave by the one exit path */
    if (setjmp(out_of_memory) == 0)
        free(mem_get(SIZE_MAX / 2, 4));
    else
        times++;
    if (setjmp(out_of_memory) == 0)
        free(mem_grow(NULL, SIZE_MAX, 1));
    else
        times++;
    if (setjmp(out_of_memory) == 0)
        free(mem_aligned(SIZE_MAX / 64, 128));
    else
        times++;
    mem_exhausted = before;
    assert_int_equal(times, 3);
    assert_true(asked > 0);
}

static void arenas(void **state)
{
    (void)state;
    struct arena a = {0};
    char *first[100];
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < 100; i++) {
            char *now = arena_get(&a, i * 1000 + 1, 1);
            assert_int_equal((uintptr_t)now % MEM_ALIGN, 0);
            memset(now, (int)i, i * 1000 + 1);
            if (!pass)
                first[i] = now;
            assert_ptr_equal(now, first[i]); /* later passes allocate nothing */
        }
        for (size_t i = 0; i < 100; i++) /* nothing lies upon anything else */
            assert_true(first[i][0] == (char)i && first[i][i * 1000] == (char)i);
        arena_reset(&a);
    }
    arena_free(&a);
}

static void utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"a",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2 ",
                                      "\xe0\x9f\xbf",
                                      "\xe7\x88",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xf0\x90\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(utf8_length(good[i], strlen(good[i])), strlen(good[i]));
        assert_int_equal(utf8_length(good[i], strlen(good[i]) - 1), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(utf8_length(bad[i], strlen(bad[i])), 0);
    assert_true(utf8_plain("a \xe7\x88\xb1", 5));
    assert_true(utf8_plain("", 0));
    assert_false(utf8_plain("a\n", 2));
    assert_false(utf8_plain("\x7f", 1));
    assert_false(utf8_plain("a\0b", 3));
}

/* ---- Options ---- */

struct config {
    bool deep, plain;
    int64_t size, whole;
    double rate;
    const char *name;
    int cell;
    struct opt_list list;
};

#define AT(field) offsetof(struct config, field)

static const struct opt rows[] = {
    {"deep", 'd', OPT_SWITCH, AT(deep), OPT_RECORD, NULL, "yes", 0, 0, NULL, "go deep"},
    {"plain", 0, OPT_SWITCH, AT(plain), 0, NULL, NULL, 0, 0, NULL, "be plain"},
    {"size", 's', OPT_INT, AT(size), OPT_RECORD, "N", "64k", 1, 1 << 20, NULL, "how large"},
    {"whole", 0, OPT_INT, AT(whole), 0, "N", NULL, -0x1p63, 0x1p63, NULL, "any number"},
    {"rate", 0, OPT_REAL, AT(rate), OPT_RECORD | OPT_LOW_OPEN, "X", "0.1", 0, 1, NULL, "how fast"},
    {"name", 'n', OPT_TEXT, AT(name), OPT_RECORD, "NAME", NULL, 0, 0, NULL, "what it is called"},
    {"cell", 0, OPT_CHOICE, AT(cell), OPT_RECORD, NULL, "lstm", 0, 0, "elman|lstm|gru", "which cell"},
    {"list", 0, OPT_LIST, AT(list), 0, "WORD", NULL, 0, 0, NULL, "several"},
    {0},
};

/* Parses words separated by blanks; the configuration, the failure, the operands joined by blanks. */
static int parse(const char *line, struct config *c, struct err *e, char *operands)
{
    static char text[256]; /* what options of text point into */
    char *argv[32] = {(char *)"tool"};
    struct opt_group groups[] = {{"Test", rows, c, 0}, {0}};
    int argc = 1, first;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    *c = (struct config){0};
    *e = (struct err){0};
    int result = opt_parse(groups, argc, argv, &first, e);
    operands[0] = 0;
    for (int i = first; result == 0 && i < argc; i++)
        snprintf(operands + strlen(operands), 64, "%s%s", i > first ? " " : "", argv[i]);
    opt_free(groups);
    return result;
}

static void options(void **state)
{
    (void)state;
    struct config c;
    struct err e;
    char operands[256];
    assert_int_equal(parse("", &c, &e, operands), 0);
    assert_true(c.deep && !c.plain && c.size == 65536 && c.rate == 0.1 && !c.name && c.cell == 1);
    assert_int_equal(parse("a --no-deep -s 12 --rate=0.5 b --cell gru --plain -- --deep", &c, &e, operands), 0);
    assert_true(!c.deep && c.plain && c.size == 12 && c.rate == 0.5 && c.cell == 2);
    assert_string_equal(operands, "a b --deep");
    assert_int_equal(parse("--size 1e3 --whole=-5 -", &c, &e, operands), 0);
    assert_true(c.size == 1000 && c.whole == -5);
    assert_string_equal(operands, "-");
    static const struct {
        const char *line, *says;
    } bad[] = {
        {"--size 0", "from 1 to 1048576"},
        {"--size abc", "--size: 'abc'"},
        {"--size 1.5", "whole number"},
        {"--size 99999999999999999999", "whole number"},
        {"--size=", "whole number"},
        {"--size 2M", "1048576"},
        {"--rate 0", "above 0"},
        {"--rate 1.1", "to 1"},
        {"--rate nan", "number"},
        {"--rate inf", "number"},
        {"--cell lstn", "did you mean 'lstm'"},
        {"--cell x", "elman, lstm, gru"},
        {"--siez 3", "did you mean '--size'"},
        {"--nothing-like-it", "unknown option"},
        {"-x", "unknown option"},
        {"--size", "needs a value"},
        {"-s", "needs a value"},
        {"--deep=yes", "takes no value"},
        {"--no-size 3", "unknown option"},
        {"--size -3", "from 1"},
        {"--whole 1e30", "whole number from -9223372036854775808 to 9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i].line, &c, &e, operands) == 0)
            fail_msg("'%s' was taken", bad[i].line);
        assert_failed(e, STATUS_MISUSED, bad[i].says);
    }
}

static void put_row(void *context, const char *name, const char *value)
{
    buf_printf(context, "%s=%s;", name, value);
}

static void options_recorded(void **state)
{
    (void)state;
    struct config c = {0};
    struct opt_group groups[] = {{"Test", rows, &c, 0}, {0}};
    struct buf text = {0};
    struct err e = {0};
    char *argv[] = {(char *)"tool", (char *)"--name",   (char *)"x y", (char *)"--list",
                    (char *)"a",    (char *)"--list=b", NULL};
    int first;
    assert_int_equal(opt_parse(groups, 6, argv, &first, &e), 0);
    assert_true(opt_given(groups, "name"));
    assert_false(opt_given(groups, "size"));
    assert_int_equal(c.list.n, 2);
    assert_string_equal(c.list.items[1], "b");
    opt_recorded(groups, put_row, &text);
    assert_string_equal(text.data, "deep=yes;size=65536;rate=0.1;name=x y;cell=lstm;");
    assert_int_equal(opt_set(groups, "cell", "gru", &e), 0);
    assert_int_equal(opt_set(groups, "rate", "1e-3", &e), 0);
    assert_true(c.cell == 2 && c.rate == 1e-3);
    assert_int_equal(opt_set(groups, "cells", "gru", &e), -1);
    assert_int_equal(opt_set(groups, "rate", "2", &e), -1);
    for (int form = 0; form < 4; form++) { /* every row shows in every form made from the table */
        buf_clear(&text);
        if (form == 0)
            opt_help(groups, &text);
        else if (form == 1)
            opt_roff(groups, &text);
        else
            opt_completion(groups, "tool", "draw|write", form == 3, &text);
        for (const struct opt *row = rows; row->name; row++)
            if (!strstr(text.data, row->name))
                fail_msg("form %d does not show %s", form, row->name);
        if (form >= 2)
            assert_non_null(strstr(text.data, "draw write"));
    }
    buf_free(&text);
    opt_free(groups);
}

static void numbers(void **state)
{
    (void)state;
    int64_t whole;
    double real;
    char near[16];
    assert_true(opt_int("2M", 0, INT64_MAX, &whole) && whole == 2 << 20);
    assert_true(opt_int("-1", -5, 5, &whole) && whole == -1);
    static const char *const bad[] = {"",      " 1", "1 ", "k", "1kk", "1e-1", "9223372036854775808", "9999999999G",
                                      "1e300", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(opt_int(bad[i], INT64_MIN, INT64_MAX, &whole));
    assert_true(opt_real("-1.5e-3", &real) && real == -1.5e-3);
    assert_false(opt_real("1e999", &real) || opt_real("", &real) || opt_real(" 1", &real) || opt_real("1,5", &real));
    assert_true(opt_nearest("heda", "ls|head|text", near, sizeof near));
    assert_string_equal(near, "head");
    assert_false(opt_nearest("zzz", "ls|head|text", near, sizeof near));
    assert_true(opt_nearest("hepl", "cell|help", near, sizeof near)); /* swapped letters are one slip */
    assert_string_equal(near, "help");
}

/* ---- Chance and threads ---- */

static void chance(void **state)
{
    (void)state;
    struct rng a = rng_seed(7), b = rng_seed(7), c = rng_seed(8);
    double sum = 0, squares = 0;
    int buckets[10] = {0}, n = 100000;
    assert_int_equal(rng_next(&a), rng_next(&b));
    assert_int_not_equal(rng_next(&b), rng_next(&c));
    struct rng fork = rng_fork(a, "init", 0), again = rng_fork(rng_seed(7), "init", 0);
    assert_int_equal(rng_next(&fork), rng_next(&again)); /* whatever the parent has drawn */
    struct rng other = rng_fork(a, "init", 1), purpose = rng_fork(a, "dropout", 0);
    uint64_t first = rng_next(&fork);
    assert_true(first != rng_next(&other) && first != rng_next(&purpose));
    for (int i = 0; i < n; i++) {
        double x = rng_unit(&a), y = rng_normal(&a);
        assert_true(x >= 0 && x < 1);
        buckets[(int)(10 * x)]++;
        sum += y;
        squares += y * y;
        assert_true(rng_below(&a, 7) < 7);
    }
    for (int i = 0; i < 10; i++)
        assert_true(abs(buckets[i] - n / 10) < 500); /* five deviations */
    assert_true(fabs(sum / n) < 0.02 && fabs(squares / n - 1) < 0.03);
    assert_int_equal(rng_below(&a, 1), 0);
}

struct cover {
    unsigned char *seen;
    size_t grain;
};

static void touch(void *context, size_t low, size_t high)
{
    struct cover *c = context;
    if (low % c->grain)
        c->seen[low] = 100;
    for (size_t i = low; i < high; i++)
        c->seen[i]++;
}

static void threads(void **state)
{
    (void)state;
    struct err e = {0};
    assert_true(par_processors() >= 1);
    for (int n = 1; n <= 5; n++) {
        assert_int_equal(par_start(n, &e), 0);
        assert_int_equal(par_threads(), n);
        for (size_t size = 0; size < 200; size += 7)
            for (size_t grain = 1; grain < 20; grain += 6)
                for (int again = 0; again < 3; again++) {
                    struct cover c = {mem_get(size, 1), grain};
                    par_for(size, grain, touch, &c);
                    for (size_t i = 0; i < size; i++)
                        assert_int_equal(c.seen[i], 1); /* each once, ranges cut at the grain */
                    free(c.seen);
                }
        par_stop();
        assert_int_equal(par_threads(), 1);
    }
}

/* ---- Files ---- */

static char directory[] = "/tmp/runnel-unit-XXXXXX";

static char *in_directory(const char *name)
{
    return mem_printf("%s/%s", directory, name);
}

static void assert_holds(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct buf bytes = file_bytes(fd);
    assert_string_equal(buf_string(&bytes), text);
    buf_free(&bytes);
    close(fd);
}

static void outputs(void **state)
{
    (void)state;
    struct outfile f;
    struct err e = {0};
    struct stat st;
    char *path = in_directory("out"), *missing = in_directory("none/out"), *linked = in_directory("link");
    assert_int_equal(outfile_open(&f, path, &e), 0);
    assert_int_equal(outfile_write(&f, "one", 3, &e), 0);
    assert_int_equal(access(path, F_OK), -1); /* appears whole or not at all */
    assert_int_equal(outfile_commit(&f, &e), 0);
    assert_holds(path, "one");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("out", linked), 0);
    assert_int_equal(outfile_open(&f, linked, &e), 0);
    assert_int_equal(outfile_write(&f, "two", 3, &e), 0);
    outfile_drop(&f);
    outfile_drop(&f); /* does nothing */
    assert_holds(path, "one");
    assert_int_equal(file_replace(linked, "three", 5, &e), 0);
    assert_holds(path, "three"); /* through the link, which stays one */
    assert_int_equal(lstat(linked, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);

    assert_int_equal(outfile_open(&f, missing, &e), -1);
    assert_failed(e, STATUS_FAILED, "does not exist");
    assert_int_equal(outfile_probe(missing, &e), -1);
    assert_int_equal(outfile_probe(directory, &e), -1);
    assert_failed(e, STATUS_FAILED, "is a directory");
    assert_int_equal(outfile_probe(path, &e), 0);
    assert_int_equal(outfile_open(&f, "/dev/full", &e), 0);
    int result = outfile_write(&f, "x", 1, &e);
    if (result == 0)
        result = outfile_commit(&f, &e);
    else
        outfile_drop(&f);
    assert_int_equal(result, -1);
    assert_failed(e, STATUS_FAILED, "No space left");
    unlink(linked);
    unlink(path);
    free(path);
    free(missing);
    free(linked);
}

static void inputs(void **state)
{
    (void)state;
    struct err e = {0};
    char *path = in_directory("none");
    assert_int_equal(infile_open(path, &e), -1);
    assert_failed(e, STATUS_FAILED, "No such file");
    assert_int_equal(infile_open(directory, &e), -1);
    assert_failed(e, STATUS_FAILED, "is a directory");
    assert_string_equal(infile_label(NULL), "standard input");
    assert_string_equal(infile_label("-"), "standard input");
    assert_string_equal(infile_label("a"), "a");
    int spool = spool_open(&e);
    assert_true(spool >= 0);
    assert_int_equal(file_write(spool, "abc", 3, &e), 0);
    struct buf bytes = file_bytes(spool);
    assert_string_equal(bytes.data, "abc");
    buf_free(&bytes);
    close(spool);
    assert_int_equal(setenv("TMPDIR", path, 1), 0);
    assert_int_equal(spool_open(&e), -1);
    assert_failed(e, STATUS_FAILED, "TMPDIR");
    unsetenv("TMPDIR");
    free(path);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory); /* fails when something was left behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),           cmocka_unit_test(buffers), cmocka_unit_test(memory),
        cmocka_unit_test(arenas),           cmocka_unit_test(utf8),    cmocka_unit_test(options),
        cmocka_unit_test(options_recorded), cmocka_unit_test(numbers), cmocka_unit_test(chance),
        cmocka_unit_test(threads),          cmocka_unit_test(outputs), cmocka_unit_test(inputs),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
