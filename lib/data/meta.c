#include "data/meta.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Index of a key, or where it would stand. */
static size_t place(const struct meta *m, const char *key, bool *found)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(m->pairs[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < m->n && !strcmp(m->pairs[low].key, key);
    return low;
}

const char *meta_get(const struct meta *m, const char *key)
{
    bool found;
    size_t i = place(m, key, &found);
    return found ? m->pairs[i].value : NULL;
}

void meta_set(struct meta *m, const char *key, const char *value)
{
    bool found;
    size_t i = place(m, key, &found);
    char *copy = mem_copy(value);
    if (found) {
        free(m->pairs[i].value);
        m->pairs[i].value = copy;
        return;
    }
    m->pairs = mem_grow(m->pairs, m->n + 1, sizeof *m->pairs);
    memmove(m->pairs + i + 1, m->pairs + i, (m->n - i) * sizeof *m->pairs);
    m->pairs[i] = (struct meta_pair){mem_copy(key), copy};
    m->n++;
}

void meta_setf(struct meta *m, const char *key, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    meta_set(m, key, text);
}

static bool escaped(unsigned char c, bool in_key)
{
    return c < 0x20 || c == 0x7f || c == '%' || (in_key && c == '=');
}

static void encode(const char *text, bool in_key, struct buf *out)
{
    for (; *text; text++)
        if (escaped((unsigned char)*text, in_key))
            buf_printf(out, "%%%02X", (unsigned char)*text);
        else
            buf_char(out, *text);
}

void meta_encode(const struct meta *m, struct buf *out)
{
    for (size_t i = 0; i < m->n; i++) {
        encode(m->pairs[i].key, true, out);
        buf_char(out, '=');
        encode(m->pairs[i].value, false, out);
        buf_char(out, '\n');
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes one key or value; only what must be escaped may be, and NUL cannot be held. */
static bool decode(const char *bytes, size_t length, bool in_key, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '%') {
            if (length - i < 3)
                return false;
            int high = hex(bytes[i + 1]), low = hex(bytes[i + 2]);
            if (high < 0 || low < 0 || high + low == 0 || !escaped((unsigned char)(high << 4 | low), in_key))
                return false;
            buf_char(out, (char)(high << 4 | low));
            i += 2;
        } else if (escaped(c, in_key)) {
            return false;
        } else {
            buf_char(out, (char)c);
        }
    }
    return true;
}

int meta_decode(struct meta *m, const char *bytes, size_t length, struct err *e)
{
    struct buf key = {0}, value = {0};
    size_t line = 1;
    int result = 0;
    for (const char *end = bytes + length; bytes < end; line++) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        const char *equals = stop ? memchr(bytes, '=', (size_t)(stop - bytes)) : NULL;
        if (!equals || equals == bytes || !decode(bytes, (size_t)(equals - bytes), true, &key) ||
            !decode(equals + 1, (size_t)(stop - equals - 1), false, &value)) {
            result = err_fail(e, STATUS_DATA, "metadata line %zu is not key=value with %%XX escapes", line);
            break;
        }
        if (m->n && strcmp(m->pairs[m->n - 1].key, buf_string(&key)) >= 0) {
            result = err_fail(e, STATUS_DATA, "metadata key '%.40s' is out of order or doubled", key.data);
            break;
        }
        m->pairs = m->n & (m->n - 1) ? m->pairs : mem_grow(m->pairs, m->n ? 2 * m->n : 1, sizeof *m->pairs);
        m->pairs[m->n++] = (struct meta_pair){mem_copy(buf_string(&key)), mem_copy(buf_string(&value))};
        bytes = stop + 1;
    }
    buf_free(&key);
    buf_free(&value);
    return result;
}

void meta_copy(struct meta *to, const struct meta *from)
{
    meta_free(to);
    to->pairs = from->n ? mem_get(from->n, sizeof *to->pairs) : NULL;
    to->n = from->n;
    for (size_t i = 0; i < from->n; i++)
        to->pairs[i] = (struct meta_pair){mem_copy(from->pairs[i].key), mem_copy(from->pairs[i].value)};
}

bool meta_same(const struct meta *a, const struct meta *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->pairs[i].key, b->pairs[i].key) || strcmp(a->pairs[i].value, b->pairs[i].value))
            return false;
    return true;
}

void meta_free(struct meta *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->pairs[i].key);
        free(m->pairs[i].value);
    }
    free(m->pairs);
    *m = (struct meta){0};
}
