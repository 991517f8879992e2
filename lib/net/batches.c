#include "net/batches.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Cutting ----------------------------------------------------------------------------------------------------- */

/* How much of `n` trains when the share `held` does not. */
static uint64_t kept(uint64_t n, double held)
{
    return held > 0 ? (uint64_t)((double)n * (1 - held)) : n;
}

static uint64_t item_steps(const struct corpus *c, uint64_t item)
{
    return c->starts[item + 1] - c->starts[item] - (c->target ? 0 : 1);
}

static int make_parts(struct batches *train, struct batches *valid, uint64_t n, double held, const char *what,
                      const char *hint, struct err *e)
{
    uint64_t middle = kept(n, held);
    if (held > 0 && (middle == 0 || middle == n))
        return err_fail(e, STATUS_DATA,
                        "%llu %s cannot be divided into a part to train on and one of %g to validate with (%s)",
                        (unsigned long long)n, what, held, hint);
    train->low = 0, train->high = middle;
    if (held > 0) {
        *valid = *train;
        valid->low = middle, valid->high = n;
    }
    return 0;
}

static int make_text(struct batches *train, struct batches *valid, double held, struct err *e)
{
    uint64_t steps = train->corpus->steps, bptt = train->steps;
    assert(steps > 0 && train->rows > 0);
    if (bptt > steps)
        bptt = steps;
    uint64_t most = steps / (bptt ? bptt : 1);
    if (most < train->rows)
        train->rows = most; /* at least 1: bptt is at most steps */
    if (!bptt)
        bptt = steps / train->rows;
    train->steps = bptt;
    uint64_t minibatches = steps / train->rows / bptt;
    train->column = minibatches * bptt;
    if (make_parts(train, valid, minibatches, held, "minibatches", "try a smaller --batch or --bptt", e) < 0)
        return -1;
    train->tokens = (train->high - train->low) * bptt * train->rows;
    if (held > 0)
        valid->tokens = (valid->high - valid->low) * bptt * valid->rows;
    return 0;
}

static void make_order(struct batches *b)
{
    const struct corpus *c = b->corpus;
    b->order = mem_get(b->high - b->low, sizeof *b->order);
    b->tokens = c->starts[b->high] - c->starts[b->low] - (c->target ? 0 : b->high - b->low);
}

int batches_make(struct batches *train, struct batches *valid, const struct corpus *corpus, size_t rows, size_t bptt,
                 double held, struct err *e)
{
    *train = (struct batches){.corpus = corpus, .rows = rows, .steps = bptt};
    if (!corpus->by_item)
        return make_text(train, valid, held, e);
    if (make_parts(train, valid, corpus->items, held, "items", "give more of them", e) < 0)
        return -1;
    make_order(train);
    if (held > 0)
        make_order(valid);
    return 0;
}

void batches_free(struct batches *b)
{
    free(b->order);
    free(b->ids);
    free(b->targets);
    free(b->lengths);
    free(b->row_ids);
    free(b->vec);
    free(b->row_vec);
    *b = (struct batches){0};
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

struct keyed {
    uint64_t key, item; /* sorted by both, so that the order is one */
};

static int by_key(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    return x->key != y->key ? (x->key > y->key) - (x->key < y->key) : (x->item > y->item) - (x->item < y->item);
}

/* Fisher and Yates: units of `unit` elements change places; a last unit that is shorter stays. */
static void shuffle(uint64_t *order, size_t n, size_t unit, struct rng *rng)
{
    for (size_t i = n / unit; i > 1; i--) {
        size_t j = rng_below(rng, i);
        for (size_t k = 0; k < unit; k++) {
            uint64_t swap = order[(i - 1) * unit + k];
            order[(i - 1) * unit + k] = order[j * unit + k];
            order[j * unit + k] = swap;
        }
    }
}

/* Items of like length side by side within a window, so that little of a minibatch lies behind the ends of its rows. */
static void sort_window(const struct corpus *c, uint64_t *order, size_t n, struct keyed *scratch)
{
    for (size_t i = 0; i < n; i++)
        scratch[i] = (struct keyed){item_steps(c, order[i]), order[i]};
    qsort(scratch, n, sizeof *scratch, by_key);
    for (size_t i = 0; i < n; i++)
        order[i] = scratch[i].item;
}

void batches_start(struct batches *b, const struct rng *rng)
{
    uint64_t n = b->high - b->low;
    size_t window = BATCH_WINDOW * b->rows;
    b->done = b->longest = b->group = 0;
    b->at = b->order ? 0 : b->low;
    if (!b->order)
        return;
    for (uint64_t i = 0; i < n; i++)
        b->order[i] = b->low + i;
    if (!rng)
        return;
    struct rng r = *rng;
    struct keyed *scratch = mem_get(n < window ? n : window, sizeof *scratch);
    shuffle(b->order, n, 1, &r);
    for (uint64_t i = 0; i < n; i += window) {
        size_t here = n - i < window ? n - i : window;
        sort_window(b->corpus, b->order + i, here, scratch);
        shuffle(b->order + i, here, b->rows, &r);
    }
    free(scratch);
}

/* Finds the next minibatch: `steps` of `rows` rows. False at the end of the epoch. */
static bool advance(struct batches *b, size_t *rows, size_t *steps, bool *fresh)
{
    if (!b->order) {
        *rows = b->rows, *steps = b->steps, *fresh = b->at == b->low;
        return b->at++ < b->high;
    }
    uint64_t n = b->high - b->low;
    if (b->done >= b->longest) {
        b->at += b->group;
        if (b->at >= n)
            return false;
        b->group = n - b->at < b->rows ? n - b->at : b->rows;
        b->done = b->longest = 0;
        for (size_t i = 0; i < b->group; i++) {
            uint64_t length = item_steps(b->corpus, b->order[b->at + i]);
            b->longest = length > b->longest ? length : b->longest;
        }
    }
    *rows = b->group;
    *fresh = b->done == 0;
    *steps = b->steps && b->longest - b->done > b->steps ? b->steps : b->longest - b->done;
    b->done += *steps;
    return true;
}

void batches_skip(struct batches *b, uint64_t count)
{
    size_t rows, steps;
    bool fresh;
    while (count-- && advance(b, &rows, &steps, &fresh))
        ;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

static void make_room(struct batches *b, size_t rows, size_t steps)
{
    size_t dim = b->corpus->dim, n = rows * steps;
    if (n <= b->room)
        return;
    b->room = n;
    b->ids = mem_grow(b->ids, n, sizeof *b->ids);
    b->targets = mem_grow(b->targets, n, sizeof *b->targets);
    b->lengths = mem_grow(b->lengths, n, sizeof *b->lengths);
    b->row_ids = mem_grow(b->row_ids, n + 1, sizeof *b->row_ids);
    if (dim) {
        free(b->vec);
        b->vec = mem_aligned(n * dim, sizeof *b->vec);
        b->row_vec = mem_grow(b->row_vec, n * dim, sizeof *b->row_vec);
    }
}

/* Positions first .. first + count as row `row` of `rows`; step t lies at t * rows + row. */
static int read_row(struct batches *b, uint64_t first, size_t count, size_t row, size_t rows, struct err *e)
{
    const struct corpus *c = b->corpus;
    size_t dim = c->dim;
    if (count == 0)
        return 0;
    if (!dim || !c->target) {
        if (corpus_ids(c, first, count + (c->target ? 0 : 1), b->row_ids, e) < 0)
            return -1;
        for (size_t t = 0; t < count; t++) {
            b->ids[t * rows + row] = b->row_ids[t];
            if (!c->target)
                b->targets[t * rows + row] = b->row_ids[t + 1];
        }
    }
    if (dim) {
        if (corpus_vec(c, first, count, b->row_vec, e) < 0)
            return -1;
        for (size_t t = 0; t < count; t++)
            memcpy(b->vec + (t * rows + row) * dim, b->row_vec + t * dim, dim * sizeof *b->vec);
    }
    if (c->target) {
        if (corpus_targets(c, first, count, b->row_ids, e) < 0)
            return -1;
        for (size_t t = 0; t < count; t++)
            b->targets[t * rows + row] = b->row_ids[t];
    }
    return 0;
}

/* Steps behind the end of an item: any valid input, no target. */
static void fill_row(struct batches *b, size_t count, size_t steps, size_t row, size_t rows)
{
    size_t dim = b->corpus->dim;
    for (size_t t = count; t < steps; t++) {
        b->ids[t * rows + row] = 0;
        b->targets[t * rows + row] = TARGET_NONE;
        if (dim)
            memset(b->vec + (t * rows + row) * dim, 0, dim * sizeof *b->vec);
    }
}

int batches_next(struct batches *b, struct minibatch *m, bool *fresh, struct err *e)
{
    const struct corpus *c = b->corpus;
    size_t rows, steps;
    if (!advance(b, &rows, &steps, fresh))
        return 0;
    make_room(b, rows, steps);
    bool ragged = false;
    for (size_t row = 0; row < rows; row++) {
        uint64_t first = row * b->column + (b->at - 1) * steps, count = steps;
        if (b->order) {
            uint64_t item = b->order[b->at + row], length = item_steps(c, item), begin = b->done - steps;
            first = c->starts[item] + begin;
            count = length <= begin ? 0 : length - begin < steps ? length - begin : steps;
        }
        ragged |= count < steps;
        b->lengths[row] = (uint32_t)count;
        if (read_row(b, first, count, row, rows, e) < 0)
            return -1;
        fill_row(b, count, steps, row, rows);
    }
    *m = (struct minibatch){.steps = steps,
                            .rows = rows,
                            .ids = c->dim ? NULL : b->ids,
                            .vec = c->dim ? b->vec : NULL,
                            .targets = b->targets,
                            .lengths = ragged ? b->lengths : NULL};
    return 1;
}
