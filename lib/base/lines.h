/* lines: a text file line by line, in memory that grows with the longest line alone. */
#ifndef BASE_LINES_H
#define BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { LINES_LONGEST = 1 << 24 }; /* bytes; a longer line is refused */

struct lines {
    int fd;            /* -1 when closed */
    const char *label; /* for messages: the path, or "standard input" */
    char *text;        /* the line, NUL behind it; without its line end (LF or CR LF) */
    size_t length;
    uint64_t number; /* its number, from 1; 0 before the first */
    bool whole;      /* it had a line end: only the last of a file may have none, which may have been cut */
    bool nuls;       /* for the reader to set, once it is open: lines with a NUL in them are given out too */
    /* private */
    struct buf block;
    size_t at;
};

/* Opens a path (NULL or "-": standard input). The path must outlive it. On failure fd is -1. */
int lines_open(struct lines *l, const char *path, struct err *e);

/* Reads the next line: 1; 0 at the end; -1. The last line need not end in LF, a byte order mark before the first is
 * dropped. A line with a NUL in it is STATUS_DATA, unless `nuls` is set. */
int lines_next(struct lines *l, struct err *e);

/* Puts "label:number: " in front of the sentence. Returns -1. */
int lines_where(const struct lines *l, struct err *e);

/* Does nothing to one that is zero with fd -1. */
void lines_close(struct lines *l);

#endif
