#include "net/huffman.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/vocab.h"

enum {
    BITS = 64,
    BALANCED = 33, /* levels of a tree over 2^32 leaves of one weight, and one to spare */
    DEEPEST = 128,
};

/* Two queues from light to heavy: leaves as they were sorted, inner nodes as they are made. */
struct queues {
    const uint64_t *counts;
    const uint32_t *falling; /* [n] ids by falling count */
    unsigned shift;          /* weights are counts >> shift, then at least 1 */
    uint64_t *weights;       /* [n - 1] of inner nodes */
    size_t leaves, inner;    /* leaves left; inner nodes taken */
};

static uint64_t leaf_weight(const struct queues *q)
{
    uint64_t count = q->counts[q->falling[q->leaves - 1]];
    return !q->shift ? count : q->shift < BITS && count >> q->shift ? count >> q->shift : 1;
}

/* The lightest node becomes a child of inner node `parent`, the youngest so far: its weight. */
static uint64_t take(struct huffman *h, struct queues *q, size_t parent, unsigned bit)
{
    uint32_t *child;
    uint64_t weight = q->leaves ? leaf_weight(q) : 0;
    if (q->leaves && (q->inner == parent || weight <= q->weights[q->inner])) {
        child = &h->leaves[q->falling[--q->leaves] - h->first];
    } else {
        weight = q->weights[q->inner];
        child = &h->inner[q->inner++];
    }
    *child = (uint32_t)(2 * parent + bit);
    return weight;
}

/* False when the weights together do not fit. */
static bool build(struct huffman *h, struct queues *q)
{
    q->leaves = h->n;
    q->inner = 0;
    for (size_t node = 0; node + 1 < h->n; node++) {
        uint64_t light = take(h, q, node, 0);
        if (__builtin_add_overflow(light, take(h, q, node, 1), &q->weights[node]))
            return false;
    }
    return true;
}

/* A parent is made later than its children: from the root down every node's is known. */
static size_t measure(const struct huffman *h)
{
    size_t depth = 0;
    uint32_t *levels = mem_get(h->n + 1, sizeof *levels);
    if (h->n > 1)
        levels[h->n - 2] = 1;
    for (size_t node = h->n; node > 2; node--)
        levels[node - 3] = levels[h->inner[node - 3] / 2] + 1;
    for (size_t leaf = 0; h->n > 1 && leaf < h->n; leaf++)
        if (levels[h->leaves[leaf] / 2] > depth)
            depth = levels[h->leaves[leaf] / 2];
    free(levels);
    return depth;
}

void huffman_make(struct huffman *h, const uint64_t *counts, size_t n_ids, uint32_t first, size_t most)
{
    size_t n = n_ids > first ? n_ids - first : 0;
    assert(most >= BALANCED && most <= DEEPEST);
    *h = (struct huffman){.n = n,
                          .first = first,
                          .leaves = mem_get(n + 1, sizeof *h->leaves),
                          .inner = mem_get(n + 1, sizeof *h->inner)};
    uint32_t *falling = mem_get(n + 1, sizeof *falling);
    for (size_t leaf = 0; leaf < n; leaf++)
        falling[leaf] = (uint32_t)(first + leaf);
    ids_by_count(falling, n, counts);
    struct queues q = {.counts = counts, .falling = falling, .weights = mem_get(n + 1, sizeof *q.weights)};
    while (!build(h, &q) || (h->depth = measure(h)) > most)
        q.shift++;
    free(q.weights);
    free(falling);
}

size_t huffman_path(const struct huffman *h, uint32_t id, uint32_t *nodes, size_t *zeros)
{
    uint32_t way[DEEPEST];
    size_t n = 0, ones = 0;
    *zeros = 0;
    if (h->n < 2)
        return 0;
    for (uint32_t up = h->leaves[id - h->first];; up = h->inner[up / 2]) {
        if (up % 2)
            way[ones++] = up / 2;
        else
            nodes[n++] = up / 2;
        if (up / 2 == h->n - 2)
            break;
    }
    *zeros = n;
    for (size_t i = 0; i < ones; i++)
        nodes[n++] = way[i];
    return n;
}

bool huffman_same(const struct huffman *a, const struct huffman *b)
{
    size_t n = a->n;
    return n == b->n && a->first == b->first && (!n || !memcmp(a->leaves, b->leaves, n * sizeof *a->leaves)) &&
           (n < 2 || !memcmp(a->inner, b->inner, (n - 1) * sizeof *a->inner));
}

void huffman_free(struct huffman *h)
{
    free(h->leaves);
    free(h->inner);
    *h = (struct huffman){0};
}
