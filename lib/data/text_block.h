/* text_block: words in ASCII, 64 bytes at a time, by bits.
 *
 * A bit stands for a byte, bit 0 for the first; a shift to the left brings what stands before a byte, a shift to the
 * right what stands behind it. The rules are those of UAX #29 as far as they concern ASCII, with '@' among the letters
 * as ICU has it; text_break.c makes sure that they are those of the ICU that is installed. */
#ifndef DATA_TEXT_BLOCK_H
#define DATA_TEXT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/text_ascii.h"

enum { TEXT_BLOCK = 64 };

#ifdef __SSE2__
#define TEXT_BLOCKS true

struct text_block {
    uint64_t letters, digits, word; /* `word`: both and '_' */
    uint64_t mid, mid_number;       /* what joins letters or digits; digits only */
    uint64_t space, white;          /* ' '; that and TAB, LF, VT, FF */
    uint64_t strange;               /* beyond ASCII, and CR, which may belong to an LF */
};

static inline uint64_t block_bits(__m128i bytes, int at)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(bytes) << at;
}

static inline struct text_block text_block_read(const char *text)
{
    struct text_block b = {0};
    for (int at = 0; at < TEXT_BLOCK; at += 16) {
#define IS(c) _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c))
        __m128i bytes = ascii_load(text + at), space = IS(' ');
        __m128i small = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i letters = _mm_or_si128(ascii_in(small, 'a', 26), IS('@')), digits = ascii_in(bytes, '0', 10);
        b.letters |= block_bits(letters, at);
        b.digits |= block_bits(digits, at);
        b.word |= block_bits(_mm_or_si128(_mm_or_si128(letters, digits), IS('_')), at);
        b.mid |= block_bits(_mm_or_si128(IS('.'), IS('\'')), at);
        b.mid_number |= block_bits(_mm_or_si128(IS(','), IS(';')), at);
        b.space |= block_bits(space, at);
        b.white |= block_bits(_mm_or_si128(space, ascii_in(bytes, '\t', 4)), at);
        b.strange |= block_bits(_mm_or_si128(bytes, IS('\r')), at);
#undef IS
    }
    return b;
}

/* Where segments end in the first `length` bytes, in bits 1 to 63: as far as the block can tell. */
static inline uint64_t text_block_ends(const struct text_block *b, size_t length)
{
    uint64_t there = length < TEXT_BLOCK ? ((uint64_t)1 << length) - 1 : UINT64_MAX, strange = b->strange & there;
    uint64_t word = b->word & there, letters = b->letters & there, digits = b->digits & there;
    uint64_t mids = (b->mid & letters << 1 & letters >> 1) | ((b->mid | b->mid_number) & digits << 1 & digits >> 1);
    uint64_t joined = (word & word << 1) | mids | mids << 1 | (b->space & b->space << 1 & there);
    if (length < TEXT_BLOCK && !strange)
        return ~joined & (there << 1 | 1) & ~(uint64_t)1;
    /* What stands between two letters or digits depends on the second, which may not be known. */
    uint64_t last = strange ? strange & -strange : 0, known = last - 1; /* before what is strange */
    uint64_t open = (b->mid | b->mid_number) & (last ? last >> 1 : (uint64_t)1 << 63);
    return ~joined & known & ~open & ~(uint64_t)1;
}

#else
#define TEXT_BLOCKS false
#endif

#endif
