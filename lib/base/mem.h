/* mem: memory that never comes back NULL.
 *
 * Out of memory is one exit path: mem_exhausted is called with the size asked for and does not return. Sizes that come
 * from outside are bounded before they reach these functions; products are checked for overflow here. Everything is
 * released with free(), unless it lies in an arena. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_ALIGN 64 /* a cache line, an AVX-512 vector, a stream payload */

/* Called when memory is gone; must not return. The tools' frame replaces it to clean up and print. */
extern void (*mem_exhausted)(size_t bytes);

/* count * size bytes of zeros. */
void *mem_get(size_t count, size_t size);

/* realloc to count * size bytes; what is new is not zeroed. */
void *mem_grow(void *old, size_t count, size_t size);

/* count * size bytes of zeros, aligned to MEM_ALIGN; large blocks ask for huge pages. */
void *mem_aligned(size_t count, size_t size);

/* Bytes aligned in that way and NOT zeroed, for what is read into them. */
void *mem_room(size_t bytes);

/* A copy of a string; of `length` bytes, ended by NUL. */
char *mem_copy(const char *text);
char *mem_copy_bytes(const void *bytes, size_t length);

/* A new string made as printf makes it. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* *product = a * b; false when it does not fit. */
static inline bool mem_product(uint64_t a, uint64_t b, uint64_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* An arena: memory for one pass, given back all at once. Blocks never move; arena_reset keeps them for the next pass,
 * so that a training step allocates nothing once the first has run. Zero-initialize; arena_free at the end. */
struct arena {
    struct arena_block *first, *now;
    size_t used; /* bytes of `now` */
};

void *arena_get(struct arena *a, size_t count, size_t size); /* aligned to MEM_ALIGN, NOT zeroed */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
