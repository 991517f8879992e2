/* product: the products of a layer's weights W [depth, columns], in float or with operands in bf16.
 *
 *     z = b + x W     dx = dz W'     dW += x' dz
 *
 * Here is decided, from what is given, which of the two it is: in float an operand is what lies there anyway, in bf16 a
 * copy of it, rounded. Activations and dz are rounded once they are computed, weights when they have changed. Sums and
 * results are float in both (gemm.h, gemm16.h); so are master weights, cells, gradients and the optimizer.
 *
 *     struct product p = {.g = {.depth = .., .columns = .., .start = ..}};
 *     product_left(&p, ...), product_right(&p, ...), gemm_result_rows(&p.g, ...), product_part(&p, ...) */
#ifndef NET_PRODUCT_H
#define NET_PRODUCT_H

#include "math/gemm16.h"

enum precision { PRECISION_FLOAT, PRECISION_BF16 };
#define PRECISION_CHOICES "float|bf16"

/* To be called before threads start, whatever is wanted. STATUS_MISUSED where bf16 cannot be; *note is what a user
 * should know who asked for it (a sentence without its full stop), or NULL. */
int precision_choose(enum precision wanted, const char **note, struct err *e);

/* Rows of a gradient that are summed up before those of the next are added: they stay in the second-level cache. */
enum { PRODUCT_ROWS = 256, TURNED_ROW = PRODUCT_ROWS + GEMM16_DEPTH };

/* Of g all is used but, in bf16, a and b. */
struct product {
    struct gemm g;
    const bf16 *a, *b;
};

/* Rows low .. high-1 of panels first .. last-1. */
void product_part(const struct product *p, size_t low, size_t high, size_t first, size_t last);

/* ---- Right sides ------------------------------------------------------------------------------------------------- */

/* Weights that lie packed (gemm.h) at an offset of a block of parameters, and copies of them. */
struct weights {
    size_t at, depth, columns;
    real *back;             /* float: W' */
    bf16 *half, *half_back; /* bf16: W, W' */
};

/* Makes the copies again; frees those of the other precision. */
void weights_refresh(struct weights *w, enum precision precision, const real *block);
void weights_free(struct weights *w);

/* B = W from a column on, a multiple of 16; W' from a row on, of 64. */
void product_right(struct product *p, const struct weights *w, const real *block, size_t column);
void product_right_back(struct product *p, const struct weights *w, size_t row);

/* B = one panel of up to PRODUCT_ROWS rows of dz, and it rounded. */
struct dz_panel {
    const real *dz;
    size_t row;
    bool rounded;
    bf16 half[PRODUCT_ROWS * PANEL] __attribute__((aligned(64)));
};
void dz_panel_make(struct dz_panel *d, enum precision precision, size_t rows, size_t columns, const real *dz,
                   size_t row);
void product_right_dz(struct product *p, const struct dz_panel *d, size_t column);

/* ---- Left sides -------------------------------------------------------------------------------------------------- */

/* Rows of reals, and the same rounded: NULL where products are in float. */
struct rows {
    const real *x;
    size_t row;
    const bf16 *half;
    size_t half_row;
};

/* A = the rows from one on. */
void product_left(struct product *p, const struct rows *x, size_t from);

/* A = x' of the rows from one on, a multiple of PRODUCT_ROWS. What is turned beforehand in bf16: rows_turn writes rows
 * low .. high-1, both such multiples or the end, to `turned`, which has rows_turned_size elements; in float there is no
 * need. */
size_t rows_turned_size(size_t rows, size_t columns);
void rows_turn(const struct rows *x, size_t columns, size_t low, size_t high, bf16 *turned);
void product_left_turned(struct product *p, const struct rows *x, size_t columns, size_t from, const bf16 *turned);

#endif
