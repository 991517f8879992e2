#include "base/spool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { BLOCK = 1 << 18 };

#define WHERE "temporary file in $TMPDIR"

static int flush(struct spool *s, struct err *e)
{
    if (!s->block.len)
        return 0;
    if (!s->open && (s->fd = spool_open(e)) < 0)
        return -1;
    s->open = true;
    int result = file_write(s->fd, s->block.data, s->block.len, e);
    buf_clear(&s->block);
    return result < 0 ? err_where(e, WHERE) : 0;
}

int spool_add(struct spool *s, const void *bytes, size_t length, struct err *e)
{
    buf_add(&s->block, bytes, length);
    return s->block.len < BLOCK ? 0 : flush(s, e);
}

int spool_rewind(struct spool *s, struct err *e)
{
    if (!s->reading && flush(s, e) < 0)
        return -1;
    s->reading = true;
    s->at = 0;
    buf_clear(&s->block);
    return s->open && lseek(s->fd, 0, SEEK_SET) < 0 ? err_system(e, WHERE) : 0;
}

int spool_fill(struct spool *s, struct err *e)
{
    size_t left = s->block.len - s->at;
    if (!s->open)
        return 0;
    if (s->at)
        memmove(s->block.data, s->block.data + s->at, left);
    s->block.len = left;
    s->at = 0;
    long n = file_read(s->fd, buf_room(&s->block, BLOCK), BLOCK, e);
    if (n < 0)
        return err_where(e, WHERE);
    s->block.len += (size_t)n;
    return n > 0;
}

int spool_next(struct spool *s, void *bytes, size_t length, struct err *e)
{
    while (s->block.len - s->at < length) {
        int got = spool_fill(s, e);
        if (got <= 0)
            return got == 0 && s->block.len ? err_fail(e, STATUS_FAILED, WHERE ": ends too soon") : got;
    }
    memcpy(bytes, s->block.data + s->at, length);
    s->at += length;
    return 1;
}

int spool_read(const struct spool *s, uint64_t at, void *bytes, size_t length, struct err *e)
{
    char *to = bytes;
    while (length > 0) {
        ssize_t n = pread(s->fd, to, length, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_system(e, WHERE);
        if (n == 0)
            return err_fail(e, STATUS_FAILED, WHERE ": ends too soon");
        to += n, at += (uint64_t)n, length -= (size_t)n;
    }
    return 0;
}

void spool_close(struct spool *s)
{
    if (s->open)
        close(s->fd);
    buf_free(&s->block);
    *s = (struct spool){0};
}
