/* pipeline_run: runs a plan. Components run one after the other, what is up to date is skipped, and what happened
 * is told through callbacks: nothing is printed here. */
#ifndef APP_PIPELINE_RUN_H
#define APP_PIPELINE_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "app/pipeline.h"

struct run_options {
    bool force;        /* run what is up to date as well */
    const char *tools; /* put first on PATH for the stages; NULL: nothing */
    bool progress;     /* call `progress` while stages run */
};

struct run_events {
    void *context;
    void (*note)(void *context, const char *text);                   /* a line about how it goes */
    void (*log)(void *context, const char *stage, const char *line); /* one of the last lines of a failed stage's log */
    /* what a stage prints for the user, piece by piece */
    void (*report)(void *context, const char *stage, const char *bytes, size_t length);
    void (*progress)(void *context, double bytes, const char *text); /* five times a second; text NULL: no more */
};

/* Runs what is not up to date. -1 with the first cause in *e: its status is the failed stage's exit status, or
 * 128+n for a signal, or STATUS_STOPPED when a stage stopped after a checkpoint. *signal is set to the signal that
 * stopped the runner itself, after everything was stopped and cleaned up, else to 0. `faults` gets what is missing
 * before anything starts: programs and inputs (status 1). The process works in the pipeline's directory
 * afterwards. */
int pipeline_run(const struct plan *plan, const struct run_options *options, const struct run_events *events,
                 int *signal, struct faults *faults, struct err *e);

#endif
