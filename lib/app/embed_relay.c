#include "app/embed_relay.h"

#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/relay.h"

/* The columns of ids there may be, by profile, and the map of each from the stream's vocabulary to the model's. */
static const char *const of_tokens[] = {"", NULL}, *const of_pairs[] = {"src.", "tgt.", NULL};

struct relayed {
    const struct embed *m;
    const char *const *prefixes;
    struct embed_words words[2];
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
        char name[32];
        const char *prefix = r->prefixes[i];
        snprintf(name, sizeof name, "%svocab.text", prefix);
        if (!segment_find(segment, name) && segment_find(segment, "vocab.text")) /* both sides share one */
            prefix = "";
        if (embed_words_read(&r->words[i], r->m, prefix, segment, e) < 0)
            return -1;
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
        if (embed_add(r->m, &r->words[i], r->prefixes[i], batch, e) < 0)
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
    uint64_t composed = relayed.words[0].composed + relayed.words[1].composed;
    uint64_t unknown = relayed.words[0].unknown + relayed.words[1].unknown;
    embed_words_free(&relayed.words[0]);
    embed_words_free(&relayed.words[1]);
    if (result == 0 && composed)
        cli_note("%llu tokens are no words of the model and got vectors made of their subwords",
                 (unsigned long long)composed);
    if (result == 0 && unknown)
        cli_note("%llu tokens have no vector in the model and got zeros", (unsigned long long)unknown);
    return result;
}
