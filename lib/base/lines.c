#include "base/lines.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { BLOCK = 1 << 16 };

int lines_open(struct lines *l, const char *path, struct err *e)
{
    *l = (struct lines){.fd = infile_open(path, e), .label = infile_label(path)};
    return l->fd < 0 ? -1 : 0;
}

/* Moves what is left to the front and reads on. Bytes read, 0 at the end. */
static long fill(struct lines *l, struct err *e)
{
    if (l->at) {
        memmove(l->block.data, l->block.data + l->at, l->block.len - l->at);
        l->block.len -= l->at;
        l->at = 0;
    }
    char *room = buf_room(&l->block, BLOCK);
    long got = file_read(l->fd, room, BLOCK, e);
    if (got < 0)
        return err_where(e, "%s", l->label);
    l->block.len += (size_t)got;
    return got;
}

int lines_next(struct lines *l, struct err *e)
{
    size_t seen = 0;
    char *end = NULL;
    bool whole = true;
    l->number++;
    while (!(l->block.len > l->at + seen &&
             (end = memchr(l->block.data + l->at + seen, '\n', l->block.len - l->at - seen)))) {
        seen = l->block.len - l->at;
        if (seen > LINES_LONGEST) {
            err_fail(e, STATUS_DATA, "the line is longer than %d bytes", LINES_LONGEST);
            return lines_where(l, e);
        }
        long got = fill(l, e);
        if (got < 0)
            return -1;
        if (!got) {
            if (!seen) {
                l->number--;
                return 0;
            }
            buf_char(&l->block, '\n'); /* the last line as every other */
            whole = false;
        }
    }
    l->whole = whole;
    l->text = l->block.data + l->at;
    l->length = (size_t)(end - l->text);
    l->at += l->length + 1;
    if (l->length && l->text[l->length - 1] == '\r')
        l->length--;
    l->text[l->length] = 0;
    if (l->number == 1 && !strncmp(l->text, "\xef\xbb\xbf", 3)) { /* a byte order mark is no text */
        l->text += 3;
        l->length -= 3;
    }
    if (!l->nuls && memchr(l->text, 0, l->length)) {
        err_fail(e, STATUS_DATA, "there is a NUL byte in the line (is it text?)");
        return lines_where(l, e);
    }
    return 1;
}

int lines_where(const struct lines *l, struct err *e)
{
    return err_where(e, "%s:%llu", l->label, (unsigned long long)l->number);
}

void lines_close(struct lines *l)
{
    if (l->fd > STDIN_FILENO)
        close(l->fd);
    buf_free(&l->block);
    l->fd = -1;
}
