/* w2v_evals: files of questions and of judged pairs that word vectors are asked while they are trained
 * (embed_eval.h). */
#ifndef NET_W2V_EVALS_H
#define NET_W2V_EVALS_H

#include "base/opt.h"
#include "data/vocab.h"
#include "net/w2v.h"

struct w2v_evals {
    struct w2v_eval {
        const char *path;
        char *name; /* the file's own, without directory and suffix */
        bool analogies;
        double value; /* analogies: percent right of those answered; pairs: Spearman's rank correlation; else NaN */
    } * of;
    size_t n;
};

/* Reads every file once, so that one that is missing or wrong is known before training. STATUS_MISUSED: two of one
 * name; one that is no regular file, which could be read but once. */
int w2v_evals_open(struct w2v_evals *v, const struct opt_list *paths, struct err *e);

/* Sets every value, by the vectors as they are, between two turns. -1: one of the files can no longer be read. */
int w2v_evals_measure(struct w2v_evals *v, struct w2v *w, const struct vocab *vocab, struct err *e);

void w2v_evals_free(struct w2v_evals *v);

#endif
