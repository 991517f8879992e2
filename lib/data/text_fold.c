#include "data/text_fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/mem.h"

struct text_fold {
    bool lower;
    const UNormalizer2 *normal; /* owned by ICU; NULL: leave as is */
    struct wide {
        UChar *text;
        int32_t length, room;
    } one, two; /* `one` holds the text between the steps */
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

int text_fold(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e)
{
    if (!f->lower && !f->normal) {
        buf_add(out, text, length);
        return 0;
    }
    while (length) { /* by lines, so that a single foreign word does not take the fast way from all the others */
        const char *end = memchr(text, '\n', length);
        size_t n = end ? (size_t)(end - text) + 1 : length;
        if (ascii(text, n) == n)
            fold_ascii(f, text, n, out);
        else if (fold_wide(f, text, n, out, e) < 0)
            return -1;
        text += n;
        length -= n;
    }
    return 0;
}

void text_fold_close(struct text_fold *f)
{
    if (!f)
        return;
    free(f->one.text);
    free(f->two.text);
    free(f);
}
