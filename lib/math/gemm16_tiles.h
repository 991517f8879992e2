/* gemm16_tiles: gemm16's product over AMX's tiles, for whoever defines the tiles: gemm16_amx.c as the instructions, the
 * unit test as C. There are eight, named by a literal; one holds up to 16 rows of 64 bytes:
 *
 *     TILE_CONFIGURE(upper, lower)   C's tiles 0, 1 and A's 4 get `upper` rows, C's 2, 3 and A's 5 `lower`, B's 6, 7 16
 *     TILE_ZERO(t)
 *     TILE_LOAD(t, from, bytes)      rows `bytes` apart
 *     TILE_STORE(t, to, bytes)
 *     TILE_DP(c, a, b)               c[m][n] += sum over 16 pairs k of a[m][k] b[k][n]; a, b pairs of bf16, c float
 *
 * Two by two tiles of C stay while k runs, so that each tile that is loaded is used twice. */
#include "math/gemm16.h"

enum { TILE = 16, TILE_DEPTH = 32, B_ROW = 4 * PANEL }; /* rows; k of a tile of A; bytes of a row of pairs of B */

#define TILE_INLINE static inline __attribute__((always_inline))

/* A block of C: where it lies and how many rows of tiles it has. */
struct tile_block {
    const bf16 *a, *b;
    real *c;
    const real *bias;
    size_t upper; /* rows of its first tiles */
};

/* C's tiles get their start; bytes between rows of 0 repeat the bias. */
TILE_INLINE void tiles_start(const int high, const int wide, const struct gemm16 *g, const struct tile_block *at)
{
    bool add = g->start == GEMM_ADD;
    const real *from = add ? at->c : at->bias, *lower = add ? from + at->upper * g->c_row : from;
    size_t bytes = add ? g->c_row * sizeof *from : 0;
    if (g->start == GEMM_ZERO) {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
        return;
    }
    TILE_LOAD(0, from, bytes);
    if (wide > 1)
        TILE_LOAD(1, from + TILE, bytes);
    if (high > 1)
        TILE_LOAD(2, lower, bytes);
    if (high > 1 && wide > 1)
        TILE_LOAD(3, lower + TILE, bytes);
}

TILE_INLINE void tiles_store(const int high, const int wide, const struct gemm16 *g, const struct tile_block *at)
{
    real *lower = at->c + at->upper * g->c_row;
    size_t bytes = g->c_row * sizeof *lower;
    TILE_STORE(0, at->c, bytes);
    if (wide > 1)
        TILE_STORE(1, at->c + TILE, bytes);
    if (high > 1)
        TILE_STORE(2, lower, bytes);
    if (high > 1 && wide > 1)
        TILE_STORE(3, lower + TILE, bytes);
}

/* high x wide tiles of C. */
TILE_INLINE void tiles_block(const int high, const int wide, const struct gemm16 *g, const struct tile_block *at)
{
    const size_t a_bytes = g->a_row * sizeof(bf16), lower = at->upper * g->a_row;
    const bf16 *b = at->b;
    tiles_start(high, wide, g, at);
    for (size_t k = 0; k < g->depth; k += TILE_DEPTH, b += TILE * B_ROW / sizeof *b) {
        const bf16 *a = at->a + k / PANEL * g->a_chunk + k % PANEL;
        TILE_LOAD(4, a, a_bytes);
        TILE_LOAD(6, b, B_ROW);
        TILE_DP(0, 4, 6);
        if (high > 1) {
            TILE_LOAD(5, a + lower, a_bytes);
            TILE_DP(2, 5, 6);
        }
        if (wide > 1) {
            TILE_LOAD(7, b + 2 * TILE, B_ROW);
            TILE_DP(1, 4, 7);
        }
        if (high > 1 && wide > 1)
            TILE_DP(3, 5, 7);
    }
    tiles_store(high, wide, g, at);
}

/* All rows of `wide` tiles of columns: blocks of two tiles' rows, the last ones as equal as can be. */
TILE_INLINE void tiles_strip(const int wide, const struct gemm16 *g, struct tile_block at, size_t rows)
{
    while (rows > 0) {
        size_t blocks = (rows + 2 * TILE - 1) / (2 * TILE), n = blocks > 2 ? 2 * TILE : (rows + blocks - 1) / blocks;
        at.upper = n > TILE ? (n + 1) / 2 : n;
        TILE_CONFIGURE(at.upper, n > TILE ? n - at.upper : n);
        if (n > TILE)
            tiles_block(2, wide, g, &at);
        else
            tiles_block(1, wide, g, &at);
        at.a += n * g->a_row;
        at.c += n * g->c_row;
        rows -= n;
    }
}

static void tiles_product(const struct gemm16 *g, const bf16 *a, const bf16 *b, real *c, const real *bias, size_t rows,
                          size_t columns)
{
    struct tile_block at = {.a = a, .b = b, .c = c, .bias = bias};
    for (; columns >= 2 * TILE; columns -= 2 * TILE, at.b += 4 * TILE, at.c += 2 * TILE, at.bias += 2 * TILE)
        tiles_strip(2, g, at, rows);
    if (columns > 0)
        tiles_strip(1, g, at, rows);
}
