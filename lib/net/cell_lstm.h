/* Long short-term memory: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997,
 * with the forget gate of F. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12, 2000.
 *
 *     i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
 *     c_t = f c_{t-1} + i g
 *     h_t = o tanh(c_t)
 *
 * The four gates of 16 units are one row of a panel. */
#include "math/vec.h"
#include "net/cell.h"

enum { LSTM_I = 0, LSTM_F = CELL_LANES, LSTM_G = 2 * CELL_LANES, LSTM_O = 3 * CELL_LANES };

static void lstm_forward(const struct cell_step *s, struct cell_range r, int phase)
{
    (void)phase;
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec i = vec_sigmoid(vec_load(z + LSTM_I + l)), f = vec_sigmoid(vec_load(z + LSTM_F + l));
                vec g = vec_tanh(vec_load(z + LSTM_G + l)), o = vec_sigmoid(vec_load(z + LSTM_O + l));
                vec c = f * vec_load(s->before[1] + at + l) + i * g;
                vec_store(z + LSTM_I + l, i);
                vec_store(z + LSTM_F + l, f);
                vec_store(z + LSTM_G + l, g);
                vec_store(z + LSTM_O + l, o);
                vec_store(s->after[1] + at + l, c);
                vec_store(s->after[0] + at + l, o * vec_tanh(c));
            }
        }
}

/* With u = tanh(c_t), and dc coming from step t+1:
 *
 *     do = dh u            dc += dh o (1 - u^2)
 *     di = dc g            df = dc c_{t-1}         dg = dc i         dc_{t-1} = dc f
 *     dz_i = di i (1 - i)  dz_f = df f (1 - f)     dz_g = dg (1 - g^2)     dz_o = do o (1 - o) */
static void lstm_backward(const struct cell_step *s, struct cell_range r, int phase)
{
    (void)phase;
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                vec i = vec_load(z + LSTM_I + l), f = vec_load(z + LSTM_F + l);
                vec g = vec_load(z + LSTM_G + l), o = vec_load(z + LSTM_O + l);
                vec u = vec_tanh(vec_load(s->after[1] + at + l)), dh = vec_load(s->dh + at + l);
                vec dc = vec_load(s->dstate[1] + at + l) + dh * (o * ((real)1 - u * u));
                vec_store(s->dstate[1] + at + l, dc * f);
                vec_store(z + LSTM_I + l, dc * g * (i * ((real)1 - i)));
                vec_store(z + LSTM_F + l, dc * vec_load(s->before[1] + at + l) * (f * ((real)1 - f)));
                vec_store(z + LSTM_G + l, dc * i * ((real)1 - g * g));
                vec_store(z + LSTM_O + l, dh * u * (o * ((real)1 - o)));
            }
        }
}
