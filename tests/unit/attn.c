/* Attention by similarity and links, against their definitions written out; principal components. */
#include "unit.h"

#include <math.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/rng.h"
#include "math/pca.h"
#include "net/attn.h"

enum { MOST = 80, DIM = 9 };

struct pair {
    size_t sources, targets;
    real source[MOST * DIM], target[MOST * DIM];
};

static struct pair *random_pair(struct rng *rng, size_t sources, size_t targets)
{
    struct pair *p = mem_get(1, sizeof *p);
    p->sources = sources;
    p->targets = targets;
    for (size_t k = 0; k < sources * DIM; k++)
        p->source[k] = (real)rng_normal(rng);
    for (size_t k = 0; k < targets * DIM; k++)
        p->target[k] = (real)rng_normal(rng);
    return p;
}

static bool zero(const real *x)
{
    for (size_t d = 0; d < DIM; d++)
        if (x[d] != 0)
            return false;
    return true;
}

/* s[j,i] of the definition; -infinity where a word has no vector. */
static double score(const struct attn_config *c, const struct pair *p, size_t j, size_t i)
{
    double product = 0, x = 0, y = 0;
    for (size_t d = 0; d < DIM; d++) {
        double a = p->source[i * DIM + d], b = p->target[j * DIM + d];
        product += a * b, x += a * a, y += b * b;
    }
    if (x == 0 || y == 0)
        return -INFINITY;
    if (c->similarity == ATTN_COSINE)
        product /= sqrt(x) * sqrt(y);
    double off = fabs(((double)i + 0.5) / (double)p->sources - ((double)j + 0.5) / (double)p->targets);
    return product / c->temperature - c->diagonal * off;
}

/* Softmax over source words (across) or target words. */
static double share(const struct attn_config *c, const struct pair *p, size_t j, size_t i, bool across)
{
    double sum = 0, s = score(c, p, j, i);
    if (s == -INFINITY)
        return 0;
    for (size_t k = 0; k < (across ? p->sources : p->targets); k++)
        sum += exp(score(c, p, across ? j : k, across ? k : i) - s);
    return 1 / sum;
}

/* Is (j, i) the best of its row (across) or column, by what the way of linking looks at? */
static bool best(const struct attn_config *c, const struct pair *p, size_t j, size_t i, bool across)
{
    double here = share(c, p, j, i, across) * (c->links == ATTN_AGREE ? share(c, p, j, i, !across) : 1);
    for (size_t k = 0; k < (across ? p->sources : p->targets); k++) {
        size_t row = across ? j : k, column = across ? k : i;
        if (share(c, p, row, column, across) * (c->links == ATTN_AGREE ? share(c, p, row, column, !across) : 1) > here)
            return false;
    }
    return here > 0;
}

static bool wanted(const struct attn_config *c, const struct pair *p, size_t j, size_t i)
{
    double a = share(c, p, j, i, true);
    if (a < c->threshold || a == 0)
        return false;
    if (c->links == ATTN_THRESHOLD)
        return true;
    return best(c, p, j, i, true) && (c->links == ATTN_ARGMAX || best(c, p, j, i, false));
}

static void check_pair(const struct attn_config *c, const struct pair *p)
{
    struct attn_pair view = {p->sources, p->targets, DIM, p->source, p->target};
    struct attn_work work = {0};
    struct links links = {0};
    struct err e = {0};
    real *attention = mem_get(p->sources * p->targets + 1, sizeof *attention);
    assert_int_equal(attn_align_pair(c, &view, &work, attention, &links, &e), 0);
    size_t at = 0;
    for (size_t j = 0; j < p->targets; j++) {
        double sum = 0;
        for (size_t i = 0; i < p->sources; i++) {
            double a = attention[j * p->sources + i];
            assert_true(fabs(a - share(c, p, j, i, true)) < 2e-5);
            sum += a;
            bool linked = at < links.n && links.at[at].target == j && links.at[at].source == i;
            assert_int_equal(linked, wanted(c, p, j, i));
            at += linked;
        }
        bool known = false;
        for (size_t i = 0; i < p->sources; i++)
            known = known || !zero(p->source + i * DIM);
        assert_true(known && !zero(p->target + j * DIM) ? fabs(sum - 1) < 1e-5 : sum == 0);
    }
    assert_int_equal(at, links.n);
    links_free(&links);
    attn_work_free(&work);
    free(attention);
}

static void definitions(void **state)
{
    (void)state;
    struct rng rng = rng_seed(3);
    for (int round = 0; round < 48; round++) {
        struct attn_config c = {.similarity = round & 1, .links = round >> 1 & 3, .diagonal = round & 8 ? 5 : 0};
        attn_config_settle(&c);
        c.temperature *= round & 16 ? 2 : 1;
        size_t sources = round < 4 ? 70 : 1 + rng_below(&rng, 12), targets = 1 + rng_below(&rng, 12);
        struct pair *p = random_pair(&rng, sources, targets);
        if (round & 4) {
            memset(p->source + rng_below(&rng, sources) * DIM, 0, DIM * sizeof(real));
            memset(p->target + rng_below(&rng, targets) * DIM, 0, DIM * sizeof(real));
        }
        check_pair(&c, p);
        free(p);
    }
}

static void nothing_known(void **state)
{
    (void)state;
    struct attn_config c = {0};
    struct rng rng = rng_seed(4);
    attn_config_settle(&c);
    struct pair *p = random_pair(&rng, 3, 2);
    memset(p->source, 0, sizeof p->source);
    check_pair(&c, p);
    c.links = ATTN_ARGMAX;
    check_pair(&c, p);
    p->sources = 0;
    check_pair(&c, p);
    p->sources = 3;
    p->targets = 0;
    check_pair(&c, p);
    free(p);
}

static void overflow(void **state)
{
    (void)state;
    struct attn_config c = {.similarity = ATTN_DOT};
    struct rng rng = rng_seed(5);
    struct attn_work work = {0};
    struct links links = {0};
    struct err e = {0};
    real attention[6];
    attn_config_settle(&c);
    struct pair *p = random_pair(&rng, 3, 2);
    for (size_t d = 0; d < DIM; d++)
        p->source[DIM + d] = p->target[d] = (real)(sizeof(real) == 4 ? 1e30 : 1e200);
    struct attn_pair view = {3, 2, DIM, p->source, p->target};
    assert_int_equal(attn_align_pair(&c, &view, &work, attention, &links, &e), -1);
    assert_failed(e, STATUS_DATA, "source word 1 and target word 0 (from 0) is no finite");
    links_free(&links);
    attn_work_free(&work);
    free(p);
}

/* ---- Principal components ---- */

static void plane(void **state)
{
    (void)state;
    enum { N = 60, D = 20 };
    double x[N * D], kept[N * D], scores[N * 2], share[2], across = 0, sizes[2] = {0};
    struct rng rng = rng_seed(6);
    for (size_t i = 0; i < N; i++) { /* a plane, and a little beside it */
        double a = 3 * rng_normal(&rng), b = rng_normal(&rng);
        for (size_t k = 0; k < D; k++)
            x[i * D + k] = 7 + a * sin((double)k) + b * cos(2.0 * (double)k) + 0.01 * rng_normal(&rng);
    }
    memcpy(kept, x, sizeof x);
    pca(x, N, D, 2, scores, share);
    assert_true(share[0] > share[1] && share[0] + share[1] > 0.999 && share[0] + share[1] <= 1);
    for (size_t i = 0; i < N; i++) {
        across += scores[2 * i] * scores[2 * i + 1];
        sizes[0] += scores[2 * i] * scores[2 * i];
        sizes[1] += scores[2 * i + 1] * scores[2 * i + 1];
    }
    assert_true(fabs(across) < 1e-8 * sizes[0]);
    assert_true(fabs(sizes[0] / sizes[1] - share[0] / share[1]) < 1e-8 * share[0] / share[1]);
    /* what lies in the plane keeps its distances */
    for (size_t i = 1; i < N; i++) {
        double far = 0;
        for (size_t k = 0; k < D; k++)
            far += (kept[i * D + k] - kept[k]) * (kept[i * D + k] - kept[k]);
        assert_true(fabs(hypot(scores[2 * i] - scores[0], scores[2 * i + 1] - scores[1]) - sqrt(far)) < 0.1);
    }
}

static void small_clouds(void **state)
{
    (void)state;
    double scores[6], share[2];
    pca((double[]){1, 2, 3, 4, 5, 6}, 3, 2, 2, scores, share); /* a line: the second axis explains nothing */
    assert_true(fabs(share[0] - 1) < 1e-12 && share[1] == 0);
    assert_true(fabs(scores[0] + sqrt(8)) < 1e-12 && fabs(scores[2]) < 1e-12 && fabs(scores[4] - sqrt(8)) < 1e-12);
    pca((double[]){1, 2, 3}, 1, 3, 2, scores, share);
    assert_true(share[0] == 0 && scores[0] == 0 && scores[1] == 0);
    pca((double[]){1, 3}, 2, 1, 2, scores, share); /* fewer dimensions than axes */
    assert_true(share[0] == 1 && share[1] == 0 && scores[0] == -1 && scores[2] == 1 && scores[3] == 0);
    pca(NULL, 0, 3, 2, scores, share);
    assert_true(share[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions), cmocka_unit_test(nothing_known), cmocka_unit_test(overflow),
        cmocka_unit_test(plane),       cmocka_unit_test(small_clouds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
