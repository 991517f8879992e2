#include "app/log.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

int log_open(struct log *l, const char *path, bool append, struct err *e)
{
    *l = (struct log){.fd = -1, .path = path};
    if (!path)
        return 0;
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (append ? 0 : O_TRUNC), 0666);
    return l->fd < 0 ? err_system(e, "log %s", path) : 0;
}

static void put_string(struct buf *out, const char *text)
{
    buf_char(out, '"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            buf_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            buf_printf(out, "\\u%04x", (unsigned char)*text);
        else
            buf_char(out, *text);
    buf_char(out, '"');
}

int log_row(struct log *l, const struct log_field *fields, struct err *e)
{
    struct buf out = {0};
    if (l->fd < 0)
        return 0;
    for (const struct log_field *f = fields; f->name; f++) {
        buf_text(&out, f == fields ? "{" : ", ");
        put_string(&out, f->name);
        buf_text(&out, ": ");
        if (f->text)
            put_string(&out, f->text);
        else if (isfinite(f->value))
            buf_printf(&out, "%.9g", f->value);
        else
            buf_text(&out, "null");
    }
    buf_text(&out, "}\n");
    int result = file_write(l->fd, out.data, out.len, e);
    buf_free(&out);
    return result < 0 ? err_where(e, "log %s", l->path) : 0;
}

int log_close(struct log *l, struct err *e)
{
    int fd = l->fd;
    l->fd = -1;
    return fd >= 0 && close(fd) < 0 ? err_system(e, "log %s", l->path) : 0;
}
