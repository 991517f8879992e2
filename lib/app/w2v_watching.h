/* w2v_watching: what training word vectors tells while it goes on: progress on standard error, rows to --log. */
#ifndef APP_W2V_WATCHING_H
#define APP_W2V_WATCHING_H

#include "app/cli.h"
#include "app/log.h"
#include "net/w2v.h"

struct w2v_watching {
    struct progress progress;
    struct log log;
    double start;
    int64_t epochs; /* wanted */
    uint64_t pairs; /* met so far */
};
#define W2V_WATCHING_NONE                                                                                              \
    {                                                                                                                  \
        .log = {.fd = -1 }                                                                                             \
    }

/* Training begins, on `words` words an epoch. The log has been opened by then. */
void w2v_watching_begin(struct w2v_watching *w, uint64_t words, int64_t epochs);

/* A report, for w2v_train; `context` is a struct w2v_watching. */
int w2v_watching_report(void *context, const struct w2v_report *r, struct err *e);

/* Says so when no pair was met, and closes the log; returns `result`, or -1 when only closing failed. */
int w2v_watching_close(struct w2v_watching *w, int result, struct err *e);

#endif
