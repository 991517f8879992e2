/* The vocabulary: words to ids, and as it travels in front of a stream. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/vocab_learn.h"

static void add(struct vocab *v, const char *word, uint64_t count)
{
    uint32_t id = vocab_add(v, word, strlen(word)); /* counts may move */
    v->counts[id] += count;
}

static void ids(void **state)
{
    (void)state;
    struct vocab v = {0};
    size_t length;
    assert_int_equal(vocab_find(&v, "a", 1), VOCAB_NONE);
    vocab_special(&v);
    assert_int_equal(v.n, VOCAB_SPECIAL);
    assert_int_equal(vocab_find(&v, "<unk>", 5), VOCAB_UNKNOWN);
    assert_int_equal(vocab_add(&v, "a", 1), 4);
    assert_int_equal(vocab_add(&v, "a\0b", 3), 5);
    assert_int_equal(vocab_add(&v, "a", 1), 4);
    assert_int_equal(vocab_find(&v, "a\0b", 3), 5);
    assert_int_equal(vocab_find(&v, "a\0", 2), VOCAB_NONE);
    assert_memory_equal(vocab_word(&v, 5, &length), "a\0b", 3);
    assert_int_equal(length, 3);
    for (uint32_t i = 0; i < 20000; i++) { /* the table grows under them */
        char word[16];
        int n = snprintf(word, sizeof word, "w%u", i);
        assert_int_equal(vocab_add(&v, word, (size_t)n), 6 + i);
    }
    assert_int_equal(vocab_find(&v, "w19999", 6), 20005);
    assert_int_equal(vocab_find(&v, "a", 1), 4);
    vocab_free(&v);
}

struct some_word {
    char bytes[24];
    size_t length;
};

/* A word that has many like it: of few letters, NUL among them, up to 20 bytes, some of them with a common
 * beginning. */
static struct some_word some_word(struct rng *rng)
{
    static const char letters[] = {'a', 0, '\xff', ' '};
    struct some_word w = {.bytes = "commonly", .length = rng_below(rng, 2) ? 8 : 0};
    for (size_t n = rng_below(rng, 1 + rng_below(rng, 13)); n > 0; n--)
        w.bytes[w.length++] = letters[rng_below(rng, sizeof letters)];
    return w;
}

/* The index against a search word by word, one word at a time and many. */
static void finds_as_a_list_does(void **state)
{
    enum { N = 20000 };
    struct rng rng = rng_seed(7);
    struct vocab v = {0}, batched = {0};
    struct vocab_batch batch = {0};
    struct some_word *list = mem_get(N, sizeof *list);
    uint32_t *wanted = mem_get(N, sizeof *wanted), *ids = mem_get(N, sizeof *ids);
    size_t n = 0, done = 0;
    (void)state;
    vocab_add(&batched, "", 0);
    list[n++] = (struct some_word){.length = 0};
    vocab_add(&v, "", 0);
    for (size_t i = 0; i < N; i++) {
        struct some_word w = some_word(&rng);
        size_t k = 0;
        while (k < n && (list[k].length != w.length || memcmp(list[k].bytes, w.bytes, w.length)))
            k++;
        assert_int_equal(vocab_find(&v, w.bytes, w.length), k < n ? k : VOCAB_NONE);
        if (k == n)
            list[n++] = w;
        wanted[i] = (uint32_t)k;
        assert_int_equal(vocab_add(&v, w.bytes, w.length), k);
        if (vocab_batch_add(&batch, &batched, w.bytes, w.length) || rng_below(&rng, 50) == 0) {
            size_t more = batch.n;
            vocab_batch_count(&batch, &batched, ids + done);
            done += more;
        }
    }
    vocab_batch_count(&batch, &batched, ids + done);
    assert_true(n > 1500);
    assert_memory_equal(ids, wanted, N * sizeof *ids);
    assert_true(vocab_same(&v, &batched));
    vocab_settle(&batched);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += batched.counts[i];
    assert_int_equal(sum, N);
    assert_true(batched.counts[0] > 1000); /* more than a byte holds */
    vocab_batch_add(&batch, &v, list[n - 1].bytes, list[n - 1].length);
    vocab_batch_add(&batch, &v, "not there", 9);
    vocab_batch_add(&batch, &v, "not there, nor here", 19);
    vocab_batch_find(&batch, &v, ids);
    assert_int_equal(ids[0], n - 1);
    assert_int_equal(ids[1], VOCAB_NONE);
    assert_int_equal(ids[2], VOCAB_NONE);
    vocab_batch_free(&batch);
    vocab_free(&v);
    vocab_free(&batched);
    free(list);
    free(wanted);
    free(ids);
}

/* The order, on counts and words that are often equal or begin alike. */
static void sorts_by_count_then_bytes(void **state)
{
    struct rng rng = rng_seed(8);
    struct vocab v = {0};
    (void)state;
    for (size_t i = 0; i < 3000; i++) {
        struct some_word w = some_word(&rng);
        uint32_t id = vocab_add(&v, w.bytes, w.length);
        v.counts[id] = (uint64_t)1 << rng_below(&rng, 50) / 2;
    }
    struct vocab sorted = {0};
    size_t n = v.n, a, b;
    for (uint32_t id = 0; id < n; id++) {
        const char *word = vocab_word(&v, id, &a);
        vocab_add(&sorted, word, a);
        sorted.counts[id] = v.counts[id];
    }
    uint32_t *map = vocab_sort(&sorted, 0);
    assert_int_equal(sorted.n, n);
    for (uint32_t id = 0; id < n; id++) {
        const char *word = vocab_word(&v, id, &a), *there = vocab_word(&sorted, map[id], &b);
        assert_int_equal(a, b);
        assert_memory_equal(word, there, a);
        assert_int_equal(vocab_find(&sorted, word, a), map[id]);
        assert_int_equal(sorted.counts[map[id]], v.counts[id]);
    }
    for (uint32_t id = 0; id + 1 < n; id++) {
        const char *word = vocab_word(&sorted, id, &a), *next = vocab_word(&sorted, id + 1, &b);
        int order = memcmp(word, next, a < b ? a : b);
        assert_true(sorted.counts[id] > sorted.counts[id + 1] ||
                    (sorted.counts[id] == sorted.counts[id + 1] && (order < 0 || (order == 0 && a < b))));
    }
    free(map);
    vocab_free(&v);
    vocab_free(&sorted);
}

/* Without special tokens; the first may stay where they are. */
static void sort(void **state)
{
    (void)state;
    for (size_t first = 0; first < 2; first++) {
        struct vocab v = {0};
        add(&v, "rare", 1);
        add(&v, "b", 3);
        add(&v, "often", 9);
        add(&v, "a", 3);
        uint32_t *map = vocab_sort(&v, first);
        const uint32_t wanted[2][4] = {{3, 2, 0, 1}, {0, 3, 1, 2}};
        assert_memory_equal(map, wanted[first], sizeof wanted[first]);
        assert_int_equal(v.n, 4);
        assert_int_equal(vocab_find(&v, "often", 5), first);
        assert_int_equal(v.counts[first], 9);
        free(map);
        vocab_free(&v);
    }
}

static void prune(void **state)
{
    (void)state;
    struct vocab v = {0};
    size_t length;
    vocab_special(&v);
    meta_set(&v.meta, "tokenize.level", "word");
    add(&v, "rare", 1);
    add(&v, "b", 3);
    add(&v, "often", 9);
    add(&v, "a", 3);
    add(&v, "B", 3);
    uint32_t *map = vocab_prune(&v, 2, 3);
    assert_int_equal(v.n, VOCAB_SPECIAL + 3);
    static const char *const order[] = {"often", "B", "a"}; /* falling count, ties by bytes; "b" is one too many */
    for (uint32_t i = 0; i < 3; i++) {
        const char *word = vocab_word(&v, VOCAB_SPECIAL + i, &length);
        assert_int_equal(length, strlen(order[i]));
        assert_memory_equal(word, order[i], length);
    }
    const uint32_t wanted[] = {0, 1, 2, 3, 1, 1, 4, 6, 5};
    assert_memory_equal(map, wanted, sizeof wanted);
    assert_int_equal(v.counts[VOCAB_UNKNOWN], 4);
    assert_int_equal(v.counts[4], 9);
    assert_string_equal(meta_get(&v.meta, "tokenize.level"), "word");
    assert_int_equal(vocab_find(&v, "rare", 4), VOCAB_NONE);
    free(map);
    map = vocab_prune(&v, 1, 0);
    assert_int_equal(v.n, VOCAB_SPECIAL + 3);
    assert_int_equal(map[4], 4);
    free(map);
    vocab_free(&v);
}

/* Learning with a bound: every count is that of the ids read again, and none is lower than the truth by more than
 * said. */
static void forgets(void **state)
{
    enum { N = 30000, WORDS = 3000, EACH = 100, BOUND = 200 };
    struct rng rng = rng_seed(9);
    struct vocab v = {0};
    struct vocab_batch batch = {0};
    struct vocab_learn learn = {.bound = BOUND};
    uint32_t *text = mem_get(N, sizeof *text), *handles = mem_get(N, sizeof *handles), *ids = mem_get(N, sizeof *ids);
    bool *ends = mem_get(N + 1, sizeof *ends); /* of periods, in front of a token */
    uint64_t truth[WORDS] = {0}, seen[WORDS + VOCAB_SPECIAL] = {0};
    char word[16];
    size_t done = 0, most = 0, length;
    (void)state;
    vocab_special(&v);
    for (size_t i = 0; i < N; i++) {
        text[i] = (uint32_t)(WORDS * pow(rng_unit(&rng), 4));
        truth[text[i]]++;
        bool full = vocab_batch_add(&batch, &v, word, (size_t)snprintf(word, sizeof word, "w%u", text[i]));
        if (full || i % EACH == EACH - 1) {
            size_t n = batch.n;
            vocab_learn_batch(&learn, &v, &batch, handles + done);
            done += n;
        }
        most = v.n > most ? v.n : most;
        if (i % EACH == EACH - 1)
            ends[i + 1] = vocab_learn_forget(&learn, &v);
    }
    assert_true(most <= BOUND + EACH + VOCAB_SPECIAL);
    vocab_learn_end(&learn, &v, 2, 100);
    assert_int_equal(v.n, 100 + VOCAB_SPECIAL);
    size_t periods = 0;
    for (size_t i = 0; i < N; i++) {
        if (ends[i])
            vocab_learn_next(&learn);
        periods += ends[i];
        ids[i] = vocab_learn_map(&learn)[handles[i]];
        assert_true(ids[i] < v.n);
        seen[ids[i]]++;
        const char *there = vocab_word(&v, ids[i], &length);
        int n = snprintf(word, sizeof word, "w%u", text[i]);
        assert_true(ids[i] == VOCAB_UNKNOWN || (length == (size_t)n && !memcmp(there, word, length)));
    }
    assert_true(periods > 5);
    assert_memory_equal(seen, v.counts, v.n * sizeof *seen);
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t id = vocab_find(&v, word, (size_t)snprintf(word, sizeof word, "w%u", i));
        uint64_t count = id == VOCAB_NONE ? v.counts[v.n - 1] : v.counts[id];
        assert_true(truth[i] <= count + learn.error);
        assert_true(id == VOCAB_NONE || count <= truth[i]);
    }
    vocab_learn_free(&learn);
    vocab_batch_free(&batch);
    vocab_free(&v);
    free(text);
    free(handles);
    free(ids);
    free(ends);
}

/* Writes the vocabulary as a segment and reads it back. */
static void travels(void **state)
{
    (void)state;
    struct vocab v = {0}, back = {0};
    struct err e = {0};
    struct meta head = {0};
    struct segment segment = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    vocab_special(&v);
    add(&v, "\xe7\x88\xb1", 5);
    add(&v, "", 1);
    add(&v, "x y", 2);
    meta_set(&v.meta, "tokenize.level", "grapheme");
    struct sink *k = sink_open(&out);
    meta_set(&head, "profile", "tokens");
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(vocab_write(&v, "src.", k, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    lseek(out.fd, 0, SEEK_SET);
    struct source *s = source_open(out.fd, "x");
    assert_int_equal(source_segment(s, &segment, &e), 1);
    assert_int_equal(vocab_read(&back, "", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "vocab.text.offsets");
    assert_int_equal(vocab_read(&back, "src.", &segment, &e), 0);
    assert_true(vocab_same(&v, &back));
    assert_int_equal(back.counts[4], 5);
    assert_int_equal(vocab_find(&back, "x y", 3), 6);
    back.counts[4]++;
    assert_true(vocab_same(&v, &back));
    meta_set(&back.meta, "tokenize.level", "word");
    assert_false(vocab_same(&v, &back));
    meta_set(&back.meta, "tokenize.level", "grapheme");
    add(&back, "new", 1);
    assert_false(vocab_same(&v, &back));

    static const struct {
        size_t at;
        uint64_t value;
        const char *says;
    } wrongs[] = {{0, 1, "fit together"},
                  {7, 99, "fit together"},
                  {2, 1, "out of order"},
                  {3, 1ull << 50, "out of order"}};
    uint64_t *offsets = segment_find(&segment, "src.vocab.text.offsets")->data;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        uint64_t was = offsets[wrongs[i].at];
        offsets[wrongs[i].at] = wrongs[i].value;
        assert_int_equal(vocab_read(&back, "src.", &segment, &e), -1);
        assert_failed(e, STATUS_DATA, wrongs[i].says);
        offsets[wrongs[i].at] = was;
    }
    offsets[5] = offsets[6] = offsets[7]; /* the last two words are empty */
    assert_int_equal(vocab_read(&back, "src.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "twice");
    struct tensor *counts = segment_find(&segment, "src.vocab.count");
    counts->dtype = DTYPE_I64;
    assert_int_equal(vocab_read(&back, "src.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "i64");
    vocab_free(&v);
    vocab_free(&back);
    meta_free(&head);
    segment_free(&segment);
    source_close(s);
}

static void maps(void **state)
{
    (void)state;
    struct vocab from = {0}, to = {0};
    vocab_special(&from);
    vocab_special(&to);
    add(&from, "a", 1);
    add(&from, "b", 1);
    add(&to, "c", 1);
    add(&to, "b", 1);
    uint32_t *map = vocab_map(&from, &to);
    const uint32_t wanted[] = {0, 1, 2, 3, VOCAB_UNKNOWN, 5};
    assert_memory_equal(map, wanted, sizeof wanted);
    free(map);
    vocab_free(&from);
    vocab_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_as_a_list_does),
        cmocka_unit_test(sorts_by_count_then_bytes),
        cmocka_unit_test(ids),
        cmocka_unit_test(prune),
        cmocka_unit_test(sort),
        cmocka_unit_test(travels),
        cmocka_unit_test(maps),
        cmocka_unit_test(forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
