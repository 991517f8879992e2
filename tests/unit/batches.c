/* How a corpus is read from a stream and cut into minibatches: what stands where, and that nothing is lost. */
#include "typed.h"

#include "base/mem.h"
#include "net/batches.h"

enum { WORDS = 50 };

/* A stream of `n` items with these lengths; the ids of all items are 4, 5, ... in turn, round and round. */
static int stream(const uint64_t *lengths, size_t n, uint32_t first)
{
    struct err e = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct meta head = {0};
    struct vocab v = {0};
    struct batch batch = {.n = n};
    uint64_t *offsets = mem_get(n + 1, sizeof *offsets);
    for (size_t i = 0; i < n; i++)
        offsets[i + 1] = offsets[i] + lengths[i];
    uint32_t *ids = mem_get(offsets[n] + 1, sizeof *ids);
    for (uint64_t i = 0; i < offsets[n]; i++)
        ids[i] = VOCAB_SPECIAL + (uint32_t)((first + i) % WORDS);
    vocab_special(&v);
    for (int i = 0; i < WORDS; i++)
        vocab_add(&v, (char[]){'w', (char)('0' + i)}, 2);
    head_make(&head, "tokens", NULL, "test");
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(vocab_write(&v, "", k, &e), 0);
    assert_int_equal(batch_add(&batch, tensor_view("ids.offsets", DTYPE_U64, 1, &(uint64_t){n + 1}, offsets), &e), 0);
    assert_int_equal(batch_add(&batch, tensor_view("ids", DTYPE_U32, 1, &offsets[n], ids), &e), 0);
    assert_int_equal(sink_batch(k, &batch, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    batch_free(&batch);
    vocab_free(&v);
    meta_free(&head);
    free(offsets);
    free(ids);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    return out.fd;
}

static void read_corpus(struct corpus *c, int fd, enum corpus_by by)
{
    struct err e = {0};
    struct source *s = source_open(fd, "test");
    if (corpus_read(c, s, &(struct corpus_want){.task = &tasks[TASK_LM], .by = by}, &e) < 0)
        fail_msg("%s", e.text);
    source_close(s);
}

/* The corpus's position `at` must be step t of row b, with the position behind it as its target. */
static void check_position(const struct corpus *c, const struct minibatch *m, size_t t, size_t b, uint64_t at)
{
    struct err e = {0};
    uint32_t ids[2];
    assert_int_equal(corpus_ids(c, at, 2, ids, &e), 0);
    assert_int_equal(m->ids[t * m->rows + b], ids[0]);
    assert_int_equal(m->targets[t * m->rows + b], ids[1]);
}

static void columns_of_a_text(void **state)
{
    (void)state;
    const uint64_t lengths[] = {700, 0, 303}; /* with the ends of items 1006 positions, 1005 of them with a target */
    struct corpus c;
    struct batches train, valid;
    struct minibatch m;
    struct err e = {0};
    bool fresh;
    read_corpus(&c, stream(lengths, 3, 0), CORPUS_AUTO);
    assert_int_equal(c.n, 1006);
    assert_int_equal(c.steps, 1005);
    assert_int_equal(batches_make(&train, &valid, &c, 10, 9, 0.2, &e), 0);
    assert_int_equal(train.column, 99); /* 11 minibatches of 9 steps; 15 positions are left over */
    assert_int_equal(train.tokens, 8 * 90);
    assert_int_equal(valid.tokens, 3 * 90);
    for (int epoch = 0; epoch < 2; epoch++) {
        batches_start(&train, NULL);
        for (size_t k = 0; k < 8; k++) {
            assert_int_equal(batches_next(&train, &m, &fresh, &e), 1);
            assert_int_equal(fresh, k == 0);
            assert_null(m.lengths);
            for (size_t t = 0; t < 9; t++)
                for (size_t b = 0; b < 10; b++)
                    check_position(&c, &m, t, b, b * 99 + k * 9 + t);
        }
        assert_int_equal(batches_next(&train, &m, &fresh, &e), 0);
    }
    batches_start(&valid, NULL);
    batches_skip(&valid, 2);
    assert_int_equal(batches_next(&valid, &m, &fresh, &e), 1);
    assert_false(fresh);
    check_position(&c, &m, 8, 9, 9 * 99 + 98);
    assert_int_equal(batches_next(&valid, &m, &fresh, &e), 0);
    batches_free(&train);
    batches_free(&valid);
    /* too short for so many columns, and all at once */
    assert_int_equal(batches_make(&train, NULL, &c, 500, 100, 0, &e), 0);
    assert_int_equal(train.rows, 10);
    batches_free(&train);
    assert_int_equal(batches_make(&train, NULL, &c, 4, 0, 0, &e), 0);
    assert_int_equal(train.steps, 251);
    batches_free(&train);
    assert_int_equal(batches_make(&train, &valid, &c, 4, 0, 0.5, &e), -1);
    assert_failed(e, STATUS_DATA, "1 minibatches cannot be divided");
    corpus_free(&c);
}

/* The recipe that characters are usually trained by: 446 minibatches, 423 of them to train on. */
static void the_usual_recipe(void **state)
{
    (void)state;
    struct corpus c = {.n = 1115395, .steps = 1115394};
    struct batches train, valid;
    struct err e = {0};
    assert_int_equal(batches_make(&train, &valid, &c, 50, 50, 0.05, &e), 0);
    assert_int_equal(train.high - train.low, 423);
    assert_int_equal(valid.high - valid.low, 23);
    batches_free(&train);
    batches_free(&valid);
}

/* One epoch over items: which steps of which item were seen. Returns a hash of the order. */
static uint64_t items_epoch(struct batches *b, uint64_t epoch, size_t skip, char *seen)
{
    struct rng rng = rng_fork(rng_seed(1), "order", epoch);
    struct minibatch m;
    struct err e = {0};
    bool fresh;
    uint64_t hash = 0;
    int more;
    batches_start(b, &rng);
    batches_skip(b, skip);
    while ((more = batches_next(b, &m, &fresh, &e)) == 1) {
        size_t begin = b->done - m.steps;
        assert_int_equal(fresh, begin == 0);
        assert_true(m.steps <= 7);
        for (size_t row = 0; row < m.rows; row++) {
            uint64_t item = b->order[b->at + row], first = b->corpus->starts[item];
            size_t length = b->corpus->starts[item + 1] - first - 1;
            size_t here = length <= begin ? 0 : length - begin < m.steps ? length - begin : m.steps;
            assert_int_equal(m.lengths ? m.lengths[row] : m.steps, here);
            for (size_t t = 0; t < m.steps; t++)
                if (t < here) {
                    check_position(b->corpus, &m, t, row, first + begin + t);
                    seen[first + begin + t]++;
                } else {
                    assert_int_equal(m.targets[t * m.rows + row], TARGET_NONE);
                }
            hash = hash * 31 + item;
        }
    }
    assert_int_equal(more, 0);
    return hash;
}

static void items(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint64_t lengths[N];
    struct rng rng = rng_seed(5);
    struct corpus c;
    struct batches train;
    struct err e = {0};
    for (size_t i = 0; i < N; i++)
        lengths[i] = rng_below(&rng, 30);
    read_corpus(&c, stream(lengths, N, 0), CORPUS_ITEM);
    assert_int_equal(c.items, N);
    assert_int_equal(batches_make(&train, NULL, &c, 6, 7, 0, &e), 0);
    char *seen = mem_get(c.n, 1), *rest = mem_get(c.n, 1);
    uint64_t one = items_epoch(&train, 0, 0, seen);
    for (uint64_t i = 0, item = 0; i < c.n; i++) { /* every position but the ends, once */
        item += i == c.starts[item + 1];
        assert_int_equal(seen[i], i != c.starts[item + 1] - 1);
    }
    assert_int_equal(items_epoch(&train, 0, 0, rest), one);
    assert_int_not_equal(items_epoch(&train, 1, 0, rest), one);
    memset(rest, 0, c.n);
    items_epoch(&train, 0, 100, rest); /* the end of an epoch is that of the whole one */
    uint64_t skipped = 0;
    for (uint64_t i = 0; i < c.n; i++)
        skipped += (uint64_t)(seen[i] - rest[i]);
    assert_true(skipped > 0 && skipped <= 100 * 6 * 7);
    free(seen);
    free(rest);
    batches_free(&train);
    corpus_free(&c);
}

/* ---- The kinds of target ----------------------------------------------------------------------------------------- */

/* Items of 0 to 6 inputs in which every number tells where it is from: that of step t of item i is 10 i + t. */
enum { ITEMS = 150, MOST = 7 };

static size_t length_of(size_t i)
{
    return i * i % MOST;
}

/* A column over the inputs, `width` numbers each, or over the items: there t is 0. */
static void type_column(struct buf *text, const char *name, const char *dtype, size_t width, bool items)
{
    buf_printf(text, "column %s %s [*,%zu]%s\n", name, dtype, width, items ? "" : " over=ids");
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t t = 0; t < (items ? 1 : length_of(i)); t++)
            for (size_t k = 0; k < width; k++)
                buf_printf(text, "%zu%c", 10 * i + t + 10000 * k, k + 1 < width ? ' ' : '\n');
}

static void type_items(struct buf *text, bool vectors, const char *target, bool target_items, bool classes)
{
    size_t end = 0;
    buf_printf(text, "segment profile=%s\n", vectors ? "vectors" : "tokens");
    type_vocab(text, "", "<pad> <unk> <s> </s> a bc def");
    buf_printf(text, "batch %d\ncolumn ids.offsets u64 [*]\n0", ITEMS);
    for (size_t i = 0; i < ITEMS; i++)
        buf_printf(text, " %zu", end += length_of(i));
    buf_text(text, "\ncolumn ids u32 [*]\n");
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t t = 0; t < length_of(i); t++)
            buf_printf(text, "%zu ", VOCAB_SPECIAL + (i + t) % 3);
    buf_text(text, "\n");
    if (vectors)
        type_column(text, "vec", "f32", 3, false);
    type_column(text, "feature", "u32", 2, true);
    if (!target)
        target = "unused";
    if (classes) { /* of rank 1 */
        buf_printf(text, "column %s u32 [*]%s\n", target, target_items ? "" : " over=ids");
        for (size_t i = 0; i < ITEMS; i++)
            for (size_t t = 0; t < (target_items ? 1 : length_of(i)); t++)
                buf_printf(text, "%zu ", 10 * i + t);
        buf_text(text, "\nend\n");
        return;
    }
    type_column(text, target, "f64", 2, target_items);
    buf_text(text, "end\n");
}

static void check_numbers(const real *row, size_t width, double number)
{
    for (size_t k = 0; k < width; k++)
        assert_true(row[k] == (real)(number + 10000.0 * (double)k));
}

static bool zeros(const real *row, size_t width)
{
    for (size_t k = 0; k < width; k++)
        if (row[k] != 0)
            return false;
    return true;
}

/* Step t of row b, which is step `at` of item i, or behind its end. */
static void check_step(const struct corpus *c, const struct minibatch *m, size_t t, size_t b, size_t i, size_t at)
{
    size_t place = t * m->rows + b, steps = corpus_item_steps(c, i);
    bool inside = at < steps, item = target_is_item(c->kind), marks = c->kind == TARGET_NEXT_ID;
    bool mark = marks && (!at || at > length_of(i));
    size_t input = at - (marks ? 1 : 0); /* which input of the item this is, where it is no mark */
    uint32_t word = (uint32_t)((i + input) % 3);
    if (c->dim && inside)
        check_numbers(m->vec + place * c->dim, c->dim, 10.0 * (double)i + (double)at);
    else if (c->dim)
        assert_true(zeros(m->vec + place * c->dim, c->dim));
    else if (!mark)
        assert_int_equal(m->ids[place], inside ? VOCAB_SPECIAL + word : 0);
    if (m->spelt) { /* words of 1, 2, 3 letters, marks and what lies behind of none */
        const uint64_t *ends = m->spellings->offsets + m->spelt[place];
        assert_int_equal(ends[1] - ends[0], inside && !mark ? word + 1 : 0);
    }
    if (item || marks)
        return;
    bool classes = !target_is_real(c->kind);
    size_t number = 10 * i + at + (c->kind == TARGET_NEXT_VEC ? 1 : 0);
    assert_int_equal(m->targets[place], !inside ? TARGET_NONE : classes ? number : 0);
    if (!classes && inside)
        check_numbers(m->wanted + place * c->outputs, c->outputs, (double)number);
    else if (!classes)
        assert_true(zeros(m->wanted + place * c->outputs, c->outputs));
}

static void check_minibatch(const struct batches *b, const struct minibatch *m, bool fresh, unsigned *seen)
{
    const struct corpus *c = b->corpus;
    size_t begin = b->done - m->steps, inputs = 0;
    assert_true(m->steps >= 1);
    assert_int_equal(fresh, begin == 0);
    assert_int_equal(m->vec != NULL, c->dim > 0);
    assert_int_equal(m->ids != NULL, c->dim == 0);
    assert_int_equal(m->wanted != NULL, target_is_real(c->kind));
    for (size_t row = 0; row < m->rows; row++) {
        size_t i = b->order[b->at + row], steps = corpus_item_steps(c, i);
        size_t here = steps <= begin ? 0 : steps - begin < m->steps ? steps - begin : m->steps;
        assert_int_equal(m->lengths ? m->lengths[row] : m->steps, here);
        for (size_t t = 0; t < m->steps; t++)
            check_step(c, m, t, row, i, begin + t);
        if (target_is_item(c->kind))
            assert_int_equal(m->targets[row], target_is_real(c->kind) ? 0 : 10 * i);
        if (c->kind == TARGET_ITEM_REAL)
            check_numbers(m->wanted + row * c->outputs, c->outputs, 10.0 * (double)i);
        if (c->feature)
            check_numbers(m->features + row * c->feature, c->feature, 10.0 * (double)i);
        seen[i] += fresh;
        inputs += here;
    }
    assert_int_equal(b->inputs, inputs);
    assert_int_equal(m->lengths == NULL, inputs == m->rows * m->steps);
}

/* An epoch in random order and one in order: every item that can be learned from comes once in each. */
static void check_epochs(struct batches *b)
{
    const struct corpus *c = b->corpus;
    unsigned seen[ITEMS] = {0};
    struct minibatch m;
    struct err e = {0};
    bool fresh;
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        struct rng rng = rng_fork(rng_seed(3), "order", epoch);
        uint64_t inputs = 0;
        int more;
        batches_start(b, epoch ? NULL : &rng);
        while ((more = batches_next(b, &m, &fresh, &e)) > 0) {
            check_minibatch(b, &m, fresh, seen);
            inputs += b->inputs;
        }
        assert_int_equal(more, 0);
        assert_int_equal(inputs, b->tokens);
    }
    for (size_t i = b->low; i < b->high; i++)
        assert_int_equal(seen[i], target_is_item(c->kind) || corpus_item_steps(c, i) ? 2 : 0);
}

static void every_kind(void **state)
{
    (void)state;
    static const struct {
        enum task_kind task;
        enum target_kind kind;
        const char *target;
        bool target_items, vectors;
        size_t bptt;
    } cases[] = {
        {TASK_TAG, TARGET_STEP_CLASS, "tags", false, false, 0},
        {TASK_TAG, TARGET_STEP_CLASS, "tags", false, true, 4},
        {TASK_CLASSIFY, TARGET_ITEM_CLASS, "label", true, false, 0},
        {TASK_CLASSIFY, TARGET_ITEM_CLASS, "label", true, true, 0},
        {TASK_REGRESS, TARGET_STEP_REAL, "target", false, false, 2},
        {TASK_REGRESS, TARGET_STEP_REAL, "target", false, true, 0},
        {TASK_REGRESS, TARGET_ITEM_REAL, "target", true, false, 0},
        {TASK_REGRESS, TARGET_ITEM_REAL, "target", true, true, 0},
        {TASK_REGRESS, TARGET_NEXT_VEC, NULL, false, true, 0},
        {TASK_REGRESS, TARGET_NEXT_VEC, NULL, false, true, 3},
        {TASK_CAPTION, TARGET_NEXT_ID, NULL, false, false, 0},
        {TASK_CAPTION, TARGET_NEXT_ID, NULL, false, false, 5},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
        size_t n = i / 2;
        struct corpus_want want = {.task = &tasks[cases[n].task], .spell = i % 2};
        struct buf text = {0};
        struct batches train, valid;
        struct corpus c;
        struct err e = {0};
        type_items(&text, cases[n].vectors, cases[n].target, cases[n].target_items,
                   cases[n].kind == TARGET_STEP_CLASS || cases[n].kind == TARGET_ITEM_CLASS);
        struct source *s = typed(text.data);
        if (corpus_read(&c, s, &want, &e) < 0)
            fail_msg("case %zu: %s", n, e.text);
        assert_int_equal(c.kind, cases[n].kind);
        assert_int_equal(batches_make(&train, &valid, &c, 7, cases[n].bptt, 0.3, &e), 0);
        assert_int_equal(train.tokens + valid.tokens, c.steps);
        check_epochs(&train);
        check_epochs(&valid);
        batches_free(&train);
        batches_free(&valid);
        corpus_free(&c);
        source_close(s);
        buf_free(&text);
    }
}

/* Vectors of one long series, in columns: what is wanted is what the next step reads. */
static void columns_of_a_series(void **state)
{
    (void)state;
    struct corpus_want want = {.task = &tasks[TASK_REGRESS], .by = CORPUS_TEXT};
    struct buf text = {0};
    struct batches b;
    struct corpus c;
    struct minibatch m;
    struct err e = {0};
    bool fresh;
    buf_text(&text, "segment profile=vectors\nbatch 1\ncolumn vec.offsets u64 [2]\n0 62\ncolumn vec f32 [62,1]\n");
    for (int i = 0; i < 62; i++)
        buf_printf(&text, "%d ", i);
    buf_text(&text, "\nend\n");
    struct source *s = typed(text.data);
    assert_int_equal(corpus_read(&c, s, &want, &e), 0);
    assert_int_equal(batches_make(&b, NULL, &c, 3, 5, 0, &e), 0);
    assert_int_equal(b.column, 20);
    batches_start(&b, NULL);
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(batches_next(&b, &m, &fresh, &e), 1);
        assert_int_equal(fresh, k == 0);
        for (size_t t = 0; t < 5; t++)
            for (size_t row = 0; row < 3; row++) {
                real x = m.vec[t * 3 + row], y = m.wanted[t * 3 + row];
                assert_true(x == (real)(20 * row + 5 * k + t) && y == x + 1);
                assert_int_equal(m.targets[t * 3 + row], 0);
            }
    }
    assert_int_equal(batches_next(&b, &m, &fresh, &e), 0);
    batches_free(&b);
    corpus_free(&c);
    source_close(s);
    buf_free(&text);
}

/* Items of no inputs alone make a minibatch of one step; a part in which nothing can be learned is refused. */
static void nothing_but_empty_items(void **state)
{
    (void)state;
    struct corpus_want want = {.task = &tasks[TASK_CLASSIFY]};
    struct buf text = {0};
    struct batches train, valid;
    struct corpus c;
    struct minibatch m;
    struct err e = {0};
    bool fresh;
    buf_text(&text, "segment profile=tokens\n");
    type_vocab(&text, "", "<pad> <unk> <s> </s> a");
    buf_text(&text, "batch 4\ncolumn ids.offsets u64 [5]\n0 1 2 2 2\ncolumn ids u32 [2]\n4 4\n"
                    "column label u8 [4]\n0 1 1 0\ncolumn tags u8 [2] over=ids\n0 1\nend\n");
    struct source *s = typed(text.data);
    assert_int_equal(corpus_read(&c, s, &want, &e), 0);
    assert_int_equal(batches_make(&train, &valid, &c, 50, 0, 0.5, &e), 0);
    batches_start(&valid, NULL);
    assert_int_equal(batches_next(&valid, &m, &fresh, &e), 1);
    assert_int_equal(m.steps, 1);
    assert_int_equal(m.rows, 2);
    assert_int_equal(m.lengths[0], 0);
    assert_int_equal(m.lengths[1], 0);
    assert_int_equal(m.targets[0], 1);
    assert_int_equal(m.targets[1], 0);
    assert_int_equal(valid.inputs, 0);
    assert_int_equal(batches_next(&valid, &m, &fresh, &e), 0);
    batches_free(&train);
    batches_free(&valid);
    corpus_free(&c);
    source_close(s);
    s = typed(text.data);
    want.task = &tasks[TASK_TAG];
    assert_int_equal(corpus_read(&c, s, &want, &e), 0);
    assert_int_equal(c.skipped, 2);
    assert_int_equal(batches_make(&train, &valid, &c, 50, 0, 0.5, &e), -1);
    assert_failed(e, STATUS_DATA, "all 2 items of a part are too short to learn from");
    batches_free(&train);
    batches_free(&valid);
    corpus_free(&c);
    source_close(s);
    buf_free(&text);
}

/* The digest tells data apart that only the borders of items tell apart. */
static void identity(void **state)
{
    (void)state;
    struct corpus a, b, again;
    read_corpus(&a, stream((uint64_t[]){3, 5}, 2, 0), CORPUS_ITEM);
    read_corpus(&again, stream((uint64_t[]){3, 5}, 2, 0), CORPUS_ITEM);
    read_corpus(&b, stream((uint64_t[]){5, 3}, 2, 0), CORPUS_ITEM);
    assert_string_equal(a.digest, again.digest);
    assert_string_not_equal(a.digest, b.digest);
    corpus_free(&b);
    read_corpus(&b, stream((uint64_t[]){3, 5}, 2, 1), CORPUS_ITEM);
    assert_string_not_equal(a.digest, b.digest);
    corpus_free(&a);
    corpus_free(&b);
    corpus_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_a_text),
        cmocka_unit_test(the_usual_recipe),
        cmocka_unit_test(items),
        cmocka_unit_test(every_kind),
        cmocka_unit_test(columns_of_a_series),
        cmocka_unit_test(nothing_but_empty_items),
        cmocka_unit_test(identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
