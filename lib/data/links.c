#include "data/links.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void links_add(struct links *l, uint32_t source, uint32_t target, bool sure)
{
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->at = mem_grow(l->at, l->room, sizeof *l->at);
    }
    l->at[l->n++] = (struct link){source, target, sure};
}

/* By target, then source; the sure before the possible. */
static int compare(const void *left, const void *right)
{
    const struct link *a = left, *b = right;
    if (a->target != b->target)
        return a->target < b->target ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return b->sure - a->sure;
}

static bool same_words(const struct link *a, const struct link *b)
{
    return a->source == b->source && a->target == b->target;
}

void links_sort(struct links *l)
{
    size_t kept = 0;
    if (!l->n)
        return;
    qsort(l->at, l->n, sizeof *l->at, compare);
    for (size_t i = 1; i < l->n; i++)
        if (!same_words(&l->at[kept], &l->at[i]))
            l->at[++kept] = l->at[i];
    l->n = kept + 1;
}

void links_free(struct links *l)
{
    free(l->at);
    *l = (struct links){0};
}

/* ---- Text ---- */

/* Text being read; what remains of a line. */
struct cursor {
    const char *start, *at, *end;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && blank(*c->at))
        c->at++;
}

/* A whole number below 2^32 in at most 10 digits; false when none begins here. */
static bool number(struct cursor *c, uint64_t *value)
{
    const char *first = c->at;
    *value = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - first < 10)
        *value = 10 * *value + (uint64_t)(*c->at++ - '0');
    return c->at > first && *value < UINT32_MAX;
}

/* "column N: 'WORD' is no ...": the word that begins at `word`. */
static int refuse(const struct cursor *c, const char *word, const char *what, struct err *e)
{
    int length = 0;
    while (word + length < c->end && length < 40 && !blank(word[length]))
        length++;
    return err_fail(e, STATUS_DATA, "column %zu: '%.*s' %s", (size_t)(word - c->start) + 1, length, word, what);
}

int links_parse_pharaoh(const char *line, size_t length, unsigned base, struct links *l, struct err *e)
{
    struct cursor c = {line, line, line + length};
    for (skip_blanks(&c); c.at < c.end; skip_blanks(&c)) {
        const char *word = c.at;
        uint64_t source = 0, target = 0;
        char mark = 0;
        bool good = number(&c, &source) && c.at < c.end;
        if (good)
            mark = *c.at++;
        good = good && (mark == '-' || mark == '?' || mark == 'p') && number(&c, &target);
        if (!good || (c.at < c.end && !blank(*c.at)))
            return refuse(&c, word, "is no link (3-4 is a sure one, 3?4 or 3p4 a possible one)", e);
        if (source < base || target < base)
            return refuse(&c, word, "has the word 0, but words count from 1 (--gold-base 0?)", e);
        links_add(l, (uint32_t)(source - base), (uint32_t)(target - base), mark == '-');
    }
    return 0;
}

/* A number that is a word of its own. */
static bool field(struct cursor *c, uint64_t *value)
{
    skip_blanks(c);
    return number(c, value) && (c->at == c->end || blank(*c->at));
}

int links_parse_wpt(const char *line, size_t length, uint64_t *pair, struct links *l, struct err *e)
{
    static const char shape[] = "is not of the form 'pair source target [S|P [confidence]]'";
    struct cursor c = {line, line, line + length};
    uint64_t source, target;
    char mark = 'S';
    if (!field(&c, pair) || !field(&c, &source) || !field(&c, &target))
        return refuse(&c, line, shape, e);
    if (!*pair)
        return refuse(&c, line, "is a pair's number, but pairs count from 1", e);
    *pair -= 1;
    skip_blanks(&c);
    if (c.at < c.end) {
        const char *word = c.at;
        mark = *c.at++;
        if ((mark != 'S' && mark != 'P') || (c.at < c.end && !blank(*c.at)))
            return refuse(&c, word, "is neither S (sure) nor P (possible)", e);
        skip_blanks(&c); /* the confidence tells nothing about the class */
        while (c.at < c.end && !blank(*c.at))
            c.at++;
        skip_blanks(&c);
    }
    if (c.at < c.end)
        return refuse(&c, c.at, "is one word too many", e);
    if (source && target)
        links_add(l, (uint32_t)(source - 1), (uint32_t)(target - 1), mark == 'S');
    return 0;
}

/* ---- Counting ---- */

void link_tally_add(struct link_tally *t, const struct links *found, const struct gold_pair *gold)
{
    const struct links *given = gold->links;
    for (size_t g = 0; g < given->n; g++)
        t->sure += given->at[g].sure;
    for (size_t f = 0, g = 0; f < found->n; f++) {
        const struct link *link = &found->at[f];
        if (gold->source && (gold->source[link->source] == '0' || gold->target[link->target] == '0'))
            continue;
        t->found++;
        while (g < given->n && (given->at[g].target < link->target ||
                                (given->at[g].target == link->target && given->at[g].source < link->source)))
            g++;
        if (g < given->n && same_words(&given->at[g], link)) {
            t->found_possible++;
            t->found_sure += given->at[g].sure;
        }
    }
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

double link_precision(const struct link_tally *t)
{
    return ratio(t->found_possible, t->found);
}

double link_recall(const struct link_tally *t)
{
    return ratio(t->found_sure, t->sure);
}

double link_error_rate(const struct link_tally *t)
{
    return 1 - ratio(t->found_sure + t->found_possible, t->found + t->sure);
}

void links_diagonal(struct links *l, uint64_t sources, uint64_t targets)
{
    if (!sources)
        return;
    for (uint64_t j = 0; j < targets; j++) {
        uint64_t i = (2 * j * sources + targets) / (2 * targets);
        links_add(l, (uint32_t)(i < sources ? i : sources - 1), (uint32_t)j, true);
    }
}
