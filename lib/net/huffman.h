/* huffman: a binary tree over words, the frequent ones near its root (Huffman 1952), for hierarchical softmax.
 *
 * The n leaves are the ids first .. first + n - 1. Inner nodes are numbered 0 .. n-2 in the order they are made: each
 * takes together the two lightest nodes that have no parent yet; where they weigh alike, leaves before inner nodes,
 * leaves by falling id, inner nodes by rising number: the same counts give the same tree everywhere. The last one is
 * the root. The first of two children hangs on bit 0, the second on bit 1. */
#ifndef NET_HUFFMAN_H
#define NET_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct huffman {
    size_t n, depth; /* leaves; inner nodes above the deepest of them */
    /* private: by leaf and by inner node, 2 * its parent + its bit */
    uint32_t first, *leaves, *inner;
};

/* counts[id] of all ids below n_ids; ids below `first` are no leaves. No leaf lies deeper than `most`, 33 .. 128:
 * counts too uneven for that are halved, and never made less than 1, until it is so. */
void huffman_make(struct huffman *h, const uint64_t *counts, size_t n_ids, uint32_t first, size_t most);

/* The inner nodes above a leaf, at most h->depth: first those where its way takes bit 0, `*zeros` of them, then those
 * where it takes bit 1. Their number in all. */
size_t huffman_path(const struct huffman *h, uint32_t id, uint32_t *nodes, size_t *zeros);

/* Has every leaf the same way in both? */
bool huffman_same(const struct huffman *a, const struct huffman *b);

void huffman_free(struct huffman *h);

#endif
