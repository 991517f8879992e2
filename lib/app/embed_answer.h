/* embed_answer: what `embed` prints: neighbours and analogies, asked for on the command line or by lines, and
 * figures. */
#ifndef APP_EMBED_ANSWER_H
#define APP_EMBED_ANSWER_H

#include "net/embed.h"

struct answer_config {
    int64_t top;           /* words for a question */
    int64_t most_frequent; /* candidates; 0: all */
    bool most_given;       /* else it is what suits the task */
    int method;            /* enum embed_method */
    bool missing;          /* name the words of --eval that are no candidates */
};

/* n questions of `size` words each: neighbours for 1, analogies for 3. Lines of the words, an answer, its score, with
 * tabs between. A word that the model lacks is STATUS_MISUSED, and nothing is printed. */
int answer_words(struct embed *m, const struct answer_config *c, const char *const *words, size_t n, size_t size,
                 struct err *e);

/* The questions of a file (embed_line.h; NULL or "-": standard input), a few thousand as one product; `each`: one by
 * one, an empty line behind each answer, all of it written before the next is read. What cannot be answered is said on
 * standard error. */
int answer_lines(struct embed *m, const struct answer_config *c, const char *path, bool each, struct err *e);

/* Prints what embed_evaluate finds. */
int answer_evaluation(struct embed *m, const struct answer_config *c, const char *path, struct err *e);

#endif
