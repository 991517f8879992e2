/* The YAML reader: places, bounds, and all faults at once. */
#include "unit.h"

#include <stdio.h>

#include "data/yaml.h"

static struct yaml *parse(const char *text, struct faults *faults)
{
    return yaml_parse(text, strlen(text), faults);
}

static void tree(void **state)
{
    (void)state;
    struct faults faults = {0};
    struct yaml *root =
        parse("# first\npipeline: 1\nmap: {a: x y, 'b c': \"\\u00e9\\n\"}\nlist:\n  - one\n  - [two, ]\nnone:\n"
              "text: >\n  folded\n  lines\nå: ö\n",
              &faults);
    assert_non_null(root);
    assert_int_equal(faults.n, 0);
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->n, 6);
    assert_int_equal(root->line, 2);
    const struct yaml *map = yaml_get(root, "map"), *b = yaml_get(map, "b c"), *list = yaml_get(root, "list");
    assert_int_equal(map->kind, YAML_MAP);
    assert_int_equal(map->key->line, 3);
    assert_int_equal(map->key->column, 1);
    assert_int_equal(map->column, 6);
    assert_string_equal(yaml_get(map, "a")->text, "x y");
    assert_string_equal(b->text, "é\n");
    assert_int_equal(b->key->column, 15);
    assert_int_equal(b->column, 22);
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->n, 2);
    assert_string_equal(list->items[0]->text, "one");
    assert_int_equal(list->items[0]->line, 5);
    assert_int_equal(list->items[0]->column, 5);
    assert_int_equal(list->items[1]->n, 1);
    assert_null(list->items[0]->key);
    assert_string_equal(yaml_get(root, "none")->text, "");
    assert_string_equal(yaml_get(root, "text")->text, "folded lines\n");
    assert_int_equal(yaml_get(root, "å")->column, 4); /* characters, not bytes */
    assert_null(yaml_get(root, "absent"));
    assert_null(yaml_get(list, "one"));
    assert_null(yaml_get(NULL, "one"));
    yaml_release(root);
    faults_free(&faults);
}

static void assert_fault(const struct faults *f, size_t i, unsigned line, unsigned column, const char *words)
{
    if (i >= f->n)
        fail_msg("no fault %zu: '%s'", i, words);
    if (f->items[i].line != line || f->items[i].column != column || !strstr(f->items[i].text, words))
        fail_msg("%u:%u: %s, not %u:%u: %s", f->items[i].line, f->items[i].column, f->items[i].text, line, column,
                 words);
}

static void all_faults(void **state)
{
    (void)state;
    struct faults faults = {0};
    struct yaml *root = parse("a: &x 1\nb: *x\na: !t 2\nm: {k: 1, l: 2, k: 3, k: 4}\n", &faults);
    assert_non_null(root); /* readable all the same: a caller may find more */
    faults_sort(&faults);
    assert_int_equal(faults.n, 6);
    assert_fault(&faults, 0, 1, 4, "anchors");
    assert_fault(&faults, 1, 2, 4, "aliases");
    assert_fault(&faults, 2, 3, 1, "'a' stands here a second time (first on line 1)");
    assert_fault(&faults, 3, 3, 4, "tags");
    assert_fault(&faults, 4, 4, 17, "'k'");
    assert_fault(&faults, 5, 4, 23, "'k'");
    yaml_release(root);
    faults_free(&faults);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *words;
    } cases[] = {
        {"", 0, 0, "nothing"},
        {"# only a comment\n", 0, 0, "nothing"},
        {"a: [1, 2\nb: 3\n", 2, 2, "flow sequence"},
        {"a: 'x\n", 2, 1, "quoted scalar"},
        {"\ta: 1\n", 1, 1, ""},
        {"a: 1\n--- \nb: 2\n", 2, 1, "second document"},
        {"a: 1\n...\nb: 2\n", 3, 1, ""},
        {"%YAML 1.1\n---\na: 1\n", 1, 1, "directives"},
        {"a: 1\n%TAG ! x\n", 2, 1, "directives"},
        {"[a, b]: 1\n", 1, 1, "a key must be text, not a list"},
        {"{a: b}: 1\n", 1, 1, "a key must be text, not a map"},
        {"a: \"x\\0y\"\n", 1, 4, "NUL"},
        {"a: \x01\n", 0, 0, "UTF-8"},
        {"a: \xc3(\n", 0, 0, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct faults faults = {0};
        struct yaml *root = parse(cases[i].text, &faults);
        assert_int_equal(faults.n, 1);
        assert_fault(&faults, 0, cases[i].line, cases[i].column, cases[i].words);
        yaml_release(root);
        faults_free(&faults);
    }
}

/* Depth 32 and 10,000 nodes are taken, one more is not. */
static void bounds(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct faults faults = {0};
        struct buf text = {0};
        for (size_t i = 0; i < YAML_MAX_DEPTH + more; i++)
            buf_char(&text, '[');
        for (size_t i = 0; i < YAML_MAX_DEPTH + more; i++)
            buf_char(&text, ']');
        struct yaml *root = parse(buf_string(&text), &faults);
        assert_int_equal(root != NULL, !more);
        if (more)
            assert_fault(&faults, 0, 1, YAML_MAX_DEPTH + 1, "deeper than 32");
        yaml_release(root);
        faults_free(&faults);
        buf_clear(&text);
        for (size_t i = 0; i < YAML_MAX_NODES - 1 + more; i++)
            buf_text(&text, "- x\n");
        root = parse(buf_string(&text), &faults);
        assert_int_equal(root != NULL, !more);
        if (more)
            assert_fault(&faults, 0, YAML_MAX_NODES, 3, "more than 10000 values");
        yaml_release(root);
        faults_free(&faults);
        buf_free(&text);
    }
    struct faults faults = {0};
    struct buf large = {0};
    memset(buf_room(&large, YAML_MAX_BYTES + 1), ' ', YAML_MAX_BYTES + 1);
    assert_null(yaml_parse(large.data, YAML_MAX_BYTES + 1, &faults));
    assert_fault(&faults, 0, 0, 0, "larger than 1048576 bytes");
    faults_free(&faults);
    buf_free(&large);
}

static void many_faults(void **state)
{
    (void)state;
    struct faults faults = {0};
    for (unsigned i = 0; i < FAULTS_MAX + 5; i++)
        faults_add(&faults, 7, 300 - i % 50, "fault %u", i % 50);
    assert_int_equal(faults.n, FAULTS_MAX);
    assert_int_equal(faults.more, 5);
    faults_sort(&faults);
    assert_int_equal(faults.n, 50); /* the same at the same place once */
    assert_fault(&faults, 0, 7, 251, "fault 49");
    assert_fault(&faults, 49, 7, 300, "fault 0");
    faults_free(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree),   cmocka_unit_test(all_faults),  cmocka_unit_test(refused),
        cmocka_unit_test(bounds), cmocka_unit_test(many_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
