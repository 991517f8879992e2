#include "net/w2v_softmax.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "math/gemm.h"

enum { BLOCK = W2V_SOFTMAX_BLOCK, GROUP = W2V_OUT_GROUP };

static size_t blocks_of(const struct w2v_softmax *x)
{
    return (x->n + BLOCK - 1) / BLOCK;
}

void w2v_softmax_open(struct w2v_softmax *x, const struct w2v *w, const uint64_t *counts)
{
    *x = (struct w2v_softmax){.w = w, .ids = mem_get(w->v + 1, sizeof *x->ids)};
    for (uint32_t id = 0; id < w->v; id++)
        if (counts[id])
            x->ids[x->n++] = id;
    x->e = mem_aligned(blocks_of(x) * BLOCK * W2V_MAX_IN, sizeof *x->e);
    x->largest = mem_get(blocks_of(x) * W2V_MAX_IN, sizeof *x->largest);
    x->sums = mem_get(blocks_of(x) * W2V_MAX_IN, sizeof *x->sums);
    x->delta = mem_aligned(W2V_MAX_IN * w->stride, sizeof *x->delta);
}

void w2v_softmax_close(struct w2v_softmax *x)
{
    free(x->ids);
    free(x->e);
    free(x->largest);
    free(x->sums);
    free(x->delta);
    *x = (struct w2v_softmax){0};
}

/* A step of the same inputs against one block's outputs, from column `column` on; the block's e. */
static real *begin_block(const struct w2v_softmax *x, struct w2v_step *s, size_t block, size_t column)
{
    s->m = x->n - block * BLOCK < BLOCK ? x->n - block * BLOCK : BLOCK;
    for (size_t k = 0; k < s->m; k++)
        s->out[k] = x->w->out + x->ids[block * BLOCK + k] * x->w->stride + column;
    return x->e + block * BLOCK * W2V_MAX_IN;
}

/* ---- By words: exponentials and their sums ----------------------------------------------------------------------- */

/* The exponentials of input i in a block. */
static void exponentials(struct w2v_softmax *x, const struct w2v_step *s, size_t block, size_t i, real *e)
{
    real row[BLOCK] = {0}, largest, sum = 0;
    for (size_t k = 0; k < s->m; k++) {
        row[k] = s->score[w2v_place(i, k)];
        if (x->ids[block * BLOCK + k] == x->centre)
            x->target[i] = row[k];
    }
    largest = row[0];
    for (size_t k = 1; k < s->m; k++)
        largest = row[k] > largest ? row[k] : largest;
    for (size_t k = 0; k < s->m; k++)
        row[k] -= largest;
    array_exp(s->m, row, row);
    for (size_t k = 0; k < s->m; k++)
        sum += row[k];
    for (size_t k = 0; k < s->m; k += GROUP)
        memcpy(e + (k / GROUP * s->n + i) * GROUP, row + k, GROUP * sizeof *row);
    x->largest[block * s->n + i] = largest;
    x->sums[block * s->n + i] = sum;
}

static void score_blocks(void *context, size_t low, size_t high)
{
    struct w2v_softmax *x = context;
    struct w2v_step s = {.d = x->step->d, .n = x->step->n};
    memcpy(s.in, x->step->in, sizeof s.in);
    for (size_t block = low; block < high; block++) {
        real *e = begin_block(x, &s, block, 0);
        x->w->code->score(&s);
        for (size_t i = 0; i < s.n; i++)
            exponentials(x, &s, block, i, e);
    }
}

/* Takes the blocks' sums together, always in the same order: the loss, and what makes e rate * p. */
static double normalize(struct w2v_softmax *x)
{
    const struct w2v_step *s = x->step;
    size_t blocks = blocks_of(x), n = s->n;
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        real largest = x->largest[i];
        for (size_t b = 1; b < blocks; b++)
            largest = x->largest[b * n + i] > largest ? x->largest[b * n + i] : largest;
        loss += (double)largest - (double)x->target[i];
        for (size_t b = 0; b < blocks; b++)
            x->largest[b * n + i] -= largest;
    }
    array_exp(blocks * n, x->largest, x->largest);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t b = 0; b < blocks; b++)
            sum += (double)x->sums[b * n + i] * (double)x->largest[b * n + i];
        loss += scalar_log(sum);
        for (size_t b = 0; b < blocks; b++)
            x->largest[b * n + i] *= (real)((double)s->rate / sum);
    }
    return loss;
}

/* ---- By columns: what inputs and outputs are moved by ------------------------------------------------------------ */

/* g_ik = rate * ([k is the centre] - p_ik). */
static void set_changes(const struct w2v_softmax *x, struct w2v_step *s, size_t block, const real *e)
{
    const real *share = x->largest + block * s->n;
    for (size_t k = 0; k < s->m; k += GROUP)
        for (size_t i = 0; i < s->n; i++, e += GROUP)
            for (size_t lane = 0; lane < GROUP; lane++)
                s->score[w2v_place(i, k) + lane] = -e[lane] * share[i];
    for (size_t k = 0; k < s->m; k++)
        for (size_t i = 0; i < s->n && x->ids[block * BLOCK + k] == x->centre; i++)
            s->score[w2v_place(i, k)] += x->step->rate;
}

static void update_columns(void *context, size_t low, size_t high)
{
    struct w2v_softmax *x = context;
    size_t column = low * W2V_LANES;
    struct w2v_step s = {.d = (high - low) * W2V_LANES, .n = x->step->n};
    for (size_t i = 0; i < s.n; i++) {
        s.in[i] = x->step->in[i] + column;
        s.add[i] = x->delta + i * x->w->stride + column;
        memset(s.add[i], 0, s.d * sizeof *s.add[i]);
    }
    for (size_t block = 0; block < blocks_of(x); block++) {
        set_changes(x, &s, block, begin_block(x, &s, block, column));
        x->w->code->update(&s);
    }
}

void w2v_softmax_learn(struct w2v_softmax *x, struct w2v_step *step, uint32_t centre)
{
    size_t stride = x->w->stride, work = step->n * x->n * stride;
    x->step = step;
    x->centre = centre;
    split_work(blocks_of(x), work, score_blocks, x);
    step->loss->nats += normalize(x);
    split_work(stride / W2V_LANES, work, update_columns, x);
    for (size_t i = 0; i < step->n; i++) {
        real *delta = x->delta + i * stride;
        x->w->code->spread(stride, (struct w2v_shares){.first = 1}, &step->add[i], (real *const[]){delta, delta});
    }
}
