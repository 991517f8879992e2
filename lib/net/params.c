#include "net/params.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "math/gemm.h"

static size_t add(struct params *p, const char *name, unsigned rank, const uint64_t *dims, size_t room)
{
    p->views = mem_grow(p->views, p->n_views + 1, sizeof *p->views);
    struct view *v = &p->views[p->n_views++];
    *v =
        (struct view){.name = mem_copy(name), .rank = rank, .dims = {dims[0], rank == 2 ? dims[1] : 1}, .offset = p->n};
    v->room = lanes_up(room); /* the next view begins with a new cache line */
    p->n += v->room;
    return v->offset;
}

size_t params_add(struct params *p, const char *name, unsigned rank, const uint64_t *dims)
{
    return add(p, name, rank, dims, (size_t)dims[0] * (rank == 2 ? (size_t)dims[1] : 1));
}

size_t params_add_panels(struct params *p, const char *name, unsigned rank, const uint64_t *dims, size_t width,
                         const uint32_t *columns)
{
    size_t depth = rank == 2 ? (size_t)dims[1] : 1;
    size_t offset = add(p, name, rank, dims, panels(width) * PANEL * depth);
    p->views[p->n_views - 1].depth = depth;
    p->views[p->n_views - 1].columns = columns;
    return offset;
}

void params_allocate(struct params *p)
{
    p->value = mem_aligned(p->n, sizeof(real));
    p->gradient = mem_aligned(p->n, sizeof(real));
}

void params_moments(struct params *p, int count)
{
    for (int i = 0; i < count; i++)
        if (!p->moment[i])
            p->moment[i] = mem_aligned(p->n, sizeof(real));
}

const struct view *params_find(const struct params *p, const char *name)
{
    for (size_t i = 0; i < p->n_views; i++)
        if (strcmp(p->views[i].name, name) == 0)
            return &p->views[i];
    return NULL;
}

size_t view_count(const struct view *v)
{
    return (size_t)v->dims[0] * (size_t)v->dims[1];
}

/* Where element [r, 0] lies in a block; [r, k] lies k * *step further. */
static size_t place(const struct view *v, size_t r, size_t *step)
{
    if (v->depth == 0) {
        *step = 1;
        return v->offset + r * (size_t)v->dims[1];
    }
    size_t column = v->columns ? v->columns[r] : r;
    *step = PANEL;
    return v->offset + column / PANEL * v->depth * PANEL + column % PANEL;
}

void params_export(const struct view *v, const real *block, real *natural)
{
    for (size_t r = 0; r < v->dims[0]; r++) {
        size_t step, at = place(v, r, &step);
        for (size_t k = 0; k < v->dims[1]; k++)
            *natural++ = block[at + k * step];
    }
}

void params_import(const struct view *v, real *block, const real *natural)
{
    for (size_t r = 0; r < v->dims[0]; r++) {
        size_t step, at = place(v, r, &step);
        for (size_t k = 0; k < v->dims[1]; k++)
            block[at + k * step] = *natural++;
    }
}

void params_zero_gradient(struct params *p)
{
    memset(p->gradient, 0, p->n * sizeof(real));
}

void params_free(struct params *p)
{
    for (size_t i = 0; i < p->n_views; i++)
        free(p->views[i].name);
    free(p->views);
    free(p->value);
    free(p->gradient);
    for (int i = 0; i < PARAMS_MOMENTS; i++)
        free(p->moment[i]);
    *p = (struct params){0};
}
