/* Long short-term memory: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997, with
 * the forget gate of F. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12, 2000.
 *
 *     i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
 *     c_t = f c_{t-1} + i g
 *     h_t = o tanh(c_t)
 *
 * With peepholes (F. Gers and J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000) the gates see the cell:
 * z_i + p_i c_{t-1} and z_f + p_f c_{t-1} stand for z_i and z_f above, z_o + p_o c_t for z_o. Or the output gate
 * alone sees it: only z_o + p_o c_t.
 *
 * The four gates of 16 units are one row of a panel. */
#include "math/vec.h"
#include "net/cell.h"

enum { LSTM_I = 0, LSTM_F = CELL_LANES, LSTM_G = 2 * CELL_LANES, LSTM_O = 3 * CELL_LANES };
/* Which gates see the cell, and the vectors of their weights. */
enum lstm_peepholes { PEEPHOLE_NONE, PEEPHOLE_ALL, PEEPHOLE_OUT };
enum { PEEPHOLE_I, PEEPHOLE_F, PEEPHOLE_O };

/* A peephole's weights for the lanes from unit `at` on. */
VEC_INLINE vec peephole(const struct cell_step *s, int which, size_t at)
{
    return vec_load(s->vector[which] + at);
}

/* The vector of p_o. */
VEC_INLINE int peephole_out(const enum lstm_peepholes peep)
{
    return peep == PEEPHOLE_ALL ? PEEPHOLE_O : 0;
}

VEC_INLINE void lstm_forward_as(const struct cell_step *s, struct cell_range r, const enum lstm_peepholes peep)
{
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                size_t unit = block * CELL_LANES + (size_t)l;
                vec c = vec_load(s->before[1] + at + l);
                vec z_i = vec_load(z + LSTM_I + l), z_f = vec_load(z + LSTM_F + l), z_o = vec_load(z + LSTM_O + l);
                vec i = vec_sigmoid(peep == PEEPHOLE_ALL ? z_i + peephole(s, PEEPHOLE_I, unit) * c : z_i);
                vec f = vec_sigmoid(peep == PEEPHOLE_ALL ? z_f + peephole(s, PEEPHOLE_F, unit) * c : z_f);
                vec g = vec_tanh(vec_load(z + LSTM_G + l));
                c = f * c + i * g;
                vec o = vec_sigmoid(peep ? z_o + peephole(s, peephole_out(peep), unit) * c : z_o);
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
 *     do = dh u            dz_o = do o (1 - o)     dc += dh o (1 - u^2) [+ p_o dz_o]
 *     di = dc g            df = dc c_{t-1}         dg = dc i
 *     dz_i = di i (1 - i)  dz_f = df f (1 - f)     dz_g = dg (1 - g^2)
 *     dc_{t-1} = dc f [+ p_i dz_i + p_f dz_f] */
VEC_INLINE void lstm_backward_as(const struct cell_step *s, struct cell_range r, const enum lstm_peepholes peep)
{
    for (size_t block = r.first; block < r.last; block++)
        for (size_t row = r.low; row < r.high; row++) {
            real *z = s->z + block * s->z_panel + row * 64;
            size_t at = row * s->state_row + block * CELL_LANES;
            for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
                size_t unit = block * CELL_LANES + (size_t)l;
                vec i = vec_load(z + LSTM_I + l), f = vec_load(z + LSTM_F + l);
                vec g = vec_load(z + LSTM_G + l), o = vec_load(z + LSTM_O + l);
                vec u = vec_tanh(vec_load(s->after[1] + at + l)), dh = vec_load(s->dh + at + l);
                vec dz_o = dh * u * (o * ((real)1 - o));
                vec dc = vec_load(s->dstate[1] + at + l) + dh * (o * ((real)1 - u * u));
                if (peep)
                    dc += peephole(s, peephole_out(peep), unit) * dz_o;
                vec dz_i = dc * g * (i * ((real)1 - i));
                vec dz_f = dc * vec_load(s->before[1] + at + l) * (f * ((real)1 - f));
                vec dc_before = dc * f;
                if (peep == PEEPHOLE_ALL)
                    dc_before += peephole(s, PEEPHOLE_I, unit) * dz_i + peephole(s, PEEPHOLE_F, unit) * dz_f;
                vec_store(s->dstate[1] + at + l, dc_before);
                vec_store(z + LSTM_I + l, dz_i);
                vec_store(z + LSTM_F + l, dz_f);
                vec_store(z + LSTM_G + l, dc * i * ((real)1 - g * g));
                vec_store(z + LSTM_O + l, dz_o);
            }
        }
}

/* dp_i += dz_i c_{t-1}     dp_f += dz_f c_{t-1}     dp_o += dz_o c_t */
VEC_INLINE void lstm_vectors_as(const struct cell_step *s, struct cell_range r, real *const *dvector,
                                const enum lstm_peepholes peep)
{
    real *dpeephole_o = dvector[peephole_out(peep)];
    for (size_t block = r.first; block < r.last; block++)
        for (int l = 0; l < CELL_LANES; l += VEC_LANES) {
            size_t unit = block * CELL_LANES + (size_t)l;
            vec dp_i = vec_all(0), dp_f = vec_all(0), dp_o = vec_load(dpeephole_o + unit);
            if (peep == PEEPHOLE_ALL) {
                dp_i = vec_load(dvector[PEEPHOLE_I] + unit);
                dp_f = vec_load(dvector[PEEPHOLE_F] + unit);
            }
            for (size_t row = r.low; row < r.high; row++) {
                const real *dz = s->z + block * s->z_panel + row * 64 + l;
                vec before = vec_load(s->before[1] + row * s->state_row + unit);
                dp_i += vec_load(dz + LSTM_I) * before;
                dp_f += vec_load(dz + LSTM_F) * before;
                dp_o += vec_load(dz + LSTM_O) * vec_load(s->after[1] + row * s->state_row + unit);
            }
            vec_store(dpeephole_o + unit, dp_o);
            if (peep == PEEPHOLE_ALL) {
                vec_store(dvector[PEEPHOLE_I] + unit, dp_i);
                vec_store(dvector[PEEPHOLE_F] + unit, dp_f);
            }
        }
}

/* The cell's functions for one kind. */
#define LSTM(name, peep)                                                                                               \
    static void name##_forward(const struct cell_step *s, struct cell_range r, int phase)                              \
    {                                                                                                                  \
        (void)phase;                                                                                                   \
        lstm_forward_as(s, r, peep);                                                                                   \
    }                                                                                                                  \
    static void name##_backward(const struct cell_step *s, struct cell_range r, int phase)                             \
    {                                                                                                                  \
        (void)phase;                                                                                                   \
        lstm_backward_as(s, r, peep);                                                                                  \
    }
LSTM(lstm, PEEPHOLE_NONE)
LSTM(lstm_peephole, PEEPHOLE_ALL)
LSTM(lstm_peephole_out, PEEPHOLE_OUT)

static void lstm_peephole_vectors(const struct cell_step *s, struct cell_range r, real *const *dvector)
{
    lstm_vectors_as(s, r, dvector, PEEPHOLE_ALL);
}

static void lstm_peephole_out_vectors(const struct cell_step *s, struct cell_range r, real *const *dvector)
{
    lstm_vectors_as(s, r, dvector, PEEPHOLE_OUT);
}
