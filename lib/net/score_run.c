/* Items through the network: as many at a time as fit, those of like length together. */
#include "net/score_parts.h"
#include "base/mem.h"
#include "net/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps at a time, where items may be cut; reals that a pass keeps, to be found in a cache (measured: up to 16 times as
 * many are no faster, and a fifth slower where there are many classes). */
enum { CHUNK = 256, CHUNK_LEAST = 16, REALS = 1 << 20 };

static struct model *model_of(const struct scorer *s)
{
    return &s->file->model;
}

/* ---- States of one row among those of a pass, [L*D*S, rows, H] --------------------------------------------------- */

static void copy_state(const struct scorer *s, real *all, size_t rows, size_t b, real *own, bool to_own)
{
    size_t hidden = model_of(s)->rnn.hidden, parts = model_state_size(model_of(s), 1) / hidden;
    for (size_t p = 0; p < parts; p++) {
        real *place = all + (p * rows + b) * hidden, *mine = own + p * hidden;
        memcpy(to_own ? mine : place, to_own ? place : mine, hidden * sizeof *own);
    }
}

/* The states behind a step of the pass. */
static void look_state(const struct scorer *s, size_t step, size_t b, real *own)
{
    const struct rnn *n = &model_of(s)->rnn;
    for (size_t l = 0; l < n->layers; l++)
        for (int i = 0; i < n->cell->states; i++, own += n->hidden)
            model_states(model_of(s), l, i, step, b, own);
}

/* ---- What a step reads and what it should say -------------------------------------------------------------------- */

/* What was read last of an item that goes on, else the mark in front of one: a word without spelling and vector. */
static void put_mark(struct scorer *s, const struct score_sequence *q, size_t slot)
{
    size_t dim = model_of(s)->shape.ids ? 0 : model_of(s)->shape.inputs;
    s->ids[slot] = q->goes_on ? s->last.id : s->file->by_item ? s->begin : s->end;
    s->spelt[slot] = q->goes_on ? s->last.spelt : 0;
    if (q->goes_on && dim)
        memcpy(s->vec + slot * dim, s->last.vec, dim * sizeof *s->vec);
    else if (dim)
        memset(s->vec + slot * dim, 0, dim * sizeof *s->vec);
}

static int put_input(struct scorer *s, uint64_t row, size_t slot, struct err *e)
{
    const struct model_shape *shape = &model_of(s)->shape;
    size_t dim = shape->ids ? 0 : shape->inputs;
    s->ids[slot] = s->spelt[slot] = 0;
    if (shape->characters && score_spelt(s, row, &s->spelt[slot], e) < 0)
        return -1;
    if (shape->ids)
        return score_id(s, row, !s->next, &s->ids[slot], e);
    memcpy(s->vec + slot * dim, s->k->vec + row * dim, dim * sizeof *s->vec);
    return 0;
}

/* Behind the end of a row: anything valid. */
static void put_nothing(struct scorer *s, size_t slot)
{
    const struct model_shape *shape = &model_of(s)->shape;
    size_t dim = shape->ids ? 0 : shape->inputs, outputs = target_is_real(s->file->kind) ? shape->classes : 0;
    s->ids[slot] = s->spelt[slot] = 0;
    s->targets[slot] = TARGET_NONE;
    if (dim)
        memset(s->vec + slot * dim, 0, dim * sizeof *s->vec);
    if (outputs && !shape->item)
        memset(s->wanted + slot * outputs, 0, outputs * sizeof *s->wanted);
}

/* Is there a row behind this one in the same part of the item? */
static bool has_next(const struct scorer *s, const struct score_sequence *q, uint64_t row)
{
    bool behind = row + 1 < q->high;
    for (uint64_t i = 1; i < q->parts && behind; i++)
        behind = s->k->offsets[q->item + i] != row + 1;
    return behind;
}

static void put_reals(struct scorer *s, const real *from, size_t slot)
{
    size_t outputs = model_of(s)->shape.classes;
    memcpy(s->wanted + slot * outputs, from, outputs * sizeof *from);
    s->targets[slot] = 0;
}

/* The target of step `at`, or of the item; its loss stands in s->losses[*place] once it is known. */
static int put_target(struct scorer *s, const struct score_sequence *q, uint64_t at, size_t slot, struct err *e)
{
    uint64_t row = q->low + at;
    s->targets[slot] = TARGET_NONE;
    switch (s->file->kind) {
    case TARGET_NEXT_ID:
        s->targets[slot] = s->end;
        return row < q->high ? score_id(s, row, true, &s->targets[slot], e) : 0;
    case TARGET_NEXT_VEC:
        if (has_next(s, q, row))
            put_reals(s, s->k->vec + (row + 1) * model_of(s)->shape.inputs, slot);
        else
            memset(s->wanted + slot * model_of(s)->shape.classes, 0, model_of(s)->shape.classes * sizeof *s->wanted);
        return 0;
    case TARGET_STEP_CLASS:
        return score_class(s, row, &s->targets[slot], e);
    case TARGET_ITEM_CLASS:
        return score_class(s, q->item, &s->targets[slot], e);
    case TARGET_STEP_REAL:
        put_reals(s, s->k->wanted + row * model_of(s)->shape.classes, slot);
        return 0;
    case TARGET_ITEM_REAL:
        put_reals(s, s->k->wanted + q->item * model_of(s)->shape.classes, slot);
        return 0;
    }
    return 0;
}

/* Are targets looked at in this pass? */
static bool judged(const struct scorer *s)
{
    return model_of(s)->outputs && (s->next || s->judges);
}

/* ---- A pass ------------------------------------------------------------------------------------------------------ */

struct group {
    struct score_sequence **rows;
    size_t n;
    uint64_t first; /* of the present steps */
    size_t steps;
};

/* How many of the present steps a row has. */
static size_t length_of(const struct group *g, size_t b)
{
    uint64_t left = g->rows[b]->steps > g->first ? g->rows[b]->steps - g->first : 0;
    return left < g->steps ? left : g->steps;
}

static real *more_reals(real *old, size_t n)
{
    free(old);
    return mem_aligned(n + 1, sizeof *old);
}

static void make_room(struct scorer *s, size_t positions)
{
    const struct model_shape *shape = &model_of(s)->shape;
    if (positions <= s->room)
        return;
    s->room = positions;
    s->ids = mem_grow(s->ids, positions, sizeof *s->ids);
    s->targets = mem_grow(s->targets, positions, sizeof *s->targets);
    s->spelt = mem_grow(s->spelt, positions, sizeof *s->spelt);
    s->vec = more_reals(s->vec, shape->ids ? 0 : positions * shape->inputs);
    s->wanted = more_reals(s->wanted, target_is_real(s->file->kind) ? positions * shape->classes : 0);
}

static int put_row(struct scorer *s, const struct group *g, size_t b, struct err *e)
{
    const struct score_sequence *q = g->rows[b];
    bool targets = judged(s), item = model_of(s)->shape.item;
    size_t length = length_of(g, b);
    for (size_t t = 0; t < g->steps; t++) {
        size_t slot = t * g->n + b;
        uint64_t at = g->first + t;
        if (t >= length)
            put_nothing(s, slot);
        else if (s->next && at == 0)
            put_mark(s, q, slot);
        else if (put_input(s, q->low + at - s->next, slot, e) < 0)
            return -1;
        if (targets && !item && t < length && put_target(s, q, at, slot, e) < 0)
            return -1;
    }
    s->lengths[b] = (uint32_t)length;
    return 0;
}

static int put_group(struct scorer *s, const struct group *g, struct err *e)
{
    make_room(s, g->n * g->steps);
    for (size_t b = 0; b < g->n; b++)
        if (put_row(s, g, b, e) < 0)
            return -1;
    for (size_t b = 0; b < g->n && judged(s) && model_of(s)->shape.item; b++)
        if (put_target(s, g->rows[b], 0, b, e) < 0)
            return -1;
    return 0;
}

static void run_pass(struct scorer *s, const struct group *g)
{
    const struct model_shape *shape = &model_of(s)->shape;
    struct minibatch m = {.steps = g->steps, .rows = g->n, .lengths = s->lengths};
    m.ids = shape->ids ? s->ids : NULL;
    m.vec = shape->ids ? NULL : s->vec;
    if (judged(s)) {
        m.targets = s->targets;
        m.wanted = target_is_real(s->file->kind) ? s->wanted : NULL;
    }
    if (shape->characters) {
        m.spelt = s->spelt;
        m.spellings = &s->spell.spellings;
    }
    model_forward(model_of(s), &m, s->states, s->whole ? NULL : s->states);
}

/* What the target of a position cost: no number at all without one, minus infinity where the model does not know it. */
static double loss_of(const struct scorer *s, size_t step, size_t b, size_t slot)
{
    if (!judged(s))
        return NAN;
    if (s->targets[slot] == TARGET_NONE)
        return s->file->kind == TARGET_NEXT_VEC ? NAN : -INFINITY;
    double loss = model_loss(model_of(s), step, b);
    return isnan(loss) ? INFINITY : loss;
}

/* One step of a row into the columns. Of next ids, step `at` has read token at - 1 and is about token `at`. */
static void tell_step(struct scorer *s, const struct group *g, size_t t, size_t b)
{
    struct score_sequence *q = g->rows[b];
    uint64_t at = g->first + t, row = q->low + at;
    if (!s->next || at > 0)
        score_columns_fill(s, t, b, row - s->next, true);
    if (model_of(s)->shape.item || !model_of(s)->outputs)
        return;
    double loss = loss_of(s, t, b, t * g->n + b);
    if (row < q->high) {
        score_columns_fill(s, t, b, row, false);
        s->losses[row] = loss;
    } else {
        q->end_loss = loss;
    }
}

static void tell(struct scorer *s, const struct group *g)
{
    for (size_t b = 0; b < g->n; b++) {
        for (size_t t = 0; t < length_of(g, b); t++)
            tell_step(s, g, t, b);
        if (model_of(s)->shape.item && model_of(s)->outputs) {
            score_columns_fill(s, 0, b, g->rows[b]->item, false);
            s->losses[g->rows[b]->item] = loss_of(s, 0, b, b);
        }
    }
}

/* ---- Groups ------------------------------------------------------------------------------------------------------ */

static size_t between(uint64_t n, size_t least, size_t most)
{
    return n < least ? least : n < most ? n : most;
}

static void begin_states(struct scorer *s, const struct group *g)
{
    struct model *m = model_of(s);
    size_t feature = m->shape.feature;
    memset(s->states, 0, model_state_size(m, g->n) * sizeof *s->states);
    for (size_t b = 0; feature && b < g->n; b++)
        memcpy(s->features + b * feature, s->k->features + g->rows[b]->item * feature, feature * sizeof *s->features);
    if (feature)
        model_start(m, g->n, s->features, s->states);
    for (size_t b = 0; b < g->n; b++)
        if (g->rows[b]->goes_on || s->carries)
            copy_state(s, s->states, g->n, b, g->rows[b]->goes_on && s->next ? s->before : s->state, false);
}

/* An item that may go on will read its last step again: what it read, and the states before it. Called in front of the
 * pass with the states that it starts from, and behind it. */
static void keep_last(struct scorer *s, const struct group *g, bool behind)
{
    size_t dim = model_of(s)->shape.ids ? 0 : model_of(s)->shape.inputs;
    for (size_t b = 0; b < g->n && s->next; b++) {
        const struct score_sequence *q = g->rows[b];
        size_t t = q->steps - 1 - g->first, slot = t * g->n + b;
        if (!q->last || q->steps - 1 < g->first || t >= g->steps)
            continue;
        if (!behind && t == 0)
            copy_state(s, s->states, g->n, b, s->before, true);
        else if (behind && t > 0)
            look_state(s, t - 1, b, s->before);
        s->last.id = s->ids[slot];
        s->last.spelt = s->spelt[slot];
        if (dim)
            memcpy(s->last.vec, s->vec + slot * dim, dim * sizeof *s->vec);
    }
}

static int run_group(struct scorer *s, struct score_sequence **rows, size_t n, struct err *e)
{
    uint64_t longest = rows[0]->steps;
    if (!longest && model_of(s)->shape.item)
        longest = 1; /* of items without inputs something is told, too */
    struct group g = {.rows = rows, .n = n};
    size_t chunk = between(REALS / (n * s->step_reals), CHUNK_LEAST, CHUNK);
    begin_states(s, &g);
    for (; g.first < longest; g.first += g.steps) {
        g.steps = longest - g.first;
        if (!s->whole && g.steps > chunk)
            g.steps = chunk;
        if (put_group(s, &g, e) < 0)
            return -1;
        keep_last(s, &g, false);
        run_pass(s, &g);
        keep_last(s, &g, true);
        tell(s, &g);
    }
    for (size_t b = 0; b < n; b++)
        if (!s->whole && (s->carries || rows[b]->last))
            copy_state(s, s->states, n, b, s->state, true);
    return 0;
}

/* ---- All of a batch ---------------------------------------------------------------------------------------------- */

/* Longest first, so that the rows of a group are alike. */
static int by_steps(const void *a, const void *b)
{
    const struct score_sequence *x = *(struct score_sequence *const *)a, *y = *(struct score_sequence *const *)b;
    return x->steps != y->steps ? (x->steps < y->steps) - (x->steps > y->steps) : (x->low > y->low) - (x->low < y->low);
}

/* How many of the sequences that are left run together, of which the first is the longest. Whole items take what it
 * takes. */
static size_t group_size(const struct scorer *s, uint64_t longest, size_t left)
{
    uint64_t steps = s->whole ? longest / 4 + 1 : longest < CHUNK_LEAST ? longest + 1 : CHUNK_LEAST;
    size_t most = s->carries ? 1 : between(REALS / (steps * s->step_reals), 1, SCORE_ROWS);
    return left < most ? left : most;
}

int score_run(struct scorer *s, struct err *e)
{
    size_t first = s->n_sequences && s->sequences[0].goes_on; /* reads what the last of them will replace */
    for (size_t i = 0; i < s->n_sequences; i++)
        s->order[i] = &s->sequences[i];
    if (!s->carries)
        qsort(s->order + first, s->n_sequences - first, sizeof *s->order, by_steps);
    for (size_t at = 0, n; at < s->n_sequences; at += n) {
        n = at < first ? 1 : group_size(s, s->order[at]->steps, s->n_sequences - at);
        if (run_group(s, s->order + at, n, e) < 0)
            return -1;
    }
    return 0;
}

void score_run_make(struct scorer *s)
{
    const struct model *m = model_of(s);
    const struct rnn *n = &m->rnn;
    size_t inputs = m->shape.ids ? 1 : m->shape.inputs;
    s->state = mem_aligned(model_state_size(m, 1), sizeof *s->state);
    s->before = mem_aligned(model_state_size(m, 1), sizeof *s->before);
    s->states = mem_aligned(model_state_size(m, SCORE_ROWS), sizeof *s->states);
    s->features = mem_aligned(SCORE_ROWS * (m->shape.feature + 1), sizeof *s->features);
    s->lengths = mem_get(SCORE_ROWS, sizeof *s->lengths);
    s->last.vec = mem_get(inputs, sizeof *s->last.vec);
    s->step_reals = n->layers * n->directions * (n->width + n->row * (size_t)(n->cell->states + 1)) + m->out_row +
                    m->front * (m->rnn.sparse ? 0 : 1) + inputs;
}

void score_run_free(struct scorer *s)
{
    free(s->state);
    free(s->before);
    free(s->states);
    free(s->features);
    free(s->lengths);
    free(s->last.vec);
    free(s->ids);
    free(s->targets);
    free(s->spelt);
    free(s->vec);
    free(s->wanted);
}
