#include "data/vocab_learn.h"

#include <stdlib.h>

#include "base/mem.h"

/* Gives handles to the words that have none yet. */
static void new_handles(struct vocab_learn *l, const struct vocab *v)
{
    if (l->room < v->room) {
        l->room = v->room;
        l->handles = mem_grow(l->handles, l->room, sizeof *l->handles);
        l->since = mem_grow(l->since, l->room, sizeof *l->since);
        l->spare = mem_grow(l->spare, l->room, sizeof *l->spare);
    }
    for (; l->n_words < v->n; l->n_words++) {
        uint32_t handle = l->n_spare ? l->spare[--l->n_spare] : (uint32_t)l->n_handles++;
        l->handles[l->n_words] = handle;
        l->since[handle] = l->period;
    }
}

void vocab_learn_batch(struct vocab_learn *l, struct vocab *v, struct vocab_batch *batch, uint32_t *handles)
{
    size_t n = batch->n;
    vocab_batch_count(batch, v, handles);
    if (!l->bound)
        return;
    if (l->n_words < v->n)
        new_handles(l, v);
    for (size_t i = 0; i < n; i++)
        handles[i] = l->handles[handles[i]];
}

static int by_size(const void *a, const void *b)
{
    uint64_t m = *(const uint64_t *)a, n = *(const uint64_t *)b;
    return (m > n) - (m < n);
}

/* The count that the rarer half of the words do not exceed. */
static uint64_t rare_count(const struct vocab *v)
{
    size_t n = v->n - VOCAB_SPECIAL;
    uint64_t *counts = mem_get(n, sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[i] = v->counts[VOCAB_SPECIAL + i];
    qsort(counts, n, sizeof *counts, by_size);
    uint64_t count = counts[n / 2];
    free(counts);
    return count;
}

bool vocab_learn_forget(struct vocab_learn *l, struct vocab *v)
{
    if (!l->bound || v->n <= l->bound + VOCAB_SPECIAL)
        return false;
    vocab_settle(v);
    uint64_t rare = rare_count(v);
    uint32_t *map = vocab_drop(v, VOCAB_SPECIAL, rare + 1, &l->forgot);
    size_t kept = 0;
    for (size_t id = 0; id < l->n_words; id++)
        if (map[id] == VOCAB_NONE)
            l->spare[l->n_spare++] = l->handles[id];
        else
            l->handles[kept++] = l->handles[id];
    free(map);
    l->n_words = kept;
    l->error += rare;
    l->period++;
    return true;
}

/* Where handles lead in the period at hand: nowhere, before they mean the word they mean in the end. */
static void set_map(struct vocab_learn *l)
{
    for (size_t h = 0; h < l->n_handles; h++)
        l->map[h] = l->since[h] <= l->period ? l->final[h] : VOCAB_UNKNOWN;
}

void vocab_learn_end(struct vocab_learn *l, struct vocab *v, uint64_t min_count, size_t max_words)
{
    uint32_t *ids = vocab_prune(v, min_count, max_words);
    v->counts[VOCAB_UNKNOWN] += l->forgot;
    if (!l->period) { /* handles are first ids */
        l->map = ids;
        return;
    }
    l->final = mem_get(l->n_handles, sizeof *l->final);
    l->map = mem_get(l->n_handles, sizeof *l->map);
    for (size_t h = 0; h < l->n_handles; h++)
        l->final[h] = VOCAB_UNKNOWN;
    for (size_t id = 0; id < l->n_words; id++)
        l->final[l->handles[id]] = ids[id];
    free(ids);
    l->period = 0;
    set_map(l);
}

const uint32_t *vocab_learn_map(const struct vocab_learn *l)
{
    return l->map;
}

void vocab_learn_next(struct vocab_learn *l)
{
    l->period++;
    set_map(l);
}

void vocab_learn_free(struct vocab_learn *l)
{
    free(l->handles);
    free(l->since);
    free(l->spare);
    free(l->final);
    free(l->map);
    *l = (struct vocab_learn){0};
}
