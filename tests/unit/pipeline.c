/* Pipelines on paper: words, references, and plans of random graphs. */
#include "unit.h"

#include <stdio.h>

#include "app/pipeline.h"
#include "base/mem.h"
#include "base/rng.h"
#include "plan_sound.h"

static struct pipeline *parse(const char *text, struct faults *faults)
{
    struct err e = {0};
    return pipeline_parse(text, strlen(text), NULL, 0, faults, &e);
}

static struct pipeline *good(const char *text)
{
    struct faults faults = {0};
    struct pipeline *p = parse(text, &faults);
    if (!p)
        fail_msg("%u:%u: %s", faults.items[0].line, faults.items[0].column, faults.items[0].text);
    faults_free(&faults);
    return p;
}

static int upper(void *context, const char *name, struct part *part)
{
    (void)context;
    if (!strcmp(name, "none"))
        return -1;
    *part = strcmp(name, "file") ? (struct part){.kind = PART_TEXT, .text = mem_printf("<%s>", name)}
                                 : (struct part){.kind = PART_OUT, .index = 7};
    return 0;
}

/* Words as "a|b|{7}|" or "!" when they are refused. */
static void assert_words(const char *text, const char *wanted)
{
    struct word *words = NULL;
    size_t n = 0;
    struct faults faults = {0};
    struct buf got = {0};
    int result = words_split(text, 1, 1, upper, NULL, &words, &n, &faults);
    for (size_t w = 0; result == 0 && w < n; w++) {
        for (size_t i = 0; i < words[w].n; i++)
            if (words[w].parts[i].kind == PART_TEXT)
                buf_text(&got, words[w].parts[i].text);
            else
                buf_printf(&got, "{%zu}", words[w].parts[i].index);
        buf_char(&got, '|');
    }
    if (result < 0)
        buf_text(&got, "!");
    if (strcmp(buf_string(&got), wanted))
        fail_msg("%s: %s, not %s", text, got.data, wanted);
    words_free(words, n);
    faults_free(&faults);
    buf_free(&got);
}

static void words(void **state)
{
    (void)state;
    assert_words("", "");
    assert_words(" a  b\tc\nd ", "a|b|c|d|");
    assert_words("a'b c'd \"e f\"g '' \"\"", "ab cd|e fg|||");
    assert_words("a\\ b \\'c\\\\ 'a\\b' \"a\\b\\\"\\$\\`\\\\\"", "a b|'c\\|a\\b|a\\b\"$`\\|");
    assert_words("a\\\nb \"a\\\nb\"", "ab|ab|");
    assert_words("${x} a${x}b \"${x} ${y}\" '${x}' $${x} \\${x} \"\\${x}\" $x $ $$",
                 "<x>|a<x>b|<x> <y>|${x}|${x}|${x}|${x}|$x|$|$$|");
    assert_words("--out=${file}.gz ${file}${file}", "--out={7}.gz|{7}{7}|");
    assert_words("'a|b' \"a;b\" a\\|b a=b #c ~ * ?", "a|b|a;b|a|b|a=b|#c|~|*|?|");
    static const char *const bad[] = {"a | b", "a > b", "a < b", "a; b", "a && b", "`a`",    "$(a)",
                                      "a 'b",  "a \"b", "a \\",  "${x",  "\"${x",  "${none}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_words(bad[i], "!");
}

static void quoted(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a-b_c/d.e:f,g@h%i+j=k", "a-b_c/d.e:f,g@h%i+j=k"},
        {"", "''"},
        {"a b", "'a b'"},
        {"it's", "'it'\\''s'"},
        {"=x", "'=x'"},
        {"$x", "'$x'"},
        {"~", "'~'"},
        {"é", "'é'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        words_quote(cases[i][0], &out);
        assert_string_equal(buf_string(&out), cases[i][1]);
        buf_free(&out);
    }
}

static void references(void **state)
{
    (void)state;
    struct pipeline *p = good("pipeline: 1\nparams: {dim: 100, dir: res}\ninputs: {text: 'data/${dir}/x'}\nstages:\n"
                              "  tok: {run: 'tokenize ${dim}', in: text}\n"
                              "  w2v: {run: [train, --log, '${log}', '${ckpt}'], in: tok, out: '${dir}/w', files: "
                              "{log: l}, keep: {ckpt: k}}\n"
                              "  vec: {run: 'embed ${w2v} ${w2v.out} x${w2v.log} ${text} ${fd:tok} ${fd:w2v.log}', in: "
                              "w2v.log, early: no}\n");
    struct buf out = {0};
    assert_int_equal(p->n_stages, 3);
    assert_string_equal(p->inputs[0].value, "data/res/x");
    const struct stage *w2v = &p->stages[1], *vec = &p->stages[2];
    assert_true(w2v->has_out && !w2v->writes_out && stage_captures(w2v));
    assert_int_equal(w2v->n_files, 2);
    assert_int_equal(w2v->words[2].parts[0].kind, PART_OUT);
    assert_int_equal(w2v->words[2].parts[0].index, 1);
    assert_int_equal(w2v->words[3].parts[0].kind, PART_KEEP);
    assert_true(vec->whole);
    assert_int_equal(vec->n_fds, 2);
    assert_int_equal(vec->fds[0].kind, ORIGIN_STREAM);
    assert_int_equal(vec->fds[1].kind, ORIGIN_FILE);
    assert_int_equal(vec->in.kind, ORIGIN_FILE);
    stage_command(p, vec, &out);
    assert_string_equal(buf_string(&out), "embed res/w res/w xl data/res/x /dev/fd/3 /dev/fd/4");
    buf_clear(&out);
    pipeline_origin_name(p, &vec->in, &out);
    assert_string_equal(buf_string(&out), "w2v.log");
    buf_free(&out);
    pipeline_free(p);
}

static void settings(void **state)
{
    (void)state;
    static const char text[] =
        "pipeline: 1\nparams: {dim: 1}\ninputs: {t: '${dim}.txt'}\nstages: {s: {run: 'x ${dim} ${t}'}}\n";
    struct faults faults = {0};
    struct err e = {0};
    char *set[] = {"dim=2=3", "t=${dim}"}, *bad[] = {"dmi=1"};
    struct pipeline *p = pipeline_parse(text, strlen(text), set, 1, &faults, &e);
    assert_string_equal(p->stages[0].words[1].parts[0].text, "2=3");
    assert_string_equal(p->inputs[0].value, "2=3.txt");
    pipeline_free(p);
    p = pipeline_parse(text, strlen(text), set, 2, &faults, &e);
    assert_string_equal(p->inputs[0].value, "${dim}"); /* what the user gives is taken as it is */
    pipeline_free(p);
    assert_null(pipeline_parse(text, strlen(text), bad, 1, &faults, &e));
    assert_int_equal(faults.n, 0);
    assert_failed(e, STATUS_MISUSED, "did you mean 'dim'?");
}

/* What costs much to read is refused, not endured. */
static void bombs(void **state)
{
    (void)state;
    struct buf text = {0};
    struct faults faults = {0};
    buf_text(&text, "pipeline: 1\nparams: {p: ");
    for (int i = 0; i < 100000; i++)
        buf_char(&text, 'x');
    buf_text(&text, "}\nstages: {s: {run: '");
    for (int i = 0; i < 1000; i++)
        buf_text(&text, "${p}");
    buf_text(&text, "'}}\n");
    assert_null(parse(buf_string(&text), &faults));
    assert_non_null(strstr(faults.items[0].text, "the commands hold more than"));
    faults_free(&faults);
    buf_clear(&text);
    buf_text(&text, "pipeline: 1\nstages: {");
    for (int i = 0; i <= PIPELINE_MAX_STAGES; i++)
        buf_printf(&text, "s%d: {run: x},\n", i);
    buf_text(&text, "}\n");
    assert_null(parse(buf_string(&text), &faults));
    assert_non_null(strstr(faults.items[0].text, "more than 256 stages"));
    faults_free(&faults);
    buf_free(&text);
}

static bool chance(struct rng *r, uint64_t one_in)
{
    return rng_below(r, one_in) == 0;
}

/* A pipeline of n stages that each read some earlier ones, as streams and as files; the stages stand in any order. */
static void random_pipeline(struct rng *r, size_t n, struct buf *text)
{
    bool stream[64];
    size_t place[64];
    struct buf lines[64] = {{0}};
    for (size_t i = 0; i < n; i++) {
        place[i] = i;
        stream[i] = !chance(r, 3);
        buf_printf(&lines[i], "  s%zu: {run: 'x", i);
        const char *in = "";
        size_t from = 0;
        for (size_t k = 0; k < i && i < 64; k++)
            if (chance(r, i < 4 ? 2 : i / 2)) {
                if (stream[k] && !*in) {
                    in = "s";
                    from = k;
                } else {
                    buf_printf(&lines[i], stream[k] ? " ${fd:s%zu}" : " ${s%zu}", k);
                }
            }
        buf_text(&lines[i], "'");
        if (*in)
            buf_printf(&lines[i], ", in: s%zu", from);
        buf_printf(&lines[i], stream[i] ? "}\n" : ", out: f%zu}\n", i);
    }
    buf_text(text, "pipeline: 1\nstages:\n");
    for (size_t i = n; i > 0; i--) {
        size_t k = rng_below(r, i), swap = place[k];
        place[k] = place[i - 1];
        buf_text(text, buf_string(&lines[swap]));
    }
    for (size_t i = 0; i < n; i++)
        buf_free(&lines[i]);
}

static void plans(void **state)
{
    (void)state;
    struct rng r = rng_seed(1);
    size_t spools = 0, live = 0, planned = 0;
    for (int round = 0; round < 4000; round++) {
        struct buf text = {0};
        struct err e = {0};
        struct faults faults = {0};
        random_pipeline(&r, 2 + rng_below(&r, 12), &text);
        struct pipeline *p = parse(buf_string(&text), &faults); /* NULL: more than six second streams */
        for (int tees = 0; p && tees < 2; tees++) {
            char *last = p->stages[p->n_stages - 1].name;
            struct plan *plan = plan_make(p, &last, round % 2, tees, &e);
            assert_non_null(plan);
            const char *flaw = plan_flaw(plan, tees);
            if (flaw)
                fail_msg("%s%s", flaw, text.data);
            for (size_t k = 0; tees && k < plan->n_edges; k++) {
                struct buf why = {0};
                spools += plan->edges[k].spooled;
                live += plan->edges[k].stream && !plan->edges[k].spooled;
                if (plan->edges[k].spooled)
                    plan_why(plan, &plan->edges[k], &why);
                buf_free(&why);
            }
            plan_free(plan);
            planned++;
        }
        pipeline_free(p);
        faults_free(&faults);
        buf_free(&text);
    }
    assert_true(planned > 6000);
    assert_true(spools > 1000); /* the generator does make hard cases, */
    assert_true(live > 5000);   /* and the planner does not spool everything */
}

/* A stream that can start late needs no spool, and one that need not wait is not cut. */
static void no_needless_spools(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "a: {run: x, out: f}, t: {run: x}, u: {run: 'x ${a}', in: t, out: g}",
        "p: {run: x}, q: {run: x}, b: {run: x, in: q, out: f}, r: {run: 'x ${b} ${fd:p}', out: h}",
        "a: {run: x}, b: {run: x, in: a, out: f}, c: {run: x, in: a, out: g}, d: {run: 'x ${b} ${c}', out: h}",
        "a: {run: x}, b: {run: x}, c: {run: 'x ${fd:b}', in: a, out: f}",
        "p: {run: x}, q: {run: x}, k: {run: 'x ${fd:q}', in: p, out: f}, l: {run: 'x ${k}', out: z}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = mem_printf("pipeline: 1\nstages: {%s}\n", cases[i]);
        struct err e = {0};
        struct pipeline *p = good(text);
        struct plan *plan = plan_make(p, NULL, 0, true, &e);
        for (size_t k = 0; k < plan->n_edges; k++)
            if (plan->edges[k].spooled)
                fail_msg("a needless spool: %s", text);
        plan_free(plan);
        pipeline_free(p);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(quoted),
        cmocka_unit_test(references),
        cmocka_unit_test(settings),
        cmocka_unit_test(bombs),
        cmocka_unit_test(plans),
        cmocka_unit_test(no_needless_spools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
