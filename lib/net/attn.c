#include "net/attn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "math/gemm.h"

#define AT(field) offsetof(struct attn_config, field)

const struct opt attn_options[] = {
    {"similarity", 0, OPT_CHOICE, AT(similarity), OPT_RECORD, NULL, "cosine", 0, 0, "cosine|dot",
     "how alike two words are: the cosine of their vectors, or their dot product"},
    {"temperature", 0, OPT_REAL, AT(temperature), OPT_RECORD, "T", NULL, 1e-6, 1e6, NULL,
     "divide similarities by T: small ones make the attention sharp (default: 0.1 for cosine, 1 for dot)"},
    {"diagonal", 0, OPT_REAL, AT(diagonal), OPT_RECORD, "W", "5", 0, 1e6, NULL,
     "take W off the score of words that stand at opposite ends of their sentences, less off nearer ones; 0 for "
     "languages of free order"},
    {"links", 0, OPT_CHOICE, AT(links), OPT_RECORD, NULL, "agree", 0, 0, "agree|intersect|argmax|threshold",
     "link words that are each other's best by the product of both directions; that each direction links; each target "
     "word to its best; all that reach the threshold"},
    {"threshold", 0, OPT_REAL, AT(threshold), OPT_RECORD, "P", NULL, 0, 1, NULL,
     "make no link of less attention than P (default: 0.2 for --links threshold, else any will do)"},
    {0},
};

void attn_config_settle(struct attn_config *c)
{
    if (!c->temperature)
        c->temperature = c->similarity == ATTN_DOT ? 1 : 0.1;
    if (!c->threshold && c->links == ATTN_THRESHOLD)
        c->threshold = 0.2;
}

/* At least `count` elements in *place, which is the k-th of the work's blocks. */
static void *room_for(struct attn_work *w, int k, void *place, size_t count, size_t size)
{
    if (count <= w->room[k] && place)
        return place;
    free(place);
    w->room[k] = count + count / 2 + PANEL;
    return mem_aligned(w->room[k], size);
}

static void work_size(struct attn_work *w, const struct attn_pair *p)
{
    w->stride = panels(p->sources) * PANEL;
    w->target = room_for(w, 0, w->target, p->targets * p->dim, sizeof *w->target);
    w->source = room_for(w, 1, w->source, w->stride * p->dim, sizeof *w->source);
    w->scores = room_for(w, 2, w->scores, p->targets * w->stride, sizeof *w->scores);
    w->row = room_for(w, 3, w->row, w->stride, sizeof *w->row);
    w->most = room_for(w, 4, w->most, w->stride, sizeof *w->most);
    w->sums = room_for(w, 5, w->sums, w->stride + p->targets, sizeof *w->sums);
    w->known = room_for(w, 6, w->known, p->sources + p->targets, sizeof *w->known);
}

void attn_work_free(struct attn_work *w)
{
    free(w->target);
    free(w->source);
    free(w->scores);
    free(w->row);
    free(w->most);
    free(w->sums);
    free(w->known);
    *w = (struct attn_work){0};
}

/* 1 / |x| for cosine, 1 for dot, 0 for a vector of zeros. */
static double scale_of(const struct attn_config *c, const real *x, size_t dim)
{
    double square = 0;
    for (size_t d = 0; d < dim; d++)
        square += (double)x[d] * (double)x[d];
    return square == 0 ? 0 : c->similarity == ATTN_DOT ? 1 : 1 / sqrt(square);
}

/* Scales the vectors; source words become the columns of gemm's panels. */
static void prepare(const struct attn_config *c, const struct attn_pair *p, struct attn_work *w)
{
    memset(w->source, 0, w->stride * p->dim * sizeof *w->source);
    for (size_t i = 0; i < p->sources; i++) {
        const real *x = p->source + i * p->dim;
        real *column = w->source + i / PANEL * PANEL * p->dim + i % PANEL;
        double scale = scale_of(c, x, p->dim);
        w->known[i] = scale != 0;
        for (size_t d = 0; d < p->dim; d++)
            column[d * PANEL] = (real)(x[d] * scale);
    }
    for (size_t j = 0; j < p->targets; j++) {
        const real *y = p->target + j * p->dim;
        double scale = scale_of(c, y, p->dim);
        w->known[p->sources + j] = scale != 0;
        for (size_t d = 0; d < p->dim; d++)
            w->target[j * p->dim + d] = (real)(y[d] * scale);
    }
}

/* scores[j,i] = s[j,i]; those of words without a vector mean nothing. */
static int score(const struct attn_config *c, const struct attn_pair *p, struct attn_work *w, struct err *e)
{
    struct gemm product = {
        .rows = p->targets,
        .columns = p->sources,
        .depth = p->dim,
        .a = w->target,
        .a_row = p->dim,
        .a_step = 1,
        .a_chunk = PANEL,
        .b = w->source,
        .b_panel = PANEL * p->dim,
        .b_step = PANEL,
        .c = w->scores,
        .c_panel = PANEL,
        .c_row = w->stride,
        .start = GEMM_ZERO,
    };
    gemm_part(&product, 0, p->targets, 0, panels(p->sources));
    for (size_t j = 0; j < p->targets; j++) {
        real *s = w->scores + j * w->stride;
        double place = ((double)j + 0.5) / (double)p->targets;
        for (size_t i = 0; i < p->sources; i++) {
            double off = fabs(((double)i + 0.5) / (double)p->sources - place);
            s[i] = (real)(s[i] / c->temperature - c->diagonal * off);
            if (!isfinite(s[i]))
                return err_fail(e, STATUS_DATA,
                                "the score of source word %zu and target word %zu (from 0) is no finite "
                                "number (use --similarity cosine or a higher --temperature)",
                                i, j);
        }
    }
    return 0;
}

/* attention[j,] = softmax of row j over the source words that have a vector. Returns log sum exp, or 0 without
 * such a word. */
static double softmax_row(const real *s, const bool *known, size_t n, real *row, real *attention)
{
    real most = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (known[i] && s[i] > most)
            most = s[i];
    for (size_t i = 0; i < n; i++)
        row[i] = s[i] - most;
    array_exp(n, row, row);
    for (size_t i = 0; i < n; i++)
        sum += known[i] ? (double)row[i] : 0;
    for (size_t i = 0; i < n; i++)
        attention[i] = known[i] ? (real)((double)row[i] / sum) : 0;
    return sum > 0 ? (double)most + scalar_log(sum) : 0;
}

/* sums[i] = log sum exp over the target words that have a vector of column i, for the softmax in the other
 * direction. */
static void column_sums(const struct attn_pair *p, struct attn_work *w)
{
    const bool *known = w->known + p->sources;
    size_t n = p->sources;
    for (size_t i = 0; i < n; i++) {
        w->most[i] = -INFINITY;
        w->sums[i] = 0;
    }
    for (size_t j = 0; j < p->targets; j++)
        for (size_t i = 0; i < n && known[j]; i++)
            if (w->scores[j * w->stride + i] > w->most[i])
                w->most[i] = w->scores[j * w->stride + i];
    for (size_t j = 0; j < p->targets; j++) {
        if (!known[j])
            continue;
        for (size_t i = 0; i < n; i++)
            w->row[i] = w->scores[j * w->stride + i] - w->most[i];
        array_exp(n, w->row, w->row);
        for (size_t i = 0; i < n; i++)
            w->sums[i] += w->row[i];
    }
    for (size_t i = 0; i < n; i++)
        w->sums[i] = w->sums[i] > 0 ? (double)w->most[i] + scalar_log(w->sums[i]) : 0;
}

/* What a direction maximizes: its own probability, whose norm falls out of the comparison, or the product of both. */
static double merit(const struct attn_work *w, bool product, size_t j, size_t i)
{
    double s = w->scores[j * w->stride + i];
    return product ? 2 * s - w->sums[i] - w->sums[w->stride + j] : s;
}

/* The best known source word of target word j, or I; the best known target word of source word i, or J. The first
 * of equals. */
static size_t best_source(const struct attn_pair *p, const struct attn_work *w, bool product, size_t j)
{
    size_t best = p->sources;
    for (size_t i = 0; i < p->sources && w->known[p->sources + j]; i++)
        if (w->known[i] && (best == p->sources || merit(w, product, j, i) > merit(w, product, j, best)))
            best = i;
    return best;
}

static size_t best_target(const struct attn_pair *p, const struct attn_work *w, bool product, size_t i)
{
    size_t best = p->targets;
    for (size_t j = 0; j < p->targets && w->known[i]; j++)
        if (w->known[p->sources + j] && (best == p->targets || merit(w, product, j, i) > merit(w, product, best, i)))
            best = j;
    return best;
}

static void link_pair(const struct attn_config *c, const struct attn_pair *p, const struct attn_work *w,
                      const real *attention, struct links *links)
{
    bool product = c->links == ATTN_AGREE;
    for (size_t j = 0; j < p->targets; j++) {
        const real *a = attention + j * p->sources;
        size_t low = 0, high = p->sources;
        if (c->links != ATTN_THRESHOLD) {
            low = best_source(p, w, product, j);
            if (low == p->sources || (c->links != ATTN_ARGMAX && best_target(p, w, product, low) != j))
                continue;
            high = low + 1;
        }
        for (size_t i = low; i < high; i++)
            if (w->known[i] && w->known[p->sources + j] && a[i] >= (real)c->threshold)
                links_add(links, (uint32_t)i, (uint32_t)j, true);
    }
}

int attn_align_pair(const struct attn_config *c, const struct attn_pair *p, struct attn_work *w, real *attention,
                    struct links *links, struct err *e)
{
    if (!p->sources || !p->targets)
        return 0;
    work_size(w, p);
    prepare(c, p, w);
    if (score(c, p, w, e) < 0)
        return -1;
    for (size_t j = 0; j < p->targets; j++) {
        real *a = attention + j * p->sources;
        w->sums[w->stride + j] = softmax_row(w->scores + j * w->stride, w->known, p->sources, w->row, a);
        if (!w->known[p->sources + j])
            memset(a, 0, p->sources * sizeof *a);
    }
    if (c->links == ATTN_AGREE)
        column_sums(p, w);
    link_pair(c, p, w, attention, links);
    return 0;
}
