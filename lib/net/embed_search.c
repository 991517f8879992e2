/* The best of many candidates for many questions. Words are the left side of a product and questions its right side, 64
 * of them a panel: the model's matrix is read as it lies, and the few scores above a question's worst hit so far are
 * picked out of a block while it is in the cache. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "math/gemm.h"
#include "math/search.h"
#include "net/embed.h"

/* ---- Candidates -------------------------------------------------------------------------------------------------- */

struct measured {
    const real *vec;
    real *inverse;
    size_t d;
};

static double length_of(const real *x, size_t d)
{
    double square = 0;
    for (size_t j = 0; j < d; j++)
        square += (double)x[j] * (double)x[j];
    return sqrt(square);
}

/* 1 / |x|; 0 where that is beyond the numbers there are. Squares that come near the ends of their range are taken again
 * in double. */
static void measure(void *context, size_t low, size_t high)
{
    const struct measured *m = context;
    search_kernels()->squares(m->vec + low * m->d, high - low, m->d, m->inverse + low);
    for (size_t i = low; i < high; i++) {
        double square = (double)m->inverse[i];
        double length = square > 1e-30 && square < 1e30 ? sqrt(square) : length_of(m->vec + i * m->d, m->d);
        m->inverse[i] = length > 1e-35 && length < 1e35 ? (real)(1 / length) : 0;
    }
}

/* Falling counts, as a rule, are how they stand already. */
static void sort_candidates(struct embed_index *x)
{
    const uint64_t *counts = x->m->vocab.counts;
    for (size_t i = 1; i < x->n; i++)
        if (counts[x->ids[i]] > counts[x->ids[i - 1]]) {
            ids_by_count(x->ids, x->n, counts);
            return;
        }
}

/* Vectors and lengths in the order of the candidates: those of the model where they are in it. */
static void gather(struct embed_index *x)
{
    size_t d = x->m->d, run = 1;
    while (run < x->n && x->ids[run] == x->ids[run - 1] + 1)
        run++;
    if (run >= x->n) {
        size_t first = x->n ? x->ids[0] : 0;
        x->vec = x->m->vec + first * d;
        memmove(x->inverse, x->inverse + first, x->n * sizeof *x->inverse);
        return;
    }
    real *inverse = mem_get(x->n, sizeof *inverse);
    x->vec = x->copy = mem_aligned(x->n * d, sizeof *x->copy);
    for (size_t i = 0; i < x->n; i++) {
        memcpy(x->copy + i * d, embed_row(x->m, x->ids[i]), d * sizeof *x->copy);
        inverse[i] = x->inverse[x->ids[i]];
    }
    free(x->inverse);
    x->inverse = inverse;
}

void embed_index_make(struct embed_index *x, const struct embed *m, size_t most)
{
    *x = (struct embed_index){.m = m};
    x->inverse = mem_get(m->v, sizeof *x->inverse);
    x->place = mem_get(m->v, sizeof *x->place);
    x->ids = mem_get(m->v, sizeof *x->ids);
    par_for(m->v, 4096, measure, &(struct measured){m->vec, x->inverse, m->d});
    for (uint32_t id = VOCAB_SPECIAL; id < m->v; id++)
        if (x->inverse[id] > 0)
            x->ids[x->n++] = id;
    sort_candidates(x);
    if (most && most < x->n)
        x->n = most;
    memset(x->place, 0xff, m->v * sizeof *x->place); /* VOCAB_NONE */
    for (size_t i = 0; i < x->n; i++)
        x->place[x->ids[i]] = (uint32_t)i;
    gather(x);
}

void embed_index_free(struct embed_index *x)
{
    free(x->ids);
    free(x->place);
    free(x->inverse);
    free(x->copy);
    *x = (struct embed_index){0};
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

/* sum += sign * x / |x|, in double. */
static void add_unit(const real *x, size_t d, double sign, double *sum)
{
    double length = length_of(x, d), factor = length > 0 ? sign / length : 0;
    for (size_t j = 0; j < d; j++)
        sum[j] += factor * (double)x[j];
}

void embed_unit(const struct embed *m, uint32_t id, real *unit)
{
    const real *x = embed_row(m, id);
    double length = length_of(x, m->d), factor = length > 0 ? 1 / length : 0;
    for (size_t j = 0; j < m->d; j++)
        unit[j] = (real)(factor * (double)x[j]);
}

double embed_cosine(const struct embed *m, uint32_t a, uint32_t b)
{
    const real *x = embed_row(m, a), *y = embed_row(m, b);
    double product = 0, lengths = length_of(x, m->d) * length_of(y, m->d);
    for (size_t j = 0; j < m->d; j++)
        product += (double)x[j] * (double)y[j];
    return lengths > 0 ? product / lengths : 0;
}

static size_t terms_of(const struct embed_questions *q)
{
    return q->method == EMBED_COSMUL ? 3 : 1;
}

/* Makes room for one more question, notes its words, and returns where its vectors go. */
static real *next(struct embed_questions *q, const struct embed *m, const uint32_t *words, size_t terms)
{
    size_t each = terms_of(q) * m->d;
    if (q->n == q->room) {
        q->room = q->room ? 2 * q->room : 16;
        q->queries = mem_grow(q->queries, q->room, each * sizeof *q->queries);
        q->except = mem_grow(q->except, q->room, EMBED_TERMS * sizeof *q->except);
    }
    q->d = m->d;
    uint32_t *except = q->except + q->n * EMBED_TERMS;
    for (size_t i = 0; i < EMBED_TERMS; i++)
        except[i] = i < terms ? words[i] : VOCAB_NONE;
    return q->queries + q->n++ * each;
}

void embed_ask_sum(struct embed_questions *q, const struct embed *m, const uint32_t *words, const bool *minus,
                   size_t terms)
{
    real *query = next(q, m, words, terms);
    double *sum = mem_get(m->d, sizeof *sum), square = 0;
    for (size_t i = 0; i < terms; i++)
        add_unit(embed_row(m, words[i]), m->d, minus && minus[i] ? -1 : 1, sum);
    for (size_t j = 0; j < m->d; j++)
        square += sum[j] * sum[j];
    double factor = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t j = 0; j < m->d; j++)
        query[j] = (real)(sum[j] * factor);
    free(sum);
}

void embed_ask_analogy(struct embed_questions *q, const struct embed *m, const uint32_t words[3])
{
    static const bool minus[3] = {true, false, false};
    if (q->method == EMBED_COSADD) {
        embed_ask_sum(q, m, words, minus, 3);
        return;
    }
    real *query = next(q, m, words, 3);
    for (size_t i = 0; i < 3; i++)
        embed_unit(m, words[i], query + i * m->d);
}

void embed_questions_clear(struct embed_questions *q)
{
    q->n = 0;
}

void embed_questions_free(struct embed_questions *q)
{
    free(q->queries);
    free(q->except);
    *q = (struct embed_questions){.method = q->method};
}

/* ---- The best of many -------------------------------------------------------------------------------------------- */

enum {
    GROUP_PANELS = 4, /* panels of questions for which a block of words is gone through */
    GROUP = GROUP_PANELS * PANEL,
    BLOCK_ROWS = 128, /* words of a block: with its panel of scores, most of a first-level cache */
};

struct search {
    const struct embed_index *x;
    const struct embed_questions *q;
    size_t top;
    struct embed_hit *hits;
    real ones[BLOCK_ROWS];
};

/* One thread's. */
struct scratch {
    real *panels; /* [GROUP_PANELS * 3][D][PANEL] the questions' vectors */
    real scores[3][BLOCK_ROWS * PANEL] __attribute__((aligned(64)));
    real bound[GROUP] __attribute__((aligned(64))); /* a question's worst hit so far */
    struct search_found found[BLOCK_ROWS * PANEL];
};

/* While they are gathered, hits are a heap with the worst in front, and their ids places among the candidates, so that
 * the more frequent of two equal ones is the smaller. */
static bool worse(struct embed_hit a, struct embed_hit b)
{
    return a.score < b.score || (a.score == b.score && a.id > b.id);
}

/* Puts a hit in the place of the front one of n. */
static void replace_worst(struct embed_hit *heap, size_t n, struct embed_hit hit)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && worse(heap[child + 1], heap[child]);
        if (!worse(heap[child], hit))
            break;
        heap[at] = heap[child];
    }
    heap[at] = hit;
}

/* From a heap to hits best first, with ids. */
static void put_in_order(const struct search *s, struct embed_hit *hits)
{
    for (size_t n = s->top; n > 1; n--) {
        struct embed_hit last = hits[n - 1];
        hits[n - 1] = hits[0];
        replace_worst(hits, n - 1, last);
    }
    for (size_t i = 0; i < s->top; i++)
        hits[i].id = hits[i].id == VOCAB_NONE ? VOCAB_NONE : s->x->ids[hits[i].id];
}

static bool excepted(const struct search *s, size_t question, uint32_t id)
{
    const uint32_t *except = s->q->except + question * EMBED_TERMS;
    for (size_t i = 0; i < EMBED_TERMS && except[i] != VOCAB_NONE; i++)
        if (except[i] == id)
            return true;
    return false;
}

/* The vectors of the group's questions as right sides: those of term t of panel p are panel p * terms + t. */
static void pack(const struct search *s, size_t low, size_t n, struct scratch *k)
{
    size_t d = s->x->m->d, terms = terms_of(s->q), all = panels(n) * PANEL;
    for (size_t i = 0; i < all; i++) {
        k->bound[i] = i < n ? -(real)INFINITY : (real)INFINITY;
        for (size_t t = 0; t < terms; t++) {
            const real *from = i < n ? s->q->queries + ((low + i) * terms + t) * d : NULL;
            real *to = k->panels + (i / PANEL * terms + t) * d * PANEL + i % PANEL;
            for (size_t j = 0; j < d; j++)
                to[j * PANEL] = from ? from[j] : 0;
        }
    }
}

/* One block of words against one panel of questions, of which the first is `question`. */
static void search_block(const struct search *s, size_t question, size_t p, size_t columns, size_t first, size_t rows,
                         struct scratch *k)
{
    size_t d = s->x->m->d, terms = terms_of(s->q);
    const struct search_code *code = search_kernels();
    const real *scale = s->x->inverse + first;
    real *bound = k->bound + p * PANEL, *scores = k->scores[terms / 2];
    struct gemm g = {.rows = rows, .columns = columns, .depth = d};
    gemm_left_rows(&g, s->x->vec + first * d, d);
    for (size_t t = 0; t < terms; t++) {
        gemm_right_panels(&g, k->panels + (p * terms + t) * d * PANEL, d * PANEL);
        gemm_result_panels(&g, k->scores[t], rows * PANEL);
        gemm_part(&g, 0, rows, 0, 1);
    }
    if (terms == 3) {
        code->multiply(k->scores[0], scores, k->scores[2], scale, rows, columns);
        scale = s->ones;
    }
    size_t n = code->above(scores, scale, rows, columns, bound, k->found);
    for (size_t i = 0; i < n; i++) {
        size_t r = k->found[i].row, c = k->found[i].column, place = first + r;
        real score = scores[r * PANEL + c] * scale[r];
        if (score <= bound[c] || excepted(s, question + c, s->x->ids[place]))
            continue;
        struct embed_hit *hits = s->hits + (question + c) * s->top;
        replace_worst(hits, s->top, (struct embed_hit){(uint32_t)place, score});
        bound[c] = hits[0].score;
    }
}

static void search_some(void *context, size_t low, size_t high)
{
    const struct search *s = context;
    const struct embed_index *x = s->x;
    struct scratch *k = mem_aligned(1, sizeof *k);
    k->panels = mem_aligned(GROUP_PANELS * terms_of(s->q) * x->m->d * PANEL, sizeof *k->panels);
    for (; low < high; low += GROUP) {
        size_t n = high - low < GROUP ? high - low : GROUP;
        pack(s, low, n, k);
        for (size_t first = 0; first < x->n; first += BLOCK_ROWS)
            for (size_t p = 0; p < panels(n); p++) {
                size_t columns = n - p * PANEL < PANEL ? lanes_up(n - p * PANEL) : PANEL;
                size_t rows = x->n - first < BLOCK_ROWS ? x->n - first : BLOCK_ROWS;
                search_block(s, low + p * PANEL, p, columns, first, rows, k);
            }
        for (size_t q = low; q < low + n; q++)
            put_in_order(s, s->hits + q * s->top);
    }
    free(k->panels);
    free(k);
}

void embed_search(const struct embed_index *x, const struct embed_questions *q, size_t top, struct embed_hit *hits)
{
    struct search s = {.x = x, .q = q, .top = top, .hits = hits};
    for (size_t i = 0; i < BLOCK_ROWS; i++)
        s.ones[i] = 1;
    for (size_t i = 0; i < q->n * top; i++)
        hits[i] = (struct embed_hit){VOCAB_NONE, -(real)INFINITY};
    par_for(q->n, PANEL, search_some, &s);
}
