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

static int push(struct text_item *t, const struct text_word *word, struct err *e)
{
    size_t length = word->written_length;
    bool full = t->tokens[t->side] == TEXT_PART || (t->keep_text && t->bytes && t->bytes + length > TEXT_PART_BYTES);
    if (full && end_part(t, e) < 0)
        return -1;
    t->open = true;
    t->tokens[t->side]++;
    t->bytes += length;
    return t->to.token(t->to.context, t->side, word, e);
}

static int push_line_end(struct text_item *t, struct err *e)
{
    static const struct text_word line_end = {.word = "\n", .length = 1, .written = "\n", .written_length = 1};
    return push(t, &line_end, e);
}

int text_item_token(void *item, const struct text_word *word, struct err *e)
{
    struct text_item *t = item;
    t->full_line = true;
    if (t->drop_punct && text_is_punctuation(word->word, word->length))
        return 0;
    if (t->line_end) {
        t->line_end = false;
        if (push_line_end(t, e) < 0)
            return -1;
    }
    return push(t, word, e);
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
