/* Models of words on their way to a file and back: what padding, growing and broken files make of the matrices. */
#include "unit.h"

#include <math.h>

#include "base/mem.h"
#include "net/w2vfile.h"

enum { V = 6, D = 5 };

/* Row `id` of a matrix that began with `first`. */
static real number(size_t id, size_t j, double first)
{
    return (real)(first + (double)(id * D + j));
}

static void fill(struct w2v *w, double first)
{
    for (size_t id = 0; id < w->v; id++)
        for (size_t j = 0; j < w->d; j++) {
            w->in[id * w->stride + j] = number(id, j, first);
            w->out[id * w->stride + j] = number(id, j, -first);
        }
}

/* Every number of the first rows, and zeros in what pads them. */
static void check(const struct w2v *w, const real *matrix, size_t rows, double first)
{
    for (size_t id = 0; id < rows; id++)
        for (size_t j = 0; j < w->stride; j++)
            assert_true(matrix[id * w->stride + j] == (j < w->d ? number(id, j, first) : 0));
}

static void words(struct vocab *v)
{
    vocab_special(v);
    vocab_add(v, "a", 1);
    vocab_add(v, "b", 1);
}

/* What stands in a file when w is written. */
static void write_file(struct w2v *w, struct segment *segment)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct meta head = {0};
    struct vocab v = {0};
    struct err e;
    words(&v);
    head_make(&head, "model/w2v", NULL, "test");
    assert_int_equal(w2vfile_write(k, &head, &v, w, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    meta_free(&head);
    vocab_free(&v);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    struct source *source = source_open(out.fd, "test");
    assert_int_equal(segment_only(source, segment, NULL, &e), 0);
    source_close(source);
}

static void what_is_written_is_read_and_stays_in_use(void **state)
{
    struct w2v w, again;
    struct segment segment = {0};
    struct err e;
    (void)state;
    assert_int_equal(w2v_make(&w, V, D, &e), 0);
    assert_int_equal(w2v_make(&again, V, D, &e), 0);
    assert_true(w.stride > D);
    fill(&w, 10);
    write_file(&w, &segment);
    check(&w, w.in, V, 10); /* padding is back */
    check(&w, w.out, V, -10);
    const struct tensor *in = segment_find(&segment, "w.in");
    assert_int_equal(in->dims[0], V);
    assert_int_equal(in->dims[1], D);
    assert_int_equal(w2vfile_take_all(&again, &segment, &e), 0);
    check(&again, again.in, V, 10);
    check(&again, again.out, V, -10);
    segment_free(&segment);
    w2v_free(&w);
    w2v_free(&again);
}

static void rows_beyond_those_of_the_file_stay(void **state)
{
    struct w2v w, large, small, wide;
    struct segment segment = {0};
    struct err e;
    (void)state;
    assert_int_equal(w2v_make(&w, V, D, &e), 0);
    assert_int_equal(w2v_make(&large, V + 3, D, &e), 0);
    assert_int_equal(w2v_make(&small, V - 1, D, &e), 0);
    assert_int_equal(w2v_make(&wide, V, D + 1, &e), 0);
    fill(&w, 10);
    fill(&large, 1000);
    write_file(&w, &segment);
    assert_int_equal(w2vfile_take(&large, "w.in", &segment, &e), 0);
    check(&large, large.in, V, 10);
    for (size_t id = V; id < V + 3; id++)
        for (size_t j = 0; j < large.stride; j++)
            assert_true(large.in[id * large.stride + j] == (j < D ? number(id, j, 1000) : 0));
    check(&large, large.out, V + 3, -1000);
    assert_int_equal(w2vfile_take_all(&large, &segment, &e), -1); /* of a checkpoint all must be there */
    assert_failed(e, STATUS_DATA, "'w.in' has 6 rows, not 9");
    assert_int_equal(w2vfile_take(&small, "w.in", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "'w.in' has 6 rows, not 5");
    assert_int_equal(w2vfile_take(&wide, "w.in", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "'w.in' is [6,5], not rows of 6 numbers");
    segment_free(&segment);
    w2v_free(&w);
    w2v_free(&large);
    w2v_free(&small);
    w2v_free(&wide);
}

static void what_is_no_number_is_refused(void **state)
{
    struct w2v w, again;
    struct segment segment = {0};
    struct err e;
    (void)state;
    assert_int_equal(w2v_make(&w, V, D, &e), 0);
    assert_int_equal(w2v_make(&again, V, D, &e), 0);
    fill(&w, 1);
    w.out[2 * w.stride + 3] = (real)NAN;
    write_file(&w, &segment);
    assert_int_equal(w2vfile_take_all(&again, &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "'w.out' holds NaN in row 2, column 3");
    segment_free(&segment);
    w2v_free(&w);
    w2v_free(&again);
}

/* Rows of zeros get vectors, but not those of words that do not occur, and others stay. */
static void what_has_no_vector_gets_one(void **state)
{
    const uint64_t counts[V] = {0, 0, 0, 3, 0, 5};
    struct w2v w;
    struct err e;
    (void)state;
    assert_int_equal(w2v_make(&w, V, D, &e), 0);
    w.in[3 * w.stride + 4] = 7;
    w.in[4 * w.stride] = 8;
    w2v_start(&w, counts, rng_seed(1));
    for (size_t id = 0; id < V; id++)
        for (size_t j = 0; j < w.stride; j++) {
            double value = (double)w.in[id * w.stride + j];
            if (id == 5 && j < D)
                assert_true(value != 0 && fabs(value) <= 0.5 / D);
            else
                assert_true(value == (id == 3 && j == 4 ? 7 : id == 4 && j == 0 ? 8 : 0));
        }
    w2v_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_and_stays_in_use),
        cmocka_unit_test(rows_beyond_those_of_the_file_stay),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(what_has_no_vector_gets_one),
    };
    return cmocka_run_group_tests_name("w2vfile", tests, NULL, NULL);
}
