/* How a corpus is read from a stream and cut into minibatches: what stands where, and that nothing is lost. */
#include "unit.h"

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
        cmocka_unit_test(identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
