#include "net/embed_line.h"

#include <string.h>

enum { PIECES = 2 * EMBED_TERMS }; /* words and the signs between them */

/* The pieces of a line; PIECES where there are as many or more. */
static size_t cut(char *line, char **piece)
{
    const char *at = strchr(line, '\t') ? "\t" : " ";
    char *state = NULL;
    size_t n = 0;
    for (char *word = strtok_r(line, at, &state); word && n < PIECES; word = strtok_r(NULL, at, &state))
        piece[n++] = word;
    return n;
}

static bool is_sign(const char *piece)
{
    return !strcmp(piece, "+") || !strcmp(piece, "-");
}

/* A sign at every other place? */
static bool is_sum(char *const *piece, size_t n)
{
    for (size_t i = 1; i < n; i += 2)
        if (!is_sign(piece[i]))
            return false;
    return n >= 3 && n % 2;
}

int embed_line_read(struct embed_line *q, struct embed *m, char *line, struct err *e)
{
    static const enum embed_asked kinds[] = {EMBED_NOTHING, EMBED_NEIGHBORS, EMBED_SIMILARITY, EMBED_ANALOGY};
    char *piece[PIECES];
    uint32_t whole = vocab_find(&m->vocab, line, strlen(line));
    size_t n = whole == VOCAB_NONE ? cut(line, piece) : 1;
    *q = (struct embed_line){.words[0] = line};
    if (n < PIECES && is_sum(piece, n)) {
        q->kind = EMBED_SUM;
        for (size_t i = 0; i < n; i += 2) {
            q->minus[q->n] = i > 0 && *piece[i - 1] == '-';
            q->words[q->n++] = piece[i];
        }
    } else if (n < sizeof kinds / sizeof *kinds) {
        q->kind = kinds[n];
        for (; q->n < n; q->n++)
            if (whole == VOCAB_NONE)
                q->words[q->n] = piece[q->n];
    } else {
        return err_fail(e, STATUS_MISUSED,
                        n < PIECES ? "the line is no question (they are: WORD, A B, A B C, A - B + C)"
                                   : "the line has more than %d words",
                        EMBED_TERMS);
    }
    for (size_t i = 0; i < q->n; i++)
        if (embed_need(m, q->words[i], &q->ids[i], e) < 0)
            return -1;
    return 0;
}
