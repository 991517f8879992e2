#include "data/text_fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/mem.h"
#include "base/utf8.h"

struct text_fold {
    bool lower;
    const UNormalizer2 *normal; /* owned by ICU; NULL: leave as is */
    struct wide {
        UChar *text;
        int32_t length, room;
    } one, two;       /* `one` holds the text between the steps */
    struct buf piece; /* a piece of a line, folded by itself */
};

static int icu_failed(UErrorCode code, struct err *e)
{
    return err_fail(e, STATUS_FAILED, "ICU failed: %s (is its data installed?)", u_errorName(code));
}

struct text_fold *text_fold_open(const struct text_options *o, struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    struct text_fold *f = mem_get(1, sizeof *f);
    f->lower = o->lower;
    if (o->normalize != TEXT_AS_IS)
        f->normal = o->normalize == TEXT_NFC ? unorm2_getNFCInstance(&code) : unorm2_getNFKCInstance(&code);
    if (U_FAILURE(code)) {
        icu_failed(code, e);
        free(f);
        return NULL;
    }
    return f;
}

static void wide_room(struct wide *w, int32_t room)
{
    if (room > w->room) {
        w->text = mem_grow(w->text, (size_t)room, sizeof *w->text);
        w->room = room;
    }
}

static int32_t normalize(const struct text_fold *f, UErrorCode *code)
{
    return unorm2_normalize(f->normal, f->one.text, f->one.length, f->two.text, f->two.room, code);
}

static int32_t small(const struct text_fold *f, UErrorCode *code)
{
    return u_strToLower(f->two.text, f->two.room, f->one.text, f->one.length, "", code); /* "": no locale's rules */
}

/* One step from `one` through `two` back to `one`; ICU says how much room it needs. */
static int step(struct text_fold *f, int32_t (*work)(const struct text_fold *, UErrorCode *), struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    wide_room(&f->two, f->one.length + 16);
    int32_t length = work(f, &code);
    if (code == U_BUFFER_OVERFLOW_ERROR) {
        code = U_ZERO_ERROR;
        wide_room(&f->two, length + 16);
        length = work(f, &code);
    }
    if (U_FAILURE(code))
        return icu_failed(code, e);
    struct wide swap = f->one;
    f->one = f->two;
    f->two = swap;
    f->one.length = length;
    return 0;
}

static bool is_normal(const struct text_fold *f)
{
    UErrorCode code = U_ZERO_ERROR;
    return unorm2_quickCheck(f->normal, f->one.text, f->one.length, &code) == UNORM_YES && U_SUCCESS(code);
}

static int fold_wide(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    int32_t bytes;
    wide_room(&f->one, (int32_t)length + 16); /* a character is never longer in UTF-16 units than in bytes */
    u_strFromUTF8(f->one.text, f->one.room, &f->one.length, text, (int32_t)length, &code);
    if (U_FAILURE(code))
        return icu_failed(code, e);
    if ((f->normal && !is_normal(f) && step(f, normalize, e) < 0) || (f->lower && step(f, small, e) < 0) ||
        (f->lower && f->normal && !is_normal(f) && step(f, normalize, e) < 0))
        return -1;
    char *at = buf_room(out, 3 * (size_t)f->one.length);
    u_strToUTF8(at, 3 * f->one.length, &bytes, f->one.text, f->one.length, &code);
    if (U_FAILURE(code))
        return icu_failed(code, e);
    out->len += (size_t)bytes;
    return 0;
}

/* Bytes before the first that is not ASCII. */
static size_t ascii(const char *text, size_t length)
{
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof word <= length; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < length && (unsigned char)text[i] < 0x80)
        i++;
    return i;
}

/* ASCII is always normal, and its small letters are simple. */
static void fold_ascii(const struct text_fold *f, const char *text, size_t length, struct buf *out)
{
    char *at = buf_room(out, length);
    for (size_t i = 0; i < length; i++) {
        bool capital = f->lower && text[i] >= 'A' && text[i] <= 'Z';
        at[i] = (char)(text[i] + (capital ? 'a' - 'A' : 0));
    }
    out->len += length;
}

/* Bytes up to and with the next line end: folding goes by lines, so that a single foreign word does not take the fast
 * way from all the others. */
static size_t line_length(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    return end ? (size_t)(end - text) + 1 : length;
}

int text_fold(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e)
{
    if (!f->lower && !f->normal) {
        buf_add(out, text, length);
        return 0;
    }
    while (length) {
        size_t n = line_length(text, length);
        if (ascii(text, n) == n)
            fold_ascii(f, text, n, out);
        else if (fold_wide(f, text, n, out, e) < 0)
            return -1;
        text += n;
        length -= n;
    }
    return 0;
}

/* ---- Traced ---- */

/* Bytes up to the next place that folding does not reach across. */
static size_t piece_length(const struct text_fold *f, const char *text, size_t length)
{
    size_t n = utf8_length(text, length);
    while (f->normal && n < length && !unorm2_hasBoundaryBefore(f->normal, (UChar32)utf8_decode(text + n, length - n)))
        n += utf8_length(text + n, length - n);
    return n;
}

/* A piece that became `became` bytes and began at `at`: all but the first of them lead behind it. */
static void add_origins(struct buf *origins, uint32_t at, uint32_t end, size_t became)
{
    for (size_t i = 0; i < became; i++) {
        uint32_t origin = i ? end : at;
        buf_add(origins, &origin, sizeof origin);
    }
}

/* The line as a whole became `became` bytes; folded piece by piece it must become as many. (A small sigma has two forms
 * by what stands around it, of the same length.) */
static int trace_line(struct text_fold *f, const char *line, size_t length, size_t became, struct buf *origins,
                      uint32_t base, struct err *e)
{
    size_t before = origins->len, sum = 0;
    for (size_t at = 0, n; at < length; at += n) {
        n = piece_length(f, line + at, length - at);
        buf_clear(&f->piece);
        if (fold_wide(f, line + at, n, &f->piece, e) < 0)
            return -1;
        add_origins(origins, base + (uint32_t)at, base + (uint32_t)(at + n), f->piece.len);
        sum += f->piece.len;
    }
    if (sum != became) { /* one piece, then */
        origins->len = before;
        add_origins(origins, base, base + (uint32_t)length, became);
    }
    return 0;
}

int text_fold_traced(struct text_fold *f, const char *text, size_t length, struct buf *out, struct buf *origins,
                     uint32_t base, struct err *e)
{
    while (length) {
        size_t n = line_length(text, length), before = out->len;
        if (text_fold(f, text, n, out, e) < 0)
            return -1;
        if (ascii(text, n) == n)
            for (uint32_t i = 0; i < n; i++)
                add_origins(origins, base + i, base + i + 1, 1);
        else if (trace_line(f, text, n, out->len - before, origins, base, e) < 0)
            return -1;
        text += n;
        length -= n;
        base += (uint32_t)n;
    }
    return 0;
}

void text_fold_close(struct text_fold *f)
{
    if (!f)
        return;
    free(f->one.text);
    free(f->two.text);
    buf_free(&f->piece);
    free(f);
}
