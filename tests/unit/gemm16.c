/* Products in bf16 against the definition of gemm16.h written out: every size of edge, every way operands lie, every
 * level this machine has, and AMX's tiling on tiles written in C; and against products in float. */
#include <math.h>
#include <stdio.h>

#include "unit.h"

#include "base/mem.h"
#include "base/rng.h"
#include "math/gemm16.h"

#ifdef RUNNEL_DOUBLE
static void test_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_false(gemm16_ready(&why));
    assert_non_null(strstr(why, "double"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests_name("gemm16", tests, NULL, NULL);
}
#else

/* ---- AMX's tiles, as Intel describes them -------------------------------------------------------------------- */

static struct tile {
    size_t rows; /* 0: not configured; the others hold 0 */
    union {
        float f32[16][16];
        bf16 pair[16][16][2];
    };
} tiles[8];

static float wide(bf16 x)
{
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void tile_configure(size_t upper, size_t lower)
{
    size_t rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
    assert_true(upper >= 1 && upper <= 16 && lower >= 1 && lower <= 16);
    for (int t = 0; t < 8; t++) {
        memset(&tiles[t], 0, sizeof tiles[t]);
        tiles[t].rows = rows[t];
    }
}

static void tile_load(int t, const void *from, size_t bytes)
{
    memset(tiles[t].f32, 0, sizeof tiles[t].f32);
    for (size_t m = 0; m < tiles[t].rows; m++)
        memcpy(tiles[t].f32[m], (const char *)from + m * bytes, 64);
}

static void tile_store(int t, void *to, size_t bytes)
{
    for (size_t m = 0; m < tiles[t].rows; m++)
        memcpy((char *)to + m * bytes, tiles[t].f32[m], 64);
}

static void tile_dp(int c, int a, int b)
{
    assert_true(tiles[c].rows == tiles[a].rows && tiles[b].rows == 16);
    for (size_t m = 0; m < tiles[c].rows; m++)
        for (size_t n = 0; n < 16; n++) {
            float sum[2] = {0};
            for (size_t k = 0; k < 16; k++)
                for (int i = 0; i < 2; i++)
                    sum[i] = fmaf(wide(tiles[a].pair[m][k][i]), wide(tiles[b].pair[k][n][i]), sum[i]);
            tiles[c].f32[m][n] += sum[0] + sum[1];
        }
}

#define TILE_CONFIGURE(upper, lower) tile_configure(upper, lower)
#define TILE_ZERO(t)                 memset(tiles[t].f32, 0, sizeof tiles[t].f32)
#define TILE_LOAD(t, from, bytes)    tile_load(t, from, bytes)
#define TILE_STORE(t, to, bytes)     tile_store(t, to, bytes)
#define TILE_DP(c, a, b)             tile_dp(c, a, b)
#include "math/gemm16_tiles.h"

/* ---- The definition ------------------------------------------------------------------------------------------ */

static bf16 nearest(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x))
        return (bf16)(bits >> 16 | 0x40);
    if (fabsf(x) < 0x1p-126f)
        return (bf16)(bits >> 16 & 0x8000);
    uint32_t below = bits >> 16, rest = bits & 0xffff;
    return (bf16)(below + (rest > 0x8000 || (rest == 0x8000 && (below & 1))));
}

/* One product: its operands as floats and as they lie for gemm16, C and what C was before. */
struct product {
    struct gemm16 g;
    bool panels;  /* A in panels */
    float *x, *y; /* A [rows][depth], B [depth][columns to 16] */
    bf16 *a, *b;  /* exactly as many as may be read */
    float *c, *was, *bias;
    size_t c_reals;
};

static void fill(float *x, size_t n, struct rng *rng)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(2 * rng_unit(rng) - 1);
}

/* bf16 that are NaN until they are set. */
static bf16 *unset(size_t n)
{
    bf16 *x = mem_aligned(n, sizeof *x);
    return memset(x, 0xff, n * sizeof *x);
}

static struct product product_make(size_t rows, size_t columns, size_t depth, bool in_panels, struct rng *rng)
{
    size_t across = lanes_up(columns), row = gemm16_row(depth), deep = panels(depth) * PANEL,
           c_panel = (rows + 1) * PANEL;
    struct product p = {.panels = in_panels, .c_reals = panels(columns) * c_panel};
    p.x = mem_aligned(rows * depth, sizeof(float));
    p.y = mem_aligned(depth * across, sizeof(float));
    p.a = unset(in_panels ? rows * deep : (rows - 1) * row + gemm16_depth(depth));
    p.b = unset(panels(columns) * gemm16_panel_size(depth));
    p.c = mem_aligned(p.c_reals, sizeof(float));
    p.was = mem_aligned(p.c_reals, sizeof(float));
    p.bias = mem_aligned(across, sizeof(float));
    fill(p.x, rows * depth, rng);
    fill(p.y, depth * across, rng);
    fill(p.was, p.c_reals, rng);
    fill(p.bias, across, rng);
    p.g = (struct gemm16){.rows = rows, .columns = columns, .depth = depth, .bias = p.bias};
    if (in_panels)
        gemm16_left_panels(&p.g, p.a, rows * PANEL);
    else
        gemm16_left_rows(&p.g, p.a, row);
    gemm16_right(&p.g, p.b, gemm16_panel_size(depth));
    gemm16_result_panels(&p.g, p.c, c_panel);
    return p;
}

/* Rounds the operands, by the level in use. */
static void product_pack(struct product *p)
{
    struct gemm16 *g = &p->g;
    for (size_t k = 0; p->panels && k < g->depth; k += PANEL)
        gemm16_rows(g->rows, g->depth - k < PANEL ? g->depth - k : PANEL, p->x + k, g->depth, p->a + k * g->rows,
                    PANEL);
    if (!p->panels)
        gemm16_rows(g->rows, g->depth, p->x, g->depth, p->a, g->a_row);
    for (size_t n = 0; n < g->columns; n += PANEL) {
        size_t left = lanes_up(g->columns) - n;
        gemm16_panel(g->depth, left < PANEL ? left : PANEL, p->y + n, lanes_up(g->columns),
                     p->b + n / PANEL * g->b_panel);
    }
}

static void product_free(struct product *p)
{
    free(p->x);
    free(p->y);
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->was);
    free(p->bias);
}

/* What C[m,n] starts from. */
static float start_of(const struct product *p, size_t m, size_t n)
{
    const struct gemm16 *g = &p->g;
    return g->start == GEMM_ZERO  ? 0
           : g->start == GEMM_ADD ? p->was[n / PANEL * g->c_panel + m * g->c_row + n % PANEL]
                                  : p->bias[n];
}

/* The definition: a pair's odd k first. Exact in the products, so the bits hold for every level but AMX. */
static float defined(const struct product *p, size_t m, size_t n)
{
    float sum = start_of(p, m, n);
    size_t depth = p->g.depth, across = lanes_up(p->g.columns);
    for (size_t k = 0; k < depth; k += 2)
        for (size_t i = 2; i-- > 0;)
            if (k + i < depth)
                sum = fmaf(wide(nearest(p->x[m * depth + k + i])), wide(nearest(p->y[(k + i) * across + n])), sum);
    return sum;
}

/* C against the definition, to the bit or within what another order of `depth` roundings can do, and against the
 * product of the floats: relative to the sum of |a| |b| at most 2^-8 an operand, and half of that where many errors go
 * either way. */
static void check(const struct product *p, bool exact)
{
    const struct gemm16 *g = &p->g;
    size_t across = lanes_up(g->columns);
    for (size_t m = 0; m < g->rows + 1; m++)
        for (size_t n = 0; n < panels(g->columns) * PANEL; n++) {
            size_t at = n / PANEL * g->c_panel + m * g->c_row + n % PANEL;
            if (m >= g->rows || n >= across) {
                assert_true(p->c[at] == p->was[at]); /* not ours */
                continue;
            }
            float want = defined(p, m, n);
            double sum = (double)start_of(p, m, n), size = 0, first = fabs(sum);
            for (size_t k = 0; k < g->depth; k++) {
                double product = (double)p->x[m * g->depth + k] * (double)p->y[k * across + n];
                sum += product;
                size += fabs(product);
            }
            double order = (double)(g->depth + 2) * 0x1p-23 * (size + first);
            double off = fabs((double)(p->c[at] - want));
            if (exact ? p->c[at] != want : off > order)
                fail_msg("%zux%zux%zu: c[%zu,%zu] is %.9g, not %.9g", g->rows, g->depth, g->columns, m, n,
                         (double)p->c[at], (double)want);
            assert_true(fabs((double)p->c[at] - sum) <= (g->depth > 16 ? 0x1p-8 : 0x1.02p-7) * size + order);
        }
}

/* All of p with AMX's tiling on the tiles above. */
static void emulate(struct product *p)
{
    struct gemm16 *g = &p->g;
    for (size_t n = 0; n < g->columns; n += PANEL) {
        size_t left = lanes_up(g->columns) - n;
        tiles_product(g, g->a, g->b + n / PANEL * g->b_panel, g->c + n / PANEL * g->c_panel, p->bias + n, g->rows,
                      left < PANEL ? left : PANEL);
    }
}

enum { EMULATED = KERN_LEVELS16 };

static void try_level(struct product *p, int level)
{
    memcpy(p->c, p->was, p->c_reals * sizeof *p->c);
    if (level == EMULATED)
        emulate(p);
    else
        gemm16_part(&p->g, 0, p->g.rows, 0, panels(p->g.columns));
    check(p, level != EMULATED && level != KERN_AMX);
}

/* ---- Tests --------------------------------------------------------------------------------------------------- */

static const char *const words[KERN_LEVELS16] = {"plain", "avx2", "avx512", "avx512bf16", "amx"};

/* Takes a level; a test whose CPU lacks it is skipped by name. */
static bool take(int level)
{
    struct err e;
    if (level == EMULATED)
        return kern_select("plain", &e) == 0;
    if (kern_has((enum kern_level)level))
        return kern_select(words[level], &e) == 0;
    print_message("# the CPU has no %s\n", words[level]);
    return false;
}

/* Every edge from 1 to 70, and some sizes beyond. */
static void products(int level)
{
    if (!take(level))
        skip();
    struct rng rng = rng_seed(1);
    static const size_t large[][3] = {{50, 130, 129}, {300, 20, 70}, {11, 200, 7}, {97, 64, 256}, {65, 48, 200}};
    for (size_t i = 1; i <= 3 * 70 + sizeof large / sizeof *large; i++) {
        size_t edge = (i - 1) % 70 + 1, dims[3];
        for (int d = 0; d < 3; d++)
            dims[d] = i > 210 ? large[i - 211][d] : (i - 1) / 70 == (size_t)d ? edge : 1 + rng_below(&rng, 70);
        struct product p = product_make(dims[0], dims[1], dims[2], i % 2 == 0, &rng);
        product_pack(&p);
        for (int start = GEMM_ZERO; start <= GEMM_BIAS; start++) {
            p.g.start = (enum gemm_start)start;
            try_level(&p, level);
        }
        product_free(&p);
    }
}

/* Any cut into rows, panels and depths of whole chunks: the same bits. */
static void parts(int level)
{
    if (!take(level))
        skip();
    struct rng rng = rng_seed(2);
    struct product p = product_make(83, 150, 197, false, &rng);
    product_pack(&p);
    try_level(&p, level);
    memcpy(p.was, p.c, p.c_reals * sizeof *p.c);
    memset(p.c, 0, p.c_reals * sizeof *p.c);
    struct gemm16 half[2] = {p.g, p.g};
    half[0].depth = 2 * PANEL;
    half[1].depth -= 2 * PANEL, half[1].a += 2 * p.g.a_chunk, half[1].b += gemm16_panel_size(2 * PANEL);
    half[1].start = GEMM_ADD;
    for (size_t low = 0, high; low < p.g.rows; low = high) {
        high = low + 1 + rng_below(&rng, 40);
        high = high < p.g.rows ? high : p.g.rows;
        for (size_t panel = 0; panel < 3; panel++)
            for (int h = 0; h < 2; h++)
                if (level == EMULATED)
                    tiles_product(&half[h], half[h].a + low * p.g.a_row, half[h].b + panel * p.g.b_panel,
                                  p.c + panel * p.g.c_panel + low * PANEL, p.bias, high - low, panel < 2 ? PANEL : 32);
                else
                    gemm16_part(&half[h], low, high, panel, panel + 1);
    }
    for (size_t n = 0; n < 150; n++)
        for (size_t m = 0; m < p.g.rows; m++) {
            size_t at = n / PANEL * p.g.c_panel + m * PANEL + n % PANEL;
            assert_true(p.c[at] == p.was[at]);
        }
    product_free(&p);
}

/* Infinities and NaN come through; operands beyond float's normal range are what gemm16.h says. */
static void specials(int level)
{
    if (!take(level))
        skip();
    struct rng rng = rng_seed(3);
    struct product p = product_make(5, 40, 37, false, &rng);
    p.x[1 * 37 + 36] = NAN;
    p.x[2 * 37 + 5] = INFINITY;
    p.x[3 * 37 + 8] = 0x1p-130f;
    p.y[8 * 48 + 3] = INFINITY;
    p.y[5 * 48 + 3] = 1;
    product_pack(&p);
    memset(p.c, 0, p.c_reals * sizeof *p.c);
    if (level == EMULATED)
        emulate(&p);
    else
        gemm16_part(&p.g, 0, 5, 0, 1);
    for (size_t n = 0; n < 40; n++) {
        assert_true(isnan(p.c[1 * PANEL + n]));
        assert_true(n == 3 || isinf(p.c[2 * PANEL + n]));
        assert_true(isfinite(p.c[4 * PANEL + n]) || n == 3);
    }
    assert_true(isnan(p.c[3 * PANEL + 3])); /* 0 times infinity */
    assert_true(isinf(p.c[4 * PANEL + 3]));
    product_free(&p);
}

/* The packings of activations: bits of each element, zeros behind, nothing written beyond. */
static void check_rows(size_t rows, size_t columns, struct rng *rng)
{
    static const uint32_t odd[] = {1,          0x80000001, 0x007fffff, 0x7fc00001, 0x7f800001, 0xff800001, 0x7f7fffff,
                                   0x00800000, 0x3f808000, 0x3f818000, 0xffffffff, 0x7f800000, 0x3f808001, 0x80000000};
    size_t ld = gemm16_row(columns), turned = gemm16_depth(rows) + 16;
    float *x = mem_get(rows * columns, sizeof *x);
    bf16 *out = mem_get((rows - 1) * ld + gemm16_depth(columns), sizeof *out);
    bf16 *back = mem_get((columns - 1) * turned + gemm16_depth(rows), sizeof *back);
    fill(x, rows * columns, rng);
    for (size_t i = 0; i < rows * columns; i += 1 + rng_below(rng, 3))
        memcpy(x + i, &odd[rng_below(rng, sizeof odd / sizeof *odd)], sizeof *x);
    memset(out, 0xee, ((rows - 1) * ld + gemm16_depth(columns)) * sizeof *out);
    memset(back, 0xee, ((columns - 1) * turned + gemm16_depth(rows)) * sizeof *back);
    gemm16_rows(rows, columns, x, columns, out, ld);
    gemm16_turn(rows, columns, out, ld, back, turned);
    for (size_t m = 0; m < rows; m++)
        for (size_t k = 0; k < (m + 1 < rows ? ld : gemm16_depth(columns)); k++)
            assert_int_equal(out[m * ld + k], k < columns                 ? nearest(x[m * columns + k])
                                              : k < gemm16_depth(columns) ? 0
                                                                          : 0xeeee);
    for (size_t k = 0; k < columns; k++)
        for (size_t m = 0; m < (k + 1 < columns ? turned : gemm16_depth(rows)); m++)
            assert_int_equal(back[k * turned + m], m < rows ? out[m * ld + k] : m < gemm16_depth(rows) ? 0 : 0xeeee);
    free(x);
    free(out);
    free(back);
}

/* The packings of weights against their description. */
static void check_weights(size_t depth, size_t columns, struct rng *rng)
{
    size_t forth = panels(columns) * gemm16_panel_size(depth), back = panels(depth) * gemm16_panel_size(columns);
    float *w = mem_aligned(panels(columns) * depth * PANEL, sizeof *w);
    bf16 *b = unset(forth), *t = unset(back);
    for (size_t n = 0; n < panels(columns) * PANEL; n++)
        for (size_t k = 0; k < depth; k++)
            w[n / PANEL * depth * PANEL + k * PANEL + n % PANEL] = n < columns ? (float)(2 * rng_unit(rng) - 1) : 0;
    gemm16_weights(w, depth, columns, b);
    gemm16_weights_back(w, depth, columns, t);
    for (size_t k = 0; k < gemm16_depth(depth); k++)
        for (size_t n = 0; n < lanes_up(columns); n++) {
            float want = k < depth ? w[n / PANEL * depth * PANEL + k * PANEL + n % PANEL] : 0;
            assert_int_equal(nearest(want),
                             b[n / PANEL * gemm16_panel_size(depth) + k / 2 * 128 + n % PANEL * 2 + k % 2]);
        }
    for (size_t k = 0; k < gemm16_depth(columns); k++)
        for (size_t n = 0; n < lanes_up(depth); n++) {
            float want = n < depth && k < columns ? w[k / PANEL * depth * PANEL + n * PANEL + k % PANEL] : 0;
            assert_int_equal(nearest(want),
                             t[n / PANEL * gemm16_panel_size(columns) + k / 2 * 128 + n % PANEL * 2 + k % 2]);
        }
    free(w);
    free(b);
    free(t);
}

static void packings(int level)
{
    if (!take(level))
        skip();
    struct rng rng = rng_seed(4);
    for (size_t edge = 1; edge <= 70; edge++) {
        check_rows(edge, 1 + rng_below(&rng, 70), &rng);
        check_rows(1 + rng_below(&rng, 140), edge, &rng);
        check_weights(edge, 1 + rng_below(&rng, 140), &rng);
        check_weights(1 + rng_below(&rng, 140), edge, &rng);
    }
}

static void test_ready(void **state)
{
    (void)state;
    struct err e;
    const char *why = NULL;
    assert_int_equal(0, kern_select("plain", &e));
    assert_true(gemm16_ready(&why));
    assert_non_null(why);
    assert_int_equal(0, kern_select("auto", &e));
    kern_select16();
    assert_true(gemm16_ready(&why));
    assert_true((why == NULL) == kern_has(KERN_AVX512BF16));
}

/* clang-format off */
#define TESTS(level, NAME)                                                                                             \
    static void test_products_##level(void **state) { (void)state; products(NAME); }                                   \
    static void test_parts_##level(void **state)    { (void)state; parts(NAME); }                                      \
    static void test_specials_##level(void **state) { (void)state; specials(NAME); }
#define LIST(level)                                                                                                    \
    cmocka_unit_test(test_products_##level), cmocka_unit_test(test_parts_##level),                                     \
    cmocka_unit_test(test_specials_##level)
TESTS(plain, KERN_PLAIN)
TESTS(CPU_avx2, KERN_AVX2)
TESTS(CPU_avx512, KERN_AVX512)
TESTS(CPU_avx512bf16, KERN_AVX512BF16)
TESTS(CPU_amx, KERN_AMX)
TESTS(emulated, EMULATED)

static void test_packings_plain(void **state)          { (void)state; packings(KERN_PLAIN); }
static void test_packings_CPU_avx2(void **state)       { (void)state; packings(KERN_AVX2); }
static void test_packings_CPU_avx512(void **state)     { (void)state; packings(KERN_AVX512); }
static void test_packings_CPU_avx512bf16(void **state) { (void)state; packings(KERN_AVX512BF16); }
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIST(plain),
        LIST(CPU_avx2),
        LIST(CPU_avx512),
        LIST(CPU_avx512bf16),
        LIST(CPU_amx),
        LIST(emulated),
        cmocka_unit_test(test_packings_plain),
        cmocka_unit_test(test_packings_CPU_avx2),
        cmocka_unit_test(test_packings_CPU_avx512),
        cmocka_unit_test(test_packings_CPU_avx512bf16),
        cmocka_unit_test(test_ready),
    };
    return cmocka_run_group_tests_name("gemm16", tests, NULL, NULL);
}
#endif
