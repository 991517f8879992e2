/* pipeline_component: running the stages of one component at once, and telling the cause of a failure from its
 * consequences. What pipeline_run.c and pipeline_component.c share. */
#ifndef APP_PIPELINE_COMPONENT_H
#define APP_PIPELINE_COMPONENT_H

#include <signal.h>
#include <sys/resource.h>

#include "app/pipeline_process.h"
#include "app/pipeline_pump.h"
#include "app/pipeline_run.h"
#include "app/pipeline_state.h"

/* What a run knows of a stage. */
struct task {
    char *program;            /* as found on PATH */
    char recipe[DIGEST_ROOM]; /* "" when there is none, because something it reads cannot be digested */
    bool known;               /* the recipe is: all files it reads are as they will be */
    bool must;                /* its files are not up to date, or it makes none */
    bool needed;              /* must run, itself or for the stream it writes */
    int spool;                /* what it wrote for later components, or -1 */
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    const struct run_events *events;
    struct state state;
    struct task *tasks; /* [stages] */
    sigset_t mask;      /* of blocked signals before the run, for the stages */
    sigset_t watched;   /* signals that are waited for */
    int signal;         /* that stopped the runner, or 0 */
};

enum verdict {
    VERDICT_NONE,        /* still running */
    VERDICT_FINE,        /* status 0, or SIGPIPE because its readers had all they wanted */
    VERDICT_CAUSE,       /* failed by itself */
    VERDICT_UPSTREAM,    /* status 69: says that what it reads has failed */
    VERDICT_CONSEQUENCE, /* failed because another did, or was stopped */
};

/* A stage while its component runs. */
struct job {
    size_t stage;
    const struct stage *s;
    struct task *task;
    char *command;
    char **outs, **hidden; /* [files]: the path for now, and the hidden directory it lies in (NULL: written in place) */
    int out;               /* standard output when it is no pipe */
    int files[1 + PIPELINE_MAX_FDS]; /* what it reads that is a file: standard input, second streams; -1: none */
    int ends[1 + PIPELINE_MAX_FDS];  /* the same that are pipes, until it has started */
    int out_end;                     /* the pipe it writes, until it has started */
    struct pump pump;
    size_t *readers; /* [pump.n]: jobs that read the branches */
    pid_t pid;
    int status;
    double began, seconds;
    uint64_t bytes_in, bytes_out; /* when all is over */
    struct rusage usage;
    enum verdict verdict;
    unsigned turn; /* it was the turn-th to end */
};

struct component {
    struct run *run;
    struct job *jobs;
    size_t n, left; /* left: still running */
    struct group group;
    unsigned turns;
    bool failed; /* something has, or the runner is to stop */
    double failed_at;
    bool told, killed; /* SIGTERM, SIGKILL was sent */
};

/* Runs the needed stages of component k. */
int component_run(struct run *run, size_t k, struct err *e);

/* ---- pipeline_wire.c: files and pipes ---- */

/* Makes files, logs, pipes and spools of the jobs. */
int component_wire(struct component *c, struct err *e);
/* Starts the processes and then the pumps. */
int component_start(struct component *c, struct err *e);
/* Syncs what was made, then renames it; removes what was kept for another try. */
int component_publish(struct component *c, struct err *e);
/* Passes on what stages have printed for the user. */
int component_report(struct component *c, struct err *e);
/* Closes and removes what is left. */
void component_clear(struct component *c);

/* Bytes that have gone into and out of a job so far. */
uint64_t job_bytes_in(const struct component *c, const struct job *j);
uint64_t job_bytes_out(const struct job *j);

double run_seconds(void);

#endif
