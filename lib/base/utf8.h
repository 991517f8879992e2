/* utf8: is it UTF-8? (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.) */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at text[0], of `length` bytes there are; 0 when none does. */
static inline size_t utf8_length(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (!length)
        return 0;
    size_t n = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    if (n > length)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
        (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return n;
}

/* The code point of the character that begins at text[0]; 0 when none does (and for NUL). */
static inline uint32_t utf8_decode(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    switch (utf8_length(text, length)) {
    case 1:
        return c[0];
    case 2:
        return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
    case 3:
        return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    case 4:
        return (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
    default:
        return 0;
    }
}

/* The longest start of a character at text[0], of `length` bytes (1 at least), where no whole one stands: how many
 * bytes one U+FFFD is put for (Unicode, section 3.9, "Substitution of Maximal Subparts"). `*open`: more text may make
 * it a character. */
static inline size_t utf8_broken(const char *text, size_t length, bool *open)
{
    static const unsigned char second[5][2] = {{0x80, 0xbf}, {0xa0, 0xbf}, {0x80, 0x9f}, {0x90, 0xbf}, {0x80, 0x8f}};
    const unsigned char *c = (const unsigned char *)text;
    const unsigned char *range = second[c[0] == 0xe0 ? 1 : c[0] == 0xed ? 2 : c[0] == 0xf0 ? 3 : c[0] == 0xf4 ? 4 : 0];
    size_t need = c[0] < 0xc2 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 1, n = 1;
    if (need > 1 && length > 1 && c[1] >= range[0] && c[1] <= range[1])
        n = 2;
    while (n > 1 && n < need && n < length && (c[n] & 0xc0) == 0x80)
        n++;
    *open = n < need && n == length;
    return n;
}

/* UTF-8 without the control bytes 00-1F and 7F: what names are made of. */
static inline bool utf8_plain(const char *text, size_t length)
{
    for (size_t n; length; text += n, length -= n)
        if ((unsigned char)*text < 0x20 || *text == 0x7f || !(n = utf8_length(text, length)))
            return false;
    return true;
}

#endif
