/* Huffman trees: the least weighted path length there is, ways that part, bounded depth, the same tree every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/huffman.h"

enum { MOST = 66, FIRST = 2 };

/* Weighted path length by the definition: the two lightest weights are taken together, again and again. */
static uint64_t least_length(const uint64_t *counts, size_t n)
{
    uint64_t weights[300], length = 0;
    memcpy(weights, counts, n * sizeof *weights);
    for (; n > 1; n--) {
        for (size_t place = n - 2; place < n; place++) /* the lightest to the end, then the second */
            for (size_t i = 0, last = n - 1 - (place == n - 1); i < last; i++)
                if (weights[i] < weights[last]) {
                    uint64_t light = weights[i];
                    weights[i] = weights[last];
                    weights[last] = light;
                }
        length += weights[n - 2] += weights[n - 1];
    }
    return length;
}

/* Every leaf's way ends at the root; ways are as many as leaves (the sum of 2^-depth is 1), and no two are the same. */
static uint64_t check_ways(const struct huffman *h, const uint64_t *counts, size_t n_ids)
{
    uint64_t length = 0;
    double shares = 0;
    uint32_t(*ways)[MOST] = mem_get(n_ids, sizeof *ways);
    size_t *depths = mem_get(n_ids, sizeof *depths), *zeros = mem_get(n_ids, sizeof *zeros), deepest = 0;
    for (uint32_t id = FIRST; id < n_ids; id++) {
        bool root = false;
        depths[id] = huffman_path(h, id, ways[id], &zeros[id]);
        assert_in_range(depths[id], 1, h->depth);
        assert_true(zeros[id] <= depths[id]);
        for (size_t i = 0; i < depths[id]; i++) {
            assert_true(ways[id][i] + 1 < h->n);
            root |= ways[id][i] + 2 == h->n;
        }
        assert_true(root);
        length += counts[id] * depths[id];
        shares += 1 / (double)(1ull << depths[id] / 2) / (double)(1ull << (depths[id] + 1) / 2);
        deepest = depths[id] > deepest ? depths[id] : deepest;
        for (uint32_t other = FIRST; other < id; other++)
            assert_false(depths[id] == depths[other] && zeros[id] == zeros[other] &&
                         !memcmp(ways[id], ways[other], depths[id] * sizeof **ways));
    }
    assert_true(shares > 1 - 1e-12 && shares < 1 + 1e-12);
    assert_int_equal(deepest, h->depth);
    free(ways);
    free(depths);
    free(zeros);
    return length;
}

static void trees_are_the_best_there_are(void **state)
{
    struct rng rng = rng_seed(5);
    uint64_t counts[300];
    (void)state;
    for (size_t n = FIRST + 2; n < 300; n += 1 + n / 3)
        for (unsigned kind = 0; kind < 4; kind++) {
            struct huffman h, again;
            uint32_t way[MOST], other[MOST];
            for (size_t id = 0; id < n; id++)
                counts[id] = kind == 0   ? 0
                             : kind == 1 ? 7
                             : kind == 2 ? rng_below(&rng, 9)
                                         : 1000000 / (1 + rng_below(&rng, 1000));
            huffman_make(&h, counts, n, FIRST, MOST);
            huffman_make(&again, counts, n, FIRST, MOST);
            assert_int_equal(check_ways(&h, counts, n), least_length(counts + FIRST, n - FIRST));
            if (kind < 2) /* alike: as flat as can be */
                assert_true(1ull << h.depth < 2 * (n - FIRST));
            for (uint32_t id = FIRST; id < n; id++) {
                size_t zeros, same;
                assert_int_equal(huffman_path(&h, id, way, &zeros), huffman_path(&again, id, other, &same));
                assert_memory_equal(way, other, huffman_path(&h, id, way, &same) * sizeof *way);
                assert_int_equal(zeros, same);
            }
            huffman_free(&h);
            huffman_free(&again);
        }
}

/* Fibonacci's numbers give the deepest trees; 2^64 together overflow. */
static void depth_is_bounded(void **state)
{
    uint64_t counts[93] = {0, 0, 1, 1};
    struct huffman h;
    (void)state;
    for (size_t id = 4; id < 93; id++)
        counts[id] = counts[id - 1] + counts[id - 2];
    huffman_make(&h, counts, 60, FIRST, MOST);
    assert_int_equal(h.depth, 57);
    assert_int_equal(check_ways(&h, counts, 60), least_length(counts + FIRST, 58));
    huffman_free(&h);
    for (size_t most = 33; most <= MOST; most += 33) {
        huffman_make(&h, counts, 93, FIRST, most);
        assert_in_range(h.depth, 20, most);
        check_ways(&h, counts, 93);
        huffman_free(&h);
    }
    for (size_t id = 0; id < 93; id++)
        counts[id] = UINT64_MAX;
    huffman_make(&h, counts, 93, FIRST, MOST);
    assert_int_equal(h.depth, 7);
    check_ways(&h, counts, 93);
    huffman_free(&h);
}

static void few_leaves_have_no_ways(void **state)
{
    const uint64_t counts[3] = {5, 5, 5};
    struct huffman h;
    uint32_t way[MOST];
    size_t zeros;
    (void)state;
    for (size_t n = 0; n <= 3; n++) {
        huffman_make(&h, counts, n, FIRST, MOST);
        assert_int_equal(h.n, n == 3);
        assert_int_equal(h.depth, 0);
        if (n == 3)
            assert_int_equal(huffman_path(&h, 2, way, &zeros), 0);
        huffman_free(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(trees_are_the_best_there_are),
                                       cmocka_unit_test(depth_is_bounded), cmocka_unit_test(few_leaves_have_no_ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
