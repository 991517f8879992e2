#include "data/text_conllu.h"

#include <string.h>

enum { ID, FORM, N_COLUMNS = 10 };
static const char *const names[N_COLUMNS] = {"ID",    "FORM", "LEMMA",  "UPOS", "XPOS",
                                             "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"};

struct field {
    const char *text;
    size_t length;
};

void text_conllu_begin(struct text_conllu *c, const char *file)
{
    c->file = file;
    c->line = 1;
    c->words = 0;
    c->comment = false;
    buf_clear(&c->row);
}

/* Puts "file:line: " in front of the sentence. Returns -1. */
static int at_line(const struct text_conllu *c, struct err *e)
{
    return err_where(e, "%s:%llu", c->file, (unsigned long long)c->line);
}

/* Divides the row; all ten columns must be there. */
static int divide(const struct text_conllu *c, struct field fields[N_COLUMNS], struct err *e)
{
    const char *at = c->row.data, *end = at + c->row.len;
    for (int n = 0;; n++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at)), *stop = tab ? tab : end;
        if (n < N_COLUMNS)
            fields[n] = (struct field){at, (size_t)(stop - at)};
        if (tab) {
            at = tab + 1;
            continue;
        }
        if (n + 1 == N_COLUMNS)
            return 0;
        err_fail(e, STATUS_DATA,
                 "%d column%s, not 10 (CoNLL-U has ten, divided by TABs; an empty line ends a sentence)", n + 1,
                 n ? "s" : "");
        return at_line(c, e);
    }
}

/* Digits from *at on, as a number up to 10^9; false when there are none. */
static bool number(const char **at, const char *end, uint64_t *value)
{
    const char *start = *at;
    for (*value = 0; *at < end && **at >= '0' && **at <= '9' && *value < 1000000000; ++*at)
        *value = 10 * *value + (uint64_t)(**at - '0');
    return *at > start;
}

/* What the ID says: 1 a word, the next one; 0 a range or an empty node; -1. */
static int read_id(struct text_conllu *c, struct field id, struct err *e)
{
    const char *at = id.text, *end = at + id.length;
    uint64_t first, second;
    if (number(&at, end, &first)) {
        char between = at < end ? *at++ : 0;
        if (!between && first == c->words + 1)
            return 1;
        if (!between) {
            err_fail(e, STATUS_DATA, "the ID is %llu, not %llu (words count from 1; an empty line ends a sentence)",
                     (unsigned long long)first, (unsigned long long)c->words + 1);
            return at_line(c, e);
        }
        bool two = (between == '-' || between == '.') && number(&at, end, &second) && at == end;
        if (two && (between == '.' ? second > 0 : first > 0 && second >= first))
            return 0;
    }
    err_fail(e, STATUS_DATA, "'%.*s' is no ID (1 is a word, 1-2 a range, 1.1 an empty node)",
             (int)(id.length < 40 ? id.length : 40), id.text);
    return at_line(c, e);
}

static int end_row(struct text_conllu *c, struct err *e)
{
    struct field fields[N_COLUMNS];
    if (divide(c, fields, e) < 0)
        return -1;
    int is = read_id(c, fields[ID], e);
    if (is <= 0)
        return is;
    struct field form = fields[FORM], tag = fields[c->column - 1];
    if (!form.length || !tag.length) {
        err_fail(e, STATUS_DATA, "column %d, %s, is empty (what is not known is _)", form.length ? c->column : FORM + 1,
                 names[form.length ? c->column - 1 : FORM]);
        return at_line(c, e);
    }
    buf_clear(&c->word);
    if (text_fold(c->fold, form.text, form.length, &c->word, e) < 0)
        return -1;
    c->words++;
    struct text_word word = {c->word.data, c->word.len, form.text, form.length, tag.text, tag.length};
    return text_item_tokens(c->item, &word, 1, e);
}

static int end_sentence(struct text_conllu *c, struct err *e)
{
    bool any = c->words > 0;
    c->words = 0;
    return any ? text_item_mark(c->item, '\n', e) : 0;
}

static int end_line(struct text_conllu *c, struct err *e)
{
    int result = c->comment ? 0 : c->row.len ? end_row(c, e) : end_sentence(c, e);
    buf_clear(&c->row);
    c->comment = false;
    c->line++;
    return result;
}

/* Bytes of the line at hand. */
static int add_bytes(struct text_conllu *c, const char *bytes, size_t length, struct err *e)
{
    c->comment = c->comment || (!c->row.len && *bytes == '#');
    if (c->comment)
        return 0;
    if (c->row.len + length > TEXT_CONLLU_LINE) {
        err_fail(e, STATUS_DATA, "a line of more than %d bytes (is it CoNLL-U?)", TEXT_CONLLU_LINE);
        return at_line(c, e);
    }
    buf_add(&c->row, bytes, length);
    return 0;
}

int text_conllu_add(struct text_conllu *c, const char *text, size_t length, struct err *e)
{
    const char *end = text + length;
    while (text < end) {
        const char *line = memchr(text, '\n', (size_t)(end - text)), *stop = line ? line : end;
        if (stop > text && add_bytes(c, text, (size_t)(stop - text), e) < 0)
            return -1;
        if (line && end_line(c, e) < 0)
            return -1;
        text = stop + 1;
    }
    return 0;
}

int text_conllu_end(struct text_conllu *c, struct err *e)
{
    return (c->row.len && end_line(c, e) < 0) || end_sentence(c, e) < 0 ? -1 : 0;
}

void text_conllu_close(struct text_conllu *c)
{
    buf_free(&c->row);
    buf_free(&c->word);
}
