#include "net/respell.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 18 }; /* spellings kept from batch to batch */

static void forget_ids(struct respell *r)
{
    memset(r->of_id, 0xff, r->words->n * sizeof *r->of_id); /* VOCAB_NONE */
}

void respell_begin(struct respell *r, const struct vocab *words, const struct vocab *characters)
{
    *r = (struct respell){.words = words, .of_id = mem_get(words->n, sizeof *r->of_id)};
    speller_begin(&r->speller, &r->spellings, NULL, characters);
    forget_ids(r);
}

uint32_t respell_text(struct respell *r, const char *text, size_t length)
{
    return speller_word(&r->speller, text, length);
}

uint32_t respell_id(struct respell *r, uint32_t id)
{
    if (r->of_id[id] == VOCAB_NONE) {
        size_t length;
        const char *text = speller_text(r->words, id, &length);
        r->of_id[id] = speller_word(&r->speller, text, length);
    }
    return r->of_id[id];
}

void respell_trim(struct respell *r)
{
    const struct vocab *characters = r->speller.known;
    if (r->spellings.n <= MOST)
        return;
    speller_free(&r->speller);
    spellings_free(&r->spellings);
    speller_begin(&r->speller, &r->spellings, NULL, characters);
    forget_ids(r);
}

void respell_free(struct respell *r)
{
    speller_free(&r->speller);
    spellings_free(&r->spellings);
    free(r->of_id);
    *r = (struct respell){0};
}
