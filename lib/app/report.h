/* report: how good predictions are, as a table divided by TABs.
 *
 *     classes   accuracy, number, unseen (targets of classes that the model does not know: counted as wrong); then for
 *               each class count, precision, recall and F1; of classes of items also the confusion: a row for each
 *               class given, a column for each predicted, up to REPORT_CONFUSED of them
 *     numbers   number (of rows judged), mse, rmse, and both for each dimension; of a mixture number and loss, nats
 *               a row
 *     words     tokens (ends of items among them), unknown, nats a token, perplexity, bits a token; of captions also
 *               F1: the mean over items of 2c / (r + g), for r words given, g written and c in common */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include "net/score.h"

enum { REPORT_CONFUSED = 1000 };

struct report {
    const struct scorer *s; /* its sums are told in the end */
    struct vocab names;     /* of classes: the model's, then others as they come */
    size_t known;           /* how many are the model's */
    uint32_t *map;          /* classes of the present segment to those; NULL: they have no names */
    size_t n_map;
    struct report_class {
        uint64_t count, said, right;
    } * classes;         /* [names.n] */
    uint64_t *confusion; /* [names.n, known], of items */
    size_t room;
    uint64_t number, right, unseen;
    double *squares; /* [K] */
    double f1;
    uint64_t items;
};

void report_begin(struct report *r, const struct scorer *s);
/* The names that the classes of the next batches have; empty: they have none. */
void report_segment(struct report *r, const struct vocab *names);
/* A batch that a scorer has judged (score_config.judge). */
int report_batch(struct report *r, const struct batch *batch, struct err *e);
/* To the tool's output. */
void report_print(const struct report *r);
void report_free(struct report *r);

#endif
