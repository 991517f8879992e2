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

/* Is there anything to learn from an item? */
static bool taken(const struct corpus *c, uint64_t item)
{
    return target_is_item(c->kind) || corpus_item_steps(c, item);
}

static int make_order(struct batches *b, struct err *e)
{
    for (uint64_t i = b->low; i < b->high; i++) {
        b->items += taken(b->corpus, i);
        b->tokens += corpus_item_steps(b->corpus, i);
    }
    if (!b->items)
        return err_fail(e, STATUS_DATA, "all %llu items of a part are too short to learn from (give more of them)",
                        (unsigned long long)(b->high - b->low));
    b->order = mem_get(b->items, sizeof *b->order);
    return 0;
}

int batches_make(struct batches *train, struct batches *valid, const struct corpus *corpus, size_t rows, size_t bptt,
                 double held, struct err *e)
{
    *train = (struct batches){.corpus = corpus, .rows = rows, .steps = bptt};
    if (!corpus->by_item)
        return make_text(train, valid, held, e);
    assert(!bptt || !target_is_item(corpus->kind));
    if (make_parts(train, valid, corpus->items, held, "items", "give more of them", e) < 0 || make_order(train, e) < 0)
        return -1;
    return held > 0 ? make_order(valid, e) : 0;
}

void batches_free(struct batches *b)
{
    free(b->order);
    free(b->ids);
    free(b->targets);
    free(b->lengths);
    free(b->spelt);
    free(b->vec);
    free(b->wanted);
    free(b->features);
    free(b->row_ids);
    free(b->row_reals);
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
        scratch[i] = (struct keyed){corpus_item_steps(c, order[i]), order[i]};
    qsort(scratch, n, sizeof *scratch, by_key);
    for (size_t i = 0; i < n; i++)
        order[i] = scratch[i].item;
}

void batches_start(struct batches *b, const struct rng *rng)
{
    uint64_t n = b->items;
    size_t window = BATCH_WINDOW * b->rows;
    b->done = b->longest = b->group = 0;
    b->at = b->order ? 0 : b->low;
    if (!b->order)
        return;
    for (uint64_t i = 0, item = b->low; item < b->high; item++)
        if (taken(b->corpus, item))
            b->order[i++] = item;
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
    if (b->done >= b->longest) {
        b->at += b->group;
        if (b->at >= b->items)
            return false;
        b->group = b->items - b->at < b->rows ? b->items - b->at : b->rows;
        b->done = 0;
        b->longest = 1; /* also of items that have no inputs */
        for (size_t i = 0; i < b->group; i++) {
            uint64_t length = corpus_item_steps(b->corpus, b->order[b->at + i]);
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

static real *more_reals(real *old, size_t n)
{
    free(old);
    return n ? mem_aligned(n, sizeof *old) : NULL;
}

static void make_room(struct batches *b, size_t rows, size_t steps)
{
    const struct corpus *c = b->corpus;
    size_t n = rows * steps, width = c->dim > c->outputs ? c->dim : c->outputs;
    bool reals = target_is_real(c->kind);
    if (n > b->room) {
        b->room = n;
        b->ids = mem_grow(b->ids, n, sizeof *b->ids);
        b->targets = mem_grow(b->targets, n, sizeof *b->targets);
        b->lengths = mem_grow(b->lengths, n, sizeof *b->lengths);
        b->spelt = mem_grow(b->spelt, n, sizeof *b->spelt);
        b->vec = more_reals(b->vec, n * c->dim);
        b->wanted = more_reals(b->wanted, reals ? n * c->outputs : 0);
        b->features = more_reals(b->features, n * c->feature);
    }
    if (steps > b->row_room) {
        b->row_room = steps;
        b->row_ids = mem_grow(b->row_ids, steps + 1, sizeof *b->row_ids);
        b->row_reals = more_reals(b->row_reals, c->dim || reals ? steps * width : 0);
    }
}

/* Step t of a row lies at t * rows + row. */
static void spread(uint32_t *to, const uint32_t *from, size_t count, size_t row, size_t rows)
{
    for (size_t t = 0; t < count; t++)
        to[t * rows + row] = from[t];
}

static void spread_reals(real *to, const real *from, size_t width, size_t count, size_t row, size_t rows)
{
    for (size_t t = 0; t < count; t++)
        memcpy(to + (t * rows + row) * width, from + t * width, width * sizeof *to);
}

/* The inputs at positions first .. first + count as row `row` of `rows`. Of next ids, one position on, also the
 * targets. */
static int read_inputs(struct batches *b, uint64_t first, size_t count, size_t row, size_t rows, struct err *e)
{
    const struct corpus *c = b->corpus;
    bool next = c->kind == TARGET_NEXT_ID;
    if (!c->dim || next) {
        if (corpus_ids(c, first, count + (next ? 1 : 0), b->row_ids, e) < 0)
            return -1;
        spread(b->ids, b->row_ids, count, row, rows);
        if (next)
            spread(b->targets, b->row_ids + 1, count, row, rows);
    }
    if (c->dim) {
        if (corpus_vec(c, first, count, b->row_reals, e) < 0)
            return -1;
        spread_reals(b->vec, b->row_reals, c->dim, count, row, rows);
    }
    if (c->spellings.n) {
        if (corpus_spelt(c, first, count, b->row_ids, e) < 0)
            return -1;
        spread(b->spelt, b->row_ids, count, row, rows);
    }
    return 0;
}

/* The targets of that row where they are spooled: of a kind over items `first` is an item, and count 1. */
static int read_targets(struct batches *b, uint64_t first, size_t count, size_t row, size_t rows, struct err *e)
{
    const struct corpus *c = b->corpus;
    if (target_is_real(c->kind)) {
        if (corpus_wanted(c, first, count, b->row_reals, e) < 0)
            return -1;
        spread_reals(b->wanted, b->row_reals, c->outputs, count, row, rows);
        memset(b->row_ids, 0, count * sizeof *b->row_ids);
    } else if (corpus_targets(c, first, count, b->row_ids, e) < 0) {
        return -1;
    }
    spread(b->targets, b->row_ids, count, row, rows);
    return 0;
}

/* Steps behind the end of an item: any valid input, no target. */
static void fill_row(struct batches *b, size_t count, size_t steps, size_t row, size_t rows)
{
    const struct corpus *c = b->corpus;
    bool item = target_is_item(c->kind);
    for (size_t t = count; t < steps; t++) {
        size_t at = t * rows + row;
        b->ids[at] = b->spelt[at] = 0;
        if (c->dim)
            memset(b->vec + at * c->dim, 0, c->dim * sizeof *b->vec);
        if (!item)
            b->targets[at] = TARGET_NONE;
        if (b->wanted && !item)
            memset(b->wanted + at * c->outputs, 0, c->outputs * sizeof *b->wanted);
    }
}

/* Row `row` of the minibatch, which has `count` inputs from position `first` on. */
static int read_row(struct batches *b, uint64_t first, size_t count, size_t steps, size_t row, size_t rows,
                    struct err *e)
{
    const struct corpus *c = b->corpus;
    bool item = target_is_item(c->kind);
    uint64_t number = b->order ? b->order[b->at + row] : 0;
    if (count && read_inputs(b, first, count, row, rows, e) < 0)
        return -1;
    if (item ? read_targets(b, number, 1, row, rows, e) < 0
             : count && c->kind != TARGET_NEXT_ID && read_targets(b, first, count, row, rows, e) < 0)
        return -1;
    if (c->feature && corpus_features(c, number, 1, b->features + row * c->feature, e) < 0)
        return -1;
    b->lengths[row] = (uint32_t)count;
    b->inputs += count;
    fill_row(b, count, steps, row, rows);
    return 0;
}

int batches_next(struct batches *b, struct minibatch *m, bool *fresh, struct err *e)
{
    const struct corpus *c = b->corpus;
    size_t rows, steps;
    if (!advance(b, &rows, &steps, fresh))
        return 0;
    make_room(b, rows, steps);
    b->inputs = 0;
    for (size_t row = 0; row < rows; row++) {
        uint64_t first = row * b->column + (b->at - 1) * steps, count = steps;
        if (b->order) {
            uint64_t item = b->order[b->at + row], length = corpus_item_steps(c, item), begin = b->done - steps;
            first = c->starts[item] + begin;
            count = length <= begin ? 0 : length - begin < steps ? length - begin : steps;
        }
        if (read_row(b, first, count, steps, row, rows, e) < 0)
            return -1;
    }
    *m = (struct minibatch){.steps = steps,
                            .rows = rows,
                            .ids = c->dim ? NULL : b->ids,
                            .vec = b->vec,
                            .targets = b->targets,
                            .lengths = b->inputs < rows * steps ? b->lengths : NULL,
                            .wanted = b->wanted,
                            .features = b->features,
                            .spelt = c->spellings.n ? b->spelt : NULL,
                            .spellings = c->spellings.n ? &c->spellings : NULL};
    return 1;
}
