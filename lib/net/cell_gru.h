/* The gated recurrent unit of K. Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014.
 *
 *     r = sigmoid(z_r)     u = sigmoid(z_u)
 *     n = tanh(W x + W_n (r h_{t-1}) + b)
 *     h_t = u h_{t-1} + (1 - u) n
 *
 * Two phases: r h_{t-1} has to be there before its product. The gates r, u of 16 units are 32 columns of the first
 * phase, n is the second phase. */
#include "math/vec.h"
#include "net/cell.h"

/* r of a block's row; u lies behind it. */
VEC_INLINE real *gru_gates(const struct cell_step *s, size_t block, size_t row)
{
    return s->z + block / 2 * s->z_panel + row * 64 + block % 2 * 2 * CELL_LANES;
}

VEC_INLINE real *gru_new(const struct cell_step *s, size_t block, size_t row)
{
    return s->z + (s->first_panel[1] + block / 4) * s->z_panel + row * 64 + block % 4 * CELL_LANES;
}

static void gru_forward(const struct cell_step *s, struct cell_range range, int phase)
{
    for (size_t block = range.first; block < range.last; block++)
        for (size_t row = range.low; row < range.high; row++) {
            real *gates = gru_gates(s, block, row), *new = gru_new(s, block, row);
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec h = vec_load(s->before[0] + at + l);
                if (phase == 0) {
                    vec r = vec_sigmoid(vec_load(gates + l));
                    vec_store(gates + l, r);
                    vec_store(gates + CELL_LANES + l, vec_sigmoid(vec_load(gates + CELL_LANES + l)));
                    vec_store(s->carry + at + l, r * h);
                } else {
                    vec u = vec_load(gates + CELL_LANES + l), n = vec_tanh(vec_load(new + l));
                    vec_store(new + l, n);
                    vec_store(s->after[0] + at + l, u * h + ((real)1 - u) * n);
                }
            }
        }
}

/* Second phase: dn = dh (1 - u)       dz_n = dn (1 - n^2)      du = dh (h_{t-1} - n)     dz_u = du u (1 - u)
 * First phase, q = W_n' dz_n: dr = q h_{t-1}      dz_r = dr r (1 - r)      dh_{t-1} += dh u + q r */
static void gru_backward(const struct cell_step *s, struct cell_range range, int phase)
{
    for (size_t block = range.first; block < range.last; block++)
        for (size_t row = range.low; row < range.high; row++) {
            real *gates = gru_gates(s, block, row), *new = gru_new(s, block, row);
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec h = vec_load(s->before[0] + at + l), dh_before = vec_load(s->dh_before + at + l);
                if (phase == 1) {
                    vec u = vec_load(gates + CELL_LANES + l), n = vec_load(new + l), dh = vec_load(s->dh + at + l);
                    vec_store(new + l, dh * ((real)1 - u) * ((real)1 - n * n));
                    vec_store(gates + CELL_LANES + l, dh * (h - n) * (u * ((real)1 - u)));
                    vec_store(s->dh_before + at + l, dh_before + dh * u);
                } else {
                    vec r = vec_load(gates + l), q = vec_load(s->dcarry + at + l);
                    vec_store(gates + l, q * h * (r * ((real)1 - r)));
                    vec_store(s->dh_before + at + l, dh_before + q * r);
                }
            }
        }
}

/* The gated recurrent unit with the reset gate behind the product, as PyTorch and cuDNN have it: one phase, and a
 * gate of its own, m, for the recurrent side of n.
 *
 *     r = sigmoid(z_r)     u = sigmoid(z_u)     m = W_n h_{t-1} + b_m     n = tanh(W x + b_n + r m)
 *     h_t = u h_{t-1} + (1 - u) n
 *
 * Packed n, r, u, m: the first three have input weights, the last three recurrent ones. m stays as it is in the
 * forward pass. */
enum { GRU_N = 0, GRU_R = CELL_LANES, GRU_U = 2 * CELL_LANES, GRU_M = 3 * CELL_LANES };

static void gru_after_forward(const struct cell_step *s, struct cell_range range, int phase)
{
    (void)phase;
    for (size_t block = range.first; block < range.last; block++)
        for (size_t row = range.low; row < range.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec r = vec_sigmoid(vec_load(z + GRU_R + l)), u = vec_sigmoid(vec_load(z + GRU_U + l));
                vec n = vec_tanh(vec_load(z + GRU_N + l) + r * vec_load(z + GRU_M + l));
                vec_store(z + GRU_N + l, n);
                vec_store(z + GRU_R + l, r);
                vec_store(z + GRU_U + l, u);
                vec_store(s->after[0] + at + l, u * vec_load(s->before[0] + at + l) + ((real)1 - u) * n);
            }
        }
}

/* dn = dh (1 - u)              dz_n = dn (1 - n^2)      dz_m = dz_n r
 * du = dh (h_{t-1} - n)        dz_u = du u (1 - u)      dz_r = dz_n m r (1 - r)      dh_{t-1} += dh u */
static void gru_after_backward(const struct cell_step *s, struct cell_range range, int phase)
{
    (void)phase;
    for (size_t block = range.first; block < range.last; block++)
        for (size_t row = range.low; row < range.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec n = vec_load(z + GRU_N + l), m = vec_load(z + GRU_M + l);
                vec r = vec_load(z + GRU_R + l), u = vec_load(z + GRU_U + l);
                vec h = vec_load(s->before[0] + at + l), dh = vec_load(s->dh + at + l);
                vec dz_n = dh * ((real)1 - u) * ((real)1 - n * n);
                vec_store(z + GRU_N + l, dz_n);
                vec_store(z + GRU_M + l, dz_n * r);
                vec_store(z + GRU_R + l, dz_n * m * (r * ((real)1 - r)));
                vec_store(z + GRU_U + l, dh * (h - n) * (u * ((real)1 - u)));
                vec_store(s->dh_before + at + l, vec_load(s->dh_before + at + l) + dh * u);
            }
        }
}
