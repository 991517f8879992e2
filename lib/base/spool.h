/* spool: bytes that are gathered once and then read again, as often as one likes, from a file without a name in
 * $TMPDIR.
 *
 * Memory holds one block. The file is made when the first block is full, at the latest by spool_rewind, and vanishes
 * with the process. Zero-initialize; spool_close at the end. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct spool {
    bool open;    /* there is a file */
    bool reading; /* nothing is added any more */
    int fd;
    struct buf block; /* added and not yet written; after spool_rewind: read, and used up to `at` */
    size_t at;
};

int spool_add(struct spool *s, const void *bytes, size_t length, struct err *e);

/* Ends the adding for good, or begins another pass over everything. */
int spool_rewind(struct spool *s, struct err *e);

/* The next `length` bytes of the pass: 1; 0 at the end; -1, also when fewer are left. */
int spool_next(struct spool *s, void *bytes, size_t length, struct err *e);

/* For who decodes the block in place: reads on behind its last byte, dropping what is used up. 1; 0 at the end; -1. */
int spool_fill(struct spool *s, struct err *e);

/* Copies `length` bytes from byte `at` on, which must be there; whatever the pass is at. */
int spool_read(const struct spool *s, uint64_t at, void *bytes, size_t length, struct err *e);

void spool_close(struct spool *s);

#endif
