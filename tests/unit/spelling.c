/* Words from their characters: derivatives by central differences, the states they are made of, and that neither a
 * word's neighbours nor threads nor the cutting into passes show in the bytes. */
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/par.h"
#include "net/spelling.h"

#ifdef RUNNEL_DOUBLE
#define STEP     1e-3
#define RELATIVE 1e-6
#define ABSOLUTE 1e-10 /* rounding of the loss, which is about 50, divided by the step */
#else
#define STEP     2e-2
#define RELATIVE 1e-2
#define ABSOLUTE 2e-3
#endif

enum { CHARACTERS = 11, CELLS = 6, LONGEST = 64, UNTOUCHED = 5 };

struct scene {
    struct spelling s;
    struct params p;
    struct arena arena;
    struct spellings spellings;
    size_t n, row; /* positions, reals from one to the next */
    uint32_t *words;
    real *x, *dx;
};

/* Words of these lengths, random characters; `n` positions of which each shows a random word. */
static void scene_make(struct scene *s, int cell, size_t hidden, size_t words, const size_t *lengths, size_t n)
{
    struct rng rng = rng_seed(17 + (uint64_t)cell);
    *s = (struct scene){.n = n, .row = 2 * hidden + 3};
    spelling_make(&s->s, cell_at(cell), CHARACTERS, hidden, &s->p);
    params_allocate(&s->p);
    for (size_t i = 0; i < s->p.n_views; i++) {
        const struct view *v = &s->p.views[i];
        real *natural = mem_get(view_count(v), sizeof *natural);
        for (size_t k = 0; k < view_count(v); k++)
            natural[k] = (real)(rng_unit(&rng) - 0.5);
        params_import(v, s->p.value, natural);
        free(natural);
    }
    spelling_refresh(&s->s, &s->p);
    s->spellings = (struct spellings){.n = words, .offsets = mem_get(words + 1, sizeof(uint64_t))};
    for (size_t w = 0; w < words; w++)
        s->spellings.offsets[w + 1] = s->spellings.offsets[w] + lengths[w];
    size_t all = (size_t)s->spellings.offsets[words];
    s->spellings.characters = mem_get(all + 1, sizeof(uint32_t));
    for (size_t k = 0; k < all; k++)
        s->spellings.characters[k] = (uint32_t)rng_below(&rng, CHARACTERS);
    s->words = mem_get(n, sizeof *s->words);
    for (size_t i = 0; i < n; i++)
        s->words[i] = (uint32_t)(i < words ? words - 1 - i : rng_below(&rng, words));
    s->x = mem_get(n * s->row, sizeof *s->x);
    s->dx = mem_get(n * s->row, sizeof *s->dx);
}

static void scene_free(struct scene *s)
{
    spelling_free(&s->s);
    params_free(&s->p);
    arena_free(&s->arena);
    free(s->spellings.offsets);
    free(s->spellings.characters);
    free(s->words);
    free(s->x);
    free(s->dx);
}

static void forward(struct scene *s)
{
    arena_reset(&s->arena);
    spelling_forward(&s->s, &s->p, &s->spellings, s->words, s->n, s->x, s->row, &s->arena);
}

static double wanted(size_t i, size_t k)
{
    return 0.6 * sin((double)(7 * i + 3 * k));
}

/* Half the squared distance from what is wanted, weighted by position; dx its gradient. */
static double loss(struct scene *s)
{
    double total = 0;
    forward(s);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->s.width; k++) {
            double weight = 0.5 + (double)(i % 3), difference = (double)s->x[i * s->row + k] - wanted(i, k);
            total += weight * difference * difference / 2;
            s->dx[i * s->row + k] = (real)(weight * difference);
        }
    return total;
}

static void check(struct scene *s, size_t at, double gradient, const char *name)
{
    static const double steps[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    real kept = s->p.value[at];
    double numeric = 0;
    for (int i = 0; i < 4; i++) {
        s->p.value[at] = (real)((double)kept + steps[i] * STEP);
        numeric += weight[i] * loss(s) / (12 * STEP);
    }
    s->p.value[at] = kept;
    if (!(fabs(numeric - gradient) <= RELATIVE * fmax(fabs(numeric), fabs(gradient)) + ABSOLUTE))
        fail_msg("%s at %zu: differences say %.12g, backward says %.12g", name, at, numeric, gradient);
}

static void check_gradients(int cell)
{
    static const size_t lengths[] = {3, 0, 1, 2, 5, 1, 6, 3, 19, 2, 3};
    struct scene s;
    scene_make(&s, cell, 5, sizeof lengths / sizeof *lengths, lengths, 23);
    loss(&s);
    spelling_backward(&s.s, &s.p, s.dx, s.row, &s.arena);
    assert_true(s.s.groups > 1 && s.s.groups < s.s.distinct && s.s.distinct == 10);
    real *gradient = mem_get(s.p.n, sizeof *gradient);
    memcpy(gradient, s.p.gradient, s.p.n * sizeof *gradient);
    size_t moved = 0, checked = 0;
    for (size_t i = 0; i < s.p.n_views; i++)
        for (size_t at = s.p.views[i].offset; at < s.p.views[i].offset + s.p.views[i].room; at++)
            if (gradient[at] != 0 && moved++ % 2 == 0) {
                check(&s, at, (double)gradient[at], s.p.views[i].name);
                checked++;
            }
    assert_true(checked > 75);
    loss(&s); /* backward adds: twice is double */
    spelling_backward(&s.s, &s.p, s.dx, s.row, &s.arena);
    for (size_t i = 0; i < s.p.n; i++)
        assert_true(fabs((double)(s.p.gradient[i] - 2 * gradient[i])) <= 1e-5 * fabs((double)gradient[i]) + 1e-6);
    free(gradient);
    scene_free(&s);
}

static void test_gradients(void **state)
{
    (void)state;
    for (int cell = 0; cell < CELLS; cell++)
        check_gradients(cell);
}

/* [last state forward, last state reverse] as the rnn gives them for one word. */
static void test_states(void **state)
{
    (void)state;
    enum { HIDDEN = 19, WORDS = 9 };
    static const size_t lengths[WORDS] = {4, 0, 1, 13, 4, 2, 1, 30, 7};
    struct scene s;
    scene_make(&s, 1, HIDDEN, WORDS, lengths, 2 * WORDS);
    for (size_t i = 0; i < s.n * s.row; i++)
        s.x[i] = UNTOUCHED;
    forward(&s);
    struct arena arena = {0};
    for (size_t i = 0; i < s.n; i++) {
        static const real zeros[2 * HIDDEN];
        const real *x = s.x + i * s.row;
        uint32_t word = s.words[i];
        real last[2][2][HIDDEN]; /* direction, state */
        struct rnn_pass pass = {.steps = lengths[word],
                                .rows = 1,
                                .input.ids = s.spellings.characters + s.spellings.offsets[word]};
        for (size_t k = 2 * HIDDEN; k < s.row; k++)
            assert_true(x[k] == UNTOUCHED);
        if (lengths[word] == 0) {
            assert_memory_equal(zeros, x, sizeof zeros);
            continue;
        }
        arena_reset(&arena);
        rnn_forward(&s.s.rnn, &s.p, &pass, NULL, &last[0][0][0], &arena);
        assert_memory_equal(last[0][0], x, sizeof last[0][0]);
        assert_memory_equal(last[1][0], x + HIDDEN, sizeof last[0][0]);
    }
    arena_free(&arena);
    scene_free(&s);
}

/* A word has the same bytes whatever stands beside it. */
static void test_neighbours(void **state)
{
    (void)state;
    enum { WORDS = 80 };
    size_t lengths[WORDS];
    for (size_t w = 0; w < WORDS; w++)
        lengths[w] = w * w % 17;
    for (int cell = 0; cell < CELLS; cell++) {
        struct scene s;
        scene_make(&s, cell, 8, WORDS, lengths, 200);
        forward(&s);
        for (size_t i = 0; i < s.n; i += 7) {
            real alone[2 * 8];
            struct arena arena = {0};
            spelling_forward(&s.s, &s.p, &s.spellings, &s.words[i], 1, alone, 16, &arena);
            assert_memory_equal(alone, s.x + i * s.row, sizeof alone);
            arena_free(&arena);
        }
        scene_free(&s);
    }
}

/* Nothing but marks, and nothing at all. */
static void test_empty(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 3, 0};
    struct scene s;
    scene_make(&s, 4, 5, 3, lengths, 6);
    for (size_t i = 0; i < s.n; i++)
        s.words[i] = i % 2 ? 0 : 2;
    for (size_t n = 0; n <= 6; n += 6) {
        s.n = n;
        forward(&s);
        for (size_t i = 0; i < n * s.row; i++) {
            assert_true(s.x[i] == 0);
            s.dx[i] = 1;
        }
        spelling_backward(&s.s, &s.p, s.dx, s.row, &s.arena);
        for (size_t i = 0; i < s.p.n; i++)
            assert_true(s.p.gradient[i] == 0);
    }
    s.n = 6;
    s.words[3] = 1; /* one word among them: as if it were alone */
    loss(&s);
    assert_int_equal(1, s.s.distinct);
    memset(s.p.gradient, 0, s.p.n * sizeof *s.p.gradient);
    spelling_backward(&s.s, &s.p, s.dx, s.row, &s.arena);
    real *gradient = mem_get(s.p.n, sizeof *gradient);
    memcpy(gradient, s.p.gradient, s.p.n * sizeof *gradient);
    memset(s.p.gradient, 0, s.p.n * sizeof *s.p.gradient);
    arena_reset(&s.arena);
    spelling_forward(&s.s, &s.p, &s.spellings, &s.words[3], 1, s.x, s.row, &s.arena);
    spelling_backward(&s.s, &s.p, s.dx + 3 * s.row, s.row, &s.arena);
    assert_memory_equal(gradient, s.p.gradient, s.p.n * sizeof *gradient);
    free(gradient);
    scene_free(&s);
}

/* The padding is small: also where one word is far longer than the others, where each length comes once, and where all
 * are of one. */
static void test_cost(void **state)
{
    (void)state;
    enum { WORDS = 400 };
    static const size_t common[] = {3, 4, 2, 5, 7, 4, 6, 3, 9, 8, 5, 10, 4, 6, 7, 1, 3, 11, 13, 5};
    for (int form = 0; form < 4; form++) {
        size_t lengths[WORDS], words = form == 2 ? 60 : WORDS, real_steps = 0, steps = 0, rows = 0, passes_steps = 0;
        for (size_t w = 0; w < words; w++) {
            lengths[w] = form == 2 ? w + 1 : form == 3 ? 6 : common[(w * 7 + w / 20) % 20];
            if (form == 1 && w == 11)
                lengths[w] = LONGEST;
            real_steps += lengths[w];
        }
        struct scene s;
        scene_make(&s, 0, 4, words, lengths, words);
        forward(&s);
        for (size_t g = 0; g < s.s.groups; g++) {
            steps += s.s.group[g].pass.steps * s.s.group[g].pass.rows;
            passes_steps += s.s.group[g].pass.steps;
            rows += s.s.group[g].pass.rows;
        }
        assert_int_equal(words, rows);
        assert_true(steps >= real_steps && steps * 10 <= real_steps * 12);
        assert_true(passes_steps <= (form == 2 ? 300 : form == 3 ? 6 : 160));
        scene_free(&s);
    }
}

/* Bytes for any number of threads; nothing is allocated by a second pass. */
static void test_threads(void **state)
{
    (void)state;
    enum { WORDS = 100, HIDDEN = 70 };
    size_t lengths[WORDS];
    struct err e;
    struct scene s;
    for (size_t w = 0; w < WORDS; w++)
        lengths[w] = w % 10 ? 7 : w % 50;
    scene_make(&s, 1, HIDDEN, WORDS, lengths, 150);
    real *x = mem_get(s.n * s.row, sizeof *x), *gradient = mem_get(s.p.n, sizeof *gradient);
    for (int threads = 1; threads <= 4; threads *= 2) {
        assert_int_equal(0, par_start(threads, &e));
        memset(s.p.gradient, 0, s.p.n * sizeof *s.p.gradient);
        size_t before = mallinfo2().uordblks;
        loss(&s);
        spelling_backward(&s.s, &s.p, s.dx, s.row, &s.arena);
        if (threads == 1) {
            memcpy(x, s.x, s.n * s.row * sizeof *x);
            memcpy(gradient, s.p.gradient, s.p.n * sizeof *gradient);
        } else {
            assert_int_equal(before, mallinfo2().uordblks);
        }
        assert_memory_equal(x, s.x, s.n * s.row * sizeof *x);
        assert_memory_equal(gradient, s.p.gradient, s.p.n * sizeof *gradient);
        par_stop();
    }
    free(x);
    free(gradient);
    scene_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients), cmocka_unit_test(test_states), cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_cost),   cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("spelling", tests, NULL, NULL);
}
