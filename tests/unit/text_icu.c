/* The fast ways through text against ICU itself: on the cases of the Unicode test files (Debian's unicode-data), on
 * ASCII by pairs, on random characters of every class and in odd sequences, on running text in many scripts.
 * TEXT_ICU_ROUNDS in the environment says how many thousand random texts are tried (100). */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/text_block.h"
#include "data/text_break.h"
#include "data/text_fold.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CASES        "/usr/share/unicode/auxiliary/"

/* A way, and ICU's. */
struct pair {
    struct text_break *fast, *icu;
};
static struct pair breaks[2];

/* All that folding does. */
static const struct text_options folding[] = {{.lower = true},
                                              {.normalize = TEXT_NFC},
                                              {.normalize = TEXT_NFKC},
                                              {.lower = true, .normalize = TEXT_NFC},
                                              {.lower = true, .normalize = TEXT_NFKC}};
static struct {
    struct text_fold *fast, *icu;
} folds[COUNT(folding)];

static const char *const names[] =
    {[TEXT_BREAK_WORDS] = "words", [TEXT_BREAK_CHARACTERS] = "characters", "words alone"};

static int open_all(void **state)
{
    struct err e = {0};
    (void)state;
    for (int what = 0; what < 2; what++) {
        breaks[what].fast = text_break_open((enum text_break_what)what, &e);
        breaks[what].icu = text_break_open((enum text_break_what)what, &e);
        if (!breaks[what].fast || !breaks[what].icu)
            fail_msg("%s", e.text);
        text_break_by_icu(breaks[what].icu);
    }
    for (size_t i = 0; i < COUNT(folds); i++) {
        folds[i].fast = text_fold_open(&folding[i], &e);
        folds[i].icu = text_fold_open(&folding[i], &e);
        if (!folds[i].fast || !folds[i].icu)
            fail_msg("%s", e.text);
        text_fold_by_icu(folds[i].icu);
    }
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int what = 0; what < 2; what++) {
        text_break_close(breaks[what].fast);
        text_break_close(breaks[what].icu);
    }
    for (size_t i = 0; i < COUNT(folds); i++) {
        text_fold_close(folds[i].fast);
        text_fold_close(folds[i].icu);
    }
    return 0;
}

static void show(const char *text, size_t length, struct buf *out)
{
    for (size_t i = 0; i < length; i++)
        buf_printf(out, "%02x%s", (unsigned char)text[i], (text[i + 1] & 0xc0) == 0x80 ? "" : " ");
}

/* All segments, asked for a few at a time. */
static size_t segments_of(struct text_break *b, const struct buf *text, bool keep_white, size_t room,
                          struct text_segment *to)
{
    struct err e = {0};
    size_t n = 0;
    assert_int_equal(text_break_start(b, text->data, text->len, keep_white, &e), 0);
    for (long got; (got = text_break_next(b, to + n, room, &e)) != 0; n += (size_t)got)
        assert_true(got > 0 && (size_t)got <= room);
    return n;
}

static void check_breaks(struct buf *text)
{
    static const size_t rooms[] = {1000, 3, 70, 1};
    static struct text_segment got[1 << 16], wanted[1 << 16];
    static size_t turn;
    size_t room = rooms[++turn % COUNT(rooms)];
    assert_true(text->len < 1 << 15);
    memset(buf_room(text, TEXT_BLOCK), "\0x\n"[turn % 3], TEXT_BLOCK); /* what stands behind may not matter */
    for (int what = 0; what < 3; what++) { /* words, characters, words without white space */
        struct pair *pair = &breaks[what % 2];
        size_t n = segments_of(pair->fast, text, what < 2, room, got);
        size_t m = segments_of(pair->icu, text, what < 2, 1000, wanted);
        if (n == m && !memcmp(got, wanted, n * sizeof *got))
            continue;
        struct buf shown = {0};
        size_t i = 0;
        while (i < n && i < m && !memcmp(&got[i], &wanted[i], sizeof *got))
            i++;
        show(text->data, text->len, &shown);
        fail_msg("%s: segment %zu of %zu is %u-%u, not %u-%u, in: %s", names[what], i, n, got[i].start, got[i].end,
                 wanted[i].start, wanted[i].end, buf_string(&shown));
    }
}

static void check_folds(const struct buf *text)
{
    static struct buf got, wanted, shown;
    for (size_t i = 0; i < COUNT(folds); i++) {
        struct err e = {0};
        buf_clear(&got);
        buf_clear(&wanted);
        assert_int_equal(text_fold(folds[i].fast, text->data, text->len, &got, &e), 0);
        assert_int_equal(text_fold(folds[i].icu, text->data, text->len, &wanted, &e), 0);
        if (got.len == wanted.len && (!got.len || !memcmp(got.data, wanted.data, got.len)))
            continue;
        buf_clear(&shown);
        show(text->data, text->len, &shown);
        buf_text(&shown, "became ");
        show(got.data, got.len, &shown);
        buf_text(&shown, "not ");
        show(wanted.data, wanted.len, &shown);
        fail_msg("lower %d, normalize %d: %s", folding[i].lower, folding[i].normalize, shown.data);
    }
}

/* With the ICU of Debian 12 the fast ways are taken; another one's rules may have another form, or say otherwise. */
static void test_ways(void **state)
{
    (void)state;
    assert_int_equal(text_break_way(breaks[TEXT_BREAK_WORDS].icu), TEXT_BREAK_BY_ICU);
    if (text_break_way(breaks[TEXT_BREAK_WORDS].fast) == (TEXT_BLOCKS ? TEXT_BREAK_BY_BITS : TEXT_BREAK_BY_TABLE) &&
        text_break_way(breaks[TEXT_BREAK_CHARACTERS].fast) == TEXT_BREAK_BY_TABLE)
        return;
    print_message("this ICU's rules are not those that the fast ways know: text goes a slower one\n");
    skip();
}

static void add_character(struct buf *text, UChar32 c)
{
    uint8_t *to = (uint8_t *)buf_room(text, 4);
    int32_t n = 0;
    U8_APPEND_UNSAFE(to, n, c);
    text->len += (size_t)n;
}

/* Each case by itself, and behind the one before. */
static void check_file(const char *name)
{
    char path[256], line[4096];
    snprintf(path, sizeof path, CASES "%s", name);
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    struct buf text = {0}, both = {0};
    size_t cases = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "#\n")] = 0;
        buf_clear(&text);
        for (const char *at = line; (at = strpbrk(at, "0123456789ABCDEF"));) {
            char *end;
            UChar32 c = (UChar32)strtol(at, &end, 16);
            at = end;
            if (c < 0xd800 || c > 0xdfff)
                add_character(&text, c);
        }
        cases += text.len > 0;
        check_folds(&text);
        check_breaks(&text);
        buf_add(&both, text.data, text.len);
        check_breaks(&both);
        buf_clear(&both);
        buf_add(&both, text.data, text.len);
    }
    assert_true(cases > 100);
    fclose(file);
    buf_free(&text);
    buf_free(&both);
}

static void test_word_cases(void **state)
{
    (void)state;
    check_file("WordBreakTest.txt");
}

static void test_grapheme_cases(void **state)
{
    (void)state;
    check_file("GraphemeBreakTest.txt");
}

static void test_ascii_pairs(void **state)
{
    static const char *const around[] = {"", "a", "7", " ", "sixteen_letters_", "\u00e9", "\u0308"};
    struct buf text = {0};
    (void)state;
    for (int c = 0; c < 128 * 128; c++)
        for (size_t i = 0; i < COUNT(around); i++) {
            buf_clear(&text);
            buf_text(&text, around[i]);
            buf_char(&text, (char)(c & 127));
            buf_char(&text, (char)(c >> 7));
            buf_text(&text, around[(i + (size_t)c) % COUNT(around)]);
            check_breaks(&text);
        }
    buf_free(&text);
}

/* ---- Characters by class ---- */

enum { MAX_CLASSES = 600, PER_CLASS = 400, N_KEYS = 6 };
static struct class
{
    int32_t key[N_KEYS];
    size_t n, seen;
    UChar32 some[PER_CLASS];
} classes[MAX_CLASSES];
static size_t n_classes;

/* What tells characters apart for any rule. */
static void key_of(UChar32 c, int32_t key[N_KEYS])
{
    UErrorCode code = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(c, &code);
    bool scripted = script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ||
                    script == USCRIPT_THAI || script == USCRIPT_LAO || script == USCRIPT_KHMER ||
                    script == USCRIPT_MYANMAR;
    key[0] = u_getIntPropertyValue(c, UCHAR_WORD_BREAK);
    key[1] = u_getIntPropertyValue(c, UCHAR_GRAPHEME_CLUSTER_BREAK);
    key[2] = u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) + 2 * (c < 128);
    key[3] = u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT;
    key[4] = scripted ? (int32_t)script : 0;
    int class = u_getCombiningClass(c);
    key[5] = u_hasBinaryProperty(c, UCHAR_CHANGES_WHEN_LOWERCASED) + 4 * u_hasBinaryProperty(c, UCHAR_CASE_IGNORABLE) +
             8 * u_getIntPropertyValue(c, UCHAR_NFC_QUICK_CHECK) +
             32 * u_getIntPropertyValue(c, UCHAR_NFKC_QUICK_CHECK) +
             128 * (class == 0    ? 0
                    : class < 220 ? 1
                    : class < 230 ? 2
                                  : 3) +
             512 * (c == 0x3a3);
}

static void sort_characters(void)
{
    struct rng rng = rng_seed(5);
    for (UChar32 c = 0; c <= 0x10ffff; c++) {
        int32_t key[N_KEYS];
        size_t k = 0;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        key_of(c, key);
        while (k < n_classes && memcmp(classes[k].key, key, sizeof key))
            k++;
        assert_true(k < MAX_CLASSES);
        if (k == n_classes)
            memcpy(classes[n_classes++].key, key, sizeof key);
        struct class *class = &classes[k];
        class->seen++;
        size_t at = class->n < PER_CLASS ? class->n++ : rng_below(&rng, class->seen); /* a fair choice of all */
        if (at < PER_CLASS)
            class->some[at] = c;
    }
    assert_true(n_classes > 40);
}

/* Every character of the planes in use, among letters, behind and before a capital sigma, beside itself. */
static void test_all_characters(void **state)
{
    struct buf text = {0};
    (void)state;
    for (UChar32 c = 0; c < 0xf0000; c++) {
        if ((c >= 0xd800 && c < 0xe000) || (c >= 0x33480 && c < 0xe0000))
            continue;
        for (int way = 0; way < 5; way++) { /* c, ac, cA', acc, and between sigmas */
            buf_text(&text, way % 2 ? "\na" : " ");
            if (way == 4)
                add_character(&text, 0x3a3);
            for (int times = way == 3 ? 2 : 1; times; times--)
                add_character(&text, c);
            buf_text(&text, way == 2 ? "A'" : way == 4 ? "\u03a3" : "");
        }
        if (c % 16 == 15) {
            check_breaks(&text);
            check_folds(&text);
            buf_clear(&text);
        }
    }
    buf_free(&text);
}

static UChar32 random_character(struct rng *rng)
{
    const struct class *class = &classes[rng_below(rng, n_classes)];
    return class->some[rng_below(rng, class->n)];
}

static size_t rounds(void)
{
    const char *given = getenv("TEXT_ICU_ROUNDS");
    return 1000 * (given ? strtoul(given, NULL, 10) : 100);
}

/* Few classes in a text, so that what they do among each other comes up; now and then runs of one. */
static void random_text(struct rng *rng, struct buf *text)
{
    UChar32 some[4];
    size_t length = 1 + rng_below(rng, rng_below(rng, 8) ? 8 : 60);
    buf_clear(text);
    for (size_t i = 0; i < COUNT(some); i++)
        some[i] = random_character(rng);
    for (size_t i = 0; i < length; i++) {
        UChar32 c = rng_below(rng, 4) ? some[rng_below(rng, COUNT(some))] : random_character(rng);
        for (size_t times = rng_below(rng, 16) ? 1 : 1 + rng_below(rng, 20); times; times--)
            add_character(text, c);
        if (!rng_below(rng, 6))
            buf_char(text, " \n \t'aZ"[rng_below(rng, 7)]);
    }
}

static void test_random(void **state)
{
    struct rng rng = rng_seed(29);
    struct buf text = {0};
    (void)state;
    sort_characters();
    for (size_t i = 0, n = rounds(); i < n; i++) {
        random_text(&rng, &text);
        check_breaks(&text);
        check_folds(&text);
    }
    buf_free(&text);
}

/* ---- Running text ---- */

static const char *const sentences[] = {
    "The 3 quick (\"brown\") foxes can't jump 32.3 feet, or 1,000:7 \u2014 right? e.g. x_1@y.org, l'\u00e9t\u00e9...",
    "El ping\u00fcino Wenceslao hizo kil\u00f3metros bajo exhaustiva lluvia; \u00bfa\u00f1oraba a su querido cachorro?",
    "\u041d\u0435 \u0431\u0435\u0437 \u0442\u0440\u0443\u0434\u0430 \u0432\u044b\u0442\u0430\u0449\u0438\u0448\u044c "
    "\u0440\u044b\u0431\u043a\u0443, 25\u00a0\u0440\u0443\u0431. \u2116\u00a05!",
    "\u039f \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3, \u03a3\u0391\u03a3: "
    "\u03ad\u03bd\u03b1\u03c2 \u03ac\u03bd\u03b8\u03c1\u03c9\u03c0\u03bf\u03c2\u00b7",
    "\u05e6\u05d4\"\u05dc \u05d0\u05de\u05e8 \u05d2'\u05d5\u05e8\u05d2' 3.14 \u0627\u0644\u0633\u0644\u0627\u0645 "
    "\u0639\u0644\u064e\u064a\u0643\u0645\u060c",
    "我爱学习爱劳动，是个好青年。Linux 6.1 是内核，2023年1月1日。",
    "私は東京タワーでコーヒーを飲みました。ｶﾀｶﾅも、ー々〆ヶ。",
    "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน ๑๒๓ ๆ ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ abc",
    "한국어 단어는 띄어쓰기로 나뉜다. 각각 123원 한국人 가́나",
    "हिन्दी में क्ष और त्र, ১২৩ বাংলা, தமிழ் மொழி, ქართული ენა, አማርኛ።",
    "\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7\U0001f1e8 \U0001f44d\U0001f3fd! "
    "1\ufe0f\u20e3 e\u0301a\u0308 \u200b\u00adx\u00ad\u2060y",
};

/* At every offset, and cut everywhere. */
static void test_sentences(void **state)
{
    struct buf text = {0};
    (void)state;
    for (size_t i = 0; i < COUNT(sentences); i++) {
        size_t length = strlen(sentences[i]);
        for (size_t at = 0; at < length; at++) {
            if ((sentences[i][at] & 0xc0) == 0x80)
                continue;
            buf_clear(&text);
            buf_add(&text, sentences[i] + at, length - at);
            check_breaks(&text);
            check_folds(&text);
            buf_clear(&text);
            buf_add(&text, sentences[i], at);
            check_breaks(&text);
            buf_text(&text, sentences[(i + at) % COUNT(sentences)]);
            check_breaks(&text);
        }
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways),           cmocka_unit_test(test_word_cases), cmocka_unit_test(test_grapheme_cases),
        cmocka_unit_test(test_ascii_pairs),    cmocka_unit_test(test_random),     cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_all_characters),
    };
    return cmocka_run_group_tests_name("text_icu", tests, open_all, close_all);
}
