#include "net/speller.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The id of a character, of `length` bytes of which none begins one when it is 0. */
static uint32_t character(struct speller *s, const char *text, size_t length)
{
    if (!length)
        return VOCAB_UNKNOWN;
    if (s->characters)
        return vocab_add(s->characters, text, length);
    uint32_t id = vocab_find(s->known, text, length);
    return id == VOCAB_NONE ? VOCAB_UNKNOWN : id;
}

/* Adds the spelling of a text that has no more than SPELLER_LONGEST characters. */
static void add(struct speller *s, const char *text, size_t length)
{
    struct spellings *all = s->spellings;
    uint64_t end = all->n ? all->offsets[all->n] : 0;
    if (all->n + 2 > s->room) {
        s->room = 2 * s->room + 1024;
        all->offsets = mem_grow(all->offsets, s->room, sizeof *all->offsets);
    }
    if (end + SPELLER_LONGEST > s->character_room) {
        s->character_room = 2 * s->character_room + 4096;
        all->characters = mem_grow(all->characters, s->character_room, sizeof *all->characters);
    }
    all->offsets[all->n] = end;
    for (size_t at = 0, n; at < length; at += n ? n : 1) {
        n = utf8_length(text + at, length - at);
        all->characters[end++] = character(s, text + at, n);
    }
    all->offsets[++all->n] = end;
}

void speller_begin(struct speller *s, struct spellings *spellings, struct vocab *characters, const struct vocab *known)
{
    assert(!spellings->n && !characters != !known);
    *s = (struct speller){.spellings = spellings, .characters = characters, .known = known};
    if (characters && !characters->n)
        vocab_special(characters);
    speller_word(s, "", 0);
}

uint32_t speller_word(struct speller *s, const char *text, size_t length)
{
    size_t end = 0;
    for (int n = 0; n < SPELLER_LONGEST && end < length; n++) {
        size_t bytes = utf8_length(text + end, length - end);
        end += bytes ? bytes : 1;
    }
    uint32_t id = vocab_add(&s->texts, text, end);
    if (id == s->spellings->n)
        add(s, text, end);
    return id;
}

const char *speller_text(const struct vocab *vocab, uint32_t id, size_t *length)
{
    const char *text = vocab_word(vocab, id, length);
    for (int i = 0; i < VOCAB_SPECIAL; i++)
        if (*length == strlen(vocab_special_words[i]) && !memcmp(text, vocab_special_words[i], *length))
            *length = 0;
    return text;
}

void speller_free(struct speller *s)
{
    vocab_free(&s->texts);
    *s = (struct speller){0};
}

void spellings_free(struct spellings *s)
{
    free(s->offsets);
    free(s->characters);
    *s = (struct spellings){0};
}
