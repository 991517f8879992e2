#include "data/vectors_notes.h"

#include <stdio.h>

enum { NAMED = 5 }; /* of each kind */

static const struct {
    bool strict; /* refused with --strict */
    const char *is, *then, *all;
} odd[ODD_KINDS] = {
    [ODD_TWICE] = {true, "stands twice", "the first is kept", "stood twice"},
    [ODD_BROKEN] = {true, "was not UTF-8", "U+FFFD is put in", "were not UTF-8"},
    [ODD_BLANK] = {false, "holds a blank", "other programs may read that otherwise", "hold blanks"},
    [ODD_RAW] = {true, "is not UTF-8", "it is written as it is", "are not UTF-8"},
    [ODD_LOST] = {true, "cannot stand in this format", "it is left out", "were left out"},
};

int vectors_where(const struct vectors_notes *n, struct err *e)
{
    if (n->line)
        return err_where(e, "%s:%llu", n->label, (unsigned long long)n->line);
    if (n->number)
        return err_where(e, "%s: word %llu, at byte %llu", n->label, (unsigned long long)n->number,
                         (unsigned long long)n->byte);
    return err_where(e, "%s", n->label);
}

int vectors_odd(struct vectors_notes *n, enum vectors_odd kind, const char *word, size_t length, struct err *e)
{
    bool refuse = n->want->strict && odd[kind].strict;
    if (!refuse && (n->found[kind]++ >= NAMED || !n->want->note))
        return 0;
    struct err said;
    err_fail(&said, STATUS_DATA, "the word '%.*s' %s (%s%s)", (int)(length < 100 ? length : 100), word, odd[kind].is,
             refuse ? "without --strict " : "", odd[kind].then);
    vectors_where(n, &said);
    if (!refuse) {
        n->want->note(said.text);
        return 0;
    }
    *e = said;
    return -1;
}

void vectors_notes_sum(const struct vectors_notes *n)
{
    for (int kind = 0; kind < ODD_KINDS; kind++) {
        char text[256];
        if (n->found[kind] <= NAMED || !n->want->note)
            continue;
        snprintf(text, sizeof text, "%.100s: %llu words %s in all", n->label, (unsigned long long)n->found[kind],
                 odd[kind].all);
        n->want->note(text);
    }
}
