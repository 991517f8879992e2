/* embed_line: questions about words, a line each.
 *
 *     WORD         its neighbours
 *     A B          how alike the two are
 *     A B C        what is to C as B is to A?
 *     A - B + C    what is nearest to the sum? (any number of words, + or - between them)
 *
 * Words stand between blanks or, in a line that has a tab, between tabs, so that they may hold blanks. A line that is
 * as it stands a word of the model is that word. */
#ifndef NET_EMBED_LINE_H
#define NET_EMBED_LINE_H

#include "net/embed.h"

enum embed_asked { EMBED_NOTHING, EMBED_NEIGHBORS, EMBED_SIMILARITY, EMBED_ANALOGY, EMBED_SUM };

struct embed_line {
    enum embed_asked kind; /* EMBED_NOTHING: the line is blank */
    size_t n;
    const char *words[EMBED_TERMS]; /* in the line */
    bool minus[EMBED_TERMS];
    uint32_t ids[EMBED_TERMS];
};

/* Cuts the line, NUL-ended, in place. STATUS_MISUSED: it is no question, or a word of it has no vector (embed_need).
 * The ids are good until the next line is read. */
int embed_line_read(struct embed_line *q, struct embed *m, char *line, struct err *e);

#endif
