#include "data/text_break.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/ucptrie.h>
#include <unicode/ures.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "data/text_ascii.h"
#include "data/text_block.h"
#include "data/text_icu.h"
#include "data/text_white.h"

/* ---- ICU's compiled rules: a header, and behind it what its offsets lead to (format 6) ---- */

enum { RULES_MAGIC = 0xb1a0, RULES_FORMAT = 6 };

struct rules {
    uint32_t magic;
    uint8_t format[4];
    uint32_t length;
    uint32_t n_categories;
    uint32_t forward, forward_length, backward, backward_length; /* tables of states */
    uint32_t trie, trie_length;                                  /* code point to category */
};

/* A row: does the text match when the state is reached (0 no, 1 yes, else up to where look[] of that number has been
 * set), the number under which this place is remembered (above 1), a kind of word that is not asked for here, and for
 * each category the next state. */
enum { ROW_ACCEPTS, ROW_LOOK, ROW_KIND, ROW_NEXT };

struct table {
    uint32_t n_states, row_length;
    uint32_t dictionary; /* from this category on characters may be divided by dictionary */
    uint32_t n_looks;
    uint32_t flags;
    uint8_t rows[];
};
enum { TABLE_BEGIN = 2, TABLE_BYTES = 4 }; /* flags: the start of text is a category; entries are of one byte */

enum { STOP, START };                    /* states */
enum { END_OF_TEXT = 1, START_OF_TEXT }; /* categories that no character has */
enum { MAX_STATES = 256, MAX_LOOKS = 16 };

struct state {
    uint8_t accepts, look;
    bool letters;       /* letters lead from here to here, and match */
    uint8_t ascii[128]; /* the next state by character */
    uint8_t next[256];  /* and by category */
};

enum { CHINESE = 1, OTHER = 2 }; /* dictionaries: that of Chinese and Japanese; those of other scripts */

/* The rules as they are run. */
struct automaton {
    struct state *states;
    UCPTrie *trie;
    const struct state *start;
    const struct state *letters; /* behind a letter; NULL where letters differ */
    bool apart;                  /* every character of ASCII but CR is a segment before any other */
    /* by category of characters: may they be divided by dictionary? do they begin a segment, whatever stands before,
     * and end one, whatever stands behind? */
    uint8_t dictionaries[256];
    bool opens[256], closes[256];
};

struct text_break {
    UBreakIterator *icu;
    UText view; /* what `icu` looks at */
    uint8_t *rules;
    struct automaton by_table;
    bool tables; /* are there any, and are they to be used? */
    bool blocks; /* words in ASCII by bits */
    const char *text;
    size_t length, at;
    bool keep_white;
    unsigned short_blocks; /* segments that had better not be looked for by bits */
    bool inside;           /* `icu` looks at the text from `base` on, */
    size_t base;
    bool in_units; /* as UTF-16, which is `wide`; and where its units begin, in bytes from `base` on */
    struct buf wide, offsets;
};

/* ---- Making the automaton ---- */

static bool within(uint64_t offset, uint64_t length, const struct rules *r)
{
    return offset % 4 == 0 && offset >= sizeof *r && offset + length <= r->length;
}

/* The table of a form that is run here, else NULL. */
static const struct table *known_table(const uint8_t *rules, size_t length)
{
    const struct rules *r = (const struct rules *)rules;
    if (length < sizeof *r || r->magic != RULES_MAGIC || r->format[0] != RULES_FORMAT || r->length > length ||
        r->n_categories > 256 || !within(r->forward, sizeof(struct table), r) || !within(r->trie, r->trie_length, r))
        return NULL;
    const struct table *t = (const struct table *)(rules + r->forward);
    bool known = t->flags & TABLE_BYTES && t->n_states > START && t->n_states <= MAX_STATES &&
                 t->n_looks <= MAX_LOOKS && t->row_length >= ROW_NEXT + r->n_categories &&
                 within(r->forward, sizeof *t + (uint64_t)t->n_states * t->row_length, r);
    for (uint32_t i = 0; known && i < t->n_states * t->row_length; i++) {
        uint32_t column = i % t->row_length;
        uint32_t limit = column == ROW_KIND ? 256 : column < ROW_NEXT ? MAX_LOOKS : t->n_states;
        known = t->rows[i] < limit || column >= ROW_NEXT + r->n_categories;
    }
    return known ? t : NULL;
}

static void make_states(struct automaton *a, const struct table *t, uint32_t n_categories)
{
    a->states = mem_get(t->n_states, sizeof *a->states);
    for (uint32_t i = 0; i < t->n_states; i++) {
        struct state *s = &a->states[i];
        const uint8_t *row = t->rows + i * t->row_length;
        s->accepts = row[ROW_ACCEPTS];
        s->look = row[ROW_LOOK];
        memcpy(s->next, row + ROW_NEXT, n_categories);
        for (UChar32 c = 0; c < 128; c++)
            s->ascii[c] = s->next[ucptrie_get(a->trie, c) & 0xff];
        s->letters = i != STOP && s->accepts == 1 && s->look <= 1;
        for (UChar32 c = 0; c < 128; c++)
            s->letters = s->letters && (!ascii_letter((char)c) || s->ascii[c] == i);
    }
    a->start = &a->states[t->flags & TABLE_BEGIN ? a->states[START].next[START_OF_TEXT] : START];
    const struct state *letters = &a->states[a->start->ascii['a']];
    a->letters = letters->letters && letters->next[END_OF_TEXT] == STOP ? letters : NULL;
    for (UChar32 c = 0; c < 128; c++)
        if (ascii_letter((char)c) && &a->states[a->start->ascii[c]] != letters)
            a->letters = NULL;
    a->apart = true;
    for (int c = 0; c < 128 * 128; c++) {
        const struct state *s = &a->states[a->start->ascii[c & 127]];
        if ((c & 127) != '\r' && (s->accepts != 1 || s->ascii[c >> 7] != STOP))
            a->apart = false;
    }
}

/* Has ICU no dictionary for Hangul? Its rules leave room for one. */
static bool hangul_is_plain(void)
{
    UErrorCode code = U_ZERO_ERROR, missing = U_ZERO_ERROR;
    int32_t length;
    UResourceBundle *root = ures_open(U_ICUDATA_NAME "-brkitr", "root", &code);
    UResourceBundle *dictionaries = ures_getByKey(root, "dictionaries", NULL, &code);
    if (U_SUCCESS(code))
        ures_getStringByKey(dictionaries, "Hang", &length, &missing);
    ures_close(dictionaries);
    ures_close(root);
    return U_SUCCESS(code) && missing == U_MISSING_RESOURCE_ERROR;
}

static void make_categories(struct automaton *a, const struct table *t, uint32_t n_categories)
{
    static const UChar32 chinese[] = {0x4e00, 0x3042, 0x30a2};
    for (uint32_t i = t->dictionary; i < n_categories; i++)
        a->dictionaries[i] = OTHER;
    for (uint32_t i = 0; i < n_categories; i++) {
        const struct state *s = &a->states[a->start->next[i]];
        a->opens[i] = a->closes[i] = s->accepts == 1;
        for (uint32_t j = 0; j < t->n_states; j++)
            a->opens[i] = a->opens[i] && (&a->states[j] == a->start || j == START || a->states[j].next[i] == STOP);
        for (uint32_t j = 0; j < n_categories; j++)
            a->closes[i] = a->closes[i] && s->next[j] == STOP;
    }
    for (size_t i = 0; i < sizeof chinese / sizeof *chinese; i++) {
        uint8_t *dictionary = &a->dictionaries[ucptrie_get(a->trie, chinese[i]) & 0xff];
        *dictionary = *dictionary ? CHINESE : 0;
    }
    if (hangul_is_plain())
        a->dictionaries[ucptrie_get(a->trie, 0xac00) & 0xff] = 0;
}

/* Leaves b->tables false where the rules are of a form that is not known here. */
static void make_automaton(struct text_break *b, UErrorCode *code)
{
    UErrorCode room = U_ZERO_ERROR;
    int32_t length = ubrk_getBinaryRules(b->icu, NULL, 0, &room);
    if (U_FAILURE(*code) || U_FAILURE(room) || length <= 0)
        return;
    b->rules = mem_get((size_t)length, 1);
    ubrk_getBinaryRules(b->icu, b->rules, length, code);
    const struct table *t = U_FAILURE(*code) ? NULL : known_table(b->rules, (size_t)length);
    if (!t)
        return;
    const struct rules *r = (const struct rules *)b->rules;
    struct automaton *a = &b->by_table;
    a->trie = ucptrie_openFromBinary(UCPTRIE_TYPE_FAST, UCPTRIE_VALUE_BITS_8, b->rules + r->trie,
                                     (int32_t)r->trie_length, NULL, &room);
    if (U_FAILURE(room))
        return;
    make_states(a, t, r->n_categories);
    make_categories(a, t, r->n_categories);
    b->tables = a->start > a->states;
}

/* ---- Running it ---- */

/* The category of the character at text[*at], which is not ASCII; *at moves behind it. */
static inline uint32_t category_of(const struct automaton *a, const char *text, size_t length, size_t *at)
{
    const uint8_t *next = (const uint8_t *)text + *at, *limit = (const uint8_t *)text + length;
    uint32_t category;
    UCPTRIE_FAST_U8_NEXT(a->trie, UCPTRIE_8, next, limit, category);
    *at = (size_t)(next - (const uint8_t *)text);
    return category;
}

/* The end of the segment that begins at byte `at`. Sets in *divide the dictionaries of its characters and of the one
 * behind it. */
static size_t segment_end(const struct automaton *a, const char *text, size_t length, size_t at, unsigned *divide)
{
    size_t look[MAX_LOOKS] = {0}, i = at, end = at;
    const struct state *s = a->start;
    for (bool more = true; more && s != a->states;) {
        more = i < length;
        if (more && (unsigned char)text[i] < 0x80) {
            s = &a->states[s->ascii[(unsigned char)text[i++]]];
        } else {
            uint32_t category = more ? category_of(a, text, length, &i) : END_OF_TEXT;
            *divide |= a->dictionaries[category];
            s = &a->states[s->next[category]];
        }
        if (s->accepts > 1 && look[s->accepts])
            return look[s->accepts];
        if (s->letters)
            i += ascii_letters(text + i, length - i);
        if (s->accepts == 1)
            end = i;
        look[s->look] = i;
    }
    return end > at ? end : at + utf8_length(text + at, length - at);
}

/* A character beyond ASCII that has been looked up. */
struct character {
    size_t at, end;
    uint32_t category;
};

static struct character character_at(const struct automaton *a, const char *text, size_t length, size_t at)
{
    struct character c = {.at = at, .end = at};
    c.category = category_of(a, text, length, &c.end);
    return c;
}

/* The end of a segment at byte `at` that is one character, by what follows right behind it; 0 when that decides
 * nothing. *next: the character at hand, where it is not ASCII; then, maybe, the one behind it. */
static inline size_t character_end(const struct automaton *a, const char *text, size_t length, size_t at,
                                   struct character *next)
{
    const struct state *s;
    if ((unsigned char)text[at] < 0x80) {
        s = &a->states[a->start->ascii[(unsigned char)text[at]]];
        at++;
    } else {
        s = &a->states[a->start->next[next->category]];
        at = next->end;
    }
    if (s->accepts != 1 || at == length)
        return 0;
    if ((unsigned char)text[at] < 0x80)
        return s->ascii[(unsigned char)text[at]] == STOP ? at : 0;
    struct character behind = character_at(a, text, length, at);
    if (s->next[behind.category] != STOP)
        return 0;
    *next = behind;
    return at;
}

/* Does it begin a word like a letter of ASCII, and is not divided by dictionary? */
static bool is_letter(const struct automaton *a, uint32_t category)
{
    return &a->states[a->start->next[category]] == a->letters && !a->dictionaries[category];
}

/* The end of a segment of letters, the first of which has been seen to be one; 0 when what follows may belong to it. */
static inline size_t letters_end(const struct automaton *a, const char *text, size_t length, size_t at)
{
    const struct state *letters = a->letters;
    for (;;) {
        if ((unsigned char)text[at] < 0x80)
            at += ascii_letters(text + at, length - at);
        if (at == length)
            return at;
        if ((unsigned char)text[at] < 0x80)
            return letters->ascii[(unsigned char)text[at]] == STOP ? at : 0;
        uint32_t category = category_of(a, text, length, &at);
        if (&a->states[letters->next[category]] != letters || a->dictionaries[category])
            return 0;
    }
}

/* The end of a segment that is letters or one character; 0: it may be another. */
static inline size_t simple_end(const struct automaton *a, const char *text, size_t length, size_t at,
                                struct character *next)
{
    if (a->letters && ascii_letter(text[at]))
        return letters_end(a, text, length, at);
    if ((unsigned char)text[at] >= 0x80 && next->at != at)
        *next = character_at(a, text, length, at);
    if (a->letters && next->at == at && is_letter(a, next->category))
        return letters_end(a, text, length, next->end);
    return character_end(a, text, length, at, next);
}

/* Has `icu` look at the text from b->at to byte `end`. */
static int look_inside(struct text_break *b, size_t end, struct err *e)
{
    UErrorCode code = U_ZERO_ERROR;
    utext_openUTF8(&b->view, b->text + b->at, (int64_t)(end - b->at), &code);
    ubrk_setUText(b->icu, &b->view, &code);
    b->inside = true;
    b->in_units = false;
    b->base = b->at;
    return U_FAILURE(code) ? text_icu_failed(code, e) : 0;
}

/* The same by UTF-16, of which ICU needs no copy, and beyond `end` as long as there is more Chinese, up to where a
 * segment surely ends. In Chinese and Japanese ICU finds the same words so; in Lao and others the shortest run that is
 * divided is so many bytes or units. */
static int look_inside_chinese(struct text_break *b, size_t end, struct err *e)
{
    enum { MOST = 8192, BETWEEN = 16 };
    const struct automaton *a = &b->by_table;
    const uint8_t *text = (const uint8_t *)b->text;
    size_t most = b->length - b->at < MOST ? b->length : b->at + MOST, at = b->at, last = at;
    most = most < end ? end : most;
    UErrorCode code = U_ZERO_ERROR;
    int32_t n = 0, sure = 0;
    buf_clear(&b->wide);
    UChar *wide = (UChar *)buf_room(&b->wide, (most - at + 4) * sizeof *wide);
    uint32_t *offsets = (uint32_t *)buf_room(&b->offsets, (most - at + 4) * sizeof *offsets);
    while (at < most && (at < end || at - last < BETWEEN)) {
        UChar32 c;
        size_t start = at;
        U8_NEXT_UNSAFE(text, at, c);
        uint8_t category = c < 0x10000 ? UCPTRIE_FAST_BMP_GET(a->trie, UCPTRIE_8, c) : (uint8_t)ucptrie_get(a->trie, c);
        if (a->dictionaries[category] == OTHER)
            break;
        if (start > end && a->opens[category])
            sure = n;
        if (a->dictionaries[category])
            last = at;
        offsets[n] = (uint32_t)(start - b->at);
        U16_APPEND_UNSAFE(wide, n, c);
        offsets[n] = (uint32_t)(at - b->at);
        if (at == end || (at > end && (at == b->length || a->closes[category])))
            sure = n;
    }
    utext_openUChars(&b->view, wide, sure, &code);
    ubrk_setUText(b->icu, &b->view, &code);
    b->inside = b->in_units = true;
    b->base = b->at;
    return U_FAILURE(code) ? text_icu_failed(code, e) : 0;
}

int text_break_start(struct text_break *b, const char *text, size_t length, bool keep_white, struct err *e)
{
    b->text = text;
    b->length = length;
    b->keep_white = keep_white;
    b->at = 0;
    b->short_blocks = 0;
    b->inside = false;
    return length && !b->tables ? look_inside(b, length, e) : 0;
}

/* The segment from b->at to `end` goes to *to, unless it is to be left out. Returns how many were added. */
static size_t add_segment(struct text_break *b, size_t end, struct text_segment *to)
{
    size_t start = b->at;
    b->at = end;
    if (!b->keep_white && text_white_byte[(unsigned char)b->text[start]] != TEXT_PLAIN &&
        text_all_white(b->text + start, end - start))
        return 0;
    *to = (struct text_segment){(uint32_t)start, (uint32_t)end};
    return 1;
}

/* Segments by bits, at most TEXT_BLOCK. Returns how many were added; the text goes on where b->at is then. */
static size_t by_block(struct text_break *b, struct text_segment *to)
{
    size_t n = 0;
#if TEXT_BLOCKS
    struct text_block block = text_block_read(b->text + b->at);
    size_t left = b->length - b->at;
    uint64_t ends = text_block_ends(&block, left);
    uint32_t at = (uint32_t)b->at, last = ends ? 63 - (uint32_t)__builtin_clzll(ends) : 0;
    uint64_t white = b->keep_white ? 0 : block.white, starts = ((ends ^ (uint64_t)1 << last) | 1) & ~white;
    if (last < TEXT_BLOCK / 2 && last < left)
        b->short_blocks = 8;
    for (ends &= ~(white << 1); ends; starts &= starts - 1, ends &= ends - 1)
        to[n++] = (struct text_segment){at + (uint32_t)__builtin_ctzll(starts), at + (uint32_t)__builtin_ctzll(ends)};
    b->at += last;
#else
    (void)to;
#endif
    return n;
}

/* Characters of ASCII, up to the last of them, and all segments. Returns how many were added. */
static size_t by_byte(struct text_break *b, struct text_segment *to, size_t room)
{
    const char *text = b->text + b->at;
    size_t n = 0, run = ascii_run(text, b->length - b->at < room ? b->length - b->at : room);
    for (uint32_t at = (uint32_t)b->at; n + 1 < run && text[n] != '\r'; n++)
        to[n] = (struct text_segment){at + (uint32_t)n, at + (uint32_t)n + 1};
    b->at += n;
    return n;
}

/* The next segments by table, up to one that ICU has to look into, which ends at *run; 0: none. */
static size_t by_table(struct text_break *b, struct text_segment *to, size_t room, size_t *run, unsigned *divide)
{
    const struct automaton *a = &b->by_table;
    const char *text = b->text;
    struct character next = {.at = SIZE_MAX};
    size_t n = 0, length = b->length;
    *run = 0;
    while (n < room && b->at < length) {
        size_t at = b->at;
        if (b->blocks && room - n >= TEXT_BLOCK) {
            if (!b->short_blocks) {
                n += by_block(b, to + n);
                if (b->at > at)
                    continue;
            } else {
                b->short_blocks--;
            }
        }
        if (a->apart && b->keep_white && (unsigned char)text[at] < 0x80) {
            n += by_byte(b, to + n, room - n);
            at = b->at;
        }
        *divide = 0;
        size_t end = simple_end(a, text, length, at, &next);
        if (!end)
            end = segment_end(a, text, length, at, divide);
        if (*divide && utf8_length(text + at, end - at) < end - at) {
            *run = end;
            break;
        }
        n += add_segment(b, end, to + n);
    }
    return n;
}

/* The same by ICU, up to the end of what it looks at. */
static size_t by_icu(struct text_break *b, struct text_segment *to, size_t room)
{
    size_t n = 0;
    while (n < room) {
        int32_t end = ubrk_next(b->icu);
        if (end == UBRK_DONE) {
            b->inside = false;
            break;
        }
        n += add_segment(b, b->base + (b->in_units ? ((const uint32_t *)b->offsets.data)[end] : (uint32_t)end), to + n);
    }
    return n;
}

long text_break_next(struct text_break *b, struct text_segment *segments, size_t room, struct err *e)
{
    size_t n = 0, run;
    unsigned divide;
    while (n < room && (b->at < b->length || b->inside)) {
        if (b->inside) {
            n += by_icu(b, segments + n, room - n);
            continue;
        }
        n += by_table(b, segments + n, room - n, &run, &divide);
        if (run && (divide == CHINESE ? look_inside_chinese(b, run, e) : look_inside(b, run, e)) < 0)
            return -1;
    }
    return (long)n;
}

/* Does text_block find the same words as the tables? Asked of a text that is mostly what its rules tell apart. */
static bool blocks_agree(struct text_break *b)
{
    enum { LENGTH = 100, TIMES = 100 };
    static const char some[] = "aZ@09__..'',,;;:   \t-";
    struct text_segment found[2][LENGTH + TEXT_BLOCK];
    char text[LENGTH + TEXT_BLOCK] = {0};
    struct rng rng = rng_seed(29);
    struct err e = {0};
    bool same = true;
    for (int times = 0; same && times < TIMES; times++) {
        long n[2];
        for (int i = 0; i < LENGTH; i++)
            text[i] = rng_below(&rng, 4) ? some[rng_below(&rng, sizeof some - 1)] : (char)rng_below(&rng, 128);
        for (int blocks = 0; blocks < 2; blocks++) {
            b->blocks = blocks;
            text_break_start(b, text, LENGTH, true, &e);
            n[blocks] = text_break_next(b, found[blocks], LENGTH + TEXT_BLOCK, &e);
        }
        same = n[0] == n[1] && !memcmp(found[0], found[1], (size_t)n[0] * sizeof **found);
    }
    return same;
}

struct text_break *text_break_open(enum text_break_what what, struct err *e)
{
    static const UBreakIteratorType types[] =
        {[TEXT_BREAK_WORDS] = UBRK_WORD, [TEXT_BREAK_CHARACTERS] = UBRK_CHARACTER};
    UErrorCode code = U_ZERO_ERROR;
    struct text_break *b = mem_get(1, sizeof *b);
    *b = (struct text_break){.view = UTEXT_INITIALIZER};
    b->icu = ubrk_open(types[what], "", NULL, 0, &code); /* "": no locale's rules */
    make_automaton(b, &code);
    b->blocks = TEXT_BLOCKS && what == TEXT_BREAK_WORDS && b->tables && blocks_agree(b);
    if (U_FAILURE(code)) {
        text_icu_failed(code, e);
        text_break_close(b);
        return NULL;
    }
    return b;
}

void text_break_by_icu(struct text_break *b)
{
    b->tables = b->blocks = false;
}

enum text_break_way text_break_way(const struct text_break *b)
{
    return b->blocks ? TEXT_BREAK_BY_BITS : b->tables ? TEXT_BREAK_BY_TABLE : TEXT_BREAK_BY_ICU;
}

void text_break_close(struct text_break *b)
{
    if (!b)
        return;
    if (b->icu)
        ubrk_close(b->icu);
    utext_close(&b->view);
    ucptrie_close(b->by_table.trie);
    free(b->by_table.states);
    free(b->rules);
    buf_free(&b->wide);
    buf_free(&b->offsets);
    free(b);
}
