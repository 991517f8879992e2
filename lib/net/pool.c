#include "net/pool.h"

#include <string.h>

static size_t length_of(const struct pooling *p, size_t b)
{
    return p->lengths ? p->lengths[b] : p->steps;
}

/* ---- The last outputs of each direction -------------------------------------------------------------------------- */

static void last_forward(const struct pooling *p, size_t b, const real *y, real *pooled)
{
    size_t last = (length_of(p, b) - 1) * p->rows * p->y_row;
    memcpy(pooled, y + last, p->forward * sizeof *pooled);
    memcpy(pooled + p->forward, y + p->forward, (p->width - p->forward) * sizeof *pooled);
}

static void last_backward(const struct pooling *p, size_t b, const real *dpooled, real *dy)
{
    size_t last = (length_of(p, b) - 1) * p->rows * p->y_row;
    memcpy(dy + last, dpooled, p->forward * sizeof *dy);
    memcpy(dy + p->forward, dpooled + p->forward, (p->width - p->forward) * sizeof *dy);
}

/* ---- Their mean -------------------------------------------------------------------------------------------------- */

static void mean_forward(const struct pooling *p, size_t b, const real *y, real *pooled)
{
    size_t length = length_of(p, b);
    for (size_t t = 0; t < length; t++, y += p->rows * p->y_row)
        for (size_t j = 0; j < p->width; j++)
            pooled[j] += y[j];
    for (size_t j = 0; j < p->width; j++)
        pooled[j] /= (real)length;
}

static void mean_backward(const struct pooling *p, size_t b, const real *dpooled, real *dy)
{
    size_t length = length_of(p, b);
    for (size_t t = 0; t < length; t++, dy += p->rows * p->y_row)
        for (size_t j = 0; j < p->width; j++)
            dy[j] = dpooled[j] / (real)length;
}

/* ---- The largest of each ----------------------------------------------------------------------------------------- */

static void max_forward(const struct pooling *p, size_t b, const real *y, real *pooled)
{
    uint32_t *largest = p->largest + b * p->width;
    memcpy(pooled, y, p->width * sizeof *pooled);
    memset(largest, 0, p->width * sizeof *largest);
    for (size_t t = 1; t < length_of(p, b); t++) {
        y += p->rows * p->y_row;
        for (size_t j = 0; j < p->width; j++)
            if (y[j] > pooled[j]) {
                pooled[j] = y[j];
                largest[j] = (uint32_t)t;
            }
    }
}

static void max_backward(const struct pooling *p, size_t b, const real *dpooled, real *dy)
{
    const uint32_t *largest = p->largest + b * p->width;
    for (size_t j = 0; j < p->width; j++)
        dy[largest[j] * p->rows * p->y_row + j] = dpooled[j];
}

/* ---- Pooling ----------------------------------------------------------------------------------------------------- */

/* In the order of POOL_CHOICES. */
static const struct {
    void (*forward)(const struct pooling *p, size_t b, const real *y, real *pooled);
    void (*backward)(const struct pooling *p, size_t b, const real *dpooled, real *dy);
} kinds[] = {{last_forward, last_backward}, {mean_forward, mean_backward}, {max_forward, max_backward}};

void pool_forward(const struct pooling *p, const real *y, real *pooled)
{
    memset(pooled, 0, p->rows * p->pooled_row * sizeof *pooled);
    for (size_t b = 0; b < p->rows; b++)
        if (length_of(p, b))
            kinds[p->kind].forward(p, b, y + b * p->y_row, pooled + b * p->pooled_row);
}

void pool_backward(const struct pooling *p, const real *dpooled, real *dy)
{
    memset(dy, 0, p->steps * p->rows * p->y_row * sizeof *dy);
    for (size_t b = 0; b < p->rows; b++)
        if (length_of(p, b))
            kinds[p->kind].backward(p, b, dpooled + b * p->pooled_row, dy + b * p->y_row);
}
