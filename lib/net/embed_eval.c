#include "net/embed_eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/mem.h"
#include "base/opt.h"
#include "data/text_ascii.h"

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

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* The candidates, and which of them are one word but for the case of A-Z. */
struct lexicon {
    struct embed *m;
    bool compose; /* all words count, others too */
    struct embed_index x;
    struct vocab folded;  /* in lower case */
    uint32_t *fold;       /* [V] of a candidate, in `folded` */
    uint32_t *first;      /* [folded.n] the most frequent candidate so folded */
    struct vocab missing; /* looked for in vain */
};

static void lower(char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        word[i] = ascii_small(word[i]);
}

static void lexicon_make(struct lexicon *l, struct embed *m, size_t most)
{
    struct buf word = {0};
    l->m = m;
    l->compose = !most;
    embed_index_make(&l->x, m, most);
    l->fold = mem_get(m->v, sizeof *l->fold);
    l->first = mem_get(l->x.n, sizeof *l->first);
    for (size_t i = 0; i < l->x.n; i++) {
        uint32_t id = l->x.ids[i];
        size_t length, known = l->folded.n;
        const char *text = vocab_word(&m->vocab, id, &length);
        buf_clear(&word);
        buf_add(&word, text, length);
        lower(word.data, length);
        l->fold[id] = vocab_add(&l->folded, word.data, length);
        if (l->folded.n > known)
            l->first[known] = id;
    }
    buf_free(&word);
}

static void lexicon_free(struct lexicon *l)
{
    embed_index_free(&l->x);
    vocab_free(&l->folded);
    vocab_free(&l->missing);
    free(l->fold);
    free(l->first);
}

/* The candidate of a word, where `compose` also one made of subwords (at or above V), or VOCAB_NONE. */
static uint32_t find(struct lexicon *l, const char *word, bool compose)
{
    size_t length = strlen(word);
    uint32_t id = vocab_find(&l->x.m->vocab, word, length), folded;
    if (id != VOCAB_NONE && l->x.place[id] != VOCAB_NONE)
        return id;
    char *small = mem_copy(word);
    lower(small, length);
    folded = vocab_find(&l->folded, small, length);
    free(small);
    if (folded != VOCAB_NONE)
        return l->first[folded];
    return compose ? embed_compose(l->m, word) : VOCAB_NONE;
}

/* Notes that word i of a line is no candidate, once a line. */
static void note_missing(struct lexicon *l, char *const *words, const uint32_t *ids, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (ids[k] == VOCAB_NONE && !strcmp(words[k], words[i]))
            return;
    uint32_t id = vocab_add(&l->missing, words[i], strlen(words[i]));
    l->missing.counts[id]++;
}

/* All n words of a line, of which the first n_asked may be composed; false when one is missing, which is noted. */
static bool find_all(struct lexicon *l, struct embed_eval *v, char *const *words, size_t n, size_t n_asked,
                     uint32_t *ids)
{
    bool all = true, composed = false;
    for (size_t i = 0; i < n; i++) {
        ids[i] = find(l, words[i], l->compose && i < n_asked);
        if (ids[i] == VOCAB_NONE)
            note_missing(l, words, ids, i);
        all &= ids[i] != VOCAB_NONE;
        composed |= ids[i] != VOCAB_NONE && ids[i] >= l->m->v;
    }
    v->composed += all && composed;
    return all;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

enum { MAX_FIELDS = 16 };

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

/* ": section", or four words between blanks of which the third is no score. */
static bool begins_questions(const char *line)
{
    char *copy = mem_copy(line), *word[MAX_FIELDS];
    double score;
    bool four = !strpbrk(line, "\t,") && fields(copy, word) == 4 && !opt_real(word[2], &score);
    free(copy);
    return *line == ':' || four;
}

/* ---- Analogies --------------------------------------------------------------------------------------------------- */

struct answers {
    struct embed_questions asked;
    struct answer {
        uint32_t word; /* the fourth, and the section */
        size_t section;
    } * due;
    size_t room;
};

static void section_add(struct embed_eval *v, const char *name)
{
    v->sections = mem_grow(v->sections, v->n + 1, sizeof *v->sections);
    v->sections[v->n++] = (struct embed_section){.name = mem_copy(name), .syntactic = !strncmp(name, "gram", 4)};
}

static int question_add(struct lexicon *l, struct embed_eval *v, struct answers *a, char *line, struct err *e)
{
    char *word[MAX_FIELDS];
    uint32_t id[4];
    if (*line == ':') {
        section_add(v, line + 1 + strspn(line + 1, " \t"));
        return 0;
    }
    if (fields(line, word) != 4)
        return err_fail(e, STATUS_DATA, "is not a question of four words, nor ': section'");
    if (!v->n)
        section_add(v, "questions");
    v->sections[v->n - 1].asked++;
    if (!find_all(l, v, word, 4, 3, id))
        return 0;
    v->sections[v->n - 1].answered++;
    if (a->asked.n == a->room) {
        a->room = a->room ? a->room * 2 : 1024;
        a->due = mem_grow(a->due, a->room, sizeof *a->due);
    }
    a->due[a->asked.n] = (struct answer){id[3], v->n - 1};
    embed_ask_analogy(&a->asked, l->x.m, id);
    return 0;
}

/* Is this hit one of the words asked with, in whatever case? */
static bool asked_with(const struct lexicon *l, const uint32_t *asked, uint32_t id)
{
    for (int i = 0; i < 3; i++)
        if (asked[i] < l->m->v && l->fold[asked[i]] == l->fold[id])
            return true;
    return false;
}

static void answer(const struct lexicon *l, struct embed_eval *v, const struct answers *a)
{
    size_t top = l->folded.n == l->x.n ? 1 : 8; /* behind others that the words asked with may be spelled like */
    struct embed_hit *hits = mem_get(a->asked.n * top, sizeof *hits);
    embed_search(&l->x, &a->asked, top, hits);
    for (size_t i = 0; i < a->asked.n; i++) {
        const struct embed_hit *hit = hits + i * top, *last = hit + top - 1;
        while (hit < last && hit->id != VOCAB_NONE && asked_with(l, a->asked.except + i * EMBED_TERMS, hit->id))
            hit++;
        v->sections[a->due[i].section].right += hit->id != VOCAB_NONE && l->fold[hit->id] == l->fold[a->due[i].word];
    }
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

/* A score that is a number, but none that ranks ("nan", "-inf", "1e999"): not the name of a column. */
static bool endless(const char *text)
{
    char *end;
    double score = strtod(text, &end);
    return end > text && !*end && !isfinite(score);
}

static int pair_add(struct lexicon *l, struct embed_eval *v, struct pairs *p, char *line, struct err *e)
{
    char *field[MAX_FIELDS];
    uint32_t id[2];
    size_t n = fields(line, field);
    double score = 0;
    bool number = n > p->column && opt_real(field[p->column], &score);
    if (n > p->column && endless(field[p->column]))
        return err_fail(e, STATUS_DATA, "the score '%.40s' is not a finite number", field[p->column]);
    if (!number && v->asked == 0 && p->column == 2 && n >= 3) { /* names of the columns */
        for (size_t i = 3; i < n; i++)
            if (!strcmp(field[i], "SimLex999"))
                p->column = i;
        return 0;
    }
    if (!number)
        return err_fail(e, STATUS_DATA, "is not two words and a score, with tabs between");
    v->asked++;
    if (!find_all(l, v, field, 2, 2, id))
        return 0;
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 1024;
        p->score = mem_grow(p->score, p->room, sizeof *p->score);
        p->cosine = mem_grow(p->cosine, p->room, sizeof *p->cosine);
    }
    p->score[p->n] = score;
    p->cosine[p->n++] = embed_cosine(l->x.m, id[0], id[1]);
    v->answered++;
    return 0;
}

/* ---- A file ------------------------------------------------------------------------------------------------------ */

/* The most frequent words that count: 0 is all. */
static size_t candidates(const struct embed_eval_config *config, bool analogies)
{
    size_t usual = analogies ? EMBED_QUESTION_WORDS : 0;
    return !config ? usual : config->all ? 0 : config->most ? config->most : usual;
}

static void finish(struct lexicon *l, struct embed_eval *v, const struct answers *a, const struct pairs *p)
{
    if (v->analogies) {
        answer(l, v, a);
        sum_up(v);
    }
    v->spearman = spearman(p->score, p->cosine, p->n);
    v->missing = l->missing;
    l->missing = (struct vocab){0};
    free(vocab_sort(&v->missing, 0));
}

int embed_evaluate(struct embed *m, const char *path, const struct embed_eval_config *config, struct embed_eval *v,
                   struct err *e)
{
    struct lines lines;
    struct lexicon l = {0};
    struct answers a = {.asked.method = config ? config->method : EMBED_COSADD};
    struct pairs p = {.column = 2};
    int got = lines_open(&lines, path, e);
    *v = (struct embed_eval){0};
    while (got >= 0 && (got = lines_next(&lines, e)) == 1) {
        char *line = lines.text;
        if (blank(line) || *line == '#')
            continue;
        if (!l.x.m) {
            v->analogies = begins_questions(line);
            lexicon_make(&l, m, candidates(config, v->analogies));
        }
        got = v->analogies ? question_add(&l, v, &a, line, e) : pair_add(&l, v, &p, line, e);
        if (got < 0)
            lines_where(&lines, e);
    }
    if (got == 0 && !l.x.m)
        got = err_fail(e, STATUS_DATA, "%s: holds neither questions nor pairs", lines.label);
    if (got == 0)
        finish(&l, v, &a, &p);
    lines_close(&lines);
    lexicon_free(&l);
    embed_questions_free(&a.asked);
    free(a.due);
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
    vocab_free(&v->missing);
    *v = (struct embed_eval){0};
}
