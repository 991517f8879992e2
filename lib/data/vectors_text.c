/* Vectors in lines of text: word2vec, GloVe, fastText, Projector. */
#include <string.h>

#include "base/lines.h"
#include "data/vectors.h"
#include "data/vectors_model.h"

struct reader {
    struct vectors_model model;
    struct lines lines, *words; /* words: the second file of projector */
    const char *says;           /* where the number of numbers comes from: "the header says" */
    uint64_t gap;               /* the last line that was empty */
    bool headless;              /* the first line is a word's */
};

static int bad(struct reader *r, struct err *e)
{
    return lines_where(&r->lines, e);
}

static int bad_number(struct reader *r, const char *at, struct err *e)
{
    err_fail(e, STATUS_DATA, "'%.*s' is not a finite number",
             (int)strcspn(at, " \t") < 60 ? (int)strcspn(at, " \t") : 60, at);
    return err_where(e, "%s:%llu:%zu", r->lines.label, (unsigned long long)r->lines.number,
                     (size_t)(at - r->lines.text) + 1);
}

/* D numbers from `at` to the end of the line. How many there are, one more than D for more; *stopped: where it went
 * wrong. */
static size_t take_numbers(const char *at, size_t d, float *row, const char **stopped)
{
    size_t n = 0;
    while (n < d && vectors_number(&at, &row[n]))
        n++;
    while (vectors_blank(*at))
        at++;
    *stopped = at;
    return n == d && *at ? d + 1 : n;
}

/* Where the last n fields of a line begin; NULL when it has not more than those. */
static char *last_fields(char *text, size_t length, size_t n)
{
    char *at = text + length;
    while (n--) {
        while (at > text && vectors_blank(at[-1]))
            at--;
        while (at > text && !vectors_blank(at[-1]))
            at--;
    }
    return at > text ? at : NULL;
}

static size_t count_fields(const char *text)
{
    size_t n = 0;
    for (; *(text += strspn(text, " \t")); text += strcspn(text, " \t"))
        n++;
    return n;
}

static int wrong_count(struct reader *r, size_t n, struct err *e)
{
    /* word2vec's header, read as GloVe's first word */
    bool header = r->headless && r->model.d == 1 && r->lines.number == 2;
    err_fail(e, STATUS_DATA, "the line has %zu number%s where %s %zu%s", n, n == 1 ? "" : "s", r->says, r->model.d,
             n <= r->model.d ? ""
             : header        ? " (is the first a header, words and numbers a word? then --format word2vec)"
                             : " (numbers cannot be parts of a word)");
    return bad(r, e);
}

/* A line whose first blank does not end the word: it holds blanks, or the line is wrong. The length of the word, or
 * -1. */
static long take_odd(struct reader *r, size_t first, float *row, struct err *e)
{
    struct lines *l = &r->lines;
    char *numbers = last_fields(l->text, l->length, r->model.d);
    const char *stopped = l->text + first;
    size_t n = count_fields(l->text + first), got;
    if (n <= r->model.d || !numbers) { /* the word is its first field, and something is wrong behind it */
        take_numbers(l->text + first, n, row, &stopped);
        return *stopped ? bad_number(r, stopped, e) : wrong_count(r, n, e);
    }
    if (vectors_numbers(l->text + first, numbers))
        return wrong_count(r, n, e);
    got = take_numbers(numbers, r->model.d, row, &stopped);
    while (numbers > l->text && vectors_blank(numbers[-1]))
        numbers--;
    return got < r->model.d ? bad_number(r, stopped, e) : numbers - l->text;
}

/* The line at hand: a word and its numbers. */
static int take_line(struct reader *r, struct err *e)
{
    struct lines *l = &r->lines;
    float *row = vectors_model_row(&r->model);
    const char *stopped;
    size_t length = strcspn(l->text, " \t");
    if (length && take_numbers(l->text + length, r->model.d, row, &stopped) != r->model.d) {
        long odd = take_odd(r, length, row, e);
        if (odd < 0)
            return -1;
        length = (size_t)odd;
    }
    return vectors_model_add(&r->model, l->text, length, e);
}

/* The next line that is not empty: 1; 0 at the end; -1. Empty ones may stand at the end alone. Blanks behind it go. */
static int next_line(struct reader *r, struct err *e)
{
    struct lines *l = &r->lines;
    int more;
    while ((more = lines_next(l, e)) > 0) {
        while (l->length && vectors_blank(l->text[l->length - 1]))
            l->length--;
        l->text[l->length] = 0;
        if (l->length)
            break;
        r->gap = l->number;
    }
    if (more > 0 && r->gap) {
        err_fail(e, STATUS_DATA, "the line is empty");
        return err_where(e, "%s:%llu", l->label, (unsigned long long)r->gap);
    }
    r->model.notes.line = l->number;
    return more;
}

/* GloVe's first line says how many numbers there are. */
static int begin_plain(struct reader *r, const char *numbers, struct err *e)
{
    size_t n = count_fields(numbers);
    r->says = "the first has";
    return !n ? err_fail(e, STATUS_DATA, "the line has no numbers")
              : vectors_model_begin(&r->model, 0, n, r->lines.fd, e);
}

static int read_glove(struct reader *r, struct err *e)
{
    int more;
    r->headless = true;
    while ((more = next_line(r, e)) > 0) {
        if (!r->model.d && begin_plain(r, r->lines.text + strcspn(r->lines.text, " \t"), e) < 0)
            return bad(r, e);
        if (take_line(r, e) < 0)
            return -1;
    }
    if (more == 0 && !r->model.d)
        return err_fail(e, STATUS_DATA, "%s: there is no vector in it", r->lines.label);
    return more;
}

static int read_word2vec(struct reader *r, struct err *e)
{
    uint64_t n, d, got = 0;
    int more = next_line(r, e);
    r->says = "the header says";
    if (more == 0)
        return err_fail(e, STATUS_DATA, "%s: there is no header (two numbers: words and their numbers)",
                        r->lines.label);
    if (more < 0)
        return -1;
    if (vectors_header(r->lines.text, &n, &d, e) < 0 || vectors_model_begin(&r->model, n, d, r->lines.fd, e) < 0)
        return bad(r, e);
    for (; (more = next_line(r, e)) > 0; got++) {
        if (got == n) {
            err_fail(e, STATUS_DATA, "there are more words than the %llu that the header says", (unsigned long long)n);
            return bad(r, e);
        }
        if (take_line(r, e) < 0)
            return -1;
    }
    if (more == 0 && got < n) {
        err_fail(e, STATUS_DATA, "the file ends behind %llu of the %llu words that the header says",
                 (unsigned long long)got, (unsigned long long)n);
        return bad(r, e);
    }
    return more;
}

/* Words and numbers line by line from two files. */
static int read_projector(struct reader *r, struct err *e)
{
    struct lines *words = r->words;
    const char *stopped;
    int more = 0, word = lines_next(words, e);
    if (word > 0 && strchr(words->text, '\t')) /* several columns: their names */
        word = lines_next(words, e);
    r->model.notes.label = words->label;
    for (; word >= 0 && (more = next_line(r, e)) > 0; word = lines_next(words, e)) {
        if (!r->model.d && begin_plain(r, r->lines.text, e) < 0)
            return bad(r, e);
        size_t n = take_numbers(r->lines.text, r->model.d, vectors_model_row(&r->model), &stopped);
        if (n < r->model.d && *stopped)
            return bad_number(r, stopped, e);
        if (n != r->model.d)
            return wrong_count(r, count_fields(r->lines.text), e);
        if (!word) {
            err_fail(e, STATUS_DATA, "it has a vector more than %s has words", words->label);
            return bad(r, e);
        }
        r->model.notes.line = words->number;
        if (vectors_model_add(&r->model, words->text, strcspn(words->text, "\t"), e) < 0)
            return -1;
    }
    if (word < 0 || more < 0)
        return -1;
    if (word) {
        err_fail(e, STATUS_DATA, "it has a word more than %s has vectors", r->lines.label);
        return lines_where(words, e);
    }
    if (!r->model.d)
        return err_fail(e, STATUS_DATA, "%s: there is no vector in it", r->lines.label);
    return 0;
}

/* Notes a last line without an end, or refuses it with want->strict: of a file that was cut the last number, or word,
 * is another one. */
static int check_end(const struct lines *l, const struct format_want *want, struct err *e)
{
    struct err said;
    if (l->whole)
        return 0;
    err_fail(&said, STATUS_DATA, "the last line has no line end (was the file cut?)");
    lines_where(l, &said);
    if (want->strict) {
        *e = said;
        return -1;
    }
    if (want->note)
        want->note(said.text);
    return 0;
}

static int import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k,
                  int (*read)(struct reader *r, struct err *e), struct lines *words, struct err *e)
{
    struct reader r = {.lines.fd = -1, .words = words};
    if (n_paths > 1)
        return err_fail(e, STATUS_MISUSED, "'%s' is one file too many", paths[1]);
    if (lines_open(&r.lines, n_paths ? paths[0] : NULL, e) < 0)
        return -1;
    r.model.notes.want = want;
    r.model.notes.label = r.lines.label;
    int result = read(&r, e);
    if (result == 0)
        result = check_end(&r.lines, want, e);
    if (result == 0 && words)
        result = check_end(words, want, e);
    if (result == 0)
        result = vectors_model_write(&r.model, k, e);
    vectors_model_free(&r.model);
    lines_close(&r.lines);
    return result;
}

int word2vec_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    return import(want, paths, n_paths, k, read_word2vec, NULL, e);
}

int glove_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    return import(want, paths, n_paths, k, read_glove, NULL, e);
}

int projector_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    struct lines words;
    if (!want->metadata)
        return err_fail(e, STATUS_MISUSED,
                        "the words of these vectors stand in a file of their own: which? "
                        "(--metadata FILE)");
    if (lines_open(&words, want->metadata, e) < 0)
        return -1;
    int result = import(want, paths, n_paths, k, read_projector, &words, e);
    lines_close(&words);
    return result;
}
