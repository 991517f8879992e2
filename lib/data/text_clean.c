#include "data/text_clean.h"

#include <string.h>

#include "base/utf8.h"
#include "data/text_ascii.h"

static const char replacement[] = "\xef\xbf\xbd", mark[] = "\xef\xbb\xbf";

enum { MOST_RETURNS = 1 << 16 };

void text_clean_begin(struct text_clean *c, const char *label)
{
    c->label = label;
    c->line = 1;
    c->begun = false;
    c->returns = 0;
    c->n_held = 0;
}

/* Two bytes that are a character. */
static inline bool two_bytes(const char *bytes)
{
    const unsigned char *c = (const unsigned char *)bytes;
    return c[0] >= 0xc2 && c[0] < 0xe0 && (c[1] & 0xc0) == 0x80;
}

/* Three bytes that are a character, save those behind E0 and ED, which allow less. */
static inline bool three_bytes(const char *bytes)
{
    const unsigned char *c = (const unsigned char *)bytes;
    return (c[0] & 0xf0) == 0xe0 && c[0] != 0xe0 && c[0] != 0xed && (c[1] & 0xc0) == 0x80 && (c[2] & 0xc0) == 0x80;
}

/* Bytes from the start that are sound. */
static size_t sound(const char *bytes, size_t length)
{
    size_t i = 0, n = 0;
    for (; i < length; i += n) {
        if ((unsigned char)bytes[i] < 0x80)
            n = ascii_run(bytes + i, length - i);
        else if (length - i >= 2 && two_bytes(bytes + i))
            n = 2;
        else if (length - i >= 3 && three_bytes(bytes + i))
            n = 3;
        else if (!(n = utf8_length(bytes + i, length - i)))
            break;
    }
    return i;
}

static void put_returns(struct text_clean *c, struct buf *out)
{
    for (; c->returns; c->returns--)
        buf_char(out, '\r');
}

/* Sound text without CR goes out. */
static void put(struct text_clean *c, const char *bytes, size_t length, struct buf *out)
{
    if (!length)
        return;
    if (!c->begun && length >= 3 && !memcmp(bytes, mark, 3)) {
        bytes += 3;
        length -= 3;
    }
    c->begun = true;
    if (c->returns && length && *bytes == '\n')
        c->returns = 0;
    put_returns(c, out);
    if (!c->replaced) /* afterwards nobody asks */
        c->line += ascii_count(bytes, length, '\n');
    buf_add(out, bytes, length);
}

static int replace(struct text_clean *c, const char *bytes, struct buf *out, struct err *e)
{
    if (c->strict)
        return err_fail(e, STATUS_DATA, "%s:%llu: not UTF-8, byte 0x%02X (%s)", c->label, (unsigned long long)c->line,
                        (unsigned char)*bytes, c->hint ? c->hint : "without --strict it becomes U+FFFD");
    if (!c->replaced) {
        c->first_file = c->label;
        c->first_line = c->line;
    }
    put(c, replacement, 3, out);
    c->replaced++;
    return 0;
}

/* Completes the character that was held back, byte by byte. Returns how many bytes it took, or -1. */
static long complete(struct text_clean *c, const char *bytes, size_t length, struct buf *out, struct err *e)
{
    size_t used = 0;
    bool open = true;
    while (open && used < length) {
        c->held[c->n_held++] = bytes[used++];
        size_t n = utf8_length(c->held, c->n_held);
        if (n) {
            put(c, c->held, n, out);
            open = false;
        } else if (utf8_broken(c->held, c->n_held, &open), !open) {
            used--; /* the byte that does not belong to it begins something of its own */
            if (replace(c, c->held, out, e) < 0)
                return -1;
        }
    }
    if (!open)
        c->n_held = 0;
    return (long)used;
}

/* What stands at `bytes`, which is neither sound text nor the end. Returns how many bytes it took, or -1. */
static long repair(struct text_clean *c, const char *bytes, size_t length, struct buf *out, struct err *e)
{
    bool open;
    if (*bytes == '\r') {
        c->begun = true;
        if (++c->returns == MOST_RETURNS)
            put_returns(c, out);
        return 1;
    }
    size_t n = utf8_broken(bytes, length, &open);
    if (open) {
        memcpy(c->held, bytes, n);
        c->n_held = n;
    } else if (replace(c, bytes, out, e) < 0) {
        return -1;
    }
    return (long)n;
}

int text_clean_add(struct text_clean *c, const char *bytes, size_t length, struct buf *out, struct err *e)
{
    const char *end = bytes + length, *next = NULL; /* the next CR */
    long used = c->n_held ? complete(c, bytes, length, out, e) : 0;
    if (used < 0)
        return -1;
    for (bytes += used; bytes < end; bytes += used) {
        if (!next || next < bytes) {
            next = memchr(bytes, '\r', (size_t)(end - bytes));
            next = next ? next : end;
        }
        size_t n = sound(bytes, (size_t)(next - bytes));
        put(c, bytes, n, out);
        bytes += n;
        used = bytes < end ? repair(c, bytes, (size_t)(end - bytes), out, e) : 0;
        if (used < 0)
            return -1;
    }
    return 0;
}

int text_clean_end(struct text_clean *c, struct buf *out, struct err *e)
{
    if (c->n_held && replace(c, c->held, out, e) < 0)
        return -1;
    c->n_held = 0;
    put_returns(c, out);
    return 0;
}
