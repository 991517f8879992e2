/* embed_eval: how good word vectors are, by a file of questions or of judged pairs. */
#ifndef NET_EMBED_EVAL_H
#define NET_EMBED_EVAL_H

#include "net/embed.h"

enum { EMBED_QUESTION_WORDS = 30000 };

struct embed_eval_config {
    size_t most; /* words count that are among so many most frequent ones; 0: EMBED_QUESTION_WORDS, of pairs all */
    bool all;    /* all words count */
    enum embed_method method;
};

/* Analogy questions: lines "a b c d" under lines ": section" (the form of questions-words.txt). A question is answered
 * when all four words are candidates, and right when the best candidate for a, b and c, but for those three, is d. As
 * in the released word2vec's compute-accuracy, words that differ in the case of A-Z alone are one word: the one as
 * written if it is there, else the most frequent. Sections whose name begins with "gram" are syntactic, the others
 * semantic. */
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
    size_t composed;      /* lines answered by the help of words composed from subwords */
    struct vocab missing; /* words that are no candidates, by falling count: in how many lines they stand */
};

/* Where all words count, words of pairs and the first three of a question may be composed from subwords.
 *
 * The first line that is neither blank nor begins with # says which of the two the file is: ": section" and four words
 * with blanks between are questions. config NULL: zeros. STATUS_DATA names a line that is wrong. */
int embed_evaluate(struct embed *m, const char *path, const struct embed_eval_config *config, struct embed_eval *v,
                   struct err *e);
void embed_eval_free(struct embed_eval *v);

/* Spearman's rank correlation, equal values sharing their mean rank. */
double spearman(const double *a, const double *b, size_t n);

#endif
