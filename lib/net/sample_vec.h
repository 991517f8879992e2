/* sample_vec: series from a network that predicts the next vector, several items at a time.
 *
 *     x_{t+1} ~ head(network(x_0 .. x_t))     (A. Graves, "Generating sequences with recurrent neural networks", 2013)
 *
 * An item begins with a vector of zeros, or with vectors that are given. A mixture is drawn from, sharpened by --bias
 * (section 5.4), or with --greedy stands for the mean of its likeliest Gaussian; a squared-error head says the value
 * itself. What is drawn for an item depends on the seed and the item's number alone. */
#ifndef NET_SAMPLE_VEC_H
#define NET_SAMPLE_VEC_H

#include "net/sample.h"

enum { SAMPLE_VEC_ROWS = 64 };

struct vec_sampler {
    struct rnnfile *file;
    const struct sample_config *config;
    struct rng seed, rng[SAMPLE_VEC_ROWS];
    size_t n, dim;                     /* rows of the present items, D */
    real *state;                       /* behind what has been read, but for the last vector */
    real *x;                           /* [n, D]: that one */
    real *outputs;                     /* of a row */
    real *prime;                       /* [T, n, D] */
    uint32_t lengths[SAMPLE_VEC_ROWS]; /* of a chunk of it */
    size_t room;
};

/* STATUS_DATA: the model does not predict the next vector. */
int vec_sampler_make(struct vec_sampler *s, struct rnnfile *file, const struct sample_config *config, struct rng rng,
                     struct err *e);

/* Begins n items, at most SAMPLE_VEC_ROWS, of which the first is number `item`. They read vec[offsets[i]] up to
 * vec[offsets[i + 1]], rows of D reals; NULL: nothing is given. */
void vec_sampler_begin(struct vec_sampler *s, size_t n, uint64_t item, const uint64_t *offsets, const real *vec);

/* The next vector of each item, at values + i * stride. */
void vec_sampler_next(struct vec_sampler *s, float *values, size_t stride);

void vec_sampler_free(struct vec_sampler *s);

#endif
