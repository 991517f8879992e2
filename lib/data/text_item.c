#include "data/text_item.h"

void text_item_begin(struct text_item *t, const char *label)
{
    t->label = label;
    t->line = 1;
    t->side = 0;
    t->open = t->continued = t->full_line = t->line_end = false;
    t->tokens[0] = t->tokens[1] = t->bytes = 0;
}

static int end_part(struct text_item *t, struct err *e)
{
    bool continued = t->continued;
    t->tokens[0] = t->tokens[1] = t->bytes = 0;
    t->continued = true;
    return t->to.part(t->to.context, continued, e);
}

static int end_item(struct text_item *t, struct err *e)
{
    int result = end_part(t, e);
    t->continued = t->open = t->line_end = false;
    t->side = 0;
    return result;
}

/* How many of the words still belong to the part at hand. */
static size_t fitting(struct text_item *t, const struct text_word *words, size_t n)
{
    size_t room = TEXT_PART - t->tokens[t->side];
    n = n < room ? n : room;
    for (size_t i = 0; t->keep_text && i < n; i++) {
        if (t->bytes && t->bytes + words[i].written_length > TEXT_PART_BYTES)
            return i;
        t->bytes += words[i].written_length;
    }
    return n;
}

static int push(struct text_item *t, const struct text_word *words, size_t n, struct err *e)
{
    while (n) {
        size_t now = fitting(t, words, n);
        t->open = true;
        t->tokens[t->side] += now;
        if (now && t->to.tokens(t->to.context, t->side, words, now, e) < 0)
            return -1;
        words += now;
        n -= now;
        if (n && end_part(t, e) < 0)
            return -1;
    }
    return 0;
}

static int push_line_end(struct text_item *t, struct err *e)
{
    static const struct text_word line_end = {.word = "\n", .length = 1, .written = "\n", .written_length = 1};
    return push(t, &line_end, 1, e);
}

/* Tokens that are not dropped. */
static int push_kept(struct text_item *t, const struct text_word *words, size_t n, struct err *e)
{
    if (n && t->line_end) {
        t->line_end = false;
        if (push_line_end(t, e) < 0)
            return -1;
    }
    return push(t, words, n, e);
}

int text_item_tokens(void *item, const struct text_word *words, size_t n, struct err *e)
{
    struct text_item *t = item;
    t->full_line = t->full_line || n;
    for (size_t i = 0, first = 0; t->drop_punct && i <= n; i++)
        if (i == n || text_is_punctuation(words[i].word, words[i].length)) {
            if (push_kept(t, words + first, i - first, e) < 0)
                return -1;
            first = i + 1;
        }
    return t->drop_punct ? 0 : push_kept(t, words, n, e);
}

static int bad_pair(const struct text_item *t, const char *what, struct err *e)
{
    return err_fail(e, STATUS_DATA, "%s:%llu: %s (a line of pairs is: source, one TAB, target)", t->label,
                    (unsigned long long)t->line, what);
}

static int end_line(struct text_item *t, struct err *e)
{
    switch (t->kind) {
    case TEXT_FILE:
        return push_line_end(t, e);
    case TEXT_PAIR:
        return t->side != 1 ? bad_pair(t, "no TAB", e) : end_item(t, e);
    case TEXT_LINE:
        return end_item(t, e);
    case TEXT_PARAGRAPH:
        if (!t->full_line)
            return t->open ? end_item(t, e) : 0;
        t->line_end = t->open && t->white;
        return 0;
    }
    return 0;
}

int text_item_mark(void *item, char mark, struct err *e)
{
    struct text_item *t = item;
    if (mark == '\t')
        return t->side++ ? bad_pair(t, "a second TAB", e) : 0;
    int result = end_line(t, e);
    t->line++;
    t->full_line = false;
    return result;
}

int text_item_end(struct text_item *t, char last, struct err *e)
{
    if (!last)
        return 0;
    switch (t->kind) {
    case TEXT_FILE:
        return end_item(t, e);
    case TEXT_PARAGRAPH:
        return t->open ? end_item(t, e) : 0;
    case TEXT_LINE:
    case TEXT_PAIR:
        return last == '\n' ? 0 : end_line(t, e);
    }
    return 0;
}
