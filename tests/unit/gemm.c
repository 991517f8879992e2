/* Products against the plain triple loop in double: shapes that fill no block, the three layouts of A, every
 * instruction set; and that a row's bits depend on nothing beside it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "math/gemm.h"

static const char *const words[KERN_LEVELS] = {"plain", "avx2", "avx512"};

enum layout { ROWS, TRANSPOSED, PANELS };

/* A, B, C of one product with random contents. */
struct product {
    struct gemm g;
    real *a, *b, *c, *bias, *was; /* was: C before */
    size_t c_reals;
};

static struct product product_make(size_t rows, size_t columns, size_t depth, enum layout layout, struct rng *rng)
{
    size_t ld = (layout == TRANSPOSED ? rows : depth) + 3, wide = panels(columns) * PANEL;
    size_t a_reals = layout == ROWS ? rows * ld : layout == TRANSPOSED ? depth * ld : panels(depth) * rows * PANEL;
    struct product p = {.c_reals = (rows + 2) * wide};
    p.a = mem_aligned(a_reals, sizeof(real));
    p.b = mem_aligned(depth * wide, sizeof(real));
    p.c = mem_aligned(p.c_reals, sizeof(real));
    p.was = mem_aligned(p.c_reals, sizeof(real));
    p.bias = mem_aligned(wide, sizeof(real));
    for (size_t i = 0; i < a_reals; i++)
        p.a[i] = (real)(2 * rng_unit(rng) - 1);
    for (size_t k = 0; k < depth; k++)
        for (size_t n = 0; n < columns; n++)
            p.b[n / PANEL * depth * PANEL + k * PANEL + n % PANEL] = (real)(2 * rng_unit(rng) - 1);
    for (size_t n = 0; n < columns; n++)
        p.bias[n] = (real)rng_unit(rng);
    for (size_t i = 0; i < p.c_reals; i++)
        p.was[i] = (real)rng_unit(rng);
    p.g = (struct gemm){.rows = rows,
                        .columns = columns,
                        .depth = depth,
                        .a = p.a,
                        .b = p.b,
                        .b_panel = depth * PANEL,
                        .b_step = PANEL,
                        .c = p.c,
                        .c_panel = (rows + 2) * PANEL,
                        .c_row = PANEL,
                        .bias = p.bias};
    p.g.a_row = layout == ROWS ? ld : layout == TRANSPOSED ? 1 : PANEL;
    p.g.a_step = layout == TRANSPOSED ? ld : 1;
    p.g.a_chunk = layout == ROWS ? PANEL : layout == TRANSPOSED ? PANEL * ld : PANEL * rows;
    return p;
}

static void product_free(struct product *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->was);
    free(p->bias);
}

static void check(struct product *p, enum gemm_start start)
{
    struct gemm *g = &p->g;
    g->start = start;
    memcpy(p->c, p->was, p->c_reals * sizeof(real));
    gemm(g);
    for (size_t m = 0; m < g->rows + 2; m++)
        for (size_t n = 0; n < panels(g->columns) * PANEL; n++) {
            size_t at = n / PANEL * g->c_panel + m * g->c_row + n % PANEL;
            if (m >= g->rows || n >= lanes_up(g->columns)) {
                assert_true(p->c[at] == p->was[at]); /* not ours */
                continue;
            }
            double sum = start == GEMM_ZERO ? 0 : (double)(start == GEMM_ADD ? p->was[at] : p->bias[n]), size = 1;
            for (size_t k = 0; k < g->depth; k++) {
                double x = (double)p->a[m * g->a_row + k % PANEL * g->a_step + k / PANEL * g->a_chunk];
                double y = (double)p->b[n / PANEL * g->b_panel + k * PANEL + n % PANEL];
                sum += x * y;
                size += fabs(x * y);
            }
            assert_true(fabs((double)p->c[at] - sum) <= size * (sizeof(real) == 8 ? 1e-14 : 1e-6));
        }
}

static void test_products(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},     {2, 3, 5},   {7, 64, 64},    {5, 65, 63},   {6, 100, 65},
                                       {13, 16, 128}, {50, 48, 3}, {49, 130, 129}, {300, 20, 70}, {11, 200, 7}};
    struct rng rng = rng_seed(1);
    struct err e;
    for (int level = 0; level < KERN_LEVELS; level++) {
        if (!kern_has((enum kern_level)level))
            continue;
        assert_int_equal(0, kern_select(words[level], &e));
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int layout = ROWS; layout <= PANELS; layout++) {
                struct product p = product_make(shapes[i][0], shapes[i][1], shapes[i][2], (enum layout)layout, &rng);
                for (int start = GEMM_ZERO; start <= GEMM_BIAS; start++)
                    check(&p, (enum gemm_start)start);
                product_free(&p);
            }
    }
    assert_int_equal(0, kern_select("auto", &e));
}

static void test_parts(void **state)
{
    (void)state;
    struct rng rng = rng_seed(2);
    struct err e;
    for (int level = 0; level < KERN_LEVELS; level++) {
        if (!kern_has((enum kern_level)level))
            continue;
        assert_int_equal(0, kern_select(words[level], &e));
        struct product p = product_make(53, 150, 97, ROWS, &rng);
        gemm_part(&p.g, 0, 53, 0, 3);
        memcpy(p.was, p.c, p.c_reals * sizeof(real));
        memset(p.c, 0, p.c_reals * sizeof(real));
        for (size_t low = 0, high; low < 53; low = high) { /* any cut into rows and panels: the same bits */
            high = low + 1 + rng_below(&rng, 9);
            high = high < 53 ? high : 53;
            for (size_t panel = 0; panel < 3; panel++)
                gemm_part(&p.g, low, high, panel, panel + 1);
        }
        assert_memory_equal(p.c, p.was, p.c_reals * sizeof(real));
        struct gemm first = p.g; /* and cut into two sums over k */
        first.depth = PANEL;
        gemm(&first);
        struct gemm second = p.g;
        second.depth -= PANEL;
        second.a += second.a_chunk;
        second.b += PANEL * PANEL;
        second.start = GEMM_ADD;
        gemm(&second);
        assert_memory_equal(p.c, p.was, p.c_reals * sizeof(real));
        product_free(&p);
    }
    assert_int_equal(0, kern_select("auto", &e));
}

static void test_threads(void **state)
{
    (void)state;
    struct rng rng = rng_seed(3);
    struct err e;
    struct product p = product_make(411, 150, 197, PANELS, &rng);
    gemm(&p.g);
    memcpy(p.was, p.c, p.c_reals * sizeof(real));
    for (int threads = 2; threads <= 4; threads++) {
        assert_int_equal(0, par_start(threads, &e));
        memset(p.c, 0, p.c_reals * sizeof(real));
        gemm(&p.g);
        par_stop();
        assert_memory_equal(p.c, p.was, p.c_reals * sizeof(real));
    }
    product_free(&p);
}

static void test_transpose(void **state)
{
    (void)state;
    struct rng rng = rng_seed(4);
    static const size_t shapes[][2] = {{1, 1}, {64, 64}, {65, 63}, {130, 70}, {3, 200}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t depth = shapes[i][0], columns = shapes[i][1], out_panel = panels(columns) * PANEL * PANEL;
        struct product p = product_make(1, columns, depth, ROWS, &rng);
        real *out = mem_aligned(panels(depth) * out_panel, sizeof(real));
        gemm_transpose(p.b, depth, columns, out);
        for (size_t k = 0; k < panels(depth) * PANEL; k++)
            for (size_t n = 0; n < panels(columns) * PANEL; n++) {
                real want = k < depth ? p.b[n / PANEL * depth * PANEL + k * PANEL + n % PANEL] : 0;
                assert_true(out[k / PANEL * out_panel + n * PANEL + k % PANEL] == want);
            }
        free(out);
        product_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_transpose),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
