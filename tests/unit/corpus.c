/* What a task takes from a stream: which column, of which kind, under which numbers, and what is refused in which
 * words. */
#include "typed.h"

#include <stdio.h>

#include "base/mem.h"
#include "net/corpus.h"
#include "net/loss.h"
#include "net/speller.h"

#define WORDS "<pad> <unk> <s> </s> a b cat"

/* Three items of 3, 0 and 2 words, and something for every task. */
#define IDS                                                                                                            \
    "batch 3\n"                                                                                                        \
    "column ids.offsets u64 [4]\n0 3 3 5\n"                                                                            \
    "column ids u32 [5]\n4 5 6 1 4\n"
#define TAGS    "column tags u8 [5] over=ids\n0 1 2 1 0\n"
#define LABEL   "column label u32 [3]\n1 0 1\n"
#define FEATURE "column feature u8 [3,2]\n1 2 3 4 5 255\n"
#define VEC     "column vec f16 [5,2] over=ids\n1 2 3 4 5 6 7 8 9 10\n"
#define ALL     IDS TAGS LABEL FEATURE "end\n"

/* A segment: the vocabulary of words, those of tags and labels where they are given, and the rest as it stands. */
static void segment(struct buf *text, const char *profile, const char *tags, const char *labels, const char *rest)
{
    buf_printf(text, "segment profile=%s\n", profile);
    type_vocab(text, "", WORDS);
    if (tags)
        type_vocab(text, "tag.", tags);
    if (labels)
        type_vocab(text, "label.", labels);
    buf_text(text, rest);
}

static void read_text(struct corpus *c, const char *text, const struct corpus_want *want)
{
    struct err e = {0};
    struct source *s = typed(text);
    if (corpus_read(c, s, want, &e) < 0)
        fail_msg("%s", e.text);
    source_close(s);
}

/* Reads one segment with these labels and tags. */
static void read_one(struct corpus *c, const char *profile, const char *tags, const char *labels, const char *rest,
                     const struct corpus_want *want)
{
    struct buf text = {0};
    segment(&text, profile, tags, labels, rest);
    read_text(c, text.data, want);
    buf_free(&text);
}

static struct corpus_want task(enum task_kind kind)
{
    return (struct corpus_want){.task = &tasks[kind]};
}

static void refuse_text(const char *text, const struct corpus_want *want, enum status status, const char *words)
{
    struct corpus c;
    struct err e = {0};
    struct source *s = typed(text);
    assert_int_equal(corpus_read(&c, s, want, &e), -1);
    assert_failed(e, status, words);
    source_close(s);
    corpus_free(&c);
}

static void refuse_one(const char *profile, const char *rest, const struct corpus_want *want, const char *words)
{
    struct buf text = {0};
    segment(&text, profile, NULL, NULL, rest);
    refuse_text(text.data, want, STATUS_DATA, words);
    buf_free(&text);
}

static void check_words(int (*read)(const struct corpus *, uint64_t, size_t, uint32_t *, struct err *),
                        const struct corpus *c, size_t n, const uint32_t *wanted)
{
    struct err e = {0};
    uint32_t got[64];
    assert_int_equal(read(c, 0, n, got, &e), 0);
    for (size_t i = 0; i < n; i++)
        if (got[i] != wanted[i])
            fail_msg("number %zu is %u, not %u", i, got[i], wanted[i]);
    if (read(c, n, 1, got, &e) == 0) /* and no more than that */
        fail_msg("there are more than %zu", n);
}
#define CHECK_WORDS(read, c, ...)                                                                                      \
    check_words(read, c, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

static void check_reals(int (*read)(const struct corpus *, uint64_t, size_t, real *, struct err *),
                        const struct corpus *c, size_t width, size_t n, const double *wanted)
{
    struct err e = {0};
    real got[64];
    assert_int_equal(read(c, 0, n / width, got, &e), 0);
    for (size_t i = 0; i < n; i++)
        if (got[i] != (real)wanted[i])
            fail_msg("number %zu is %g, not %g", i, (double)got[i], wanted[i]);
}
#define CHECK_REALS(read, c, width, ...)                                                                               \
    check_reals(read, c, width, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__})

static void check_word(const struct vocab *v, uint32_t id, const char *wanted)
{
    size_t length;
    const char *word = vocab_word(v, id, &length);
    assert_int_equal(length, strlen(wanted));
    assert_memory_equal(word, wanted, length);
}

/* ---- Kinds ------------------------------------------------------------------------------------------------------- */

static void every_task(void **state)
{
    (void)state;
    struct corpus c;
    struct corpus_want want = task(TASK_LM);
    read_one(&c, "tokens", NULL, NULL, ALL, &want); /* as one text */
    assert_int_equal(c.kind, TARGET_NEXT_ID);
    assert_false(c.by_item);
    assert_int_equal(c.outputs, 7);
    assert_int_equal(c.steps, 7);
    CHECK_WORDS(corpus_ids, &c, 4, 5, 6, 3, 3, 1, 4, 3);
    corpus_free(&c);

    want = task(TASK_TAG);
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    assert_int_equal(c.kind, TARGET_STEP_CLASS);
    assert_string_equal(c.target, "tags");
    assert_true(c.by_item);
    assert_int_equal(c.outputs, 3);
    assert_int_equal(c.items, 3);
    assert_int_equal(c.skipped, 1); /* the empty one */
    assert_int_equal(c.steps, 5);
    CHECK_WORDS(corpus_ids, &c, 4, 5, 6, 1, 4);
    CHECK_WORDS(corpus_targets, &c, 0, 1, 2, 1, 0);
    corpus_free(&c);

    want = task(TASK_CLASSIFY);
    read_one(&c, "tokens", "N V X", "bad good unused", ALL, &want);
    assert_int_equal(c.kind, TARGET_ITEM_CLASS);
    assert_int_equal(c.outputs, 3); /* as many as there are names */
    check_word(&c.labels, 1, "good");
    assert_int_equal(c.skipped, 0); /* the empty item has a label */
    CHECK_WORDS(corpus_targets, &c, 1, 0, 1);
    corpus_free(&c);

    want = task(TASK_CAPTION);
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    assert_int_equal(c.kind, TARGET_NEXT_ID);
    assert_int_equal(c.feature, 2);
    assert_int_equal(c.steps, 5 + 3);
    CHECK_WORDS(corpus_ids, &c, 2, 4, 5, 6, 3, 2, 3, 2, 1, 4, 3);
    CHECK_REALS(corpus_features, &c, 2, 1, 2, 3, 4, 5, 255);
    corpus_free(&c);
}

static void numbers_to_learn(void **state)
{
    (void)state;
    struct corpus c;
    struct corpus_want want = task(TASK_REGRESS);
    read_one(&c, "tokens", NULL, NULL, IDS "column target f64 [5,2] over=ids\n.5 1 2 3 4 5 6 7 8 9\nend\n", &want);
    assert_int_equal(c.kind, TARGET_STEP_REAL);
    assert_int_equal(c.outputs, 2);
    CHECK_REALS(corpus_wanted, &c, 2, .5, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    corpus_free(&c);

    want.target = "mark"; /* whole numbers, one of an item, beside vectors */
    read_one(&c, "vectors", NULL, NULL, IDS VEC "column mark i16 [3]\n-3 7 9\nend\n", &want);
    assert_int_equal(c.kind, TARGET_ITEM_REAL);
    assert_int_equal(c.outputs, 1);
    assert_int_equal(c.dim, 2);
    CHECK_REALS(corpus_wanted, &c, 1, -3, 7, 9);
    CHECK_REALS(corpus_vec, &c, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    corpus_free(&c);

    want.target = NULL; /* the next vector */
    read_one(&c, "vectors", NULL, NULL, IDS VEC "end\n", &want);
    assert_int_equal(c.kind, TARGET_NEXT_VEC);
    assert_true(c.by_item);
    assert_int_equal(c.outputs, 2);
    assert_int_equal(c.steps, 2 + 1);
    assert_int_equal(c.skipped, 1);
    assert_int_equal(corpus_item_steps(&c, 1), 0);
    CHECK_REALS(corpus_wanted, &c, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    corpus_free(&c);
    want.by = CORPUS_TEXT;
    read_one(&c, "vectors", NULL, NULL, IDS VEC "end\n", &want);
    assert_int_equal(c.steps, 4);
    corpus_free(&c);

    /* lm over vectors: the next id, as long as there is no column of classes */
    want = task(TASK_LM);
    read_one(&c, "vectors", NULL, NULL, IDS VEC "end\n", &want);
    assert_int_equal(c.kind, TARGET_NEXT_ID);
    CHECK_WORDS(corpus_ids, &c, 4, 5, 6, 3, 3, 1, 4, 3);
    CHECK_REALS(corpus_vec, &c, 2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 7, 8, 9, 10, 0, 0);
    corpus_free(&c);
    read_one(&c, "vectors", NULL, NULL, IDS VEC "column target bool [5] over=ids\n1 1 1 0 0\nend\n", &want);
    assert_int_equal(c.kind, TARGET_STEP_CLASS);
    assert_true(c.by_item);
    assert_int_equal(c.outputs, 2);
    corpus_free(&c);
}

/* The parts of an item are one, and what belongs to it stands beside the first. */
static void parts_of_an_item(void **state)
{
    (void)state;
    struct corpus c;
    struct corpus_want want = task(TASK_CLASSIFY);
    const char *rest = "batch 4\n"
                       "column ids.offsets u64 [5]\n0 1 3 3 5\n"
                       "column ids u32 [5]\n4 5 6 4 5\n"
                       "column continued bool [4]\n0 1 1 0\n"
                       "column label u8 [4]\n2 0 0 1\n"
                       "column feature f32 [4,1]\n.5 9 9 .25\n"
                       "end\n";
    read_one(&c, "tokens", NULL, NULL, rest, &want);
    assert_int_equal(c.items, 2);
    assert_int_equal(c.starts[1], 3);
    CHECK_WORDS(corpus_targets, &c, 2, 1);
    corpus_free(&c);
    want = task(TASK_CAPTION);
    read_one(&c, "tokens", NULL, NULL, rest, &want);
    CHECK_REALS(corpus_features, &c, 1, .5, .25);
    corpus_free(&c);
}

/* ---- Names of classes -------------------------------------------------------------------------------------------- */

static void labels_by_name(void **state)
{
    (void)state;
    struct corpus c, valid;
    struct corpus_want want = task(TASK_CLASSIFY), check = want;
    struct buf text = {0};
    segment(&text, "tokens", NULL, "bad good", ALL);
    segment(&text, "tokens", NULL, "good new bad", IDS "column label u8 [3]\n0 1 2\nend\n");
    read_text(&c, text.data, &want);
    assert_int_equal(c.outputs, 3);
    check_word(&c.labels, 0, "bad");
    check_word(&c.labels, 2, "new");
    assert_int_equal(c.labels.counts[1], 2);
    CHECK_WORDS(corpus_targets, &c, 1, 0, 1, 1, 2, 0);
    buf_free(&text);

    /* what training has not seen is no target */
    check.like = &c;
    read_one(&valid, "tokens", NULL, "other bad new", IDS "column label u32 [3]\n0 2 1\nend\n", &check);
    assert_int_equal(valid.unseen, 1);
    assert_int_equal(valid.outputs, 3);
    assert_int_equal(valid.labels.n, 0); /* they are those of the training data */
    CHECK_WORDS(corpus_targets, &valid, TARGET_NONE, 2, 0);
    corpus_free(&valid);
    refuse_one("tokens", ALL, &check, "have no names");
    corpus_free(&c);

    /* those of a model come first, and stay as they are */
    struct vocab labels = {0};
    vocab_add(&labels, "good", 4);
    vocab_add(&labels, "bad", 3);
    want.labels = &labels;
    read_one(&c, "tokens", NULL, "bad odd good", IDS "column label u8 [3]\n0 1 2\nend\n", &want);
    assert_int_equal(c.unseen, 1);
    assert_int_equal(c.outputs, 2);
    check_word(&c.labels, 0, "good");
    CHECK_WORDS(corpus_targets, &c, 1, TARGET_NONE, 0);
    corpus_free(&c);
    refuse_one("tokens", ALL, &want, "have no names");
    segment(&text, "tokens", NULL, "north south", ALL);
    refuse_text(text.data, &want, STATUS_DATA, "the model knows none of its classes in 'label'");
    buf_free(&text);
    vocab_free(&labels);

    /* tags lose their s; another column keeps its name */
    want = task(TASK_TAG);
    read_one(&c, "tokens", "N V X Y", "l", ALL, &want);
    assert_int_equal(c.outputs, 4);
    corpus_free(&c);
    want.target = "label.x";
    read_one(&c, "tokens", "N", NULL, IDS "column label.x u8 [5] over=ids\n0 0 0 1 0\nend\n", &want);
    assert_int_equal(c.outputs, 2);
    corpus_free(&c);
}

static void classes_without_names(void **state)
{
    (void)state;
    struct corpus c, valid;
    struct buf text = {0};
    struct corpus_want want = task(TASK_TAG), check = want;
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    check.like = &c;
    read_one(&valid, "tokens", NULL, NULL, IDS "column tags i64 [5] over=ids\n2 3 0 900 1\nend\n", &check);
    assert_int_equal(valid.unseen, 2);
    assert_int_equal(valid.outputs, 3);
    CHECK_WORDS(corpus_targets, &valid, 2, TARGET_NONE, 0, TARGET_NONE, 1);
    corpus_free(&valid);
    corpus_free(&c);
    segment(&text, "tokens", NULL, NULL, ALL);
    segment(&text, "tokens", "N V X", NULL, ALL);
    refuse_text(text.data, &want, STATUS_DATA, "have names, and had none before");
    buf_clear(&text);
    segment(&text, "tokens", "N V X", NULL, ALL);
    segment(&text, "tokens", NULL, NULL, ALL);
    refuse_text(text.data, &want, STATUS_DATA, "have no names, and had some before");
    buf_free(&text);
}

/* ---- Spellings --------------------------------------------------------------------------------------------------- */

static void check_spelling(const struct corpus *c, size_t i, size_t n, const uint32_t *wanted)
{
    const struct spellings *s = &c->spellings;
    assert_true(i < s->n);
    assert_int_equal(s->offsets[i + 1] - s->offsets[i], n);
    for (size_t k = 0; k < n; k++)
        assert_int_equal(s->characters[s->offsets[i] + k], wanted[k]);
}
#define CHECK_SPELLING(c, i, ...)                                                                                      \
    check_spelling(c, i, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (uint32_t[]){__VA_ARGS__})

static void spelled_by_the_vocabulary(void **state)
{
    (void)state;
    struct corpus c;
    struct corpus_want want = task(TASK_CAPTION);
    want.spell = true;
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    assert_int_equal(c.spellings.n, 4); /* none, a, b, cat; <unk> has none */
    check_spelling(&c, 0, 0, NULL);
    CHECK_SPELLING(&c, 1, 4);
    CHECK_SPELLING(&c, 3, 6, 4, 7);
    check_word(&c.characters, VOCAB_UNKNOWN, "<unk>");
    check_word(&c.characters, 7, "t");
    CHECK_WORDS(corpus_spelt, &c, 0, 1, 2, 3, 0, 0, 0, 0, 0, 1, 0);
    corpus_free(&c);
    /* beside vectors, whose ids are for that alone */
    want.task = &tasks[TASK_TAG];
    read_one(&c, "vectors", NULL, NULL, IDS TAGS VEC "end\n", &want);
    CHECK_WORDS(corpus_spelt, &c, 1, 2, 3, 0, 1);
    corpus_free(&c);
    refuse_one(
        "vectors",
        "batch 1\ncolumn vec.offsets u64 [2]\n0 1\ncolumn vec f32 [1,1]\n0\ncolumn tags u8 [1] over=vec\n0\nend\n",
        &want, "no column 'ids'");
}

#define KEPT "column tok.offsets u64 [4]\n0 3 3 5\ncolumn tok.text.offsets u64 [6] over=tok\n"

static void spelled_by_the_text(void **state)
{
    (void)state;
    struct corpus c, valid, other;
    struct corpus_want want = task(TASK_TAG), check = want;
    want.spell = check.spell = true;
    read_one(&c, "tokens", NULL, NULL,
             IDS TAGS KEPT "0 1 4 6 8 9\ncolumn tok.text utf8 [*]\n\"a\xe7\x8c\xab\" \"\\xffo\" \"ba\" \"a\"\nend\n",
             &want);
    assert_int_equal(c.spellings.n, 5);
    CHECK_SPELLING(&c, 1, 4);
    CHECK_SPELLING(&c, 2, 5);
    check_word(&c.characters, 5, "\xe7\x8c\xab");
    CHECK_SPELLING(&c, 3, VOCAB_UNKNOWN, 6); /* no UTF-8 */
    CHECK_SPELLING(&c, 4, 7, 4);
    CHECK_WORDS(corpus_spelt, &c, 1, 2, 3, 4, 1);
    /* characters that training has not seen */
    check.like = &c;
    read_one(&valid, "tokens", NULL, NULL,
             IDS TAGS KEPT "0 0 2 3 4 5\ncolumn tok.text utf8 [*]\n\"zb\" \"z\" \"b\" \"z\"\nend\n", &check);
    assert_int_equal(valid.characters.n, 0);
    check_spelling(&valid, 0, 0, NULL);
    CHECK_SPELLING(&valid, 1, VOCAB_UNKNOWN, 7);
    CHECK_WORDS(corpus_spelt, &valid, 0, 1, 2, 3, 2);
    corpus_free(&valid);
    /* those of a model */
    want.characters = &c.characters;
    read_one(&other, "tokens", NULL, NULL,
             IDS TAGS KEPT "0 0 2 3 4 5\ncolumn tok.text utf8 [*]\n\"zb\" \"z\" \"b\" \"z\"\nend\n", &want);
    assert_true(vocab_same(&other.characters, &c.characters));
    CHECK_SPELLING(&other, 1, VOCAB_UNKNOWN, 7);
    corpus_free(&other);
    corpus_free(&c);
    refuse_one("tokens",
               IDS TAGS "column tok.offsets u64 [4]\n0 2 3 5\ncolumn tok.text.offsets u64 [6] over=tok\n0 0 0 0 0 "
                        "0\ncolumn tok.text utf8 [0]\nend\n",
               &want, "'tok.text' has not one text for each input");
    refuse_one("tokens",
               IDS TAGS "column tok.offsets u64 [4]\n0 3 3 5\ncolumn tok.text.offsets u64 [4]\n0 0 0 0\n"
                        "column tok.text utf8 [0]\nend\n",
               &want, "'tok.text' has not one text for each input");
}

/* A word of any length has a spelling of no more than so many characters, and words that begin alike share it. */
static void long_words(void **state)
{
    (void)state;
    struct spellings s = {0};
    struct vocab characters = {0};
    struct speller speller;
    char word[3 * SPELLER_LONGEST + 1] = {0};
    for (size_t i = 0; i < sizeof word - 1; i++)
        word[i] = "\xe7\x8c\xab"[i % 3];
    speller_begin(&speller, &s, &characters, NULL);
    assert_int_equal(speller_word(&speller, "", 0), 0);
    assert_int_equal(speller_word(&speller, word, sizeof word - 1), 1);
    assert_int_equal(s.offsets[2] - s.offsets[1], SPELLER_LONGEST);
    assert_int_equal(speller_word(&speller, word, sizeof word - 2),
                     2); /* one byte short: what is left is no character */
    assert_int_equal(s.offsets[3] - s.offsets[2], SPELLER_LONGEST);
    char longer[sizeof word + 10];
    snprintf(longer, sizeof longer, "%sand on", word);
    assert_int_equal(speller_word(&speller, longer, strlen(longer)), 1);
    for (unsigned i = 0; i < 5000; i++) { /* the tables grow under them */
        char number[16];
        size_t n = (size_t)snprintf(number, sizeof number, "%u", i);
        assert_int_equal(speller_word(&speller, number, n), 3 + i);
    }
    assert_int_equal(s.n, 5003);
    assert_int_equal(s.offsets[5003] - s.offsets[5002], 4);
    assert_int_equal(characters.n, VOCAB_SPECIAL + 1 + 10);
    speller_free(&speller);
    spellings_free(&s);
    vocab_free(&characters);
}

/* ---- What is refused --------------------------------------------------------------------------------------------- */

static void other_columns(void **state)
{
    (void)state;
    static const struct {
        enum task_kind task;
        const char *target, *profile, *rest, *words;
    } cases[] = {
        {TASK_TAG, NULL, "tokens", IDS LABEL "end\n",
         "task tag learns 'tags' (--target names another): the input has no column 'tags' (it has ids.offsets, ids, "
         "label)"},
        {TASK_TAG, "label", "tokens", ALL,
         "task tag learns 'label': column 'label' is u32 [3], a row for each item; wanted: a whole number for each "
         "input"},
        {TASK_CLASSIFY, "tags", "tokens", ALL,
         "'tags' is u8 [5], a row for each input; wanted: a whole number for each item"},
        {TASK_CLASSIFY, "feature", "tokens", ALL, "'feature' is u8 [3,2], a row for each item; wanted: a whole number"},
        {TASK_CLASSIFY, NULL, "tokens", IDS "column label f32 [3]\n0 1 0\nend\n", "'label' is f32 [3]"},
        {TASK_CLASSIFY, NULL, "tokens",
         IDS "column label.offsets u64 [4]\n0 1 2 3\ncolumn label utf8 [3]\n\"abc\"\nend\n",
         "'label' is utf8 [3], not a row for each input"},
        {TASK_CLASSIFY, NULL, "tokens", IDS "column label i8 [3]\n0 -1 0\nend\n", "'label', row 1: -1 is no class"},
        {TASK_CLASSIFY, NULL, "tokens", IDS "column label u32 [3]\n0 0 16777216\nend\n",
         "row 2: 1.67772e+07 is no class"},
        {TASK_TAG, NULL, "tokens", IDS "column tags.offsets u64 [4]\n0 3 4 5\ncolumn tags u8 [5]\n0 0 0 0 0\nend\n",
         "'tags' is u8 [5], not a row for each input of its item"},
        {TASK_REGRESS, NULL, "tokens", ALL, "task regress over ids wants a column of numbers to learn: 'target'"},
        {TASK_REGRESS, "target", "tokens", IDS "column target utf8 [3]\n\"abc\"\nend\n",
         "'target' is utf8 [3], a row for each item; wanted: numbers for each input or item"},
        {TASK_REGRESS, NULL, "tokens", IDS "column target f32 [3,0]\nend\n", "'target' is f32 [3,0]"},
        {TASK_REGRESS, NULL, "tokens", IDS "column target f32 [3,1,1]\n1 2 3\nend\n", "'target' is f32 [3,1,1]"},
        {TASK_REGRESS, NULL, "tokens", IDS "column target f32 [3,2]\n1 2 3 nan 5 6\nend\n",
         "'target' holds NaN in row 1, column 1"},
        {TASK_CAPTION, NULL, "tokens", IDS "end\n",
         "task caption starts from 'feature': the input has no column 'feature'"},
        {TASK_CAPTION, NULL, "tokens", IDS "column feature f32 [3]\n1 2 3\nend\n",
         "'feature' is f32 [3], a row for each item; wanted: a row of numbers for each item"},
        {TASK_CAPTION, NULL, "tokens", IDS "column feature f32 [5,1] over=ids\n1 2 3 4 5\nend\n",
         "a row for each input; wanted"},
        {TASK_CAPTION, NULL, "tokens", IDS "column feature f64 [3,1]\n1 inf 3\nend\n",
         "'feature' holds infinity in row 1"},
        {TASK_TAG, NULL, "tokens",
         "batch 1\ncolumn ids.offsets u64 [2]\n0 0\ncolumn ids u32 [0]\ncolumn tags u8 [0] over=ids\nend\n",
         "nothing in it to learn from"},
        {TASK_REGRESS, NULL, "vectors", "batch 2\ncolumn vec.offsets u64 [3]\n0 1 2\ncolumn vec f32 [2,1]\n1 2\nend\n",
         "nothing in it to learn from"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct corpus_want want = task(cases[i].task);
        want.target = cases[i].target;
        refuse_one(cases[i].profile, cases[i].rest, &want, cases[i].words);
    }
    if (sizeof(real) == sizeof(float)) {
        struct corpus_want want = task(TASK_CAPTION);
        refuse_one("tokens", IDS "column feature f64 [3,1]\n1 2 1e300\nend\n", &want,
                   "'feature' holds 1e+300 in row 2, column 0, which is beyond f32");
    }
}

static void what_does_not_go_together(void **state)
{
    (void)state;
    struct buf text = {0};
    struct corpus c;
    struct corpus_want want = task(TASK_CAPTION), check = want;
    segment(&text, "tokens", NULL, NULL, ALL);
    want.target = "label";
    refuse_text(text.data, &want, STATUS_MISUSED, "--target 'label' has no place in it");
    want.target = NULL;
    want.by = CORPUS_TEXT;
    refuse_text(text.data, &want, STATUS_MISUSED, "column 'feature' has a row for each item: --by text");
    want.task = &tasks[TASK_CLASSIFY];
    refuse_text(text.data, &want, STATUS_MISUSED, "column 'label' has a row for each item: --by text");
    /* segments and validation streams of other sizes */
    want = task(TASK_CAPTION);
    segment(&text, "tokens", NULL, NULL, IDS "column feature f32 [3,1]\n1 2 3\nend\n");
    refuse_text(text.data, &want, STATUS_DATA, "column 'feature' has 1 numbers a row, and had 2 before");
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    check.like = &c;
    refuse_one("tokens", IDS "column feature f32 [3,1]\n1 2 3\nend\n", &check, "not of the size");
    corpus_free(&c);
    want = task(TASK_REGRESS);
    want.target = "feature";
    refuse_text(text.data, &want, STATUS_DATA, "column 'feature' has 1 numbers a row, and had 2 before");
    read_one(&c, "tokens", NULL, NULL, ALL, &want);
    check = want;
    check.like = &c;
    refuse_one("tokens", IDS "column feature f32 [3,1]\n1 2 3\nend\n", &check, "not of the size");
    refuse_one("tokens", IDS "column feature f32 [5,2] over=ids\n1 2 3 4 5 6 7 8 9 0\nend\n", &check,
               "wanted: numbers for each item");
    corpus_free(&c);
    buf_free(&text);
}

/* Columns that are sound as a stream, but of other lengths than their offsets would have it. */
static void lengths(void **state)
{
    (void)state;
    struct corpus_want want = task(TASK_TAG);
    refuse_one("tokens", "batch 3\ncolumn ids u32 [3]\n4 4 4\ncolumn ids.offsets u64 [4]\n0 9 99 99999\nend\n", &want,
               "column 'ids' has 3 rows, and by 'ids.offsets' it has 99999");
    refuse_one("tokens", IDS "column tags u8 [3]\n0 0 0\ncolumn tags.offsets u64 [4]\n0 3 3 5\nend\n", &want,
               "'tags' is u8 [3], not a row for each input");
    refuse_one("tokens",
               "batch 3\ncolumn ids.offsets u64 [4]\n0 1 1 1\ncolumn ids u32 [1]\n4\n"
               "column continued bool [1] over=ids\n0\nend\n",
               &want, "'continued' has not one row for each item");
    want.spell = true;
    refuse_one("tokens", IDS TAGS KEPT "0 9 99 999 9999 99999\ncolumn tok.text utf8 [5] over=ids\n\"abcde\"\nend\n",
               &want, "'tok.text' has not one text for each input");
}

/* ---- Identity ---------------------------------------------------------------------------------------------------- */

static void digest_of(char *digest, const char *rest, const struct corpus_want *want)
{
    struct corpus c;
    read_one(&c, "tokens", NULL, NULL, rest, want);
    memcpy(digest, c.digest, sizeof c.digest);
    corpus_free(&c);
}

/* The digest tells apart all that is learned from, and nothing else. */
static void identity(void **state)
{
    (void)state;
    char one[33], other[33];
    struct corpus_want want = task(TASK_CLASSIFY);
    digest_of(one, ALL, &want);
    digest_of(other, IDS LABEL "end\n", &want);
    assert_string_equal(one, other);
    digest_of(other, IDS "column label u32 [3]\n1 1 1\nend\n", &want);
    assert_string_not_equal(one, other);
    want = task(TASK_CAPTION);
    digest_of(one, ALL, &want);
    digest_of(other, IDS "column feature u8 [3,2]\n1 2 3 4 5 6\nend\n", &want);
    assert_string_not_equal(one, other);
    want = task(TASK_REGRESS);
    digest_of(one, IDS "column target f32 [3]\n1 2 3\nend\n", &want);
    digest_of(other, IDS "column target f32 [3]\n1 2 4\nend\n", &want);
    assert_string_not_equal(one, other);
    want = task(TASK_TAG);
    want.spell = true;
    digest_of(one, IDS TAGS KEPT "0 1 2 3 4 5\ncolumn tok.text utf8 [5]\n\"abcde\"\nend\n", &want);
    digest_of(other, IDS TAGS KEPT "0 1 2 3 4 5\ncolumn tok.text utf8 [5]\n\"abcdf\"\nend\n", &want);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task),
        cmocka_unit_test(numbers_to_learn),
        cmocka_unit_test(parts_of_an_item),
        cmocka_unit_test(labels_by_name),
        cmocka_unit_test(classes_without_names),
        cmocka_unit_test(spelled_by_the_vocabulary),
        cmocka_unit_test(spelled_by_the_text),
        cmocka_unit_test(long_words),
        cmocka_unit_test(other_columns),
        cmocka_unit_test(what_does_not_go_together),
        cmocka_unit_test(lengths),
        cmocka_unit_test(identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
