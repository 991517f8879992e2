/* par: loops over disjoint outputs on a small pool of threads.
 *
 * Nothing is ever reduced across threads, so that the bytes do not depend on how many there are. The pool is made by
 * par_start, lives until par_stop, and spins shortly before it sleeps. */
#ifndef BASE_PAR_H
#define BASE_PAR_H

#include <stddef.h>

#include "base/err.h"

enum { PAR_MAX_THREADS = 256 };

/* How many processors this process may use: affinity, cgroup quota, SLURM_CPUS_PER_TASK. At least 1. */
int par_processors(void);

/* Starts the pool; 1 makes none. Called once, before the first par_for. */
int par_start(int threads, struct err *e);
void par_stop(void);

/* Threads of the pool, the caller counted. */
int par_threads(void);

/* Calls work(context, low, high) so that the ranges cover 0 .. n-1 once, cut at multiples of `grain`, and returns when
 * all are done. There are as many ranges as threads at most; a thread that comes late finds its range done by another.
 * Not to be nested. */
void par_for(size_t n, size_t grain, void (*work)(void *context, size_t low, size_t high), void *context);

#endif
