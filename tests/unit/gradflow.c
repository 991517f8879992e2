/* Gradient flow: Jacobians of every cell, direction and length against central differences; norms that float cannot
 * hold; the bound; saturation; records there and back. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "net/gradflow.h"
#include "net/rnn_jacobian.h"

#ifdef RUNNEL_DOUBLE
#define STEP  1e-3
#define CLOSE 1e-8
#define EXACT 1e-14
#else
#define STEP  2e-2
#define CLOSE 5e-3
#define EXACT 1e-6
#endif

enum { INPUTS = 3, STEPS = 7, ROWS = 4 };

struct scene {
    struct rnn n;
    struct params p;
    struct rnn_pass pass;
    struct arena arena;
    uint32_t lengths[ROWS];
    real vec[STEPS * ROWS * INPUTS];
};

static void draw(struct rng *rng, real *x, size_t n, double range)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)((2 * rng_unit(rng) - 1) * range);
}

static struct scene *scene_make(const struct rnn_shape *shape, double range, uint64_t seed)
{
    struct scene *s = mem_get(1, sizeof *s);
    struct rng rng = rng_seed(seed);
    rnn_make(&s->n, shape, &s->p);
    params_allocate(&s->p);
    for (size_t i = 0; i < s->p.n_views; i++) {
        size_t count = view_count(&s->p.views[i]);
        real *natural = mem_get(count, sizeof *natural);
        draw(&rng, natural, count, range);
        params_import(&s->p.views[i], s->p.value, natural);
        free(natural);
    }
    rnn_refresh(&s->n, &s->p);
    draw(&rng, s->vec, STEPS * ROWS * INPUTS, 1);
    memcpy(s->lengths, (uint32_t[]){STEPS, 0, 1, 4}, sizeof s->lengths);
    s->pass = (struct rnn_pass){.steps = STEPS,
                                .rows = ROWS,
                                .lengths = s->lengths,
                                .input = {.vec = s->vec, .vec_row = INPUTS}};
    rnn_forward(&s->n, &s->p, &s->pass, NULL, NULL, &s->arena);
    return s;
}

static void scene_free(struct scene *s)
{
    rnn_free(&s->n);
    params_free(&s->p);
    arena_free(&s->arena);
    free(s);
}

/* ---- Central differences ----------------------------------------------------------------------------------------- */

/* One row's way from the states at a lag to its end. */
struct way {
    struct scene *s;
    size_t layer, row, lag;
    int state;
    real *start, *end, *vec; /* [L*D, S, H] twice; [lag, INPUTS] */
};

static size_t state_at(const struct way *w, size_t layer, int state)
{
    return (layer * (size_t)w->s->n.cell->states + (size_t)state) * w->s->n.hidden;
}

/* The states at the lag and the inputs behind it. The reverse direction ends at step 0. */
static void way_begin(struct way *w)
{
    struct scene *s = w->s;
    size_t length = s->lengths[w->row], first = w->layer % s->n.directions ? 0 : length - w->lag;
    size_t behind = w->layer % s->n.directions ? w->lag : length - w->lag - 1;
    for (size_t t = 0; t < w->lag; t++)
        memcpy(w->vec + t * INPUTS, s->vec + ((first + t) * ROWS + w->row) * INPUTS, INPUTS * sizeof(real));
    for (size_t l = 0; l < s->n.layers * s->n.directions; l++)
        for (int k = 0; k < s->n.cell->states; k++)
            rnn_state(&s->n, &s->pass, l, k, behind, w->row, w->start + state_at(w, l, k));
}

/* The state at the end when unit j of the one at the lag is moved. */
static const real *way_end(struct way *w, size_t j, double by)
{
    struct scene *s = w->s;
    struct rnn_pass pass = {.steps = w->lag, .rows = 1, .input = {.vec = w->vec, .vec_row = INPUTS}};
    struct arena arena = {0};
    real *moved = w->start + state_at(w, w->layer, w->state) + j, kept = *moved;
    *moved = (real)((double)kept + by);
    rnn_forward(&s->n, &s->p, &pass, w->start, w->end, &arena);
    *moved = kept;
    arena_free(&arena);
    return w->end + state_at(w, w->layer, w->state);
}

/* || ds_T / ds_{T-lag} ||_F from four points a unit. */
static double numeric_norm(struct scene *s, size_t layer, size_t row, int state, size_t lag, double step)
{
    static const double at[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    size_t hidden = s->n.hidden, states = s->n.layers * s->n.directions * (size_t)s->n.cell->states * hidden;
    double sum = 0, *slope = mem_get(hidden, sizeof *slope);
    struct way w = {s,
                    layer,
                    row,
                    lag,
                    state,
                    mem_get(states, sizeof(real)),
                    mem_get(states, sizeof(real)),
                    mem_get(STEPS * INPUTS, sizeof(real))};
    way_begin(&w);
    for (size_t j = 0; j < hidden; j++) {
        memset(slope, 0, hidden * sizeof *slope);
        for (int point = 0; point < 4; point++) {
            const real *end = way_end(&w, j, at[point] * step);
            for (size_t i = 0; i < hidden; i++)
                slope[i] += weight[point] * (double)end[i] / (12 * step);
        }
        for (size_t i = 0; i < hidden; i++)
            sum += slope[i] * slope[i];
    }
    free(w.start);
    free(w.end);
    free(w.vec);
    free(slope);
    return sqrt(sum);
}

static void check_layer(struct scene *s, size_t layer, double step)
{
    double norm[STEPS];
    struct arena arena = {0};
    for (size_t row = 0; row < ROWS; row++)
        for (int state = 0; state < s->n.cell->states; state++) {
            rnn_jacobian(&s->n, &s->p, &s->pass, layer, row, state, norm, &arena);
            for (size_t lag = 0; lag < s->lengths[row]; lag++) {
                double wanted = lag ? numeric_norm(s, layer, row, state, lag, step) : sqrt((double)s->n.hidden);
                if (!(fabs(norm[lag] - wanted) <= CLOSE * wanted + CLOSE * 0.1))
                    fail_msg("%s, layer %zu, row %zu, state %d, lag %zu: differences say %.12g, the sweep %.12g",
                             s->n.cell->name, layer, row, state, lag, wanted, norm[lag]);
            }
        }
    arena_free(&arena);
}

static int count_choices(const char *choices)
{
    int count = 1;
    for (; *choices; choices++)
        count += *choices == '|';
    return count;
}

/* Two layers one way, and one layer both ways: differences of a higher one would have to run all below it twice. */
static void test_jacobians(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int cell = 0; cell < count_choices(CELL_CHOICES); cell++)
        for (int f = 0; f < (cell_at(cell)->activation ? count_choices(ACTIVATION_CHOICES) : 1); f++)
            for (int both = 0; both < 2; both++, seed++) {
                struct rnn_shape shape = {.name = "rnn",
                                          .cell = cell_at(cell),
                                          .activation = (enum activation)f,
                                          .layers = both ? 1 : 2,
                                          .hidden = both ? 5 : 18,
                                          .inputs = INPUTS,
                                          .both = both};
                struct scene *s = scene_make(&shape, both ? 0.7 : 0.4, seed);
                for (size_t layer = 0; layer < 2; layer++) /* behind relu's kinks a line is straight: a short step */
                    check_layer(s, layer, f == ACTIVATION_RELU ? STEP / 64 : STEP);
                scene_free(s);
            }
}

/* ---- Records ----------------------------------------------------------------------------------------------------- */

/* relu with W_h = factor I, W_x = I and inputs that keep every h at 1. */
static void check_range(double factor)
{
    enum { LONG = 40 };
    struct rnn_shape shape = {.name = "rnn",
                              .cell = cell_at(0),
                              .activation = ACTIVATION_RELU,
                              .layers = 1,
                              .hidden = INPUTS,
                              .inputs = INPUTS};
    struct scene *s = scene_make(&shape, 0, 1);
    struct gradflow g = {0};
    real vec[LONG * INPUTS], eye[INPUTS * INPUTS] = {0};
    const real *weights[] = {eye, eye};
    for (size_t i = 0; i < INPUTS; i++)
        eye[i * INPUTS + i] = 1;
    params_import(params_find(&s->p, "rnn.0.input"), s->p.value, weights[0]);
    for (size_t i = 0; i < INPUTS; i++)
        eye[i * INPUTS + i] = (real)factor;
    params_import(params_find(&s->p, "rnn.0.recurrent"), s->p.value, weights[1]);
    rnn_refresh(&s->n, &s->p);
    for (size_t i = 0; i < LONG * INPUTS; i++)
        vec[i] = (real)(i < INPUTS ? 1 : 1 - factor);
    s->pass = (struct rnn_pass){.steps = LONG, .rows = 1, .input = {.vec = vec, .vec_row = INPUTS}};
    rnn_forward(&s->n, &s->p, &s->pass, NULL, NULL, &s->arena);
    gradflow_record(&g, &s->n, &s->p, &s->pass, 0, 8);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.records[0].lags, LONG);
    for (int lag = 0; lag < LONG; lag++) {
        double wanted = pow(factor, lag), *const *flow = g.records[0].flow;
        assert_true(fabs(flow[GRADFLOW_H][lag] / sqrt(INPUTS) - wanted) <= EXACT * wanted);
        assert_true(fabs(flow[GRADFLOW_BOUND][lag] - wanted) <= 1e-13 * lag * wanted);
    }
    assert_true(g.records[0].saturation[0] == 0);
    gradflow_free(&g);
    scene_free(s);
}

/* 2^-780 and 2^780 are beyond float, and so is the way there. */
static void test_range(void **state)
{
    (void)state;
    check_range(ldexp(1, -20));
    check_range(ldexp(1, 20));
}

static void test_singular(void **state)
{
    (void)state;
    enum { N = 23 };
    real w[N * N] = {0};
    assert_true(gradflow_singular(w, N) == 0);
    /* a rotation of the first two, three times as long; the third shrunk; a swap of the last two */
    w[0] = (real)1.8, w[1] = (real)-2.4, w[N] = (real)2.4, w[N + 1] = (real)1.8;
    w[2 * N + 2] = (real)0.5;
    w[3 * N + 4] = 2, w[4 * N + 3] = -2;
    assert_true(fabs(gradflow_singular(w, N) - 3) < (sizeof(real) == 8 ? 1e-12 : 1e-6));
    struct rng rng = rng_seed(3);
    for (int round = 0; round < 20; round++) {
        double x[N], length = 0, image = 0, sigma;
        if (round % 5 == 0)
            draw(&rng, w, N * N, 1);
        sigma = gradflow_singular(w, N);
        for (size_t i = 0; i < N; i++) {
            x[i] = rng_unit(&rng) - 0.5;
            length += x[i] * x[i];
        }
        for (size_t r = 0; r < N; r++) {
            double sum = 0;
            for (size_t c = 0; c < N; c++)
                sum += (double)w[r * N + c] * x[c];
            image += sum * sum;
        }
        assert_true(sqrt(image / length) <= sigma);
    }
}

/* No Frobenius norm is above sqrt(H) times the bound. */
static void test_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct rnn_shape shape = {.name = "rnn",
                                  .cell = cell_at(0),
                                  .activation = (enum activation)(seed % 3),
                                  .layers = 2,
                                  .hidden = 11,
                                  .inputs = INPUTS,
                                  .both = seed % 2};
        struct scene *s = scene_make(&shape, seed > 6 ? 0.2 : 1.5, seed);
        struct gradflow g = {0};
        gradflow_record(&g, &s->n, &s->p, &s->pass, 0, ROWS);
        assert_int_equal(g.n, seed % 2 ? 4 : 2);
        for (size_t i = 0; i < g.n; i++)
            for (size_t lag = 0; lag < STEPS; lag++) {
                double *const *flow = g.records[i].flow;
                assert_null(flow[GRADFLOW_C]);
                assert_true(flow[GRADFLOW_H][lag] <= sqrt(11) * flow[GRADFLOW_BOUND][lag] * (1 + EXACT * 10));
                assert_true(flow[GRADFLOW_H][lag] >= 0 && flow[GRADFLOW_BOUND][lag] > 0);
            }
        gradflow_free(&g);
        scene_free(s);
    }
}

/* Means over the rows asked for that are long enough, and shares of saturated gates of all rows, counted by hand. */
static void test_means(void **state)
{
    (void)state;
    struct rnn_shape shape = {.name = "rnn", .cell = cell_at(1), .layers = 1, .hidden = 6, .inputs = INPUTS};
    struct scene *s = scene_make(&shape, 3, 5);
    struct gradflow g = {0};
    struct arena arena = {0};
    double norm[ROWS][STEPS], share[4] = {0};
    real gates[24];
    gradflow_record(&g, &s->n, &s->p, &s->pass, 7, ROWS);
    gradflow_record(&g, &s->n, &s->p, &s->pass, 8, 2);
    assert_string_equal(g.gates, "i,f,g,o");
    assert_int_equal(g.n, 2);
    assert_int_equal(g.records[1].epoch, 8);
    for (size_t row = 0; row < ROWS; row++)
        rnn_jacobian(&s->n, &s->p, &s->pass, 0, row, 1, norm[row], &arena);
    for (size_t lag = 0; lag < STEPS; lag++) {
        double wanted = lag < 1   ? (norm[0][lag] + norm[2][lag] + norm[3][lag]) / 3
                        : lag < 4 ? (norm[0][lag] + norm[3][lag]) / 2
                                  : norm[0][lag];
        assert_true(fabs(g.records[0].flow[GRADFLOW_C][lag] - wanted) <= 1e-14 * wanted);
        assert_true(g.records[1].flow[GRADFLOW_C][lag] == norm[0][lag]);
    }
    for (size_t row = 0; row < ROWS; row++)
        for (size_t t = 0; t < s->lengths[row]; t++) {
            rnn_gates(&s->n, &s->pass, 0, t, row, gates);
            for (int k = 0; k < 24; k++)
                share[k / 6] +=
                    k / 6 == 2 ? fabs((double)gates[k]) > 0.9 : (double)gates[k] < 0.1 || (double)gates[k] > 0.9;
        }
    for (int gate = 0; gate < 4; gate++) {
        assert_true(share[gate] > 0 && share[gate] < 12 * 6);
        assert_true(fabs(g.records[0].saturation[gate] - share[gate] / (12 * 6)) < 1e-15);
        assert_true(g.records[0].saturation[gate] == g.records[1].saturation[gate]);
    }
    gradflow_free(&g);
    arena_free(&arena);
    scene_free(s);
}

static void check_same(const struct gradflow *g, const struct gradflow *back)
{
    assert_int_equal(back->n, g->n);
    assert_int_equal(back->rows, g->rows);
    assert_string_equal(back->gates, g->gates);
    assert_int_equal(back->directions, g->directions);
    for (size_t i = 0; i < g->n; i++) {
        const struct gradflow_record *a = &g->records[i], *b = &back->records[i];
        assert_true(a->epoch == b->epoch && a->layer == b->layer && a->direction == b->direction);
        assert_int_equal(a->lags, b->lags);
        assert_memory_equal(a->saturation, b->saturation, g->n_gates * sizeof(double));
        for (int q = 0; q < GRADFLOW_QUANTITIES; q++) {
            assert_true(!a->flow[q] == !b->flow[q]);
            if (a->flow[q])
                assert_memory_equal(a->flow[q], b->flow[q], a->lags * sizeof(double));
        }
    }
}

/* A record as a checkpoint holds it. */
static void check_saved(const struct gradflow *g)
{
    struct gradflow back = {0};
    struct meta head = {0};
    struct segment segment = {0};
    struct err e = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(gradflow_save(g, "pos.gradflow.", k, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    struct source *source = source_open(out.fd, "checkpoint");
    assert_int_equal(source_segment(source, &segment, &e), 1);
    assert_int_equal(gradflow_restore(&back, "elsewhere.", &segment, &e), 0);
    assert_int_equal(back.n, 0);
    assert_int_equal(gradflow_restore(&back, "pos.gradflow.", &segment, &e), 0);
    check_same(g, &back);
    struct tensor *flow = segment_find(&segment, "pos.gradflow.flow.h");
    flow->dims[0]--;
    assert_int_equal(gradflow_restore(&back, "pos.gradflow.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "'pos.gradflow.flow.h': has ");
    source_close(source);
    segment_free(&segment);
    gradflow_free(&back);
}

/* What is written is read again, over several batches too. */
static void check_stream(int cell, bool both)
{
    struct rnn_shape shape =
        {.name = "rnn", .cell = cell_at(cell), .layers = 2, .hidden = 4, .inputs = INPUTS, .both = both};
    struct scene *s = scene_make(&shape, 1, 9);
    struct gradflow g = {0}, back = {0};
    struct meta head = {0};
    struct err e = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    for (uint64_t epoch = 0; epoch < (cell ? 3 : 3500); epoch++)
        gradflow_record(&g, &s->n, &s->p, &s->pass, epoch, 1);
    meta_set(&head, "profile", "tensors");
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(gradflow_write(&g, k, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    struct source *source = source_open(out.fd, "records");
    if (gradflow_read(&back, source, &e) < 0)
        fail_msg("%s", e.text);
    source_close(source);
    check_same(&g, &back);
    check_saved(&g);
    meta_free(&head);
    gradflow_free(&g);
    gradflow_free(&back);
    scene_free(s);
}

static void test_stream(void **state)
{
    (void)state;
    for (int cell = 0; cell < count_choices(CELL_CHOICES); cell++)
        check_stream(cell, cell % 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jacobians), cmocka_unit_test(test_range), cmocka_unit_test(test_singular),
        cmocka_unit_test(test_bound),     cmocka_unit_test(test_means), cmocka_unit_test(test_stream),
    };
    return cmocka_run_group_tests_name("gradflow", tests, NULL, NULL);
}
