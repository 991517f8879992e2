/* pipeline_state: what a runner remembers between runs, in .runnel/NAME beside the pipeline: a lock, a log and a
 * record of each stage, digests of files, and the hidden directories in use, so that those of a runner that was
 * killed are removed. */
#ifndef APP_PIPELINE_STATE_H
#define APP_PIPELINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/pipeline.h"
#include "base/err.h"

struct json_t;

enum { DIGEST_ROOM = 33 }; /* 32 hexadecimal digits and NUL */

struct state {
    const struct pipeline *pipeline;
    char *directory; /* as the runner uses it */
    char *shown;     /* as a user should see it */
    int lock;
    struct json_t *digests;
    struct buf hidden; /* lines: hidden directories in use */
    bool changed;
};

/* Makes the directory and takes the lock; one who holds it already is named in *e. The working directory is the
 * pipeline's. */
int state_open(struct state *st, const struct pipeline *p, struct err *e);
void state_close(struct state *st);

/* XXH3-128 of a regular file's bytes. Remembered by size, times and inode, so that a file is read again only when
 * it may have changed. A file that is not regular has none: STATUS_DATA. */
int state_digest(struct state *st, const char *path, char digest[DIGEST_ROOM], struct err *e);

/* The path of a stage's log or record ("log", "json"); adds to out. */
void state_path(const struct state *st, const struct stage *s, const char *suffix, bool shown, struct buf *out);

/* What one stage did in one run. */
struct record {
    const char *command;
    const char *recipe;  /* "" when none could be made */
    int status;          /* as waitpid gives it */
    const char *outcome; /* "done", "failed", "stopped" (because another failed, or by a signal) */
    double seconds;
    long peak_kib;
    uint64_t bytes_in, bytes_out;
};

/* Writes a stage's record. `made`: the stage's files are in place and belong to this recipe; else what the last
 * record said of them is kept. */
int state_record(struct state *st, const struct stage *s, const struct record *record, bool made, struct err *e);

/* Are the stage's files in place, unchanged, and made by this recipe? */
bool state_is_fresh(struct state *st, const struct stage *s, const char *recipe);

/* A hidden directory of its own beside a file that is to be made; to be freed. NULL with *e set. */
char *state_hide(struct state *st, const char *path, struct err *e);
/* Removes it with what is in it. */
void state_unhide(struct state *st, const char *directory);

/* Writes the digests, where they changed. */
int state_save(struct state *st, struct err *e);

/* Makes the directories above a file. */
int state_make_parents(const char *path, struct err *e);

#endif
