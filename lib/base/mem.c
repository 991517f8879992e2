#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void give_up(size_t bytes)
{
    char text[64];
    int n = snprintf(text, sizeof text, "out of memory: %zu bytes more were needed\n", bytes);
    if (write(2, text, (size_t)n) < 0)
        _exit(1);
    _exit(1);
}

void (*mem_exhausted)(size_t bytes) = give_up;

static size_t checked(size_t count, size_t size)
{
    uint64_t bytes;
    if (!mem_product(count, size, &bytes) || bytes > PTRDIFF_MAX) {
        mem_exhausted(SIZE_MAX);
        abort();
    }
    return bytes ? bytes : 1;
}

static void *kept(void *memory, size_t bytes)
{
    if (!memory) {
        mem_exhausted(bytes);
        abort();
    }
    return memory;
}

void *mem_get(size_t count, size_t size)
{
    size_t bytes = checked(count, size);
    return kept(calloc(1, bytes), bytes);
}

void *mem_grow(void *old, size_t count, size_t size)
{
    size_t bytes = checked(count, size);
    return kept(realloc(old, bytes), bytes);
}

enum { HUGE_PAGE = 2 << 20 };

/* Blocks of several huge pages start on one, so that the kernel can back them with few. */
static void *aligned(size_t bytes)
{
    size_t unit = bytes >= 4 * (size_t)HUGE_PAGE ? HUGE_PAGE : MEM_ALIGN;
    size_t whole = checked((bytes + unit - 1) / unit, unit);
    void *memory = kept(aligned_alloc(unit, whole < unit ? unit : whole), whole);
    if (unit == HUGE_PAGE)
        madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
}

void *mem_aligned(size_t count, size_t size)
{
    size_t bytes = checked(count, size);
    return memset(aligned(bytes), 0, bytes);
}

void *mem_room(size_t bytes)
{
    return aligned(checked(bytes, 1));
}

char *mem_copy_bytes(const void *bytes, size_t length)
{
    char *copy = kept(malloc(length + 1), length + 1);
    if (length)
        memcpy(copy, bytes, length);
    copy[length] = 0;
    return copy;
}

char *mem_copy(const char *text)
{
    return mem_copy_bytes(text, strlen(text));
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = mem_get((size_t)length + 1, 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}

struct arena_block {
    struct arena_block *next;
    size_t room;
    char pad[MEM_ALIGN - 2 * sizeof(void *)]; /* data starts on a cache line */
    char data[];
};

void *arena_get(struct arena *a, size_t count, size_t size)
{
    size_t bytes = (checked(count, size) + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    while (a->now && a->now->room - a->used < bytes && a->now->next) {
        a->now = a->now->next;
        a->used = 0;
    }
    if (!a->now || a->now->room - a->used < bytes) {
        size_t room = a->now ? 2 * a->now->room : 1 << 16;
        if (room < bytes)
            room = bytes;
        struct arena_block *block = aligned(sizeof *block + room);
        *block = (struct arena_block){.room = room};
        if (a->now)
            a->now->next = block;
        else
            a->first = block;
        a->now = block;
        a->used = 0;
    }
    void *memory = a->now->data + a->used;
    a->used += bytes;
    return memory;
}

void arena_reset(struct arena *a)
{
    a->now = a->first;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *block = a->first, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *a = (struct arena){0};
}
