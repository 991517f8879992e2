#include "net/embed_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/mem.h"
#include "base/opt.h"

/* ---- Rank correlation -------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b, void *values)
{
    double x = ((const double *)values)[*(const size_t *)a], y = ((const double *)values)[*(const size_t *)b];
    return (x > y) - (x < y);
}

static double *ranks(const double *values, size_t n)
{
    double *rank = mem_get(n, sizeof *rank);
    size_t *order = mem_get(n, sizeof *order), same;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_value, (void *)values);
    for (size_t i = 0; i < n; i += same) {
        for (same = 1; i + same < n && values[order[i + same]] == values[order[i]];)
            same++;
        for (size_t k = 0; k < same; k++)
            rank[order[i + k]] = (double)i + ((double)same - 1) / 2;
    }
    free(order);
    return rank;
}

double spearman(const double *a, const double *b, size_t n)
{
    double *x = ranks(a, n), *y = ranks(b, n), mean = ((double)n - 1) / 2, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    free(x);
    free(y);
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : (double)NAN;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

enum { MAX_FIELDS = 16, QUESTION_WORDS = 30000 };

/* Cuts a line at tabs, else at commas, else at blanks; the number of fields, at most MAX_FIELDS. */
static size_t fields(char *line, char **field)
{
    const char *cut = strchr(line, '\t') ? "\t" : strchr(line, ',') ? "," : " ";
    char *state = NULL;
    size_t n = 0;
    for (char *word = strtok_r(line, cut, &state); word && n < MAX_FIELDS; word = strtok_r(NULL, cut, &state))
        field[n++] = word;
    return n;
}

static bool blank(const char *line)
{
    return !line[strspn(line, " \t")];
}

/* ---- Analogies --------------------------------------------------------------------------------------------------- */

struct questions {
    uint32_t *words; /* [n, 4] */
    size_t *section; /* [n] */
    size_t n, room;
};

static void section_add(struct embed_eval *v, const char *name)
{
    v->sections = mem_grow(v->sections, v->n + 1, sizeof *v->sections);
    v->sections[v->n++] = (struct embed_section){.name = mem_copy(name), .syntactic = !strncmp(name, "gram", 4)};
}

static int question_add(const struct embed_index *x, struct embed_eval *v, struct questions *q, char *line,
                        struct err *e)
{
    char *word[MAX_FIELDS];
    uint32_t id[4];
    bool known = true;
    if (*line == ':') {
        section_add(v, line + 1 + strspn(line + 1, " \t"));
        return 0;
    }
    if (fields(line, word) != 4)
        return err_fail(e, STATUS_DATA, "is not a question of four words, nor ': section'");
    for (int i = 0; i < 4; i++) {
        id[i] = embed_find(x->m, word[i]);
        known &= id[i] != VOCAB_NONE && x->place[id[i]] != VOCAB_NONE;
    }
    v->sections[v->n - 1].asked++;
    if (!known)
        return 0;
    v->sections[v->n - 1].answered++;
    if (q->n == q->room) {
        q->room = q->room ? q->room * 2 : 1024;
        q->words = mem_grow(q->words, q->room * 4, sizeof *q->words);
        q->section = mem_grow(q->section, q->room, sizeof *q->section);
    }
    memcpy(q->words + 4 * q->n, id, sizeof id);
    q->section[q->n++] = v->n - 1;
    return 0;
}

static void answer(const struct embed_index *x, struct embed_eval *v, const struct questions *q)
{
    size_t d = x->m->d;
    real *queries = mem_aligned(q->n * d, sizeof(real));
    uint32_t *except = mem_get(q->n * EMBED_EXCEPT, sizeof *except);
    struct embed_hit *hits = mem_get(q->n, sizeof *hits);
    for (size_t i = 0; i < q->n; i++) {
        const uint32_t *w = q->words + 4 * i;
        embed_analogy(x, w[0], w[1], w[2], queries + i * d);
        memcpy(except + i * EMBED_EXCEPT, w, EMBED_EXCEPT * sizeof *w);
    }
    embed_search(x, queries, q->n, except, 1, hits);
    for (size_t i = 0; i < q->n; i++)
        v->sections[q->section[i]].right += hits[i].id == q->words[4 * i + 3];
    free(queries);
    free(except);
    free(hits);
}

static void sum_up(struct embed_eval *v)
{
    struct embed_section sum[3] = {{.name = "semantic"}, {.name = "syntactic"}, {.name = "total"}};
    for (size_t i = 0; i < v->n; i++)
        for (int k = 0; k < 3; k++)
            if (k == 2 || k == v->sections[i].syntactic) {
                sum[k].asked += v->sections[i].asked;
                sum[k].answered += v->sections[i].answered;
                sum[k].right += v->sections[i].right;
            }
    v->sections = mem_grow(v->sections, v->n + 3, sizeof *v->sections);
    for (int k = 0; k < 3; k++) {
        sum[k].name = mem_copy(sum[k].name);
        v->sections[v->n++] = sum[k];
    }
}

/* ---- Judged pairs ------------------------------------------------------------------------------------------------ */

struct pairs {
    double *score, *cosine;
    size_t n, room, column; /* the score's */
};

static int pair_add(const struct embed_index *x, struct embed_eval *v, struct pairs *p, char *line, struct err *e)
{
    char *field[MAX_FIELDS];
    size_t n = fields(line, field), d = x->m->d;
    double score = 0, cosine = 0;
    bool number = n > p->column && opt_real(field[p->column], &score);
    if (!number && v->asked == 0 && p->column == 2 && n >= 3) { /* names of the columns */
        for (size_t i = 3; i < n; i++)
            if (!strcmp(field[i], "SimLex999"))
                p->column = i;
        return 0;
    }
    if (!number)
        return err_fail(e, STATUS_DATA, "is not two words and a score, with tabs between");
    uint32_t a = embed_find(x->m, field[0]), b = embed_find(x->m, field[1]);
    v->asked++;
    if (a == VOCAB_NONE || b == VOCAB_NONE || x->place[a] == VOCAB_NONE || x->place[b] == VOCAB_NONE)
        return 0;
    for (size_t j = 0; j < d; j++)
        cosine += (double)x->unit[a * d + j] * (double)x->unit[b * d + j];
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 1024;
        p->score = mem_grow(p->score, p->room, sizeof *p->score);
        p->cosine = mem_grow(p->cosine, p->room, sizeof *p->cosine);
    }
    p->score[p->n] = score;
    p->cosine[p->n++] = cosine;
    v->answered++;
    return 0;
}

/* ---- A file ------------------------------------------------------------------------------------------------------ */

int embed_evaluate(const struct embed *m, const char *path, size_t most, struct embed_eval *v, struct err *e)
{
    struct lines lines;
    struct embed_index x = {0};
    struct questions q = {0};
    struct pairs p = {.column = 2};
    int got = lines_open(&lines, path, e);
    *v = (struct embed_eval){0};
    while (got >= 0 && (got = lines_next(&lines, e)) == 1) {
        if (blank(lines.text) || *lines.text == '#')
            continue;
        if (!x.m) {
            v->analogies = *lines.text == ':';
            embed_index_make(&x, m, most ? most : v->analogies ? QUESTION_WORDS : 0);
        }
        got = v->analogies ? question_add(&x, v, &q, lines.text, e) : pair_add(&x, v, &p, lines.text, e);
        if (got < 0)
            lines_where(&lines, e);
    }
    if (got == 0 && !x.m)
        got = err_fail(e, STATUS_DATA, "%s: holds neither questions nor pairs", lines.label);
    if (got == 0 && v->analogies) {
        answer(&x, v, &q);
        sum_up(v);
    }
    v->spearman = spearman(p.score, p.cosine, p.n);
    lines_close(&lines);
    embed_index_free(&x);
    free(q.words);
    free(q.section);
    free(p.score);
    free(p.cosine);
    if (got < 0)
        embed_eval_free(v);
    return got;
}

void embed_eval_free(struct embed_eval *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->sections[i].name);
    free(v->sections);
    *v = (struct embed_eval){0};
}
