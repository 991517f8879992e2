/* search: the inner loops of a search among vectors: their lengths, and which of many products are above what was found
 * so far. */
#ifndef MATH_SEARCH_H
#define MATH_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "math/kern.h"

struct search_found {
    uint32_t row, column;
};

/* Scores stand as gemm.h leaves one panel of a result: rows of PANEL columns, of which `columns`, a multiple of 16,
 * count. */
struct search_code {
    /* squares[i] = x_i . x_i of rows [rows, d]: NaN or infinity where one is in the row. */
    void (*squares)(const real *x, size_t rows, size_t d, real *squares);
    /* Lists, row by row, where scores[r][c] * scale[r] > bound[c]; how many. */
    size_t (*above)(const real *scores, const real *scale, size_t rows, size_t columns, const real *bound,
                    struct search_found *found);
    /* b = b' c' / (a' + 0.001) with x' = (x * scale[r] + 1) / 2: 3CosMul of Levy and Goldberg, "Linguistic Regularities
     * in Sparse and Explicit Word Representations", 2014, equation (4). */
    void (*multiply)(const real *a, real *b, const real *c, const real *scale, size_t rows, size_t columns);
};

extern const struct search_code search_plain, search_avx2, search_avx512;

const struct search_code *search_kernels(void);

#endif
