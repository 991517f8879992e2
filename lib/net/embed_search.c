#include "net/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "math/gemm.h"

enum { QUERIES = 48, SEARCH_PANELS = 16 }; /* rows and panels of scores at a time: half a second-level cache */

/* to = x / |x|; false, and zeros, when x is zeros. */
static bool scale(const real *x, size_t d, real *to)
{
    double square = 0;
    for (size_t j = 0; j < d; j++)
        square += (double)x[j] * (double)x[j];
    double factor = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t j = 0; j < d; j++)
        to[j] = (real)((double)x[j] * factor);
    return square > 0;
}

static void scale_rows(void *context, size_t low, size_t high)
{
    struct embed_index *x = context;
    size_t d = x->m->d;
    for (size_t id = low; id < high; id++) {
        bool vector = scale(x->m->vec + id * d, d, x->unit + id * d);
        x->place[id] = vector && id >= VOCAB_SPECIAL ? 0 : VOCAB_NONE;
    }
}

static void pack_panels(void *context, size_t low, size_t high)
{
    struct embed_index *x = context;
    size_t d = x->m->d;
    for (size_t p = low; p < high; p++)
        for (size_t n = p * PANEL; n < (p + 1) * PANEL && n < x->n; n++)
            for (size_t j = 0; j < d; j++)
                x->panels[(p * d + j) * PANEL + n % PANEL] = x->unit[x->ids[n] * d + j];
}

void embed_index_make(struct embed_index *x, const struct embed *m, size_t most)
{
    *x = (struct embed_index){.m = m};
    x->unit = mem_aligned(m->v * m->d, sizeof(real));
    x->place = mem_get(m->v, sizeof *x->place);
    x->ids = mem_get(m->v, sizeof *x->ids);
    par_for(m->v, 256, scale_rows, x);
    for (uint32_t id = 0; id < m->v; id++)
        if (x->place[id] != VOCAB_NONE)
            x->ids[x->n++] = id;
    ids_by_count(x->ids, x->n, m->vocab.counts);
    for (size_t i = most ? most : x->n; i < x->n; i++)
        x->place[x->ids[i]] = VOCAB_NONE;
    if (most && most < x->n)
        x->n = most;
    for (size_t i = 0; i < x->n; i++)
        x->place[x->ids[i]] = (uint32_t)i;
    x->panels = mem_aligned(panels(x->n) * m->d * PANEL, sizeof(real));
    par_for(panels(x->n), 1, pack_panels, x);
}

void embed_index_free(struct embed_index *x)
{
    free(x->ids);
    free(x->place);
    free(x->panels);
    free(x->unit);
    *x = (struct embed_index){0};
}

/* ---- The best of many ---------------------------------------------------------------------------------------------- */

/* Puts a candidate where it belongs among the best so far, unless it is excepted. */
static void insert(struct embed_hit *hits, size_t top, const uint32_t *except, uint32_t id, real score)
{
    for (int i = 0; i < EMBED_EXCEPT; i++)
        if (except[i] == id)
            return;
    size_t at = top - 1;
    for (; at > 0 && (hits[at - 1].id == VOCAB_NONE || hits[at - 1].score < score); at--)
        hits[at] = hits[at - 1];
    hits[at] = (struct embed_hit){id, score};
}

struct search {
    const struct embed_index *x;
    const real *queries;
    size_t n, top;
    const uint32_t *except;
    struct embed_hit *hits;
};

/* One row of scores, of candidates from `first` on; they come by falling count, so that an equal one stays behind. */
static void scan(const struct search *s, size_t query, size_t first, const real *scores, size_t n)
{
    struct embed_hit *hits = s->hits + query * s->top, *worst = hits + s->top - 1;
    for (size_t i = 0; i < n; i++)
        if (scores[i] > worst->score || worst->id == VOCAB_NONE)
            insert(hits, s->top, s->except + query * EMBED_EXCEPT, s->x->ids[first + i], scores[i]);
}

static void search_queries(struct search *s, size_t from, size_t n, real *scores)
{
    const struct embed_index *x = s->x;
    size_t d = x->m->d, all = panels(x->n);
    struct gemm g = {.rows = n,
                     .depth = d,
                     .a = s->queries + from * d,
                     .a_row = d,
                     .a_step = 1,
                     .a_chunk = PANEL,
                     .b_panel = d * PANEL,
                     .b_step = PANEL,
                     .c = scores,
                     .c_panel = n * PANEL,
                     .c_row = PANEL};
    for (size_t p = 0; p < all; p += SEARCH_PANELS) {
        size_t count = all - p < SEARCH_PANELS ? all - p : SEARCH_PANELS;
        g.columns = x->n - p * PANEL < count * PANEL ? x->n - p * PANEL : count * PANEL;
        g.b = x->panels + p * g.b_panel;
        gemm_part(&g, 0, n, 0, count);
        for (size_t q = 0; q < n; q++)
            for (size_t c = 0; c < count; c++) {
                size_t first = (p + c) * PANEL, width = x->n - first < PANEL ? x->n - first : PANEL;
                scan(s, from + q, first, scores + c * g.c_panel + q * PANEL, width);
            }
    }
}

static void search_some(void *context, size_t low, size_t high)
{
    struct search *s = context;
    real *scores = mem_aligned(QUERIES * SEARCH_PANELS * PANEL, sizeof(real));
    for (size_t q = low; q < high; q += QUERIES)
        search_queries(s, q, high - q < QUERIES ? high - q : QUERIES, scores);
    free(scores);
}

void embed_search(const struct embed_index *x, const real *queries, size_t n, const uint32_t *except, size_t top,
                  struct embed_hit *hits)
{
    struct search s = {x, queries, n, top, except, hits};
    for (size_t i = 0; i < n * top; i++)
        hits[i] = (struct embed_hit){VOCAB_NONE, -INFINITY};
    par_for(n, QUERIES, search_some, &s);
}

void embed_analogy(const struct embed_index *x, uint32_t a, uint32_t b, uint32_t c, real *query)
{
    size_t d = x->m->d;
    for (size_t j = 0; j < d; j++)
        query[j] = x->unit[b * d + j] - x->unit[a * d + j] + x->unit[c * d + j];
    scale(query, d, query);
}

void embed_ask(const struct embed *m, const uint32_t *words, size_t n, size_t size, size_t most, size_t top,
               struct embed_hit *hits)
{
    struct embed_index x;
    real *queries = mem_aligned(n * m->d, sizeof(real));
    uint32_t *except = mem_get(n * EMBED_EXCEPT, sizeof *except);
    embed_index_make(&x, m, most);
    for (size_t q = 0; q < n; q++) {
        const uint32_t *asked = words + q * size;
        for (size_t i = 0; i < EMBED_EXCEPT; i++)
            except[q * EMBED_EXCEPT + i] = i < size ? asked[i] : VOCAB_NONE;
        if (size == 3)
            embed_analogy(&x, asked[0], asked[1], asked[2], queries + q * m->d);
        else
            memcpy(queries + q * m->d, x.unit + asked[0] * m->d, m->d * sizeof(real));
    }
    embed_search(&x, queries, n, except, top, hits);
    embed_index_free(&x);
    free(queries);
    free(except);
}
