/* stop: what signals asked for. Handlers only set a flag; whoever loops looks at it.
 *
 * Without stop_catch every signal keeps its default action. A trainer that can write a checkpoint catches SIGTERM and
 * SIGINT (stop), SIGUSR1 (checkpoint and go on); a second SIGTERM or SIGINT kills at once. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>

#include "base/err.h"

void stop_catch(void);

/* SIGTERM or SIGINT has come. Reads that are interrupted by it fail with STATUS_STOPPED. */
bool stop_pending(void);

/* Behind a failure to read the input: a pending stop outranks it, since who sent that may have ended the stage before
 * this one first. Returns -1. */
int stop_outranks(struct err *e);

/* SIGUSR1 has come since the last call. */
bool stop_wants_checkpoint(void);

#endif
