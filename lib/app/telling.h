/* telling: what a run of a pipeline tells while it goes on, and what is wrong with one, on standard error. */
#ifndef APP_TELLING_H
#define APP_TELLING_H

#include "app/pipeline_run.h"

/* Notes and the logs of failed stages, a progress line on a terminal; what stages print for the user to the one
 * output. */
extern const struct run_events telling;

/* "head: text", made safe for a terminal; with --quiet too. */
void telling_line(const char *head, const char *text);

/* Prints all faults of a file but the last, which becomes the error. Returns -1. */
int telling_faults(const char *path, const struct faults *faults, enum status status, struct err *e);

#endif
