#include "data/text_split.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/text_block.h"
#include "data/text_break.h"
#include "data/text_fold.h"
#include "data/text_icu.h"
#include "data/text_level.h"
#include "data/text_white.h"

struct text_split {
    struct text_options options;
    struct text_receiver to;
    bool tabs;
    size_t window_size;
    struct buf window; /* text not yet folded */
    struct buf text;   /* folded, the unfinished word of the window before in front */
    bool trace;        /* what is folded must lead back to what was written */
    struct buf written, origins;
    struct text_fold *fold;
    struct text_word words[64]; /* tokens to be handed on */
    size_t n_words;
    char bytes[256][TEXT_BYTE_ROOM]; /* how bytes are spelt */
    struct text_break *breaks;       /* levels of words and characters */
    UBreakIterator *characters;      /* finds where a window may be cut */
    UText view;                      /* the text it looks at */
    uint64_t cuts;
};

/* Hands the tokens of a stretch without marks to the receiver. `whole`: it ends where tokens end; else what may go
 * on is left. Returns how many bytes were done, or -1. */
typedef long splitter(struct text_split *s, const char *text, size_t length, bool whole, struct err *e);
static splitter split_space, split_word, split_grapheme, split_byte, split_bpe;

#define SPLIT(constant, name, split, join, white) [TEXT_##constant] = split,
static splitter *const splitters[TEXT_N_LEVELS] = {TEXT_LEVELS(SPLIT)};

/* Where in s->written stands what became s->text from byte `at` on. */
static size_t origin(const struct text_split *s, size_t at)
{
    return at < s->text.len ? ((const uint32_t *)s->origins.data)[at] : s->written.len;
}

static int hand_on(struct text_split *s, struct err *e)
{
    size_t n = s->n_words;
    s->n_words = 0;
    return n ? s->to.tokens(s->to.context, s->words, n, e) : 0;
}

/* Adds a token; what was written of it stands in s->text like itself, or where it is traced to. (Field by field: a copy
 * of the whole would wait for what was just stored.) */
static inline int emit(struct text_split *s, const char *word, size_t length, bool trace, struct err *e)
{
    struct text_word *token = &s->words[s->n_words++];
    token->word = token->written = word;
    token->length = token->written_length = length;
    if (trace) {
        size_t at = (size_t)(word - s->text.data), start = origin(s, at);
        token->written = s->written.data + start;
        token->written_length = origin(s, at + length) - start;
    }
    return s->n_words < sizeof s->words / sizeof *s->words ? 0 : hand_on(s, e);
}

/* ---- Levels ---- */

const unsigned char text_white_byte[256] = {
    ['\t'] = TEXT_WHITE,       ['\n'] = TEXT_WHITE,       ['\v'] = TEXT_WHITE,       ['\f'] = TEXT_WHITE,
    ['\r'] = TEXT_WHITE,       [' '] = TEXT_WHITE,        [0xc2] = TEXT_MAYBE_WHITE, [0xe1] = TEXT_MAYBE_WHITE,
    [0xe2] = TEXT_MAYBE_WHITE, [0xe3] = TEXT_MAYBE_WHITE,
};

static long split_space(struct text_split *s, const char *text, size_t length, bool whole, struct err *e)
{
    size_t at = 0, n;
    for (;;) {
        while (at < length && (n = text_white(text + at, length - at)))
            at += n;
        size_t start = at;
        while (at < length &&
               (text_white_byte[(unsigned char)text[at]] == TEXT_PLAIN || !text_white(text + at, length - at)))
            at++;
        if (at == length && !whole)
            return (long)start;
        if (at == start)
            return (long)at;
        if (emit(s, text + start, at - start, s->trace, e) < 0)
            return -1;
    }
}

/* Whether segments are looked for in many lines at once: a line end is one by itself, but what follows a TAB may belong
 * to it. */
static bool many_lines(const struct text_split *s)
{
    return s->breaks && !s->tabs;
}

/* Hands on the marks of the line ends from *line on that stand before `end`; then the next one, or `length`, is
 * *line. */
static int mark_lines(struct text_split *s, const char *text, size_t length, size_t *line, size_t end, struct err *e)
{
    while (*line < end) {
        if (hand_on(s, e) < 0 || s->to.mark(s->to.context, '\n', e) < 0)
            return -1;
        size_t next = *line + 1;
        const char *found = memchr(text + next, '\n', length - next);
        *line = found ? (size_t)(found - text) : length;
    }
    return 0;
}

/* Hands on the segments of a text, and its line ends as marks. */
static long split_segments(struct text_split *s, const char *text, size_t length, bool keep_white, struct err *e)
{
    struct text_segment some[512];
    const char *found = memchr(text, '\n', length);
    size_t line = found ? (size_t)(found - text) : length;
    long n;
    if (text_break_start(s->breaks, text, length, keep_white, e) < 0)
        return -1;
    while ((n = text_break_next(s->breaks, some, sizeof some / sizeof *some, e)) > 0)
        for (long i = 0; i < n; i++) {
            size_t start = some[i].start, end = some[i].end;
            if (start > line && mark_lines(s, text, length, &line, start, e) < 0)
                return -1;
            end -= line < end; /* CR LF is one character */
            if (end > start && emit(s, text + start, end - start, s->trace, e) < 0)
                return -1;
        }
    return n < 0 || mark_lines(s, text, length, &line, length, e) < 0 ? -1 : (long)length;
}

/* The same where the text goes on: how a run is cut by dictionary depends on what follows, so that the end waits. */
static long split_sure(struct text_split *s, const char *text, size_t length, size_t sure, bool keep_white,
                       struct err *e)
{
    struct text_segment segment;
    size_t start = 0;
    long n;
    if (text_break_start(s->breaks, text, length, true, e) < 0)
        return -1;
    for (; (n = text_break_next(s->breaks, &segment, 1, e)) > 0 && segment.end <= sure; start = segment.end) {
        size_t bytes = segment.end - segment.start;
        bool drop = !keep_white && text_all_white(text + segment.start, bytes);
        if (!drop && emit(s, text + segment.start, bytes, s->trace, e) < 0)
            return -1;
    }
    return n < 0 ? -1 : (long)start;
}

static long split_words(struct text_split *s, const char *text, size_t length, bool whole, bool keep_white,
                        struct err *e)
{
    size_t wait = s->window_size / 8;
    return whole ? split_segments(s, text, length, keep_white, e)
                 : split_sure(s, text, length, length > wait ? length - wait : 0, keep_white, e);
}

static long split_word(struct text_split *s, const char *text, size_t length, bool whole, struct err *e)
{
    return split_words(s, text, length, whole, false, e);
}

static long split_bpe(struct text_split *s, const char *text, size_t length, bool whole, struct err *e)
{
    return split_words(s, text, length, whole, true, e);
}

static long split_grapheme(struct text_split *s, const char *text, size_t length, bool whole, struct err *e)
{
    (void)whole; /* a text is only ever cut between characters */
    return split_segments(s, text, length, true, e);
}

static long split_byte(struct text_split *s, const char *text, size_t length, bool whole, struct err *e)
{
    (void)whole;
    for (size_t i = 0; i < length; i++) {
        const char *spelt = s->bytes[(unsigned char)text[i]];
        size_t n = (unsigned char)text[i] < 0x80 ? 1 : strlen(spelt);
        if (emit(s, spelt, n, false, e) < 0)
            return -1;
    }
    return (long)length;
}

bool text_is_punctuation(const char *word, size_t length)
{
    for (size_t n; length; word += n, length -= n) {
        if (ascii_letter(*word))
            return false;
        n = utf8_length(word, length);
        if (!n || !(U_GET_GC_MASK((UChar32)utf8_decode(word, length)) & (U_GC_P_MASK | U_GC_S_MASK)))
            return false;
    }
    return true;
}

/* ---- Windows ---- */

/* Where the next mark stands that the level does not see itself, or the end. */
static size_t next_mark(const struct text_split *s, const char *text, size_t length)
{
    const char *line = many_lines(s) ? memrchr(text, '\n', length) : memchr(text, '\n', length);
    size_t n = line ? (size_t)(line - text) : length;
    const char *tab = s->tabs ? memchr(text, '\t', n) : NULL;
    return tab ? (size_t)(tab - text) : n;
}

/* Drops all but the last bytes of s->text. */
static void keep_last(struct text_split *s, size_t left)
{
    size_t gone = s->text.len - left;
    if (s->trace) {
        size_t start = origin(s, gone);
        uint32_t *origins = (uint32_t *)s->origins.data;
        for (size_t i = 0; i < left; i++)
            origins[i] = origins[gone + i] - (uint32_t)start;
        s->origins.len = left * sizeof *origins;
        s->written.len -= start;
        if (s->written.len)
            memmove(s->written.data, s->written.data + start, s->written.len);
    }
    if (left)
        memmove(s->text.data, s->text.data + gone, left);
    s->text.len = left;
}

/* Splits s->text, which ends where tokens end if `whole`; what is unfinished stays in it. */
static int split(struct text_split *s, bool whole, struct err *e)
{
    splitter *level = splitters[s->options.level];
    size_t at = 0, left = 0;
    memset(buf_room(&s->text, TEXT_BLOCK), 0, TEXT_BLOCK);
    while (at < s->text.len) {
        const char *text = s->text.data + at;
        size_t n = next_mark(s, text, s->text.len - at);
        bool marked = at + n < s->text.len;
        long done = level(s, text, n, whole || marked, e);
        if (done < 0 || hand_on(s, e) < 0 || (marked && s->to.mark(s->to.context, text[n], e) < 0))
            return -1;
        at += n + marked;
        left = marked ? 0 : n - (size_t)done;
    }
    if (left > s->window_size) { /* a word longer than the window */
        if (level(s, s->text.data + s->text.len - left, left, true, e) < 0 || hand_on(s, e) < 0)
            return -1;
        s->cuts += !text_all_white(s->text.data + s->text.len - left, left);
        left = 0;
    }
    keep_last(s, left);
    return 0;
}

/* The last place in the window that neither words nor characters nor normalization reach across: before ASCII white
 * space; before a blank only where it follows other ASCII (blanks stay together, and a few scripts have signs that hold
 * on to any next character but a control). 0 when there is none. */
static size_t white_cut(const struct buf *window)
{
    const unsigned char *b = (const unsigned char *)window->data;
    for (size_t at = window->len - 1; at > 0; at--)
        if (text_white_byte[b[at]] == TEXT_WHITE && (b[at] != ' ' || (b[at - 1] < 0x80 && b[at - 1] != ' ')))
            return at;
    return 0;
}

/* The start of the last character in the window as one sees it, whose end may not have come; where that character
 * alone fills half the window, the last code point. */
static int character_cut(struct text_split *s, size_t *cut, struct err *e)
{
    size_t end = s->window.len - 1;
    while (end > 0 && ((unsigned char)s->window.data[end] & 0xc0) == 0x80)
        end--; /* the last code point may be incomplete */
    UErrorCode code = U_ZERO_ERROR;
    utext_openUTF8(&s->view, s->window.data, (int64_t)end, &code);
    ubrk_setUText(s->characters, &s->view, &code);
    if (U_FAILURE(code))
        return text_icu_failed(code, e);
    int32_t found = ubrk_preceding(s->characters, (int32_t)end);
    *cut = end;
    if (found != UBRK_DONE && (size_t)found > s->window.len / 2)
        *cut = (size_t)found;
    else
        s->cuts++;
    return 0;
}

static int fold(struct text_split *s, size_t length, struct err *e)
{
    if (!s->trace)
        return text_fold(s->fold, s->window.data, length, &s->text, e);
    size_t base = s->written.len;
    buf_add(&s->written, s->window.data, length);
    return text_fold_traced(s->fold, s->window.data, length, &s->text, &s->origins, (uint32_t)base, e);
}

/* Folds and splits what the window holds, up to a place where it may be cut. */
static int flush(struct text_split *s, bool final, struct err *e)
{
    size_t cut = final ? s->window.len : white_cut(&s->window);
    bool whole = final || cut > 0;
    if (!whole && character_cut(s, &cut, e) < 0)
        return -1;
    if (fold(s, cut, e) < 0 || split(s, whole, e) < 0)
        return -1;
    s->window.len -= cut;
    if (s->window.len)
        memmove(s->window.data, s->window.data + cut, s->window.len);
    return 0;
}

int text_split_add(struct text_split *s, const char *text, size_t length, struct err *e)
{
    while (length) {
        size_t room = s->window_size - s->window.len, n = length < room ? length : room;
        buf_add(&s->window, text, n);
        text += n;
        length -= n;
        if (n == room && flush(s, false, e) < 0)
            return -1;
    }
    return 0;
}

int text_split_end(struct text_split *s, struct err *e)
{
    return flush(s, true, e);
}

/* ---- */

struct text_split *text_split_open(const struct text_options *o, bool tabs, bool written, size_t window,
                                   const struct text_receiver *to, struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    struct text_split *s = mem_get(1, sizeof *s);
    *s = (struct text_split){.options = *o,
                             .to = *to,
                             .tabs = tabs,
                             .trace = written && o->level != TEXT_BYTE && (o->lower || o->normalize != TEXT_AS_IS),
                             .window_size = window,
                             .view = UTEXT_INITIALIZER};
    for (int i = 0; i < 256; i++)
        text_byte_spell((unsigned char)i, s->bytes[i]);
    bool words = o->level == TEXT_WORD || o->level == TEXT_BPE, breaks = words || o->level == TEXT_GRAPHEME;
    s->breaks = breaks ? text_break_open(words ? TEXT_BREAK_WORDS : TEXT_BREAK_CHARACTERS, e) : NULL;
    s->characters = ubrk_open(UBRK_CHARACTER, "", NULL, 0, &code);
    s->fold = U_FAILURE(code) ? NULL : text_fold_open(o, e);
    if (U_FAILURE(code))
        text_icu_failed(code, e);
    if (!s->fold || (breaks && !s->breaks)) {
        text_split_close(s);
        return NULL;
    }
    return s;
}

uint64_t text_split_cuts(const struct text_split *s)
{
    return s->cuts;
}

void text_split_by_icu(struct text_split *s)
{
    if (s->breaks)
        text_break_by_icu(s->breaks);
    text_fold_by_icu(s->fold);
}

void text_split_close(struct text_split *s)
{
    if (!s)
        return;
    text_break_close(s->breaks);
    if (s->characters)
        ubrk_close(s->characters);
    utext_close(&s->view);
    text_fold_close(s->fold);
    buf_free(&s->window);
    buf_free(&s->text);
    buf_free(&s->written);
    buf_free(&s->origins);
    free(s);
}
