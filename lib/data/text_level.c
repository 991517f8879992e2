#include "data/text_level.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

typedef void joiner(struct text_join *join, const char *word, size_t length, struct buf *out);
static joiner join_spaced, join_words, join_plain, join_bytes;

#define NAME(constant, name, split, join, white)  [TEXT_##constant] = name,
#define WHITE(constant, name, split, join, white) [TEXT_##constant] = white,
#define JOIN(constant, name, split, join, white)  [TEXT_##constant] = join,
static const char *const names[TEXT_N_LEVELS] = {TEXT_LEVELS(NAME)};
const bool text_level_white[TEXT_N_LEVELS] = {TEXT_LEVELS(WHITE)};
static joiner *const joiners[TEXT_N_LEVELS] = {TEXT_LEVELS(JOIN)};

enum text_level text_level_of(const struct vocab *v)
{
    const char *level = meta_get(&v->meta, "tokenize.level");
    for (int i = 0; level && i < TEXT_N_LEVELS; i++)
        if (!strcmp(level, names[i]))
            return (enum text_level)i;
    return TEXT_SPACE;
}

/* ---- The space between two words, from the characters that meet there ---- */

struct range {
    uint32_t first, last;
};

static bool within(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

/* Scripts written without spaces, and the full-width punctuation that goes with them. */
static bool is_unspaced(uint32_t c)
{
    static const struct range ranges[] = {
        {0x0e00, 0x0eff},   /* Thai, Lao */
        {0x1000, 0x109f},   /* Myanmar */
        {0x1780, 0x17ff},   /* Khmer */
        {0x2e80, 0x312f},   /* radicals, CJK punctuation, kana, bopomofo */
        {0x31a0, 0x9fff},   /* strokes, enclosed, Han */
        {0xf900, 0xfaff},   /* Han, compatibility */
        {0xff00, 0xff9f},   /* full-width forms, half-width katakana */
        {0x20000, 0x3ffff}, /* Han, further planes */
    };
    return within(c, ranges, sizeof ranges / sizeof *ranges);
}

static bool is_one_of(uint32_t c, const char *ascii)
{
    return c && c < 0x80 && strchr(ascii, (int)c);
}

static bool clings_left(uint32_t c) /* no space before it */
{
    return is_one_of(c, ".,;:!?)]}%'-/_") || c == 0x2019 || c == 0x201d || c == 0xbb || c == 0x2026;
}

static bool clings_right(uint32_t c) /* no space behind it */
{
    return is_one_of(c, "([{-/_$#@") || c == 0x2018 || c == 0x201c || c == 0xab || c == 0xbf || c == 0xa1;
}

static uint32_t last_character(const char *word, size_t length)
{
    size_t at = length;
    while (at && ((unsigned char)word[--at] & 0xc0) == 0x80)
        ;
    return utf8_decode(word + at, length - at);
}

static void join_words(struct text_join *join, const char *word, size_t length, struct buf *out)
{
    uint32_t left = join->last, right = utf8_decode(word, length);
    bool closes = right == '"' && join->quoted, opened = left == '"' && join->quoted;
    if (left && left != '\n' && right != '\n' && !is_unspaced(left) && !is_unspaced(right) && !clings_right(left) &&
        !clings_left(right) && !closes && !opened)
        buf_char(out, ' ');
    if (right == '"' && length == 1)
        join->quoted = !join->quoted;
    if (right == '\n')
        join->quoted = false; /* a forgotten quote spoils one line at most */
    join->last = last_character(word, length);
    buf_add(out, word, length);
}

static void join_spaced(struct text_join *join, const char *word, size_t length, struct buf *out)
{
    uint32_t first = (unsigned char)word[0];
    if (join->last && join->last != '\n' && first != '\n')
        buf_char(out, ' ');
    join->last = first ? first : 1;
    buf_add(out, word, length);
}

static void join_plain(struct text_join *join, const char *word, size_t length, struct buf *out)
{
    (void)join;
    buf_add(out, word, length);
}

static void join_bytes(struct text_join *join, const char *word, size_t length, struct buf *out)
{
    int byte = text_byte(word, length);
    if (byte >= 0)
        buf_char(out, (char)byte);
    else
        join_plain(join, word, length, out);
}

void text_join_add(struct text_join *join, const char *word, size_t length, struct buf *out)
{
    if (length)
        joiners[join->level](join, word, length, out);
}

void text_join_id(struct text_join *join, const struct vocab *v, uint32_t id, struct buf *out)
{
    size_t length;
    if (id >= v->n || id == VOCAB_PAD || id == VOCAB_BEGIN || id == VOCAB_END)
        return;
    const char *word = vocab_word(v, id, &length);
    text_join_add(join, word, length, out);
}

/* ---- Bytes ---- */

size_t text_byte_spell(unsigned char byte, char spelt[TEXT_BYTE_ROOM])
{
    if (byte >= 0x80)
        return (size_t)snprintf(spelt, TEXT_BYTE_ROOM, "<0x%02X>", byte);
    spelt[0] = (char)byte;
    return 1;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int text_byte(const char *word, size_t length)
{
    if (length == 1)
        return (unsigned char)word[0];
    if (length != 6 || memcmp(word, "<0x", 3) || word[5] != '>' || digit(word[3]) < 0 || digit(word[4]) < 0)
        return -1;
    return 16 * digit(word[3]) + digit(word[4]);
}
