/* Aligning the pairs of a batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "net/attn.h"

/* One side of a batch of pairs: its words' vectors. */
struct side {
    const uint64_t *offsets; /* [N + 1] */
    const real *vec;         /* [words, D] */
    real *converted;         /* owned, where the column had another type */
    uint64_t dim;
};

static int side_read(const struct batch *batch, const char *name, struct side *side, struct err *e)
{
    const struct tensor *t = batch_find(batch, name);
    if (!t)
        return err_fail(e, STATUS_DATA, "the input has no column '%s' (give its words vectors: embed --model FILE)",
                        name);
    if (!dtype_is_real(t->dtype) || t->rank != 2)
        return tensor_expect(t, DTYPE_F32, 2, e);
    if (!(side->offsets = batch_offsets(batch, name, e)) || tensor_finite(t, e) < 0)
        return -1;
    side->dim = t->dims[1];
    if (side->offsets[batch->n] != t->dims[0])
        return err_fail(e, STATUS_DATA, "'%s' has %llu rows where its offsets say %llu", name,
                        (unsigned long long)t->dims[0], (unsigned long long)side->offsets[batch->n]);
    side->vec = t->data;
    if (t->dtype != REAL_DTYPE) {
        side->vec = side->converted = mem_aligned(tensor_count(t) + 1, sizeof(real));
        return tensor_reals(t, side->converted, e);
    }
    return 0;
}

struct job {
    const struct attn_config *config;
    struct side source, target;
    const uint64_t *cells; /* attn.offsets */
    real *attention;
    struct links *links; /* [N] */
    bool *failed;        /* [N] */
};

static int align_pair(const struct job *job, size_t n, struct attn_work *memory, struct err *e)
{
    uint64_t i = job->source.offsets[n], j = job->target.offsets[n];
    struct attn_pair pair = {
        .sources = job->source.offsets[n + 1] - i,
        .targets = job->target.offsets[n + 1] - j,
        .dim = job->source.dim,
        .source = job->source.vec + i * job->source.dim,
        .target = job->target.vec + j * job->target.dim,
    };
    return attn_align_pair(job->config, &pair, memory, job->attention + job->cells[n], &job->links[n], e);
}

static void work(void *context, size_t low, size_t high)
{
    const struct job *job = context;
    struct attn_work memory = {0};
    struct err e;
    for (size_t n = low; n < high; n++)
        job->failed[n] = align_pair(job, n, &memory, &e) < 0;
    attn_work_free(&memory);
}

/* The sentence of the first pair that failed, by trying it again. */
static int first_failure(const struct job *job, uint64_t n, struct err *e)
{
    struct attn_work memory = {0};
    for (uint64_t k = 0; k < n; k++)
        if (job->failed[k]) {
            align_pair(job, k, &memory, e);
            attn_work_free(&memory);
            return err_where(e, "pair %llu of the batch", (unsigned long long)k);
        }
    return 0;
}

/* attn.offsets and attn.shape: where each pair's matrix lies and how large it is. */
static int lay_out(const struct job *job, uint64_t n, uint64_t *cells, uint32_t *shape, struct err *e)
{
    for (uint64_t k = 0; k < n; k++) {
        uint64_t sources = job->source.offsets[k + 1] - job->source.offsets[k];
        uint64_t targets = job->target.offsets[k + 1] - job->target.offsets[k], product;
        if (sources > ATTN_MAX_CELLS || targets > ATTN_MAX_CELLS || !mem_product(sources, targets, &product) ||
            product > ATTN_MAX_CELLS)
            return err_fail(e, STATUS_DATA,
                            "pair %llu of the batch has %llu source and %llu target words (at most %d "
                            "cells; align sentences, not whole texts)",
                            (unsigned long long)k, (unsigned long long)sources, (unsigned long long)targets,
                            ATTN_MAX_CELLS);
        shape[2 * k] = (uint32_t)targets;
        shape[2 * k + 1] = (uint32_t)sources;
        cells[k + 1] = cells[k] + product;
    }
    return 0;
}

/* Adds the links as columns. */
static int add_links(struct batch *batch, const struct links *links, struct err *e)
{
    struct tensor offsets = tensor_make("links.offsets", DTYPE_U64, 1, (uint64_t[]){batch->n + 1});
    uint64_t *end = offsets.data;
    for (uint64_t k = 0; k < batch->n; k++)
        end[k + 1] = end[k] + links[k].n;
    struct tensor column = tensor_make("links", DTYPE_U32, 2, (uint64_t[]){end[batch->n], 2});
    uint32_t *at = column.data;
    for (uint64_t k = 0; k < batch->n; k++)
        for (size_t l = 0; l < links[k].n; l++) {
            *at++ = links[k].at[l].source;
            *at++ = links[k].at[l].target;
        }
    if (batch_add(batch, offsets, e) < 0) {
        tensor_free(&column);
        return -1;
    }
    return batch_add(batch, column, e);
}

/* Computes attention and links and adds them all. */
static int align(struct job *job, struct batch *batch, struct err *e)
{
    uint64_t n = batch->n;
    struct tensor offsets = tensor_make("attn.offsets", DTYPE_U64, 1, (uint64_t[]){n + 1});
    struct tensor shape = tensor_make("attn.shape", DTYPE_U32, 2, (uint64_t[]){n, 2});
    if (lay_out(job, n, offsets.data, shape.data, e) < 0) {
        tensor_free(&offsets);
        tensor_free(&shape);
        return -1;
    }
    job->cells = offsets.data;
    struct tensor attention = tensor_make("attn", REAL_DTYPE, 1, (uint64_t[]){job->cells[n]});
    job->attention = attention.data;
    par_for(n, 1, work, job);
    int result = first_failure(job, n, e);
    struct tensor columns[] = {offsets, shape, attention};
    for (size_t k = 0; k < 3; k++)
        if (result < 0)
            tensor_free(&columns[k]);
        else
            result = batch_add(batch, columns[k], e);
    return result < 0 ? -1 : add_links(batch, job->links, e);
}

int attn_align(const struct attn_config *c, struct batch *batch, struct err *e)
{
    struct job job = {.config = c};
    int result = -1;
    job.links = mem_get(batch->n, sizeof *job.links);
    job.failed = mem_get(batch->n, sizeof *job.failed);
    if (side_read(batch, "src.vec", &job.source, e) == 0 && side_read(batch, "tgt.vec", &job.target, e) == 0) {
        if (job.source.dim == job.target.dim)
            result = align(&job, batch, e);
        else
            err_fail(e, STATUS_DATA,
                     "'src.vec' has %llu numbers a word and 'tgt.vec' %llu (both sides need the vectors of "
                     "one model)",
                     (unsigned long long)job.source.dim, (unsigned long long)job.target.dim);
    }
    for (uint64_t k = 0; k < batch->n; k++)
        links_free(&job.links[k]);
    free(job.links);
    free(job.failed);
    free(job.source.converted);
    free(job.target.converted);
    return result;
}
