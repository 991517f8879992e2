/* Text into tokens: golden tables for repair, levels, items; and that neither chunks nor windows show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/text_level.h"
#include "data/text_pipe.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BYTES(text)  text, sizeof(text) - 1

/* ---- Repair ---- */

static const struct {
    const char *in;
    size_t length;
    const char *out;
    uint64_t replaced;
} repairs[] = {
#define R "\xef\xbf\xbd"
    {BYTES("plain text, twice eight bytes"), "plain text, twice eight bytes", 0},
    {BYTES("a\xc3\xa9\xe6\x88\x91\xf0\x9f\x98\x80z"), "a\xc3\xa9\xe6\x88\x91\xf0\x9f\x98\x80z", 0},
    /* the tables of section 3.9 of the Unicode Standard */
    {BYTES("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), R R R R R R R R "A", 8},
    {BYTES("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), R R R R R R R R "A", 8},
    {BYTES("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), R R R R R "A" R R "B", 7},
    {BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), R R R R "A", 4},
    {BYTES("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64"), "a" R R R "b" R "c" R R "d", 6},
    {BYTES("caf\xe9\n"), "caf" R "\n", 1},
    {BYTES("\xe6\x88"), R, 1},
    {BYTES("\xe6\x88\r\n"), R "\n", 1},
    {BYTES("\xc1\xfe\xff\xf8"), R R R R, 4},
    /* the start of a file, the ends of lines */
    {BYTES("\ufeffx\ufeff"), "x\ufeff", 0},
    {BYTES("\xef\xbb\xbf"), "", 0},
    {BYTES("\xef\xbb"), R, 1},
    {BYTES("\r\xef\xbb\xbf"), "\r\xef\xbb\xbf", 0},
    {BYTES("a\r\nb\rc\r\r\n\n\rd\r"), "a\nb\rc\n\n\rd\r", 0},
    {BYTES(""), "", 0},
};

static void test_repair(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(repairs); i++)
        for (size_t cut = 0; cut <= repairs[i].length + 1; cut++) { /* beyond the end: byte by byte */
            struct text_clean c = {0};
            struct buf out = {0};
            struct err e = {0};
            const char *in = repairs[i].in;
            size_t n = repairs[i].length, step = cut > n ? 1 : cut ? cut : n;
            text_clean_begin(&c, "in");
            for (size_t at = 0; at < n; at += step)
                assert_int_equal(text_clean_add(&c, in + at, n - at < step ? n - at : step, &out, &e), 0);
            assert_int_equal(text_clean_end(&c, &out, &e), 0);
            assert_string_equal(buf_string(&out), repairs[i].out);
            assert_int_equal(c.replaced, repairs[i].replaced);
            buf_free(&out);
        }
}

static void test_strict(void **state)
{
    (void)state;
    static const struct {
        const char *in, *says;
    } rows[] = {
        {"one\r\ntwo\nthr\xc3 e", "in:3: not UTF-8, byte 0xC3 (without --strict it becomes U+FFFD)"},
        {"\xff", "in:1: not UTF-8, byte 0xFF (without --strict it becomes U+FFFD)"},
        {"\n\xe6\x88", "in:2: not UTF-8, byte 0xE6 (without --strict it becomes U+FFFD)"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text_clean c = {.strict = true};
        struct buf out = {0};
        struct err e = {0};
        text_clean_begin(&c, "in");
        int result = text_clean_add(&c, rows[i].in, strlen(rows[i].in), &out, &e);
        result = result < 0 ? result : text_clean_end(&c, &out, &e);
        assert_int_equal(result, -1);
        assert_int_equal(e.status, STATUS_DATA);
        assert_string_equal(e.text, rows[i].says);
        buf_free(&out);
    }
}

/* ---- Tokens and items, shown as token|token/ for each part; +/ ends one that continues, ~ divides sides. Behind a
 * token {what was written} where that differs, and _TAG; labels stand apart, as label; ---- */

struct show {
    struct buf out, labels;
    int side;
    bool first;
    size_t tokens, parts;
    bool quiet;
};

static int show_token(void *context, int side, const struct text_word *word, struct err *e)
{
    struct show *s = context;
    (void)e;
    s->tokens++;
    if (s->quiet)
        return 0;
    if (side != s->side) {
        buf_char(&s->out, '~');
        s->side = side;
    } else if (!s->first) {
        buf_char(&s->out, '|');
    }
    s->first = false;
    buf_add(&s->out, word->word, word->length);
    if (word->length != word->written_length || memcmp(word->word, word->written, word->length)) {
        buf_char(&s->out, '{');
        buf_add(&s->out, word->written, word->written_length);
        buf_char(&s->out, '}');
    }
    if (word->tag)
        buf_printf(&s->out, "_%.*s", (int)word->tag_length, word->tag);
    return 0;
}

static int show_tokens(void *context, int side, const struct text_word *words, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        show_token(context, side, &words[i], e);
    return 0;
}

static int show_label(void *context, const char *label, size_t length, struct err *e)
{
    struct show *s = context;
    (void)e;
    buf_add(&s->labels, label, length);
    buf_char(&s->labels, ';');
    return 0;
}

static int show_part(void *context, bool continued, struct err *e)
{
    struct show *s = context;
    (void)e;
    buf_text(&s->out, continued ? "+/" : "/");
    s->side = 0;
    s->first = true;
    s->parts++;
    return 0;
}

struct kind {
    struct text_options how;
    enum text_item_kind item;
    struct text_input in; /* what else is asked for */
};

/* Runs bytes through a pipe, `step` bytes at a time; false when they are refused. */
static bool pipe_text(const struct kind *k, const char *in, size_t n, size_t step, size_t window, struct show *show,
                      struct err *e)
{
    struct text_pipe p = {0};
    struct text_part_receiver to = {show, show_tokens, show_part, show_label};
    struct text_input input = k->in;
    bool quiet = show->quiet;
    buf_clear(&show->out);
    buf_clear(&show->labels);
    *show = (struct show){.out = show->out, .labels = show->labels, .first = true, .quiet = quiet};
    if (k->item == TEXT_PAIR)
        input.kind = TEXT_INPUT_PAIRS;
    else if (input.kind == TEXT_INPUT_PLAIN)
        input.item = (int)k->item;
    bool good = text_pipe_open(&p, &k->how, &input, window, &to, e) == 0;
    if (good)
        text_pipe_begin(&p, "in");
    for (size_t at = 0; good && at < n; at += step)
        good = text_pipe_add(&p, in + at, n - at < step ? n - at : step, e) == 0;
    good = good && text_pipe_end(&p, e) == 0;
    text_pipe_close(&p);
    return good;
}

static const struct kind space = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind space_lower_no_punct = {{TEXT_SPACE, true, TEXT_AS_IS, TEXT_DROP, 0}, TEXT_LINE, {0}};
static const struct kind space_file = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_FILE, {0}};
static const struct kind space_paragraph = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_PARAGRAPH, {0}};
static const struct kind space_pair = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_PAIR, {0}};
static const struct kind word = {{TEXT_WORD, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind word_no_punct = {{TEXT_WORD, false, TEXT_AS_IS, TEXT_DROP, 0}, TEXT_LINE, {0}};
static const struct kind word_no_punct_paragraph = {{TEXT_WORD, false, TEXT_AS_IS, TEXT_DROP, 0}, TEXT_PARAGRAPH, {0}};
static const struct kind word_lower = {{TEXT_WORD, true, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind word_nfc = {{TEXT_WORD, false, TEXT_NFC, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind word_nfkc_lower = {{TEXT_WORD, true, TEXT_NFKC, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind word_file = {{TEXT_WORD, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_FILE, {0}};
static const struct kind grapheme = {{TEXT_GRAPHEME, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind grapheme_no_punct = {{TEXT_GRAPHEME, false, TEXT_AS_IS, TEXT_DROP, 0}, TEXT_LINE, {0}};
static const struct kind grapheme_file = {{TEXT_GRAPHEME, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_FILE, {0}};
static const struct kind grapheme_paragraph = {{TEXT_GRAPHEME, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_PARAGRAPH, {0}};
static const struct kind grapheme_pair = {{TEXT_GRAPHEME, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_PAIR, {0}};
static const struct kind byte = {{TEXT_BYTE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, {0}};
static const struct kind byte_file = {{TEXT_BYTE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_FILE, {0}};

static const struct {
    const struct kind *kind;
    const char *in;
    size_t length;
    const char *out;
} golden[] = {
    /* lines */
    {&space, BYTES(""), ""},
    {&space, BYTES("\n"), "/"},
    {&space, BYTES("\n\n\n"), "///"},
    {&space, BYTES("a b\nc"), "a|b/c/"},
    {&space, BYTES("a b\r\n\r\nc\r\n"), "a|b//c/"},
    {&space, BYTES("\ufeffa\n"), "a/"},
    {&space, BYTES("  a \t b  \n \n  "), "a|b///"},
    {&space, BYTES("a\rb\n"), "a|b/"},
    {&space, BYTES("source\ttarget"), "source|target/"},
    {&space, BYTES("Hello, WORLD -- it's\n"), "Hello,|WORLD|--|it's/"},
    {&space_lower_no_punct, BYTES("Hello, WORLD -- \u20ac it's\n"), "hello,|world|it's/"},
    /* no-break, en quad, ideographic, line and paragraph separators, next line: white space, but no line ends */
    {&space, BYTES("a\u00a0b\u2000c\u3000d\u2028e\u2029f\302\205g\n"), "a|b|c|d|e|f|g/"},
    /* zero width space and soft hyphen are none */
    {&space, BYTES("a\u200bb c\u00add\n"), "a\u200bb|c\u00add/"},
    {&space, BYTES("a\377b \346\210"), "a\ufffdb|\ufffd/"},
    /* other items */
    {&space_file, BYTES(""), ""},
    {&space_file, BYTES("\n"), "\n/"},
    {&space_file, BYTES("a b\n\nc\r\n"), "a|b|\n|\n|c|\n/"},
    {&space_file, BYTES("a\nb"), "a|\n|b/"},
    {&space_paragraph, BYTES("\n\na b\nc\n \t\n\nd\n"), "a|b|c/d/"},
    {&space_paragraph, BYTES("\n \n"), ""},
    {&grapheme_paragraph, BYTES("\nab\nc\n\n\nd\n \ne\n"), "a|b|\n|c/d|\n| |\n|e/"},
    {&word_no_punct_paragraph, BYTES("a.\n--\nb\n\n--\n\nc"), "a|b/c/"},
    {&space_pair, BYTES("a b\tc d\n\t\ne\t"), "a|b~c|d//e/"},
    {&grapheme_pair, BYTES("a b\tc\n"), "a| |b~c/"},
    /* words: UAX #29; Chinese, Japanese and Thai by dictionary */
    {&word, BYTES("The quick (\"brown\") fox can't jump 32.3 feet, right?\n"),
     "The|quick|(|\"|brown|\"|)|fox|can't|jump|32.3|feet|,|right|?/"},
    {&word_no_punct, BYTES("Well-known: $5 \u2014 (yes)!\n"), "Well|known|5|yes/"},
    {&word, BYTES("我爱学习爱劳动，是个好青年\n"), "我|爱|学习|爱|劳动|，|是|个|好|青年/"},
    {&word, BYTES("私は学生です。\n"), "私|は|学生|です|。/"},
    {&word, BYTES("ภาษาไทย\n"), "ภาษา|ไทย/"},
    {&word, BYTES("a\0b\n"), "a|"}, /* and what stands behind the NUL: see below */
    {&word_lower, BYTES("ÉTÉ ΣΑΣ I\n"), "été|σας|i/"},
    {&word_lower, BYTES("\u0130I\n"), "i\u0307i/"}, /* not by the rules of Turkish, whatever the locale */
    {&word_nfc, BYTES("e\u0301t\u00e9 \ufb01\n"), "\u00e9t\u00e9|\ufb01/"},
    {&word_nfkc_lower, BYTES("\uff21\uff22 \ufb01 x\u00b2 \u210c\n"), "ab|fi|x2|h/"},
    {&word_nfkc_lower, BYTES("J\u030c\n"), "\u01f0/"}, /* the small letter has one spelling more than the capital */
    {&word_file, BYTES("a b\nc\n"), "a|b|\n|c|\n/"},
    /* characters as one sees them: an accent, a family, a flag, a syllable */
    {&grapheme, BYTES("a b.\n"), "a| |b|./"},
    {&grapheme, BYTES("e\u0301x\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea한\n"),
     "e\u0301|x|\U0001f469\u200d\U0001f467|\U0001f1e9\U0001f1ea|한/"},
    {&grapheme_no_punct, BYTES("我爱学习爱劳动，是个好青年\n"), "我|爱|学|习|爱|劳|动|是|个|好|青|年/"},
    {&grapheme_file, BYTES("a\r\n\n\tb"), "a|\n|\n|\t|b/"},
    {&byte, BYTES("a \u00e9\n"), "a| |<0xC3>|<0xA9>/"},
    {&byte_file, BYTES("\377\n"), "<0xEF>|<0xBF>|<0xBD>|\n/"},
};

/* Neither in what steps text comes nor how much of it is looked at together may show. */
static void check_row(const struct kind *kind, const char *in, size_t length, const char *labels, const char *out)
{
    static const size_t steps[] = {1, 2, 3, 7, 1000}, windows[] = {64, TEXT_WINDOW};
    struct show show = {0};
    struct err e = {0};
    for (size_t j = 0; j < COUNT(steps); j++)
        for (size_t w = 0; w < COUNT(windows); w++) {
            if (!pipe_text(kind, in, length, steps[j], windows[w], &show, &e))
                fail_msg("'%s': %s", in, e.text);
            if (strcmp(buf_string(&show.out), out) || strcmp(buf_string(&show.labels), labels))
                fail_msg("'%s', step %zu: '%s%s' is not '%s%s'", in, steps[j], show.labels.data, show.out.data, labels,
                         out);
        }
    buf_free(&show.out);
    buf_free(&show.labels);
}

static void test_golden(void **state)
{
    (void)state;
    struct show show = {0};
    struct err e = {0};
    for (size_t i = 0; i < COUNT(golden); i++)
        check_row(golden[i].kind, golden[i].in, golden[i].length, "", golden[i].out);
    /* NUL is a character like others */
    const struct kind *kind = &word;
    assert_true(pipe_text(kind, BYTES("a\0b\n"), 1, 64, &show, &e));
    assert_int_equal(show.out.len, 6);
    assert_memory_equal(show.out.data, "a|\0|b/", 6);
    buf_free(&show.out);
}

static void test_bad_pairs(void **state)
{
    (void)state;
    const struct kind *kind = &space_pair;
    static const char *const rows[][2] = {
        {"a\tb\nc\nd\te\n", "in:2: no TAB (a line of pairs is: source, one TAB, target)"},
        {"a\tb\n\xc3\xa9\tc\td\n", "in:2: a second TAB (a line of pairs is: source, one TAB, target)"},
        {"a\tb\nc", "in:2: no TAB (a line of pairs is: source, one TAB, target)"},
        {"a\tb\n\n", "in:2: no TAB (a line of pairs is: source, one TAB, target)"},
    };
    struct show show = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err e = {0};
        assert_false(pipe_text(kind, rows[i][0], strlen(rows[i][0]), 1000, TEXT_WINDOW, &show, &e));
        assert_int_equal(e.status, STATUS_DATA);
        assert_string_equal(e.text, rows[i][1]);
    }
    buf_free(&show.out);
}

#define LABELED(...)                                                                                                   \
    {                                                                                                                  \
        .kind = TEXT_INPUT_LABELED, .keep_text = true, __VA_ARGS__                                                     \
    }
#define CONLLU(...)                                                                                                    \
    {                                                                                                                  \
        .kind = TEXT_INPUT_CONLLU, .keep_text = true, __VA_ARGS__                                                      \
    }
static const struct kind labeled = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, LABELED()};
static const struct kind labeled_last = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0},
                                         TEXT_LINE,
                                         LABELED(.label_last = true)};
static const struct kind labeled_fold = {{TEXT_WORD, true, TEXT_NFKC, TEXT_KEEP, 0}, TEXT_LINE, LABELED()};
static const struct kind labeled_grapheme = {{TEXT_GRAPHEME, true, TEXT_NFKC, TEXT_KEEP, 0},
                                             TEXT_LINE,
                                             LABELED(.label_last = true)};
static const struct kind labeled_byte = {{TEXT_BYTE, true, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, LABELED()};
static const struct kind conllu = {{TEXT_SPACE, false, TEXT_AS_IS, TEXT_KEEP, 0}, TEXT_LINE, CONLLU()};
static const struct kind conllu_xpos = {{TEXT_SPACE, true, TEXT_NFC, TEXT_DROP, 0}, TEXT_LINE, CONLLU(.tags = 1)};

static const struct {
    const struct kind *kind;
    const char *in;
    size_t length;
    const char *labels, *out;
} classed[] = {
    {&labeled, BYTES(""), "", ""},
    {&labeled, BYTES("+\tGood one\r\n-\t\nvery bad\ta\tb\n \tx"), "+;-;very bad; ;", "Good|one//a|b/x/"},
    {&labeled, BYTES("\ufeff1\t a\n"), "1;", "a/"},
    {&labeled, BYTES("1\t"), "1;", "/"},
    {&labeled_last, BYTES("a b  \t1\n\t0\nc\td\te f"), "1;0;e f;", "a|b//c|d/"},
    {&labeled_last, BYTES("a\t1\r\nb\t0\r\n"), "1;0;", "a/b/"},
    {&labeled_fold, BYTES("A\tThe \u2026 \ufb01n \u00c9te\u0301\n"), "A;",
     "the{The}|.{\u2026}|.{}|.{}|fin{\ufb01n}|\u00e9t\u00e9{\u00c9te\u0301}/"},
    {&labeled_fold, BYTES("x\t\u03a3\u0391\u03a3 \u0130I\n"), "x;",
     "\u03c3\u03b1\u03c2{\u03a3\u0391\u03a3}|i\u0307i{\u0130I}/"},
    {&labeled_grapheme, BYTES("\ufb01 E\u0301\tX\nA\ty"), "X;y;", "f{\ufb01}|i{}| |\u00e9{E\u0301}/a{A}/"},
    {&labeled_byte, BYTES("x\tA\u00c9"), "x;", "a|<0xC3>|<0xA9>/"},
    {&conllu, BYTES(""), "", ""},
    {&conllu, BYTES("# only a comment\n\n\n"), "", ""},
    {&conllu,
     BYTES("# text\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\tDe\tde\tADP\tP\t_\t0\t_\t_\t_\n"
           "2\tle\tle\tDET\tD\t_\t0\t_\t_\t_\n2.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n"
           "3\t10 000\t_\t_\t_\t_\t_\t_\t_\t_\n\n\n"
           "1\tb\tb\tX\tY\t_\t_\t_\t_\t_"),
     "", "De_ADP|le_DET|10 000__/b_X/"},
    {&conllu, BYTES("\ufeff0.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\r\n1\tA\ta\tX\t\t\t\t\t\t\r\n\r\n"), "", "A_X/"},
    {&conllu_xpos,
     BYTES("1\tE\u0301T\t_\tX\tY\t_\t_\t_\t_\t_\n2\t.\t.\tP\t.\t_\t_\t_\t_\t_\n\n"
           "1\t!\t.\tP\t.\t_\t_\t_\t_\t_\n"),
     "", "\u00e9t{E\u0301T}_Y//"},
};

static void test_classed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(classed); i++)
        check_row(classed[i].kind, classed[i].in, classed[i].length, classed[i].labels, classed[i].out);
}

static void test_bad_classed(void **state)
{
    (void)state;
#define FIRST  " (a line is: label, TAB, text; with --label-last: text, TAB, label)"
#define LAST   " (a line is: text, TAB, label; without --label-last: label, TAB, text)"
#define REST   "\t_\t_\t_\t_\t_\t_\t_\t_\n"
#define NO_ID  "' is no ID (1 is a word, 1-2 a range, 1.1 an empty node)"
#define COUNTS " (words count from 1; an empty line ends a sentence)"
#define TEN    " (CoNLL-U has ten, divided by TABs; an empty line ends a sentence)"
    static const struct {
        const struct kind *kind;
        const char *in, *says;
    } rows[] = {
        {&labeled, "a\tb\nc", "in:2: no TAB" FIRST},
        {&labeled, "a\tb\n\nc\td\n", "in:2: no TAB" FIRST},
        {&labeled, "a\tb\n\tc\n", "in:2: its label is empty" FIRST},
        {&labeled_last, "a\tb\nc\t\n", "in:2: its label is empty" LAST},
        {&labeled_last, "a\tb\nc\nd\te\n", "in:2: no TAB with a label behind it" LAST},
        {&conllu, "# x\n1\ta" REST "\n2\tb" REST, "in:4: the ID is 2, not 1" COUNTS},
        {&conllu, "1\ta" REST "1\tb" REST, "in:2: the ID is 1, not 2" COUNTS},
        {&conllu, "x\ta" REST, "in:1: 'x" NO_ID},
        {&conllu, "\ta" REST, "in:1: '" NO_ID},
        {&conllu, "1x\ta" REST, "in:1: '1x" NO_ID},
        {&conllu, "2-1\ta" REST, "in:1: '2-1" NO_ID},
        {&conllu, "1.0\ta" REST, "in:1: '1.0" NO_ID},
        {&conllu, "1-\ta" REST, "in:1: '1-" NO_ID},
        {&conllu, "99999999999999999999\ta" REST, "in:1: '99999999999999999999" NO_ID},
        {&conllu, "1\t" REST, "in:1: column 2, FORM, is empty (what is not known is _)"},
        {&conllu, "1\ta\ta\t\tX\t_\t_\t_\t_\t_\n", "in:1: column 4, UPOS, is empty (what is not known is _)"},
        {&conllu, "1\ta\n", "in:1: 2 columns, not 10" TEN},
        {&conllu, "text\n", "in:1: 1 column, not 10" TEN},
        {&conllu, "1\ta\t" REST, "in:1: 11 columns, not 10" TEN},
        {&conllu, "# x\n1\ta\xff", "in:2: not UTF-8, byte 0xFF (CoNLL-U is UTF-8; convert it with iconv)"},
    };
    static const size_t steps[] = {1, 5, 1000};
    struct show show = {0};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(steps); j++) {
            struct err e = {0};
            if (pipe_text(rows[i].kind, rows[i].in, strlen(rows[i].in), steps[j], TEXT_WINDOW, &show, &e))
                fail_msg("row %zu was not refused", i);
            assert_int_equal(e.status, STATUS_DATA);
            assert_string_equal(e.text, rows[i].says);
        }
    buf_free(&show.out);
    buf_free(&show.labels);
}

/* A label has at most TEXT_LABEL_BYTES, and what is longer is text where the label comes last; a treebank's line, and
 * so its FORM, at most TEXT_CONLLU_LINE; a comment is of any length. */
static void test_long_classed(void **state)
{
    (void)state;
    struct show show = {0};
    struct buf text = {0};
    for (size_t n = TEXT_LABEL_BYTES; n <= TEXT_LABEL_BYTES + 1; n++) {
        struct err e = {0};
        buf_clear(&text);
        for (size_t i = 0; i < n; i++)
            buf_char(&text, 'x');
        buf_text(&text, "\ty");
        bool fits = n == TEXT_LABEL_BYTES;
        assert_int_equal(pipe_text(&labeled, text.data, text.len, 100, TEXT_WINDOW, &show, &e), fits);
        assert_int_equal(show.labels.len, fits ? n + 1 : 0);
        memmove(text.data + 2, text.data, n);
        memcpy(text.data, "y\t", 2);
        assert_int_equal(pipe_text(&labeled_last, text.data, text.len, 100, TEXT_WINDOW, &show, &e), fits);
        assert_int_equal(show.labels.len, fits ? n + 1 : 0);
        buf_text(&text, "\tz\n");
        assert_true(pipe_text(&labeled_last, text.data, text.len, 100, TEXT_WINDOW, &show, &e));
        assert_string_equal(show.labels.data, "z;");
        assert_int_equal(show.out.len, n + 3);
    }
    for (size_t i = 0; i < 2; i++) {
        struct err e = {0};
        buf_clear(&text);
        buf_text(&text, i ? "1\t" : "#");
        memset(buf_room(&text, TEXT_CONLLU_LINE), 'x', TEXT_CONLLU_LINE);
        text.len += TEXT_CONLLU_LINE;
        assert_int_equal(pipe_text(&conllu, text.data, text.len, 5000, TEXT_WINDOW, &show, &e), !i);
        assert_string_equal(e.text, i ? "in:1: a line of more than 1048576 bytes (is it CoNLL-U?)" : "");
    }
    buf_free(&show.out);
    buf_free(&show.labels);
    buf_free(&text);
}

/* Windows never show: a text in one line, with blanks or without, gives the same tokens through small windows as
 * through one that holds it all. (Chinese words are not in it: they depend on the whole run. U+0600 holds on to the
 * blank.) */
static void check_windows(const char *const *pieces, size_t n)
{
    static const struct kind *const kinds[] = {&space,         &word, &word_lower,      &word_nfkc_lower, &grapheme,
                                               &grapheme_file, &byte, &space_paragraph, &labeled_fold,    NULL};
    struct buf text = {0};
    struct show small = {0}, large = {0};
    struct err e = {0};
    uint32_t chance = 1;
    buf_text(&text, "label\t");
    for (int i = 0; i < 4000; i++) {
        chance = chance * 1664525u + 1013904223u;
        buf_text(&text, pieces[(chance >> 16) % n]);
    }
    for (size_t k = 0; kinds[k]; k++) {
        bool one_word = kinds[k]->how.level == TEXT_SPACE && !memchr(text.data, ' ', text.len);
        assert_true(pipe_text(kinds[k], text.data, text.len, text.len, 1 << 20, &large, &e));
        for (size_t window = 128; !one_word && window < 4096; window = window * 3 + 1) {
            assert_true(pipe_text(kinds[k], text.data, text.len, window / 3 + 1, window, &small, &e));
            assert_string_equal(buf_string(&small.out), buf_string(&large.out));
        }
    }
    buf_free(&small.out);
    buf_free(&small.labels);
    buf_free(&large.out);
    buf_free(&large.labels);
    buf_free(&text);
}

static void test_windows(void **state)
{
    (void)state;
    static const char *const blanks[] = {"word ",  "and-",  "can't ", "Été, ", "e\u0301", "сл ",      "，",
                                         "\u00a0", "32.3 ", "\t",     "(",     "\u0600 ", "\u0600  ", "\U0001f600 "};
    static const char *const none[] = {"can't,", "32.3,", "(", "e\u0301!", "été,", "\U0001f600"};
    check_windows(blanks, COUNT(blanks));
    check_windows(blanks + 10, 3); /* hardly a place to cut at */
    check_windows(none, COUNT(none));
}

/* A word longer than its window is cut, but never inside a character; nothing is lost. */
static void check_long(const struct kind *kind, const char *letter, size_t before, struct show *show)
{
    size_t n = strlen(letter), at = 0;
    struct buf text = {0};
    struct err e = {0};
    for (size_t i = 0; i < before; i++)
        buf_char(&text, 'x');
    for (int i = 0; i < 300; i++)
        buf_text(&text, letter);
    assert_true(pipe_text(kind, text.data, text.len, 10, 64, show, &e));
    for (size_t i = 0; i < show->out.len; i++)
        if (show->out.data[i] == '|' || show->out.data[i] == '/')
            assert_true(at < before || (at - before) % n == 0);
        else
            assert_int_equal(show->out.data[i], text.data[at++]);
    assert_int_equal(at, text.len);
    buf_free(&text);
}

static void test_long_words(void **state)
{
    (void)state;
    static const struct kind *const kinds[] = {&space, &word, &grapheme, NULL};
    static const char *const letters[] = {"a", "\u00e9", "e\u0301", "\U0001f600"};
    struct show show = {0};
    for (size_t k = 0; kinds[k]; k++)
        for (size_t l = 0; l < COUNT(letters); l++)
            for (size_t before = 0; before < 4; before++)
                check_long(kinds[k], letters[l], before, &show);
    buf_free(&show.out);
}

/* Parts are full, and an item that just fits has no empty one behind it. */
static void test_parts(void **state)
{
    (void)state;
    const struct kind *kind = &space;
    static const size_t lengths[] = {TEXT_PART - 1, TEXT_PART, TEXT_PART + 1, 2 * TEXT_PART, 2 * TEXT_PART + 1};
    static const char *const parts[] = {"//", "//", "/+//", "/+//", "/+/+//"};
    struct show show = {.quiet = true};
    struct buf text = {0};
    struct err e = {0};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        buf_clear(&text);
        for (size_t j = 0; j < lengths[i]; j++)
            buf_text(&text, "a ");
        buf_text(&text, "\nb\n");
        assert_true(pipe_text(kind, text.data, text.len, 5000, TEXT_WINDOW, &show, &e));
        assert_int_equal(show.tokens, lengths[i] + 1);
        assert_string_equal(buf_string(&show.out), parts[i]);
    }
    buf_free(&show.out);
    buf_free(&text);
}

/* ---- Joining ---- */

static void test_join(void **state)
{
    (void)state;
    static const struct {
        enum text_level level;
        const char *tokens; /* separated by | */
        const char *text;
    } rows[] = {
        {TEXT_SPACE, "Hello,|world|\n|--|x", "Hello, world\n-- x"},
        {TEXT_WORD, "He|said|:|\"|Well|-|known|,|(|so|)|yes|!|\"|and|\"|no|\"|.",
         "He said: \"Well-known, (so) yes!\" and \"no\"."},
        {TEXT_WORD, "can't|cost|$|5|\n|x", "can't cost $5\nx"},
        {TEXT_WORD, "我|爱|，|Linux|ok|。", "我爱，Linux ok。"},
        {TEXT_GRAPHEME, "a| |b|\n|e\xcc\x81", "a b\ne\xcc\x81"},
        {TEXT_BYTE, "a|<0xC3>|<0xA9>|<unk>|<0xc3>", "a\xc3\xa9<unk><0xc3>"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct text_join join = {.level = rows[i].level};
        struct buf out = {0};
        for (const char *at = rows[i].tokens; *at; at += *at == '|') {
            size_t n = strcspn(at, "|");
            text_join_add(&join, at, n, &out);
            at += n;
        }
        assert_string_equal(buf_string(&out), rows[i].text);
        buf_free(&out);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    char spelt[TEXT_BYTE_ROOM];
    for (int i = 0; i < 256; i++)
        assert_int_equal(text_byte(spelt, text_byte_spell((unsigned char)i, spelt)), i);
    assert_int_equal(text_byte("<0xG0>", 6), -1);
    assert_int_equal(text_byte("", 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repair),    cmocka_unit_test(test_strict),      cmocka_unit_test(test_golden),
        cmocka_unit_test(test_bad_pairs), cmocka_unit_test(test_windows),     cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_classed),   cmocka_unit_test(test_bad_classed), cmocka_unit_test(test_long_classed),
        cmocka_unit_test(test_parts),     cmocka_unit_test(test_join),        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
