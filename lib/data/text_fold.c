#include "data/text_fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/text_ascii.h"
#include "data/text_icu.h"

/* What a character becomes whatever stands around it, and with --normalize its combining class above bit 24; BY_ICU
 * where it becomes several characters, or its neighbours or the quick check of normal forms (UAX #15, section 9) have a
 * say. */
enum { BLOCK = 64, N_BLOCKS = 0x110000 / BLOCK, CLASS_SHIFT = 24 };
#define BY_ICU UINT32_MAX
#define LETTER 0xffffffu

struct text_fold {
    bool lower;
    bool by_icu;                /* without tables */
    uint32_t **blocks;          /* by code point, made when they are first asked for */
    size_t reach;               /* how much goes to ICU at once */
    const UNormalizer2 *normal; /* owned by ICU; NULL: leave as is */
    struct wide {
        UChar *text;
        int32_t length, room;
    } one, two;       /* `one` holds the text between the steps */
    struct buf piece; /* a piece of a line, folded by itself */
};

struct text_fold *text_fold_open(const struct text_options *o, struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    struct text_fold *f = mem_get(1, sizeof *f);
    f->lower = o->lower;
    f->blocks = mem_get(N_BLOCKS, sizeof *f->blocks);
    if (o->normalize != TEXT_AS_IS)
        f->normal = o->normalize == TEXT_NFC ? unorm2_getNFCInstance(&code) : unorm2_getNFKCInstance(&code);
    if (U_FAILURE(code)) {
        text_icu_failed(code, e);
        text_fold_close(f);
        return NULL;
    }
    return f;
}

void text_fold_by_icu(struct text_fold *f)
{
    f->by_icu = true;
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
        return text_icu_failed(code, e);
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
        return text_icu_failed(code, e);
    if ((f->normal && !is_normal(f) && step(f, normalize, e) < 0) || (f->lower && step(f, small, e) < 0) ||
        (f->lower && f->normal && !is_normal(f) && step(f, normalize, e) < 0))
        return -1;
    char *at = buf_room(out, 3 * (size_t)f->one.length);
    u_strToUTF8(at, 3 * f->one.length, &bytes, f->one.text, f->one.length, &code);
    if (U_FAILURE(code))
        return text_icu_failed(code, e);
    out->len += (size_t)bytes;
    return 0;
}

/* ---- By table ---- */

/* The small letter of c, as ICU has it for c alone, behind and before a letter, which stand in *small like this: "C aC
 * Ca ". BY_ICU where these differ or are no single character. Moves *small behind. */
static uint32_t small_letter(const UChar *text, int32_t length, int32_t *small)
{
    UChar32 found[3][4];
    int n[3] = {0};
    for (int word = 0; word < 3 && *small < length;) {
        UChar32 c;
        U16_NEXT(text, *small, length, c);
        if (c == ' ')
            word++;
        else if (n[word] < 4)
            found[word][n[word]++] = c;
    }
    bool same = n[0] == 1 && n[1] == 2 && n[2] == 2 && found[1][0] == 'a' && found[2][1] == 'a' &&
                found[1][1] == found[0][0] && found[2][0] == found[0][0];
    return same ? (uint32_t)found[0][0] : BY_ICU;
}

static uint32_t with_class(const struct text_fold *f, UChar32 c, uint32_t becomes)
{
    if (!f->normal || becomes == BY_ICU)
        return becomes;
    UNormalizationCheckResult checks[2] = {UNORM_NO, UNORM_NO};
    UChar32 both[2] = {c, (UChar32)becomes};
    for (int i = 0; i < 2; i++) {
        UErrorCode code = U_ZERO_ERROR;
        UChar text[2];
        int32_t n = 0;
        U16_APPEND_UNSAFE(text, n, both[i]);
        checks[i] = unorm2_quickCheck(f->normal, text, n, &code);
        if (U_FAILURE(code) || checks[i] != UNORM_YES)
            return BY_ICU;
    }
    uint8_t class = unorm2_getCombiningClass(f->normal, c);
    return class == unorm2_getCombiningClass(f->normal, both[1]) ? becomes | (uint32_t) class << CLASS_SHIFT : BY_ICU;
}

/* Asks ICU for the block of a character. */
static uint32_t *make_block(const struct text_fold *f, uint32_t c)
{
    enum { ROOM = BLOCK * 24 };
    uint32_t *block = mem_get(BLOCK, sizeof *block), first = c - c % BLOCK;
    UChar text[ROOM], lower[ROOM];
    int32_t n = 0, at = 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
        for (int word = 0; word < 3; word++) {
            if (word == 1)
                text[n++] = 'a';
            U16_APPEND_UNSAFE(text, n, first + i);
            if (word == 2)
                text[n++] = 'a';
            text[n++] = ' ';
        }
    }
    UErrorCode code = U_ZERO_ERROR;
    int32_t length = f->lower ? u_strToLower(lower, ROOM, text, n, "", &code) : 0;
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t becomes = f->lower && U_SUCCESS(code) ? small_letter(lower, length, &at) : first + i;
        block[i] = U_FAILURE(code) ? BY_ICU : with_class(f, (UChar32)(first + i), becomes);
    }
    return block;
}

/* What a character becomes: an entry of its block. */
static inline uint32_t entry(struct text_fold *f, uint32_t c)
{
    uint32_t **block = &f->blocks[c / BLOCK];
    if (!*block)
        *block = make_block(f, c);
    return (*block)[c % BLOCK];
}

/* Folds what can be folded by table from the start on. Returns how many bytes these were. */
static size_t fold_known(struct text_fold *f, const char *text, size_t length, struct buf *out)
{
    const uint8_t *bytes = (const uint8_t *)text;
    uint8_t *to = (uint8_t *)buf_room(out, 2 * length); /* two bytes may become three */
    size_t i = 0, n = 0;
    uint32_t last = 0; /* combining class */
    while (i < length) {
        if (bytes[i] < 0x80) {
            char *place = (char *)to + n;
            size_t run = f->lower ? ascii_lower(place, text + i, length - i) : ascii_copy(place, text + i, length - i);
            i += run;
            n += run;
            last = 0;
            continue;
        }
        UChar32 c;
        size_t at = i;
        U8_NEXT_UNSAFE(bytes, i, c);
        uint32_t becomes = entry(f, (uint32_t)c), class = becomes >> CLASS_SHIFT;
        if (becomes == BY_ICU || (class && class < last)) {
            i = at;
            break;
        }
        last = class;
        becomes &= LETTER;
        U8_APPEND_UNSAFE(to, n, becomes);
    }
    out->len += n;
    return i;
}

static inline bool white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The last ASCII white space in a text, else its start. No folding reaches across white space, and none makes it or
 * takes it away. */
static size_t last_white(const char *text, size_t length)
{
    while (length && !white(text[length - 1]))
        length--;
    return length ? length - 1 : 0;
}

/* Folds the word around text[at] by ICU, more where such words stand close together; what was folded of it lies behind
 * out->data[first]. Returns where it ends, or -1. */
static long fold_around(struct text_fold *f, const char *text, size_t length, size_t at, size_t first, struct buf *out,
                        struct err *e)
{
    enum { CLOSE = 32, MOST = 4096 };
    size_t start = last_white(text, at), end = at + f->reach;
    f->reach = at < CLOSE ? 2 * f->reach + CLOSE : 0;
    f->reach = f->reach < MOST ? f->reach : MOST;
    while (end < length && !white(text[end]))
        end++;
    end = end < length ? end : length;
    out->len = first + last_white(out->data + first, out->len - first);
    return fold_wide(f, text + start, end - start, out, e) < 0 ? -1 : (long)end;
}

int text_fold(struct text_fold *f, const char *text, size_t length, struct buf *out, struct err *e)
{
    if (!f->lower && !f->normal) {
        buf_add(out, text, length);
        return 0;
    }
    f->reach = 0;
    while (length) {
        size_t first = out->len, n = f->by_icu ? 0 : fold_known(f, text, length, out);
        if (n < length) {
            long end = f->by_icu ? (fold_wide(f, text, length, out, e) < 0 ? -1 : (long)length)
                                 : fold_around(f, text, length, n, first, out, e);
            if (end < 0)
                return -1;
            n = (size_t)end;
        }
        text += n;
        length -= n;
    }
    return 0;
}

/* ---- Traced ---- */

/* Bytes up to and with the next line end. */
static size_t line_length(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    return end ? (size_t)(end - text) + 1 : length;
}

/* Bytes up to the next place that folding does not reach across. */
static size_t piece_length(const struct text_fold *f, const char *text, size_t length)
{
    size_t n = utf8_length(text, length);
    while (f->normal && n < length && (unsigned char)text[n] >= 0x80 &&
           !unorm2_hasBoundaryBefore(f->normal, (UChar32)utf8_decode(text + n, length - n)))
        n += utf8_length(text + n, length - n);
    return n;
}

/* Bytes that a piece becomes, folded by itself, or -1. */
static long piece_becomes(struct text_fold *f, const char *piece, size_t length, struct err *e)
{
    uint32_t c = utf8_decode(piece, length), becomes = c < 0x80 ? c : entry(f, c);
    if (utf8_length(piece, length) == length && becomes != BY_ICU)
        return U8_LENGTH(becomes & LETTER);
    buf_clear(&f->piece);
    return fold_wide(f, piece, length, &f->piece, e) < 0 ? -1 : (long)f->piece.len;
}

/* A piece that became `became` bytes and began at `at`: all but the first of them lead behind it. */
static void add_origins(struct buf *origins, uint32_t at, uint32_t end, size_t became)
{
    uint32_t *to = (uint32_t *)buf_room(origins, became * sizeof *to);
    for (size_t i = 0; i < became; i++)
        to[i] = i ? end : at;
    origins->len += became * sizeof *to;
}

/* Every byte leads to its own. */
static void add_ascii_origins(struct buf *origins, uint32_t at, size_t n)
{
    uint32_t *to = (uint32_t *)buf_room(origins, n * sizeof *to);
    for (size_t i = 0; i < n; i++)
        to[i] = at + (uint32_t)i;
    origins->len += n * sizeof *to;
}

/* The line as a whole became `became` bytes; folded piece by piece it must become as many. (A small sigma has two forms
 * by what stands around it, of the same length.) */
static int trace_line(struct text_fold *f, const char *line, size_t length, size_t became, struct buf *origins,
                      uint32_t base, struct err *e)
{
    size_t before = origins->len, sum = 0;
    for (size_t at = 0, n; at < length; at += n) {
        n = piece_length(f, line + at, length - at);
        long piece = piece_becomes(f, line + at, n, e);
        if (piece < 0)
            return -1;
        add_origins(origins, base + (uint32_t)at, base + (uint32_t)(at + n), (size_t)piece);
        sum += (size_t)piece;
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
        if (ascii_run(text, n) == n)
            add_ascii_origins(origins, base, n);
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
    for (size_t i = 0; i < N_BLOCKS; i++)
        free(f->blocks[i]);
    free(f->blocks);
    free(f);
}
