#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_fail(struct err *e, enum status status, const char *format, ...)
{
    va_list args;
    e->status = status;
    e->chain[0] = 0;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    return -1;
}

int err_system(struct err *e, const char *format, ...)
{
    char reason[256];
    va_list args;
    snprintf(reason, sizeof reason, "%s", strerror(errno));
    e->status = STATUS_FAILED;
    e->chain[0] = 0;
    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    size_t used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", reason);
    return -1;
}

int err_where(struct err *e, const char *format, ...)
{
    char where[sizeof e->text], rest[sizeof e->text];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(where, sizeof where / 2, format, args);
    va_end(args);
    memcpy(rest, e->text, sizeof rest);
    if (used < 0 || (size_t)used >= sizeof where / 2)
        used = (int)strlen(where);
    if (!strncmp(rest, where, (size_t)used) && !strncmp(rest + used, ": ", 2))
        return -1;
    memcpy(e->text, where, (size_t)used);
    snprintf(e->text + used, sizeof e->text - (size_t)used, ": %.*s", (int)sizeof rest, rest);
    return -1;
}
