#include "base/opt.h"
#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool opt_int(const char *text, int64_t low, int64_t high, int64_t *value)
{
    char *end;
    errno = 0;
    if (isspace((unsigned char)*text))
        return false;
    long long n = strtoll(text, &end, 10);
    if (errno || end == text)
        return false;
    if (*end && !end[1] && strchr("kKmMgG", *end)) {
        int shift = strchr("kK", *end) ? 10 : strchr("mM", *end) ? 20 : 30;
        if (__builtin_mul_overflow(n, 1ll << shift, &n))
            return false;
    } else if (*end) {
        double real; /* 1e6 */
        if (!opt_real(text, &real) || real != floor(real) || fabs(real) > 0x1p53)
            return false;
        n = (long long)real;
    }
    *value = n;
    return n >= low && n <= high;
}

bool opt_real(const char *text, double *value)
{
    char *end;
    if (isspace((unsigned char)*text) || !*text)
        return false;
    double real = strtod(text, &end); /* the tools never leave the C locale */
    if (*end || !isfinite(real))
        return false;
    *value = real;
    return true;
}

int opt_choice(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");
        if (n == length && !memcmp(words, word, n))
            return i;
        if (!words[n])
            return -1;
        words += n + 1;
    }
}

static void choice_word(const char *choices, int index, struct buf *text)
{
    while (index--)
        choices += strcspn(choices, "|") + 1;
    buf_add(text, choices, strcspn(choices, "|"));
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, change, swap neighbours) that make b of a; both shorter than 64. */
static size_t distance(const char *a, size_t m, const char *b, size_t n)
{
    size_t d[64][64];
    for (size_t i = 0; i <= m; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= n; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++) {
            size_t best = least(d[i - 1][j], d[i][j - 1]) + 1;
            best = least(best, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = least(best, d[i - 2][j - 2] + 1);
            d[i][j] = best;
        }
    return d[m][n];
}

bool opt_nearest(const char *word, const char *words, char *near, size_t room)
{
    size_t best = 3, length = strlen(word);
    if (length >= 64)
        return false;
    for (;; words++) {
        size_t n = strcspn(words, "|");
        if (n > 0 && n < 64 && n < room) {
            size_t d = distance(word, length, words, n);
            /* a word that starts as the one meant does is near, however long the rest */
            if (length >= 3 && n > length && !memcmp(word, words, length))
                d = 1;
            if (d < best && d < n) {
                best = d;
                memcpy(near, words, n);
                near[n] = 0;
            }
        }
        words += n;
        if (!*words)
            return best < 3;
    }
}

static bool boolean(const char *text, bool *value)
{
    *value = !strcmp(text, "yes");
    return *value || !strcmp(text, "no");
}

/* A limit as one would type it: whole numbers without an exponent. */
static void limit(const struct opt *row, double value, char *text, size_t size)
{
    if (row->kind == OPT_INT && value < HUGE_VAL)
        snprintf(text, size, "%lld", value < 0x1p63 ? (long long)value : (long long)INT64_MAX);
    else
        snprintf(text, size, "%.12g", value);
}

static int bad_value(const struct opt *row, const char *text, struct err *e)
{
    char near[64];
    if (row->kind == OPT_CHOICE) {
        struct buf words = {0};
        for (const char *c = row->choices; *c; c++)
            *c == '|' ? buf_text(&words, ", ") : buf_char(&words, *c);
        bool guessed = opt_nearest(text, row->choices, near, sizeof near);
        err_fail(e, STATUS_MISUSED, "--%s: '%s' is none of %s%s%s%s", row->name, text, buf_string(&words),
                 guessed ? " (did you mean '" : "", guessed ? near : "", guessed ? "'?)" : "");
        buf_free(&words);
        return -1;
    }
    const char *what = row->kind == OPT_INT ? "whole number" : "number";
    char low[32], high[32];
    limit(row, row->low, low, sizeof low);
    limit(row, row->high, high, sizeof high);
    bool bounded = row->high < HUGE_VAL;
    return err_fail(e, STATUS_MISUSED, "--%s: '%s' is not a %s %s %s%s%s", row->name, text, what,
                    row->flags & OPT_LOW_OPEN ? "above" : "from", low, bounded ? " to " : "", bounded ? high : "");
}

static int assign(const struct opt *row, void *config, const char *text, struct err *e)
{
    void *field = (char *)config + row->at;
    int64_t whole;
    double number;
    int index;
    switch (row->kind) {
    case OPT_SWITCH:
        if (!boolean(text, field))
            return err_fail(e, STATUS_MISUSED, "--%s: '%s' is neither yes nor no", row->name, text);
        return 0;
    case OPT_INT: {
        int64_t low = row->low <= -0x1p63 ? INT64_MIN : (int64_t)row->low;
        int64_t high = row->high >= 0x1p63 ? INT64_MAX : (int64_t)row->high;
        if (!opt_int(text, low, high, &whole))
            return bad_value(row, text, e);
        memcpy(field, &whole, sizeof whole);
        return 0;
    }
    case OPT_REAL:
        if (!opt_real(text, &number) || number < row->low || number > row->high ||
            (row->flags & OPT_LOW_OPEN && number == row->low))
            return bad_value(row, text, e);
        memcpy(field, &number, sizeof number);
        return 0;
    case OPT_TEXT:
        memcpy(field, &text, sizeof text);
        return 0;
    case OPT_CHOICE:
        if ((index = opt_choice(row->choices, text)) < 0)
            return bad_value(row, text, e);
        memcpy(field, &index, sizeof index);
        return 0;
    case OPT_LIST: {
        struct opt_list *list = field;
        list->items = mem_grow(list->items, list->n + 1, sizeof *list->items);
        list->items[list->n++] = text;
        return 0;
    }
    }
    return 0;
}

static const struct opt *find(const struct opt_group *groups, const char *name, const struct opt_group **in)
{
    for (; groups->title; groups++)
        for (const struct opt *row = groups->rows; row->name; row++)
            if (!strcmp(row->name, name)) {
                *in = groups;
                return row;
            }
    return NULL;
}

int opt_set(struct opt_group *groups, const char *name, const char *text, struct err *e)
{
    const struct opt_group *group;
    const struct opt *row = find(groups, name, &group);
    if (!row)
        return err_fail(e, STATUS_MISUSED, "unknown option '%s'", name);
    return assign(row, group->config, text, e);
}

bool opt_given(const struct opt_group *groups, const char *name)
{
    const struct opt_group *group = NULL;
    const struct opt *row = find(groups, name, &group);
    assert(row);
    return row && group->given >> (row - group->rows) & 1;
}

/* What getopt_long returns for a long option: its place here. Switches take two, the second for --no-name. */
struct place {
    struct opt_group *group;
    const struct opt *row;
    bool no;
};

enum { FIRST_PLACE = 1000 };

struct tables {
    struct option *longs;
    struct place *places;
    char *names[2 * 64 * 16]; /* "no-..." strings to free */
    size_t n, n_names;
    struct buf letters, all; /* getopt's short string; every long name joined by '|' */
};

static void table_add(struct tables *t, struct opt_group *group, const struct opt *row, const char *name, bool no)
{
    t->longs = mem_grow(t->longs, t->n + 2, sizeof *t->longs);
    t->places = mem_grow(t->places, t->n + 1, sizeof *t->places);
    t->longs[t->n] =
        (struct option){name, row->kind == OPT_SWITCH ? no_argument : required_argument, NULL, FIRST_PLACE + (int)t->n};
    t->longs[t->n + 1] = (struct option){0};
    t->places[t->n++] = (struct place){group, row, no};
    buf_printf(&t->all, "%s%s", t->all.len ? "|" : "", name);
}

static void tables_make(struct tables *t, struct opt_group *groups)
{
    buf_text(&t->letters, ":");
    for (struct opt_group *g = groups; g->title; g++)
        for (const struct opt *row = g->rows; row->name; row++) {
            assert(row - g->rows < 64);
            table_add(t, g, row, row->name, false);
            if (row->kind == OPT_SWITCH) {
                char *no = mem_printf("no-%s", row->name);
                assert(t->n_names < sizeof t->names / sizeof *t->names);
                t->names[t->n_names++] = no;
                table_add(t, g, row, no, true);
            }
            if (row->letter)
                buf_printf(&t->letters, "%c%s", row->letter, row->kind == OPT_SWITCH ? "" : ":");
        }
}

static void tables_free(struct tables *t)
{
    for (size_t i = 0; i < t->n_names; i++)
        free(t->names[i]);
    free(t->longs);
    free(t->places);
    buf_free(&t->letters);
    buf_free(&t->all);
}

static int unknown(const struct tables *t, const char *word, struct err *e)
{
    char name[64], near[64];
    while (*word == '-')
        word++;
    size_t n = strcspn(word, "=");
    if (n < sizeof name) {
        memcpy(name, word, n);
        name[n] = 0;
        if (opt_nearest(name, t->all.data, near, sizeof near))
            return err_fail(e, STATUS_MISUSED, "unknown option '--%s' (did you mean '--%s'?)", name, near);
    }
    return err_fail(e, STATUS_MISUSED, "unknown option '%s%.*s' (see --help)", n == 1 ? "-" : "--", (int)n, word);
}

static int defaults(struct opt_group *groups, struct err *e)
{
    for (struct opt_group *g = groups; g->title; g++) {
        g->given = 0;
        for (const struct opt *row = g->rows; row->name; row++)
            if (row->fallback && assign(row, g->config, row->fallback, e) < 0)
                return -1;
    }
    return 0;
}

static int take(const struct tables *t, int code, struct err *e)
{
    const struct place *place = NULL;
    if (code >= FIRST_PLACE)
        place = &t->places[code - FIRST_PLACE];
    for (size_t i = 0; !place && i < t->n; i++)
        if (t->places[i].row->letter == code)
            place = &t->places[i];
    assert(place);
    place->group->given |= 1ull << (place->row - place->group->rows);
    const char *text = place->row->kind == OPT_SWITCH ? (place->no ? "no" : "yes") : optarg;
    return assign(place->row, place->group->config, text, e);
}

int opt_parse(struct opt_group *groups, int argc, char **argv, int *first, struct err *e)
{
    struct tables t = {0};
    if (defaults(groups, e) < 0)
        return -1;
    tables_make(&t, groups);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    int result = 0;
    for (;;) {
        int before = optind ? optind : 1;
        int code = getopt_long(argc, argv, t.letters.data, t.longs, NULL);
        if (code == -1)
            break;
        if (code == '?' || code == ':') {
            const char *word = argv[optind - 1];
            char letter[2] = {(char)optopt, 0};
            bool is_long = optopt == 0 || optopt >= FIRST_PLACE;
            if (code == ':')
                result = err_fail(e, STATUS_MISUSED, "option '%s' needs a value",
                                  is_long ? word : argv[before < argc ? before : argc - 1]);
            else if (optopt >= FIRST_PLACE)
                result =
                    err_fail(e, STATUS_MISUSED, "option '--%s' takes no value", t.longs[optopt - FIRST_PLACE].name);
            else
                result = unknown(&t, is_long ? word : letter, e);
            break;
        }
        if ((result = take(&t, code, e)) < 0)
            break;
    }
    *first = optind;
    tables_free(&t);
    return result;
}

bool opt_value(const struct opt *row, const void *config, struct buf *text)
{
    const void *field = (const char *)config + row->at;
    const char *words;
    int64_t whole;
    double number;
    int index;
    switch (row->kind) {
    case OPT_SWITCH:
        buf_text(text, *(const bool *)field ? "yes" : "no");
        return true;
    case OPT_INT:
        memcpy(&whole, field, sizeof whole);
        buf_printf(text, "%lld", (long long)whole);
        return true;
    case OPT_REAL:
        memcpy(&number, field, sizeof number);
        buf_printf(text, "%.15g", number);
        return true;
    case OPT_TEXT:
        memcpy(&words, field, sizeof words);
        if (words)
            buf_text(text, words);
        return words != NULL;
    case OPT_CHOICE:
        memcpy(&index, field, sizeof index);
        choice_word(row->choices, index, text);
        return true;
    case OPT_LIST:
        return false;
    }
    return false;
}

void opt_recorded(const struct opt_group *groups, void (*each)(void *, const char *, const char *), void *context)
{
    struct buf text = {0};
    for (; groups->title; groups++)
        for (const struct opt *row = groups->rows; row->name; row++) {
            buf_clear(&text);
            if (row->flags & OPT_RECORD && opt_value(row, groups->config, &text))
                each(context, row->name, buf_string(&text));
        }
    buf_free(&text);
}

void opt_free(struct opt_group *groups)
{
    for (; groups->title; groups++)
        for (const struct opt *row = groups->rows; row->name; row++)
            if (row->kind == OPT_LIST) {
                struct opt_list *list = (void *)((char *)groups->config + row->at);
                free(list->items);
                *list = (struct opt_list){0};
            }
}
