#include "net/spelling.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A step costs about as much as so many rows more than it has (measured with 25 to 100 units). */
enum { STEP_ROWS = 3 };

void spelling_make(struct spelling *s, const struct cell *cell, size_t characters, size_t hidden, struct params *p)
{
    *s = (struct spelling){.width = 2 * hidden};
    rnn_make(&s->rnn,
             &(struct rnn_shape){.name = "spell",
                                 .cell = cell,
                                 .layers = 1,
                                 .hidden = hidden,
                                 .inputs = characters,
                                 .sparse = true,
                                 .both = true},
             p);
}

void spelling_refresh(struct spelling *s, const struct params *p)
{
    rnn_refresh(&s->rnn, p);
}

void spelling_free(struct spelling *s)
{
    rnn_free(&s->rnn);
    free(s->seen);
    *s = (struct spelling){0};
}

/* ---- Which words, in which passes -------------------------------------------------------------------------------- */

static size_t length_of(const struct spellings *spellings, uint32_t word)
{
    return (size_t)(spellings->offsets[word + 1] - spellings->offsets[word]);
}

/* The distinct words in the order in which they come, and where each stands. Returns the longest length. */
static size_t find_distinct(struct spelling *s, const struct spellings *spellings, const uint32_t *words)
{
    size_t longest = 0;
    if (s->room < spellings->n) {
        s->seen = mem_grow(s->seen, spellings->n, sizeof *s->seen);
        memset(s->seen + s->room, 0, (spellings->n - s->room) * sizeof *s->seen);
        s->room = spellings->n;
    }
    s->distinct = 0;
    for (size_t i = 0; i < s->positions; i++) {
        uint32_t word = words[i];
        assert(word < spellings->n);
        size_t length = length_of(spellings, word);
        if (length && !s->seen[word]) {
            s->word_of[s->distinct++] = word;
            s->seen[word] = (uint32_t)s->distinct;
        }
        s->at[i] = length ? s->seen[word] - 1 : SPELLING_EMPTY;
        longest = length > longest ? length : longest;
    }
    for (size_t k = 0; k < s->distinct; k++)
        s->seen[s->word_of[k]] = 0;
    return longest;
}

/* Sorts them by length; those of one length stay in their order. */
static void sort(struct spelling *s, const struct spellings *spellings, size_t longest, struct arena *arena)
{
    uint32_t *sorted = arena_get(arena, s->distinct, sizeof *sorted);
    uint32_t *place = arena_get(arena, s->distinct, sizeof *place);
    size_t *next = arena_get(arena, longest + 2, sizeof *next); /* of each length: where its next word goes */
    memset(next, 0, (longest + 2) * sizeof *next);
    for (size_t k = 0; k < s->distinct; k++)
        next[length_of(spellings, s->word_of[k]) + 1]++;
    for (size_t length = 1; length <= longest; length++)
        next[length] += next[length - 1];
    for (size_t k = 0; k < s->distinct; k++) {
        place[k] = (uint32_t)next[length_of(spellings, s->word_of[k])]++;
        sorted[place[k]] = s->word_of[k];
    }
    for (size_t i = 0; i < s->positions; i++)
        if (s->at[i] != SPELLING_EMPTY)
            s->at[i] = place[s->at[i]];
    s->word_of = sorted;
}

/* Cuts them into the passes that cost least together, when one over words up to `length` costs length * (words +
 * STEP_ROWS): the best for all up to a length ends with a pass over the last few, after the best for those before. */
static void cut(struct spelling *s, const struct spellings *spellings, size_t longest, struct arena *arena)
{
    size_t lengths = 0; /* that occur */
    struct {
        size_t end;  /* of word_of, behind the words so long */
        size_t cost; /* of the best passes for all up to here */
        size_t from; /* where the last of them begins */
    } *best = arena_get(arena, longest + 1, sizeof *best);
    best[0].end = best[0].cost = 0;
    for (size_t k = 0; k < s->distinct; k++) {
        size_t length = length_of(spellings, s->word_of[k]);
        if (k + 1 < s->distinct && length_of(spellings, s->word_of[k + 1]) == length)
            continue;
        lengths++;
        best[lengths].end = k + 1;
        best[lengths].cost = SIZE_MAX;
        for (size_t i = 0; i < lengths; i++) {
            size_t cost = best[i].cost + length * (k + 1 - best[i].end + STEP_ROWS);
            if (cost < best[lengths].cost) {
                best[lengths].cost = cost;
                best[lengths].from = i;
            }
        }
    }
    s->group = arena_get(arena, lengths, sizeof *s->group);
    s->groups = 0;
    for (; lengths > 0; lengths = best[lengths].from) {
        size_t end = best[lengths].end, first = best[best[lengths].from].end;
        struct rnn_pass pass = {.steps = length_of(spellings, s->word_of[end - 1]), .rows = end - first};
        s->group[s->groups++] = (struct spelling_group){.first = first, .pass = pass};
    }
}

/* ---- Passes ------------------------------------------------------------------------------------------------------ */

/* Characters step by step; behind a word's end the first one stands, which is not looked at. */
static void read_characters(const struct spelling *s, const struct spellings *spellings, struct spelling_group *g,
                            struct arena *arena)
{
    size_t steps = g->pass.steps, rows = g->pass.rows;
    uint32_t *ids = arena_get(arena, steps * rows, sizeof *ids), *lengths = arena_get(arena, rows, sizeof *lengths);
    for (size_t b = 0; b < rows; b++) {
        uint32_t word = s->word_of[g->first + b];
        const uint32_t *characters = spellings->characters + spellings->offsets[word];
        lengths[b] = (uint32_t)length_of(spellings, word);
        for (size_t t = 0; t < steps; t++)
            ids[t * rows + b] = characters[t < lengths[b] ? t : 0];
    }
    g->pass.input.ids = ids;
    g->pass.lengths = lengths;
}

/* The row of y or dy that holds in its first half the last state, forward, of a group's word b. In reverse it is in the
 * second half of row b: that of step 0. */
static size_t last_step(const struct spelling_group *g, size_t b)
{
    return (g->pass.lengths[b] - 1) * g->pass.rows + b;
}

void spelling_forward(struct spelling *s, const struct params *p, const struct spellings *spellings,
                      const uint32_t *words, size_t n, real *x, size_t x_row, struct arena *arena)
{
    size_t half = s->rnn.hidden, width = s->width;
    s->positions = n;
    s->word_of = arena_get(arena, n, sizeof *s->word_of);
    s->at = arena_get(arena, n, sizeof *s->at);
    size_t longest = find_distinct(s, spellings, words);
    sort(s, spellings, longest, arena);
    cut(s, spellings, longest, arena);
    real *vector = arena_get(arena, s->distinct * width, sizeof *vector);
    for (struct spelling_group *g = s->group; g < s->group + s->groups; g++) {
        read_characters(s, spellings, g, arena);
        rnn_forward(&s->rnn, p, &g->pass, NULL, NULL, arena);
        const real *y = rnn_output(&s->rnn, &g->pass);
        size_t row = rnn_output_row(&s->rnn, &g->pass);
        for (size_t b = 0; b < g->pass.rows; b++) {
            real *to = vector + (g->first + b) * width;
            memcpy(to, y + last_step(g, b) * row, half * sizeof *to);
            memcpy(to + half, y + b * row + half, half * sizeof *to);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (s->at[i] == SPELLING_EMPTY)
            memset(x + i * x_row, 0, width * sizeof *x);
        else
            memcpy(x + i * x_row, vector + s->at[i] * width, width * sizeof *x);
    }
}

void spelling_backward(struct spelling *s, struct params *p, const real *dx, size_t dx_row, struct arena *arena)
{
    size_t half = s->rnn.hidden, width = s->width;
    real *dvector = arena_get(arena, s->distinct * width, sizeof *dvector);
    memset(dvector, 0, s->distinct * width * sizeof *dvector);
    for (size_t i = 0; i < s->positions; i++)
        for (size_t k = 0; s->at[i] != SPELLING_EMPTY && k < width; k++)
            dvector[s->at[i] * width + k] += dx[i * dx_row + k];
    for (struct spelling_group *g = s->group; g < s->group + s->groups; g++) {
        real *dy = rnn_output_gradient(&s->rnn, &g->pass, arena);
        size_t row = rnn_output_row(&s->rnn, &g->pass);
        memset(dy, 0, g->pass.steps * g->pass.rows * row * sizeof *dy);
        for (size_t b = 0; b < g->pass.rows; b++) {
            const real *from = dvector + (g->first + b) * width;
            memcpy(dy + last_step(g, b) * row, from, half * sizeof *dy);
            memcpy(dy + b * row + half, from + half, half * sizeof *dy);
        }
        rnn_backward(&s->rnn, p, &g->pass, false, arena);
    }
}
