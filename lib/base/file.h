/* file: inputs that are what they seem, outputs that appear whole or not at all. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* An output. A regular file is written without a name where the file system can (O_TMPFILE), else under a hidden name
 * beside its target that is removed when a signal kills the process; commit syncs it and renames it over the target,
 * whose mode is kept. Standard output, devices and pipes are written in place. */
struct outfile {
    int fd;     /* -1 when closed */
    char *path; /* target; NULL for standard output */
    char *temp; /* hidden name in use, or NULL */
    bool inplace;
};

/* NULL or "-" is standard output. Fails before any work when the file could not be written later: a missing directory,
 * a directory in its place, no permission. */
int outfile_open(struct outfile *f, const char *path, struct err *e);
int outfile_write(struct outfile *f, const void *bytes, size_t length, struct err *e);

/* Makes the output appear. Standard output is closed, and what closing reports is an error. */
int outfile_commit(struct outfile *f, struct err *e);

/* Gives the output up; the target stays as it was. Does nothing to one that is closed or zero with fd -1. */
void outfile_drop(struct outfile *f);

/* Could `path` be written later? The checks of outfile_open without opening: for checkpoints and logs. */
int outfile_probe(const char *path, struct err *e);

/* Is `path` the same file as `other`, or will it be once it is made? `other` NULL or "-" is the open descriptor
 * `standard`. Only regular files count: a device or pipe loses nothing by being named twice. */
bool file_same(const char *path, const char *other, int standard);

/* The last two steps of that for a file written by somebody else: its bytes onto the disk; then its name, over what is
 * there of that name, whose mode is kept. */
int file_sync(const char *path, struct err *e);
int file_rename(const char *temp, const char *path, struct err *e);

/* Writes a whole small file that way. */
int file_replace(const char *path, const void *bytes, size_t length, struct err *e);

/* Opens for reading; NULL or "-" is standard input. A directory is refused. Returns the descriptor. */
int infile_open(const char *path, struct err *e);

/* How an input is called in messages: its path, or "standard input". */
const char *infile_label(const char *path);

/* read() that tries again when interrupted, unless a stop is pending (STATUS_STOPPED). Bytes read, 0 at the end, or
 * -1. */
long file_read(int fd, void *bytes, size_t room, struct err *e);

/* For files that say themselves how long they are. Adds exactly `length` bytes to `out`, which grows as they come;
 * fewer are STATUS_DATA. Then: is that the end of the file? More is STATUS_DATA. */
int file_take(int fd, uint64_t length, struct buf *out, struct err *e);
int file_ends(int fd, struct err *e);

/* write() of all bytes. */
int file_write(int fd, const void *bytes, size_t length, struct err *e);

/* A file without a name in $TMPDIR (or /tmp), for what is read again later. Returns the descriptor. */
int spool_open(struct err *e);

/* Asks for a 1 MiB pipe; a wish that may fail silently. */
void pipe_widen(int fd);

#endif
