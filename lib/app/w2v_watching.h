/* w2v_watching: what training word vectors tells while it goes on: progress and, with --eval, a line an epoch on
 * standard error, rows to --log. */
#ifndef APP_W2V_WATCHING_H
#define APP_W2V_WATCHING_H

#include "app/cli.h"
#include "app/log.h"
#include "net/w2v_evals.h"
#include "net/w2v_run.h"

struct w2v_watching {
    struct progress progress;
    struct log log;
    struct w2v_run *run;
    struct w2v_evals evals;
    double start, aside; /* seconds; those that went into evaluations */
    uint64_t begun;      /* words that an earlier run, now resumed, had learned from */
    uint64_t pairs;      /* learned from */
};
#define W2V_WATCHING_NONE                                                                                              \
    {                                                                                                                  \
        .log = {.fd = -1 }                                                                                             \
    }

/* Opens the log (path NULL: none), behind what stands in it when `append`, and reads the files of --eval. */
int w2v_watching_open(struct w2v_watching *w, const char *log, bool append, const struct opt_list *evals,
                      struct err *e);

/* Sets r->watch, when the run is as it will begin. */
void w2v_watching_begin(struct w2v_watching *w, struct w2v_run *r);

/* Closes the log; returns `result`, or -1 when only closing failed. */
int w2v_watching_close(struct w2v_watching *w, int result, struct err *e);

#endif
