/* params: all parameters of a model in one flat block, with named views.
 *
 * Values, gradients and each of the optimizer's moments are blocks of the same length and layout, aligned to
 * MEM_ALIGN, so that clipping and updating are one loop over `n` reals. What the block holds is laid out for the
 * kernels (panels of gemm.h, gates of a unit side by side, padded with zeros); a view knows how to turn its part into
 * the natural row-major array that models are stored as, under PyTorch's shapes:
 *
 *     embedding [V,D]   rnn.0.input [G*H,I]   rnn.0.recurrent [G*H,H]   rnn.0.bias [G*H]
 *     out.weight [K,H]   out.bias [K]
 *
 * Padding has value, gradient and moments zero, always. */
#ifndef NET_PARAMS_H
#define NET_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

enum { PARAMS_MOMENTS = 2 };

struct view {
    char *name;
    unsigned rank;
    uint64_t dims[2];        /* natural shape */
    size_t offset;           /* first real in a block */
    size_t room;             /* reals in the block, padding counted */
    size_t depth;            /* panels: K, the columns of the natural matrix; 0: plain, rows of whole vectors */
    const uint32_t *columns; /* panels: packed column of each natural row; NULL: the same number */
    bool frozen;             /* it does not learn: its gradient stays zero */
    bool table;              /* a word is a row of it (plain) or a column (panels), and few get a gradient in a step */
};

struct params {
    size_t n;                                        /* reals in a block, padding counted */
    real *value, *gradient, *moment[PARAMS_MOMENTS]; /* [n]; moments that the optimizer has not are NULL */
    struct view *views;
    size_t n_views;
    /* Words of tables whose gradient may not be zero: what a step has touched. */
    uint32_t *touched, *touched_at; /* [n_touched]; [words] place in touched + 1, 0: not in it */
    size_t n_touched, words;
};

/* Zero-initialize; add all views, then params_allocate. Both return the offset of the new view.
 * params_add: plain, `rank` 1 or 2; rows of a matrix lie params_row apart.
 * params_add_panels: natural [rows, depth] (rank 2) or [rows] (rank 1, depth 1), stored as panels of `width` packed
 * columns (rounded up to whole panels); row r is packed column columns[r], which the caller owns and keeps. */
size_t params_add(struct params *p, const char *name, unsigned rank, const uint64_t *dims);
size_t params_add_panels(struct params *p, const char *name, unsigned rank, const uint64_t *dims, size_t width,
                         const uint32_t *columns);
void params_allocate(struct params *p);

static inline size_t params_row(size_t columns)
{
    return (columns + 15) / 16 * 16;
}

/* The view at an offset is a table of words: whoever adds to its gradient tells which words it touches. All tables of a
 * model have the same words. */
void params_table(struct params *p, size_t offset);
void params_touch(struct params *p, const uint32_t *words, size_t n);
void params_untouch(struct params *p); /* the gradient is zero again */

/* Calls f for runs of a block that together hold every gradient that may not be zero: with `all` everything that
 * learns, else of tables only what was touched. Offsets and lengths are multiples of 16. */
void params_runs(const struct params *p, bool all, void (*f)(void *context, size_t offset, size_t n), void *context);

/* Allocates the first `count` moments, zeroed, when they are not there yet. */
void params_moments(struct params *p, int count);

/* The view of a name, or NULL. */
const struct view *params_find(const struct params *p, const char *name);

/* Elements of the natural array. */
size_t view_count(const struct view *v);

/* Between a block (value, gradient or a moment) and the natural array of view_count reals. Import leaves padding
 * zero; after importing values call model_refresh. */
void params_export(const struct view *v, const real *block, real *natural);
void params_import(const struct view *v, real *block, const real *natural);

void params_zero_gradient(struct params *p);
void params_free(struct params *p);

#endif
