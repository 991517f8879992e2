#include "net/product.h"

#include <stdlib.h>

#include "base/mem.h"

int precision_choose(enum precision wanted, const char **note, struct err *e)
{
    *note = NULL;
    if (wanted == PRECISION_FLOAT)
        return 0;
    kern_select16();
    return gemm16_ready(note) ? 0 : err_fail(e, STATUS_MISUSED, "--precision bf16 cannot be: %s", *note);
}

void product_part(const struct product *p, size_t low, size_t high, size_t first, size_t last)
{
    const struct gemm *g = &p->g;
    if (!p->a) {
        gemm_part(g, low, high, first, last);
        return;
    }
    struct gemm16 half = {.rows = g->rows,
                          .columns = g->columns,
                          .depth = g->depth,
                          .a = p->a,
                          .a_row = g->a_row,
                          .a_chunk = g->a_chunk,
                          .b = p->b,
                          .b_panel = g->b_panel,
                          .c = g->c,
                          .c_panel = g->c_panel,
                          .c_row = g->c_row,
                          .start = g->start,
                          .bias = g->bias};
    gemm16_part(&half, low, high, first, last);
}

/* ---- Weights ----------------------------------------------------------------------------------------------------- */

void weights_free(struct weights *w)
{
    free(w->back);
    free(w->half);
    free(w->half_back);
    w->back = NULL;
    w->half = w->half_back = NULL;
}

void weights_refresh(struct weights *w, enum precision precision, const real *block)
{
    const real *from = block + w->at;
    bool half = precision == PRECISION_BF16;
    size_t across = panels(w->columns), down = panels(w->depth);
    if (half ? w->back != NULL : w->half != NULL)
        weights_free(w);
    if (half && !w->half) {
        w->half = mem_aligned(across * gemm16_panel_size(w->depth), sizeof *w->half);
        w->half_back = mem_aligned(down * gemm16_panel_size(w->columns), sizeof *w->half_back);
    } else if (!half && !w->back) {
        w->back = mem_aligned(down * across, PANEL * PANEL * sizeof(real));
    }
    if (half) {
        gemm16_weights(from, w->depth, w->columns, w->half);
        gemm16_weights_back(from, w->depth, w->columns, w->half_back);
    } else {
        gemm_transpose(from, w->depth, w->columns, w->back);
    }
}

void product_right(struct product *p, const struct weights *w, const real *block, size_t column)
{
    size_t panel = column / PANEL, rest = column % PANEL;
    if (w->half) {
        p->b = w->half + panel * gemm16_panel_size(w->depth) + 2 * rest;
        p->g.b_panel = gemm16_panel_size(w->depth);
    } else {
        gemm_right_panels(&p->g, block + w->at + panel * w->depth * PANEL + rest, w->depth * PANEL);
    }
}

void product_right_back(struct product *p, const struct weights *w, size_t row)
{
    if (w->half) {
        p->b = w->half_back + row * PANEL;
        p->g.b_panel = gemm16_panel_size(w->columns);
    } else {
        gemm_right_panels(&p->g, w->back + row * PANEL, panels(w->columns) * PANEL * PANEL);
    }
}

/* ---- Gradients --------------------------------------------------------------------------------------------------- */

void dz_panel_make(struct dz_panel *d, enum precision precision, size_t rows, size_t columns, const real *dz,
                   size_t row)
{
    d->dz = dz;
    d->row = row;
    d->rounded = precision == PRECISION_BF16;
    if (d->rounded)
        gemm16_panel(rows, columns, dz, row, d->half);
}

void product_right_dz(struct product *p, const struct dz_panel *d, size_t column)
{
    if (d->rounded)
        p->b = d->half + 2 * column;
    else
        gemm_right_rows(&p->g, d->dz + column, d->row);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

void product_left(struct product *p, const struct rows *x, size_t from)
{
    if (x->half) {
        p->a = x->half + from * x->half_row;
        p->g.a_row = x->half_row, p->g.a_chunk = PANEL;
    } else {
        gemm_left_rows(&p->g, x->x + from * x->row, x->row);
    }
}

size_t rows_turned_size(size_t rows, size_t columns)
{
    return (rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS * columns * TURNED_ROW;
}

void rows_turn(const struct rows *x, size_t columns, size_t low, size_t high, bf16 *turned)
{
    for (; low < high; low += PRODUCT_ROWS)
        gemm16_turn(high - low < PRODUCT_ROWS ? high - low : PRODUCT_ROWS, columns, x->half + low * x->half_row,
                    x->half_row, turned + rows_turned_size(low, columns), TURNED_ROW);
}

void product_left_turned(struct product *p, const struct rows *x, size_t columns, size_t from, const bf16 *turned)
{
    if (x->half) {
        p->a = turned + rows_turned_size(from, columns);
        p->g.a_row = TURNED_ROW, p->g.a_chunk = PANEL;
    } else {
        gemm_left_transposed(&p->g, x->x + from * x->row, x->row);
    }
}
