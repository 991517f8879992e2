/* pipeline_process: starting the stages of a component so that none outlives the runner. */
#ifndef APP_PIPELINE_PROCESS_H
#define APP_PIPELINE_PROCESS_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#include "app/pipeline.h"
#include "base/err.h"

/* The path that a command's first word means: itself when it has a slash, else the first executable of that name
 * on PATH. To be freed; NULL when there is none. */
char *program_find(const char *name);

/* From now on processes that stages leave behind become the runner's, which ends and buries them. */
void process_adopt(void);

/* The directory of the running program itself, whose fellows the stages are to find first; to be freed. NULL when the
 * system does not tell. */
char *program_directory(void);

/* A process group and the process that keeps it: it leads the group and kills all of it when the runner dies,
 * however that happens, since the pipe it listens to ends then. */
struct group {
    pid_t leader; /* 0: none */
    int hold;     /* the pipe's end in the runner */
};

int group_start(struct group *g, struct err *e);

/* Sends a signal to every process of the group but its keeper (which heeds SIGKILL alone). */
void group_signal(const struct group *g, int number);

/* Kills what is left of the group, waits until it is gone, and forgets it. */
void group_end(struct group *g);

struct spawn {
    const char *program; /* as found */
    char **argv;
    int in, out, error;        /* become 0, 1, 2; in < 0: /dev/null */
    int fds[PIPELINE_MAX_FDS]; /* become PIPELINE_FIRST_FD ... */
    size_t n_fds;
    pid_t group;
    const sigset_t *mask; /* of blocked signals in the new process */
};

/* Starts a program with these descriptors and no others, SIGPIPE as it is by default. Must be called while no other
 * thread runs, and from a thread that lives as long as the process started. Returns its id or -1. */
pid_t process_spawn(const struct spawn *s, struct err *e);

/* "killed by SIGKILL", "ended with status 1"; adds to out. */
void process_ending(int status, struct buf *out);

#endif
