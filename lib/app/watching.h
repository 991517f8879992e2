/* watching: what a training run tells while it goes on: progress and a line an epoch on standard error, rows to
 * --log. */
#ifndef APP_WATCHING_H
#define APP_WATCHING_H

#include "app/cli.h"
#include "app/log.h"
#include "net/train.h"

struct watching {
    struct progress progress;
    struct log log;
    double start;
    uint64_t begun; /* tokens that an earlier run, now resumed, had learned from */
    int64_t epochs; /* wanted */
    double loss;    /* of the last row */
};
#define WATCHING_NONE                                                                                                  \
    {                                                                                                                  \
        .log = {.fd = -1 }                                                                                             \
    }

/* Opens the log (path NULL: none), behind what stands in it when `append`. */
int watching_open(struct watching *w, const char *path, bool append, struct err *e);

/* Sets t->watch, when the run is as it will begin. */
void watching_begin(struct watching *w, struct trainer *t);

/* The last line, when the run has ended well. */
void watching_end(struct watching *w, const struct trainer *t);

/* Closes the log; returns `result`, or -1 when only closing failed. */
int watching_close(struct watching *w, int result, struct err *e);

#endif
