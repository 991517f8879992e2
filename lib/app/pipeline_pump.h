/* pipeline_pump: a thread that moves one stage's standard output to those who read it, and counts.
 *
 * Two things it does that a bare pipe would not. The readers learn of the end only after the stage's status is
 * known, so that a cause always comes before its consequences. And the stage learns that nobody reads on only
 * after all its readers have ended, so that whether this was in order can be told. */
#ifndef APP_PIPELINE_PUMP_H
#define APP_PIPELINE_PUMP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PUMP_MAX_BRANCHES = 256 };

struct pump {
    int from; /* the pipe's end that the stage's output comes out of */
    struct branch {
        int to;     /* the end that leads to a reader; -1 when closed */
        bool early; /* the reader went away before the end */
        _Atomic uint64_t bytes;
    } * branches;
    size_t n;
    int spool; /* a file that gets everything, or -1 */
    _Atomic uint64_t bytes;
    pthread_t thread;
    bool running;
    int halt; /* becomes readable when the thread is to stop whatever it does */
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool writer_ended;  /* with the lock held, as the next */
    size_t readers;     /* that have not ended */
    struct err failure; /* status != 0 after pump_join: the spool could not be written */
};

/* Starts the thread. from, branches (n) and spool are set, and from and the branches' ends never block
 * (O_NONBLOCK); all but the spool become the pump's and are closed by it. */
int pump_start(struct pump *p, struct err *e);
void pump_writer_ended(struct pump *p);
void pump_reader_ended(struct pump *p);

/* Waits until everything has been moved; `now`: stops it, whatever is still to come. Does nothing to one not
 * running. */
void pump_join(struct pump *p, bool now);

#endif
