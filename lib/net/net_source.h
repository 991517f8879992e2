/* net_source: the text of net_code.h, compiled with NET_TABLE as the name of the table. */
#include "math/gemm.h"
#include "math/vec.h"
#include "net/cell_elman.h"
#include "net/cell_gru.h"
#include "net/cell_lstm.h"
#include "net/net_code.h"
#include "net/optim_rules.h"

/* The table of cells: a row each, in the order of CELL_CHOICES. */
/* clang-format off */
static const struct cell cells[] = {
    {.name = "elman", .gates = 1, .states = 1, .phases = 1, .phase_gates = {1}, .gate_kinds = {GATE_LINEAR},
     .gate_names = {"z"}, .state_names = {"h"}, .forget_gate = -1, .activation = true,
     .forward = elman_forward, .backward = elman_backward},
    {.name = "lstm", .gates = 4, .states = 2, .phases = 1, .phase_gates = {4}, .place = {0, 1, 2, 3},
     .gate_kinds = {[2] = GATE_TANH}, .gate_names = {"i", "f", "g", "o"}, .state_names = {"h", "c"}, .forget_gate = 1,
     .forward = lstm_forward, .backward = lstm_backward},
    {.name = "lstm-peephole", .gates = 4, .states = 2, .phases = 1, .phase_gates = {4}, .place = {0, 1, 2, 3},
     .gate_kinds = {[2] = GATE_TANH}, .gate_names = {"i", "f", "g", "o"}, .state_names = {"h", "c"},
     .vector_names = {"peephole.i", "peephole.f", "peephole.o"}, .forget_gate = 1,
     .forward = lstm_peephole_forward, .backward = lstm_peephole_backward, .vectors = lstm_peephole_vectors},
    {.name = "lstm-peephole-out", .gates = 4, .states = 2, .phases = 1, .phase_gates = {4}, .place = {0, 1, 2, 3},
     .gate_kinds = {[2] = GATE_TANH}, .gate_names = {"i", "f", "g", "o"}, .state_names = {"h", "c"},
     .vector_names = {"peephole.o"}, .forget_gate = 1,
     .forward = lstm_peephole_out_forward, .backward = lstm_peephole_out_backward,
     .vectors = lstm_peephole_out_vectors},
    {.name = "gru", .gates = 3, .states = 1, .phases = 2, .phase_gates = {2, 1}, .place = {0, 1, 0},
     .gate_kinds = {[2] = GATE_TANH}, .gate_names = {"r", "u", "n"}, .state_names = {"h"}, .forget_gate = -1,
     .forward = gru_forward, .backward = gru_backward},
    {.name = "gru-reset-after", .gates = 4, .states = 1, .phases = 1, .phase_gates = {4}, .place = {1, 2, 0, 3},
     .input_only = 1, .recurrent_only = 1, .gate_kinds = {[2] = GATE_TANH, [3] = GATE_LINEAR},
     .gate_names = {"r", "u", "n", "m"}, .state_names = {"h"}, .forget_gate = -1,
     .forward = gru_after_forward, .backward = gru_after_backward},
};
/* clang-format on */

static optim_rule *const rules[] = {rule_sgd, rule_momentum, rule_adagrad, rule_rmsprop,
                                    rule_adam}; /* in the order of OPTIM_CHOICES */

/* Lanes of a thousand terms in real, the thousands in double. */
static double squares(size_t n, const real *x)
{
    double total = 0;
    for (size_t i = 0; i < n;) {
        vec sum = vec_all(0);
        size_t end = n - i < 1024 ? n : i + 1024;
        for (; i < end; i += VEC_LANES)
            sum += vec_load(x + i) * vec_load(x + i);
        total += (double)vec_sum(sum);
    }
    return total;
}

static void start(size_t rows, size_t width, real *z, const real *bias, const real *table, const uint32_t *ids)
{
    for (size_t row = 0; row < rows; row++, z += PANEL)
        for (size_t l = 0; l < width; l += VEC_LANES)
            vec_store(z + l, vec_load(bias + l) + vec_load(table + (size_t)ids[row] * PANEL + l));
}

static void scatter(size_t rows, size_t width, const real *dz, real *table, const uint32_t *ids)
{
    for (size_t row = 0; row < rows; row++, dz += PANEL) {
        real *to = table + (size_t)ids[row] * PANEL;
        for (size_t l = 0; l < width; l += VEC_LANES)
            vec_store(to + l, vec_load(to + l) + vec_load(dz + l));
    }
}

static void sums(size_t rows, size_t width, const real *dz, size_t stride, real *sum)
{
    for (size_t at = 0; at < width; at += VEC_LANES) {
        vec total = vec_load(sum + at);
        for (size_t row = 0; row < rows; row++)
            total += vec_load(dz + row * stride + at);
        vec_store(sum + at, total);
    }
}

static real softmax(size_t classes, real *x, real *largest)
{
    size_t width = lanes_up(classes);
    for (size_t k = classes; k < width; k++)
        x[k] = (real)-1e30;
    vec most = vec_load(x), sum = vec_all(0);
    for (size_t k = VEC_LANES; k < width; k += VEC_LANES)
        most = vec_max(most, vec_load(x + k));
    *largest = vec_largest(most);
    for (size_t k = 0; k < width; k += VEC_LANES)
        sum += vec_exp(vec_load(x + k) - *largest);
    return vec_sum(sum);
}

static void probabilities(size_t classes, real *x, real norm, real scale)
{
    size_t width = lanes_up(classes);
    for (size_t k = 0; k < width; k += VEC_LANES)
        vec_store(x + k, scale * vec_exp(vec_load(x + k) - norm));
    for (size_t k = classes; k < width; k++)
        x[k] = 0;
}

const struct net_code NET_TABLE = {cells, rules, squares, start, scatter, sums, softmax, probabilities};
