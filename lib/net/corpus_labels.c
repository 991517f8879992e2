/* Names of classes. */
#include "net/corpus.h"
#include "base/mem.h"
#include "net/loss.h"

#include <stdlib.h>
#include <string.h>

char *corpus_labels_prefix(const char *target)
{
    return mem_printf("%s.", strcmp(target, "tags") ? target : "tag");
}

int corpus_labels_read(struct vocab *labels, const char *target, const struct segment *segment, struct err *e)
{
    char *prefix = corpus_labels_prefix(target), *name = mem_printf("%svocab.text", prefix);
    int result = segment_find(segment, name) ? vocab_read(labels, prefix, segment, e) : 0;
    free(name);
    free(prefix);
    return result;
}

uint32_t *corpus_labels_map(const struct vocab *from, const struct vocab *to)
{
    uint32_t *map = mem_get(from->n, sizeof *map);
    for (uint32_t i = 0; i < from->n; i++) {
        size_t length;
        const char *name = vocab_word(from, i, &length);
        uint32_t found = vocab_find(to, name, length);
        map[i] = found == VOCAB_NONE ? TARGET_NONE : found;
    }
    return map;
}
