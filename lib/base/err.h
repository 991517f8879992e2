/* err: the one way to report that the world is wrong.
 *
 * A function that can fail takes a `struct err *` last and returns -1 (or NULL) after leaving one sentence in it.
 * Callers add where: err_where(e, "reading model %s", path). The library never prints and never exits; the tool prints
 * the sentence and exits with the status. That the *program* is wrong is an assert; that memory is gone is mem.h's
 * matter. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* Exit statuses, the same for every tool (EXIT STATUS of every page). */
enum status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,    /* input, output, resources */
    STATUS_MISUSED = 2,   /* options and operands */
    STATUS_DIVERGED = 3,  /* training diverged; the last good checkpoint is kept */
    STATUS_DATA = 65,     /* bad or truncated input */
    STATUS_UPSTREAM = 69, /* an earlier stage failed */
    STATUS_STOPPED = 75,  /* stopped by a signal after a checkpoint; run again to resume */
};

struct err {
    enum status status;
    char text[1024];  /* one sentence, no newline, UTF-8 */
    char chain[3072]; /* lines of an ERROR frame that was read, origin first; empty when this is the origin */
};

/* Sets status and sentence, forgetting what stood there. Returns -1, so that `return err_fail(...)` reads well. */
int err_fail(struct err *e, enum status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with STATUS_FAILED and the text of errno behind a colon. */
int err_system(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "where: " in front of the sentence, unless it begins so already. Returns -1. */
int err_where(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
