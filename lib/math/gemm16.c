#include "math/gemm16.h"

#ifdef RUNNEL_DOUBLE
static const struct gemm16_code none; /* gemm16_ready refuses */
static const struct gemm16_code *const code[KERN_LEVELS16] = {&none, &none, &none, &none, &none};
#elif defined(__x86_64__)
/* AMX is for products; what stands around them is AVX512_BF16's. */
static const struct gemm16_code *const code[KERN_LEVELS16] = {&gemm16_plain, &gemm16_avx2, &gemm16_avx512,
                                                              &gemm16_avx512bf16, &gemm16_avx512bf16};
#else
static const struct gemm16_code *const code[KERN_LEVELS16] = {&gemm16_plain, &gemm16_plain, &gemm16_plain,
                                                              &gemm16_plain, &gemm16_plain};
#endif

enum {
    A_ELEMENTS = 65536
}; /* of A that are run through all panels before the next, a part of the second-level cache */

bool gemm16_ready(const char **why)
{
#ifdef RUNNEL_DOUBLE
    *why = "this build computes in double, so nothing is in bf16";
    return false;
#else
    *why = NULL;
    if (kern_level16() < KERN_AVX512BF16)
        *why = kern_has(KERN_AVX512BF16)
                   ? "bf16 is no faster than float here: --isa forbids what this processor has for it"
                   : "bf16 is no faster than float here: this processor has neither AMX nor AVX512_BF16";
    return true;
#endif
}

static gemm16_product *product_of(enum kern_level level)
{
#if defined(__x86_64__) && !defined(RUNNEL_DOUBLE)
    if (level == KERN_AMX)
        return gemm16_amx;
#endif
    return code[level]->product;
}

void gemm16_part(const struct gemm16 *g, size_t low, size_t high, size_t first, size_t last)
{
    gemm16_product *product = product_of(kern_level16());
    size_t width = lanes_up(g->columns);
    size_t most = A_ELEMENTS / (g->depth + 1) + 48;
    for (; low < high; low += most) {
        size_t rows = high - low < most ? high - low : most;
        for (size_t p = first; p < last; p++) {
            size_t columns = width - p * PANEL < PANEL ? width - p * PANEL : PANEL;
            product(g, g->a + low * g->a_row, g->b + p * g->b_panel, g->c + p * g->c_panel + low * g->c_row,
                    g->start == GEMM_BIAS ? g->bias + p * PANEL : g->c, rows, columns);
        }
    }
}

void gemm16_rows(size_t rows, size_t columns, const real *x, size_t x_ld, bf16 *out, size_t out_ld)
{
    code[kern_level16()]->rows(rows, columns, x, x_ld, out, out_ld);
}

void gemm16_turn(size_t rows, size_t columns, const bf16 *a, size_t a_ld, bf16 *out, size_t out_ld)
{
    code[kern_level16()]->turn(rows, columns, a, a_ld, out, out_ld);
}

void gemm16_panel(size_t depth, size_t columns, const real *b, size_t b_ld, bf16 *out)
{
    code[kern_level16()]->panel(depth, columns, b, b_ld, out);
}

void gemm16_weights(const real *w, size_t depth, size_t columns, bf16 *out)
{
    for (size_t p = 0; p < panels(columns); p++) {
        size_t left = lanes_up(columns) - p * PANEL;
        gemm16_panel(depth, left < PANEL ? left : PANEL, w + p * depth * PANEL, PANEL,
                     out + p * gemm16_panel_size(depth));
    }
}

void gemm16_weights_back(const real *w, size_t depth, size_t columns, bf16 *out)
{
    for (size_t q = 0; q < panels(depth); q++)
        for (size_t p = 0; p < panels(columns); p++) {
            size_t n = depth - q * PANEL, k = columns - p * PANEL;
            code[kern_level16()]->turn_weights(n < PANEL ? n : PANEL, k < PANEL ? k : PANEL,
                                               w + p * depth * PANEL + q * PANEL * PANEL,
                                               out + q * gemm16_panel_size(columns) + p * PANEL * PANEL);
        }
}
