#include "app/embed_relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/relay.h"

/* The columns of ids there may be, by profile, and the map of each from the stream's vocabulary to the model's. */
static const char *const of_tokens[] = {"", NULL}, *const of_pairs[] = {"src.", "tgt.", NULL};

struct relayed {
    const struct embed *m;
    const char *const *prefixes;
    uint32_t *maps[2];
    size_t sizes[2];
    uint64_t unknown;
};

static const char *profile(const char *input)
{
    return !strcmp(input, "pairs") ? input : "vectors";
}

static int begin(void *context, struct segment *segment, struct err *e)
{
    struct relayed *r = context;
    r->prefixes = !strcmp(segment_profile(segment), "pairs") ? of_pairs : of_tokens;
    for (size_t i = 0; r->prefixes[i]; i++) {
        struct vocab vocab = {0};
        char name[32];
        const char *prefix = r->prefixes[i];
        snprintf(name, sizeof name, "%svocab.text", prefix);
        if (!segment_find(segment, name) && segment_find(segment, "vocab.text")) /* both sides share one */
            prefix = "";
        free(r->maps[i]);
        r->maps[i] = NULL;
        if (vocab_read(&vocab, prefix, segment, e) < 0) {
            vocab_free(&vocab);
            return -1;
        }
        r->maps[i] = vocab_map(&vocab, &r->m->vocab);
        r->sizes[i] = vocab.n;
        vocab_free(&vocab);
    }
    return 0;
}

static uint64_t items(void *context, const struct batch *batch, uint64_t low)
{
    const struct relayed *r = context;
    return embed_items(r->m, batch, r->prefixes, low);
}

static int batch_vectors(void *context, struct batch *batch, struct err *e)
{
    struct relayed *r = context;
    for (size_t i = 0; r->prefixes[i]; i++)
        if (embed_add(r->m, r->maps[i], r->sizes[i], r->prefixes[i], batch, &r->unknown, e) < 0)
            return -1;
    return 0;
}

int embed_relay(const struct embed *m, const char *path, struct err *e)
{
    struct relayed relayed = {.m = m};
    const struct relay relay = {.profile = profile,
                                .wants = "tokens, vectors or pairs",
                                .begin = begin,
                                .items = items,
                                .batch = batch_vectors,
                                .parents = m->digest};
    int result = relay_run(&relay, path, &relayed, e);
    free(relayed.maps[0]);
    free(relayed.maps[1]);
    if (result == 0 && relayed.unknown)
        cli_note("%llu tokens have no vector in the model and got zeros", (unsigned long long)relayed.unknown);
    return result;
}
