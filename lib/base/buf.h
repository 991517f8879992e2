/* buf: bytes that grow. Zero-initialize; buf_free at the end. The data is aligned to MEM_ALIGN and always has a NUL
 * behind its last byte, so that text in it is a C string. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* NULL until something was added */
    size_t len, room;
};

/* Makes room for `more` bytes behind the last one and returns the place; the caller adds to len what it wrote. */
char *buf_room(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_text(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b);   /* keeps the room */
char *buf_string(struct buf *b); /* the text, "" when nothing was added; owned by b */
void buf_free(struct buf *b);

#endif
