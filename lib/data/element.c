/* Elements and words of the text form (tnstext.h). */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "data/tnstext.h"

/* How many digits a real type needs at the most, and the bits of the NaN that is written plainly. */
static const struct {
    int digits;
    uint64_t nan;
} reals[DTYPE_COUNT] = {
    [DTYPE_F16] = {5, 0x7e00},
    [DTYPE_BF16] = {4, 0x7fc0},
    [DTYPE_F32] = {9, 0x7fc00000},
    [DTYPE_F64] = {17, 0x7ff8000000000000},
};

static uint64_t bits_of(const struct tensor *t, size_t index)
{
    uint64_t bits = 0;
    size_t size = dtype_size(t->dtype);
    memcpy(&bits, (const char *)t->data + index * size, size);
    return bits;
}

/* A number of so many digits, the first of which counts 10^exponent (-4 .. 5), without zeros at its end. */
static bool put_digits(bool negative, uint64_t number, int digits, int exponent, struct buf *out)
{
    char text[24], *at = text + sizeof text;
    for (int i = 0; i < digits; i++, number /= 10) /* the last digit first */
        *--at = (char)('0' + number % 10);
    if (number) /* rounding made it one digit longer */
        return false;
    while (digits > 1 && at[digits - 1] == '0')
        digits--;
    if (negative)
        buf_char(out, '-');
    if (exponent < 0)
        buf_add(out, "0.0000", (size_t)(1 - exponent));
    int front = exponent < 0 ? 0 : exponent + 1;
    buf_add(out, at, (size_t)(digits < front ? digits : front));
    if (digits < front)
        buf_add(out, "00000", (size_t)(front - digits));
    if (exponent >= 0 && digits > front)
        buf_char(out, '.');
    if (digits > front)
        buf_add(out, at + front, (size_t)(digits - front));
    return true;
}

/* The fewest digits that give back an f32 from 1e-4 up to 1e6, as printf would write them, at a fraction of its time;
 * false for others and where double cannot tell. Every step but the last division is exact: the value has 24 bits, 5^12
 * has 28. */
static bool short_text(float value, struct buf *out)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    double size = fabs((double)value);
    int exponent = -4; /* of the first digit */
    if (!(size >= 1e-4 && size < 1e6))
        return false;
    while (size >= (exponent < -1 ? 1 / tens[-exponent - 1] : tens[exponent + 1]))
        exponent++;
    double scale = tens[8 - exponent], nine = size * scale; /* nine digits in front of the point */
    for (int digits = FLT_DIG; digits <= 9; digits++) {
        uint64_t step = (uint64_t)tens[9 - digits], whole = (uint64_t)nine, kept = whole / step;
        double rest = nine - (double)(kept * step), half = (double)step / 2;
        kept += rest > half || (rest == half && kept % 2);
        double back = (double)(kept * step) / scale;
        uint64_t bits;
        memcpy(&bits, &back, sizeof bits);
        if ((bits & 0x1fffffff) == 0x10000000) /* between two floats, as far as a double shows */
            return false;
        if ((float)back == (float)size)
            return put_digits(value < 0, kept, digits, exponent, out);
    }
    return false;
}

static void real_text(const struct tensor *t, size_t index, struct buf *out)
{
    char text[40];
    unsigned char back[8] = {0};
    uint64_t bits = bits_of(t, index), again;
    double value = tensor_at(t, index);
    if (t->dtype == DTYPE_F32 && short_text((float)value, out))
        return;
    if (isnan(value)) {
        if (bits == reals[t->dtype].nan)
            buf_text(out, "nan");
        else
            buf_printf(out, "nan:%" PRIx64, bits);
        return;
    }
    int digits = 1; /* those that every normal number has; fewer show as such, since %g writes no zeros behind them */
    if (t->dtype == DTYPE_F64 && fabs(value) >= DBL_MIN)
        digits = DBL_DIG;
    if (t->dtype == DTYPE_F32 && fabs(value) >= FLT_MIN)
        digits = FLT_DIG;
    for (;; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (digits >= reals[t->dtype].digits)
            break;
        if (element_parse(t->dtype, text, back)) {
            memcpy(&again, back, sizeof again);
            if (again == bits)
                break;
        }
    }
    buf_text(out, text);
}

void element_text(const struct tensor *t, size_t index, struct buf *out)
{
    if (dtype_is_real(t->dtype))
        real_text(t, index, out);
    else if (t->dtype == DTYPE_U64)
        buf_printf(out, "%" PRIu64, bits_of(t, index));
    else if (t->dtype == DTYPE_I64)
        buf_printf(out, "%" PRId64, (int64_t)bits_of(t, index));
    else
        buf_printf(out, "%.0f", tensor_at(t, index));
}

static bool parse_nan(enum dtype dtype, const char *word, unsigned char *bytes)
{
    char *end;
    if (!isxdigit((unsigned char)word[4]))
        return false;
    errno = 0;
    uint64_t bits = strtoull(word + 4, &end, 16);
    size_t size = dtype_size(dtype);
    if (*end || errno || (size < 8 && bits >> 8 * size))
        return false;
    struct tensor t = {.dtype = dtype, .data = bytes};
    memcpy(bytes, &bits, size);
    return isnan(tensor_at(&t, 0));
}

static bool parse_real(enum dtype dtype, const char *word, unsigned char *bytes)
{
    char *end;
    const char *plain = *word == '-' ? word + 1 : word;
    bool infinite = !strcmp(plain, "inf");
    struct tensor t = {.dtype = dtype, .data = bytes};
    if (!strcmp(word, "nan")) {
        memcpy(bytes, &reals[dtype].nan, dtype_size(dtype));
        return true;
    }
    if (!strncmp(word, "nan:", 4))
        return parse_nan(dtype, word, bytes);
    if (!infinite && (!*plain || plain[strspn(plain, "0123456789.eE+-")]))
        return false;
    if (dtype == DTYPE_F32) { /* by way of double it would be rounded twice */
        float value = strtof(word, &end);
        memcpy(bytes, &value, sizeof value);
    } else {
        tensor_put(&t, 0, strtod(word, &end));
    }
    return !*end && end != word && (isinf(tensor_at(&t, 0)) != 0) == infinite;
}

bool element_parse(enum dtype dtype, const char *word, unsigned char *bytes)
{
    static const int64_t low[DTYPE_COUNT] =
        {[DTYPE_I8] = INT8_MIN, [DTYPE_I16] = INT16_MIN, [DTYPE_I32] = INT32_MIN, [DTYPE_I64] = INT64_MIN};
    static const uint64_t high[DTYPE_COUNT] = {
        [DTYPE_BOOL] = 1,        [DTYPE_U8] = UINT8_MAX,   [DTYPE_I8] = INT8_MAX,   [DTYPE_U16] = UINT16_MAX,
        [DTYPE_I16] = INT16_MAX, [DTYPE_U32] = UINT32_MAX, [DTYPE_I32] = INT32_MAX, [DTYPE_U64] = UINT64_MAX,
        [DTYPE_I64] = INT64_MAX, [DTYPE_UTF8] = UINT8_MAX,
    };
    if (dtype_is_real(dtype))
        return parse_real(dtype, word, bytes);
    bool negative = *word == '-';
    const char *digits = word + negative;
    char *end;
    if (!isdigit((unsigned char)*digits))
        return false;
    errno = 0;
    uint64_t size = strtoull(digits, &end, 10), value = negative ? 0 - size : size;
    if (*end || errno || size > (negative ? 0 - (uint64_t)low[dtype] : high[dtype]))
        return false;
    memcpy(bytes, &value, dtype_size(dtype));
    return true;
}

void string_put(const char *bytes, size_t length, struct buf *out)
{
    static const char named[] = "\n\t\r\"\\", names[] = "ntr\"\\";
    buf_char(out, '"');
    for (size_t n; length; bytes += n, length -= n) {
        const char *which = *bytes ? strchr(named, *bytes) : NULL;
        n = utf8_length(bytes, length);
        bool control = (unsigned char)*bytes < 0x20 || *bytes == 0x7f ||
                       (n == 2 && *bytes == '\xc2' && (unsigned char)bytes[1] < 0xa0); /* U+0080 .. U+009F too */
        if (which) {
            buf_printf(out, "\\%c", names[which - named]);
        } else if (n && !control) {
            buf_add(out, bytes, n);
        } else {
            buf_printf(out, "\\x%02x", (unsigned char)*bytes);
            n = 1;
        }
    }
    buf_char(out, '"');
}

static bool is_plain(const char *bytes, size_t length)
{
    bool plain = utf8_plain(bytes, length);
    for (size_t i = 0; plain && i < length; i++)
        plain = !strchr(" \"#\\", bytes[i]) && bytes[i] != '\xc2';
    return plain;
}

void word_put(const char *bytes, size_t length, struct buf *out)
{
    if (length && is_plain(bytes, length))
        buf_add(out, bytes, length);
    else
        string_put(bytes, length, out);
}

void meta_words(const struct meta *m, struct buf *out)
{
    struct buf lines = {0};
    meta_encode(m, &lines);
    for (size_t at = 0; at < lines.len;) {
        const char *line = lines.data + at;
        size_t n = strcspn(line, "\n"), key = strcspn(line, "=") + 1;
        buf_char(out, ' ');
        if (is_plain(line, n)) {
            buf_add(out, line, n);
        } else if (is_plain(line, key)) { /* key="a value" */
            buf_add(out, line, key);
            string_put(line + key, n - key, out);
        } else {
            string_put(line, n, out);
        }
        at += n + 1;
    }
    buf_free(&lines);
}
