/* AMX's instructions, no more: what is done with them stands in gemm16_tiles.h. They are written as assembly because
 * the compiler's own functions do not say that they read memory. */
#if defined(__x86_64__) && !defined(RUNNEL_DOUBLE)
#include <string.h>

#include "math/gemm16.h"

/* What LDTILECFG reads. */
struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};
_Static_assert(sizeof(struct tile_shapes) == 64, "LDTILECFG reads 64 bytes");

/* The shapes stay from call to call, by thread: to load them costs as much as several products of tiles. */
static void tile_configure(size_t upper, size_t lower)
{
    static _Thread_local struct tile_shapes now;
    if (now.palette && now.rows[0] == upper && now.rows[2] == lower)
        return;
    uint8_t u = (uint8_t)upper, l = (uint8_t)lower;
    now = (struct tile_shapes){.palette = 1, .rows = {u, u, l, l, u, l, 16, 16}};
    for (int t = 0; t < 8; t++)
        now.row_bytes[t] = 64;
    __asm__ volatile("ldtilecfg %0" : : "m"(now) : "memory");
}

#define TILE_CONFIGURE(upper, lower) tile_configure(upper, lower)
#define TILE_ZERO(t)                 __asm__ volatile("tilezero %%tmm" #t : : : "memory")
#define TILE_LOAD(t, from, bytes)                                                                                      \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(from), "r"((size_t)(bytes)) : "memory")
#define TILE_STORE(t, to, bytes)                                                                                       \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(to), "r"((size_t)(bytes)) : "memory")
#define TILE_DP(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : : : "memory")

#include "math/gemm16_tiles.h"

void gemm16_amx(const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c, const real *bias, size_t rows,
                size_t columns)
{
    tiles_product(g, a, b, c, bias, rows, columns);
}
#endif
