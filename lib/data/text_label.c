#include "data/text_label.h"

#include <string.h>

void text_label_begin(struct text_label *l, const char *file)
{
    l->file = file;
    l->line = 1;
    l->begun = l->tab = false;
    buf_clear(&l->held);
}

static int bad_line(const struct text_label *l, const char *what, struct err *e)
{
    return err_fail(e, STATUS_DATA, "%s:%llu: %s (a line is: %s)", l->file, (unsigned long long)l->line, what,
                    l->last ? "text, TAB, label; without --label-last: label, TAB, text"
                            : "label, TAB, text; with --label-last: text, TAB, label");
}

/* The label is whole. */
static int hand_label(struct text_label *l, struct err *e)
{
    if (!l->held.len)
        return bad_line(l, "its label is empty", e);
    int result = l->to.label(l->to.context, l->held.data, l->held.len, e);
    buf_clear(&l->held);
    return result;
}

static int end_line(struct text_label *l, struct buf *out, struct err *e)
{
    if (!l->tab)
        return bad_line(l, l->last ? "no TAB with a label behind it" : "no TAB", e);
    if (l->last && hand_label(l, e) < 0)
        return -1;
    buf_char(out, '\n');
    l->line++;
    l->begun = l->tab = false;
    return 0;
}

/* What was held back is text after all. */
static void release(struct text_label *l, struct buf *out)
{
    buf_char(out, '\t');
    buf_add(out, l->held.data, l->held.len);
    buf_clear(&l->held);
    l->tab = false;
}

static int add_tab(struct text_label *l, struct buf *out, struct err *e)
{
    if (l->last) {
        if (l->tab)
            release(l, out);
    } else {
        if (l->tab)
            buf_char(out, '\t');
        else if (hand_label(l, e) < 0)
            return -1;
    }
    l->tab = l->begun = true;
    return 0;
}

/* Bytes without TAB and line end. */
static int add_bytes(struct text_label *l, const char *bytes, size_t length, struct buf *out, struct err *e)
{
    l->begun = true;
    if (l->last == l->tab && l->held.len + length <= TEXT_LABEL_BYTES) {
        buf_add(&l->held, bytes, length);
        return 0;
    }
    if (!l->last && !l->tab)
        return bad_line(l, "no TAB, and too much before one for a label", e);
    if (l->last && l->tab)
        release(l, out);
    buf_add(out, bytes, length);
    return 0;
}

int text_label_add(struct text_label *l, const char *text, size_t length, struct buf *out, struct err *e)
{
    const char *end = text + length;
    while (text < end) {
        const char *line = memchr(text, '\n', (size_t)(end - text)), *stop = line ? line : end;
        const char *tab = memchr(text, '\t', (size_t)(stop - text));
        stop = tab ? tab : stop;
        if (stop > text && add_bytes(l, text, (size_t)(stop - text), out, e) < 0)
            return -1;
        if (stop < end && (tab ? add_tab(l, out, e) : end_line(l, out, e)) < 0)
            return -1;
        text = stop + 1;
    }
    return 0;
}

int text_label_end(struct text_label *l, struct buf *out, struct err *e)
{
    return l->begun ? end_line(l, out, e) : 0;
}

void text_label_close(struct text_label *l)
{
    buf_free(&l->held);
}
