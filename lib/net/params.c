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
    return add(p, name, rank, dims, (size_t)dims[0] * (rank == 2 ? params_row((size_t)dims[1]) : 1));
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
        return v->offset + r * (v->rank == 2 ? params_row((size_t)v->dims[1]) : 1);
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
    params_untouch(p);
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

void params_table(struct params *p, size_t offset)
{
    struct view *v = p->views;
    while (v->offset != offset)
        v++;
    v->table = true;
    p->words = (size_t)v->dims[v->depth ? 1 : 0];
    p->touched = mem_grow(p->touched, p->words, sizeof *p->touched);
    free(p->touched_at);
    p->touched_at = mem_get(p->words, sizeof *p->touched_at);
}

void params_touch(struct params *p, const uint32_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!p->touched_at[words[i]]) {
            p->touched[p->n_touched++] = words[i];
            p->touched_at[words[i]] = (uint32_t)p->n_touched;
        }
}

void params_untouch(struct params *p)
{
    for (size_t i = 0; i < p->n_touched; i++)
        p->touched_at[p->touched[i]] = 0;
    p->n_touched = 0;
}

static void touched_runs(const struct params *p, const struct view *v, void (*f)(void *, size_t, size_t), void *context)
{
    if (!v->depth) {
        size_t row = params_row((size_t)v->dims[1]);
        for (size_t i = 0; i < p->n_touched; i++)
            f(context, v->offset + p->touched[i] * row, row);
        return;
    }
    size_t panel = v->depth * PANEL;
    for (size_t at = 0; at < v->room; at += panel)
        for (size_t i = 0; i < p->n_touched; i++)
            f(context, v->offset + at + p->touched[i] * PANEL, PANEL);
}

void params_runs(const struct params *p, bool all, void (*f)(void *context, size_t offset, size_t n), void *context)
{
    size_t from = 0;
    for (size_t i = 0; i < p->n_views; i++) {
        const struct view *v = &p->views[i];
        if (!v->frozen && (all || !v->table))
            continue;
        if (v->offset > from)
            f(context, from, v->offset - from);
        if (!v->frozen)
            touched_runs(p, v, f, context);
        from = v->offset + v->room;
    }
    if (p->n > from)
        f(context, from, p->n - from);
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
    free(p->touched);
    free(p->touched_at);
    *p = (struct params){0};
}
