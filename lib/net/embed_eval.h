/* embed_eval: how good word vectors are, by a file of questions or of judged pairs. */
#ifndef NET_EMBED_EVAL_H
#define NET_EMBED_EVAL_H

#include "net/embed.h"

/* Analogy questions: lines "a b c d" under lines ": section" (the form of questions-words.txt). A question is answered
 * when all four words are candidates, and right when the candidate nearest to b - a + c, but for a, b and c, is d.
 * Sections whose name begins with "gram" are syntactic, the others semantic. */
struct embed_section {
    char *name;
    bool syntactic;
    size_t asked, answered, right;
};

/* Judged pairs: "a TAB b TAB score" (commas or blanks do too), a line of column names allowed, in which SimLex999 names
 * the score's column. `spearman` is the rank correlation of cosines and scores over the pairs answered, NaN when there
 * are fewer than two or all are alike. */
struct embed_eval {
    bool analogies;
    struct embed_section *sections; /* owned; the last three are semantic, syntactic, total: all others' sums */
    size_t n;
    size_t asked, answered; /* pairs */
    double spearman;
};

/* The first line that is not blank says which of the two the file is. Words count that are among the `most` most frequent
 * ones; 0: 30,000 for questions, all for pairs. STATUS_DATA names a line that is wrong. */
int embed_evaluate(const struct embed *m, const char *path, size_t most, struct embed_eval *v, struct err *e);
void embed_eval_free(struct embed_eval *v);

/* Spearman's rank correlation, equal values sharing their mean rank. */
double spearman(const double *a, const double *b, size_t n);

#endif
