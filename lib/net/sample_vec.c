#include "net/sample_vec.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 }; /* steps read at a time */

/* Steps first up to first + steps of what each item begins with, but for its last vector. */
static void read_chunk(struct vec_sampler *s, const uint64_t *offsets, const real *vec, uint64_t first, size_t steps)
{
    size_t dim = s->dim, reals = s->n * steps * dim;
    if (reals > s->room) {
        free(s->prime);
        s->prime = mem_aligned(reals, sizeof *s->prime);
        s->room = reals;
    }
    memset(s->prime, 0, reals * sizeof *s->prime);
    for (size_t b = 0; b < s->n; b++) {
        uint64_t length = offsets[b + 1] - offsets[b], all = length ? length - 1 : 0;
        uint64_t left = all > first ? all - first : 0;
        s->lengths[b] = (uint32_t)(left < steps ? left : steps);
        for (size_t t = 0; t < s->lengths[b]; t++)
            memcpy(s->prime + (t * s->n + b) * dim, vec + (offsets[b] + first + t) * dim, dim * sizeof *vec);
    }
    const struct minibatch chunk = {.steps = steps, .rows = s->n, .vec = s->prime, .lengths = s->lengths};
    model_forward(&s->file->model, &chunk, s->state, s->state);
}

static void read_prime(struct vec_sampler *s, const uint64_t *offsets, const real *vec)
{
    uint64_t longest = 0, steps;
    for (size_t b = 0; b < s->n; b++) {
        uint64_t length = offsets[b + 1] - offsets[b];
        longest = length > longest ? length : longest;
        if (length)
            memcpy(s->x + b * s->dim, vec + (offsets[b + 1] - 1) * s->dim, s->dim * sizeof *s->x);
    }
    for (uint64_t first = 0; first + 1 < longest; first += steps) {
        steps = longest - 1 - first < CHUNK ? longest - 1 - first : CHUNK;
        read_chunk(s, offsets, vec, first, steps);
    }
}

void vec_sampler_begin(struct vec_sampler *s, size_t n, uint64_t item, const uint64_t *offsets, const real *vec)
{
    s->n = n;
    memset(s->state, 0, model_state_size(&s->file->model, n) * sizeof *s->state);
    memset(s->x, 0, n * s->dim * sizeof *s->x);
    for (size_t b = 0; b < n; b++)
        s->rng[b] = rng_fork(s->seed, "item", item + b);
    if (vec)
        read_prime(s, offsets, vec);
}

void vec_sampler_next(struct vec_sampler *s, float *values, size_t stride)
{
    struct model *m = &s->file->model;
    const struct minibatch step = {.steps = 1, .rows = s->n, .vec = s->x};
    model_forward(m, &step, s->state, s->state);
    for (size_t b = 0; b < s->n; b++) {
        real *x = s->x + b * s->dim;
        model_logits(m, 0, b, s->outputs);
        m->head->value(s->outputs, m->outputs, s->dim, s->config->greedy ? NULL : &s->rng[b], s->config->bias, x);
        for (size_t k = 0; k < s->dim; k++)
            values[b * stride + k] = (float)x[k];
    }
}

int vec_sampler_make(struct vec_sampler *s, struct rnnfile *file, const struct sample_config *config, struct rng rng,
                     struct err *e)
{
    const struct model *m = &file->model;
    *s = (struct vec_sampler){.file = file,
                              .config = config,
                              .seed = rng_fork(rng, "series", 0),
                              .dim = m->shape.inputs};
    if (file->kind != TARGET_NEXT_VEC || !m->outputs || m->shape.ids || m->shape.characters || m->shape.feature)
        return err_fail(e, STATUS_DATA,
                        "the model does not predict the next vector from vectors alone: it cannot go on");
    s->state = mem_aligned(model_state_size(m, SAMPLE_VEC_ROWS), sizeof *s->state);
    s->x = mem_aligned(SAMPLE_VEC_ROWS * s->dim, sizeof *s->x);
    s->outputs = mem_aligned(m->outputs, sizeof *s->outputs);
    return 0;
}

void vec_sampler_free(struct vec_sampler *s)
{
    free(s->state);
    free(s->x);
    free(s->outputs);
    free(s->prime);
    *s = (struct vec_sampler){0};
}
