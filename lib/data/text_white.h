/* text_white: white space, which is what Unicode's White_Space says. */
#ifndef DATA_TEXT_WHITE_H
#define DATA_TEXT_WHITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/utf8.h"

enum { TEXT_PLAIN, TEXT_WHITE, TEXT_MAYBE_WHITE }; /* what a byte says: none, is it, may begin it */

extern const unsigned char text_white_byte[256];

/* Bytes of the white space character at `text`, of UTF-8, 0 when it is none. */
static inline size_t text_white(const char *text, size_t length)
{
    unsigned char class = text_white_byte[(unsigned char)*text];
    if (class != TEXT_MAYBE_WHITE)
        return class;
    uint32_t c = utf8_decode(text, length);
    bool is = c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
              c == 0x202f || c == 0x205f || c == 0x3000;
    return !is ? 0 : c < 0x800 ? 2 : 3;
}

/* Is it nothing but white space? */
static inline bool text_all_white(const char *text, size_t length)
{
    for (size_t n; length; text += n, length -= n)
        if (!(n = text_white(text, length)))
            return false;
    return true;
}

#endif
