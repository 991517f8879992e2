/* The simple recurrent cell of J. L. Elman, "Finding structure in time", Cognitive Science 14, 1990.
 *
 *     h_t = f(z_t)          f: tanh, max(0, z) or 1 / (1 + e^-z)
 *
 *     dz_t = dh_t f'(z_t)   f' in terms of h: 1 - h^2, [h > 0], h (1 - h)
 *
 * z stays as it is in the forward pass: there is no gate. */
#include "math/vec.h"
#include "net/cell.h"

VEC_INLINE real *elman_z(const struct cell_step *s, size_t block, size_t row)
{
    return s->z + block / 4 * s->z_panel + row * 64 + block % 4 * CELL_LANES;
}

VEC_INLINE void elman_forward_as(const struct cell_step *s, struct cell_range r, const enum activation f)
{
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            const real *z = elman_z(s, block, row);
            real *h = s->after[0] + row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec x = vec_load(z + l);
                vec_store(h + l, f == ACTIVATION_TANH   ? vec_tanh(x)
                                 : f == ACTIVATION_RELU ? vec_at_least(x, 0)
                                                        : vec_sigmoid(x));
            }
        }
}

static void elman_forward(const struct cell_step *s, struct cell_range r, int phase)
{
    (void)phase;
    switch (s->activation) {
    case ACTIVATION_TANH:
        elman_forward_as(s, r, ACTIVATION_TANH);
        break;
    case ACTIVATION_RELU:
        elman_forward_as(s, r, ACTIVATION_RELU);
        break;
    case ACTIVATION_SIGMOID:
        elman_forward_as(s, r, ACTIVATION_SIGMOID);
        break;
    }
}

VEC_INLINE void elman_backward_as(const struct cell_step *s, struct cell_range r, const enum activation f)
{
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            real *z = elman_z(s, block, row);
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec h = vec_load(s->after[0] + at + l), dh = vec_load(s->dh + at + l);
                vec_store(z + l, f == ACTIVATION_TANH   ? dh * ((real)1 - h * h)
                                 : f == ACTIVATION_RELU ? vec_select(h > vec_all(0), dh, vec_all(0))
                                                        : dh * (h * ((real)1 - h)));
            }
        }
}

static void elman_backward(const struct cell_step *s, struct cell_range r, int phase)
{
    (void)phase;
    switch (s->activation) {
    case ACTIVATION_TANH:
        elman_backward_as(s, r, ACTIVATION_TANH);
        break;
    case ACTIVATION_RELU:
        elman_backward_as(s, r, ACTIVATION_RELU);
        break;
    case ACTIVATION_SIGMOID:
        elman_backward_as(s, r, ACTIVATION_SIGMOID);
        break;
    }
}
