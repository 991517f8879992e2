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
    size_t depth;            /* panels: K, the columns of the natural matrix; 0: plain row-major */
    const uint32_t *columns; /* panels: packed column of each natural row; NULL: the same number */
};

struct params {
    size_t n;                                        /* reals in a block, padding counted */
    real *value, *gradient, *moment[PARAMS_MOMENTS]; /* [n]; moments that the optimizer has not are NULL */
    struct view *views;
    size_t n_views;
};

/* Zero-initialize; add all views, then params_allocate. Both return the offset of the new view.
 * params_add: plain row-major, `rank` 1 or 2.
 * params_add_panels: natural [rows, depth] (rank 2) or [rows] (rank 1, depth 1), stored as panels of `width` packed
 * columns (rounded up to whole panels); row r is packed column columns[r], which the caller owns and keeps. */
size_t params_add(struct params *p, const char *name, unsigned rank, const uint64_t *dims);
size_t params_add_panels(struct params *p, const char *name, unsigned rank, const uint64_t *dims, size_t width,
                         const uint32_t *columns);
void params_allocate(struct params *p);

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
