/* text_ascii: what most text is made of, sixteen bytes at a time where the CPU has SSE2 (every x86-64 does), else byte
 * by byte. */
#ifndef DATA_TEXT_ASCII_H
#define DATA_TEXT_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool ascii_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static inline char ascii_small(char c)
{
    return (unsigned char)(c - 'A') < 26 ? (char)(c + 'a' - 'A') : c;
}

#ifdef __SSE2__

static inline __m128i ascii_load(const char *text)
{
    return _mm_loadu_si128((const __m128i *)text);
}

/* A bit for each byte from `low` to `low` + n - 1. */
static inline __m128i ascii_in(__m128i bytes, char low, char n)
{
    __m128i from_low = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_low, _mm_set1_epi8((char)(n - 1))), from_low);
}

#endif

/* How many letters stand at the start, of `length` bytes; ASCII_BEHIND more can be read behind these. */
enum { ASCII_BEHIND = 16 };
static inline size_t ascii_letters(const char *text, size_t length)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i < length; i += 16) {
        __m128i small = _mm_or_si128(ascii_load(text + i), _mm_set1_epi8(0x20));
        unsigned others = 0xffff & ~(unsigned)_mm_movemask_epi8(ascii_in(small, 'a', 26));
        if (others) {
            i += (size_t)__builtin_ctz(others);
            break;
        }
    }
    return i < length ? i : length;
#else
    while (i < length && ascii_letter(text[i]))
        i++;
    return i;
#endif
}

/* How many bytes of ASCII stand at the start. */
static inline size_t ascii_run(const char *text, size_t length)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= length; i += 16) {
        unsigned others = (unsigned)_mm_movemask_epi8(ascii_load(text + i));
        if (others)
            return i + (size_t)__builtin_ctz(others);
    }
#endif
    while (i < length && (unsigned char)text[i] < 0x80)
        i++;
    return i;
}

/* Writes the ASCII at the start in small letters to `out`, which has room for `length` bytes. Returns how many there
 * are. */
static inline size_t ascii_lower(char *out, const char *text, size_t length)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= length; i += 16) {
        __m128i bytes = ascii_load(text + i), capitals = ascii_in(bytes, 'A', 26);
        if (_mm_movemask_epi8(bytes))
            break;
        bytes = _mm_or_si128(bytes, _mm_and_si128(capitals, _mm_set1_epi8(0x20)));
        _mm_storeu_si128((__m128i *)(out + i), bytes);
    }
#endif
    for (; i < length && (unsigned char)text[i] < 0x80; i++)
        out[i] = ascii_small(text[i]);
    return i;
}

/* The same as they are. */
static inline size_t ascii_copy(char *out, const char *text, size_t length)
{
    size_t n = ascii_run(text, length);
    memcpy(out, text, n);
    return n;
}

/* How often a byte occurs. */
static inline size_t ascii_count(const char *text, size_t length, char byte)
{
    size_t i = 0, n = 0;
#ifdef __SSE2__
    while (i + 16 <= length) {
        __m128i sums = _mm_setzero_si128(); /* of 255 at most, so that no byte overflows */
        for (int k = 0; k < 255 && i + 16 <= length; k++, i += 16)
            sums = _mm_sub_epi8(sums, _mm_cmpeq_epi8(ascii_load(text + i), _mm_set1_epi8(byte)));
        sums = _mm_sad_epu8(sums, _mm_setzero_si128());
        n += (size_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4));
    }
#endif
    for (; i < length; i++)
        n += text[i] == byte;
    return n;
}

#endif
