#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_room(struct buf *b, size_t more)
{
    if (more > SIZE_MAX / 4 - b->len)
        mem_exhausted(more);
    size_t need = b->len + more + 1;
    if (need > b->room) {
        size_t room = b->room ? 2 * b->room : 256;
        if (room < need)
            room = need;
        room = (room + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
        char *data = aligned_alloc(MEM_ALIGN, room);
        if (!data)
            mem_exhausted(room);
        if (b->len)
            memcpy(data, b->data, b->len);
        free(b->data);
        b->data = data;
        b->room = room;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *bytes, size_t length)
{
    char *at = buf_room(b, length);
    if (length)
        memcpy(at, bytes, length);
    b->len += length;
    b->data[b->len] = 0;
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *at = buf_room(b, (size_t)length);
    va_start(args, format);
    vsnprintf(at, (size_t)length + 1, format, args);
    va_end(args);
    b->len += (size_t)length;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

char *buf_string(struct buf *b)
{
    buf_room(b, 0)[0] = 0;
    return b->data;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
