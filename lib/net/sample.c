#include "net/sample.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/text_level.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct sample_config, field)

const struct opt sample_options[] = {
    {"generate", 'n', OPT_INT, AT(generate), OPT_RECORD, "N", "0", 0, 1e12, NULL,
     "read nothing, and write N tokens that the model makes up"},
    {"prime", 0, OPT_TEXT, AT(prime), OPT_RECORD, "TEXT", NULL, 0, 0, NULL, "begin with TEXT, which is written too"},
    {"temperature", 't', OPT_REAL, AT(temperature), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 100, NULL,
     "divide the logits by X first: below 1 is more careful, above more daring"},
    {"greedy", 0, OPT_SWITCH, AT(greedy), OPT_RECORD, NULL, NULL, 0, 0, NULL, "always take the likeliest token"},
    {"top-k", 0, OPT_INT, AT(top_k), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "draw from the N likeliest tokens only; 0: from all"},
    {"top-p", 0, OPT_REAL, AT(top_p), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 1, NULL,
     "draw from the fewest tokens only that make up the probability X"},
    {0},
};

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
    const struct sample_choice *x = a, *y = b;
    return x->weight != y->weight ? (x->weight < y->weight) - (x->weight > y->weight)
                                  : (x->id > y->id) - (x->id < y->id);
}

/* The tokens that may be drawn, with their probabilities; returns how many, their sum in *total. */
static size_t list_choices(struct sampler *s, double *total)
{
    size_t classes = s->file->model.shape.classes, n = 0;
    uint32_t none = TARGET_NONE;
    real norm;
    double loss;
    for (size_t k = 0; k < classes; k++)
        s->prob[k] = s->logits[k] / (real)s->config->temperature;
    softmax_loss(s->prob, classes, classes, &none, 0, 1, &norm, &loss);
    softmax_probabilities(s->prob, classes, norm, s->prob);
    *total = 0;
    for (uint32_t k = 0; k < classes; k++) {
        if (k == VOCAB_PAD || k == VOCAB_UNKNOWN || k == s->begin)
            continue;
        s->choices[n++] = (struct sample_choice){(double)s->prob[k], k};
        *total += (double)s->prob[k];
    }
    return n;
}

/* Keeps the likeliest: `top_k` of them, and no more than make up `top_p`. */
static size_t cut_choices(struct sampler *s, size_t n, double *total)
{
    const struct sample_config *config = s->config;
    double sum = 0, enough = config->top_p * *total;
    size_t most = config->top_k && (uint64_t)config->top_k < n ? (size_t)config->top_k : n, kept = 0;
    if (most == n && config->top_p >= 1)
        return n;
    qsort(s->choices, n, sizeof *s->choices, by_weight);
    while (kept < most && (kept == 0 || sum < enough))
        sum += s->choices[kept++].weight;
    *total = sum;
    return kept;
}

static uint32_t likeliest(const struct sampler *s, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (s->logits[s->choices[i].id] > s->logits[s->choices[best].id])
            best = i;
    return s->choices[best].id;
}

static uint32_t draw(struct sampler *s)
{
    double total;
    size_t n = list_choices(s, &total);
    if (s->config->greedy || !(total > 0))
        return likeliest(s, n);
    n = cut_choices(s, n, &total);
    double at = rng_unit(&s->rng) * total;
    for (size_t i = 0; i + 1 < n; i++)
        if ((at -= s->choices[i].weight) < 0)
            return s->choices[i].id;
    return s->choices[n - 1].id;
}

/* ---- Sampling ---------------------------------------------------------------------------------------------------- */

void sampler_read(struct sampler *s, uint32_t id)
{
    struct model *m = &s->file->model;
    if (id == s->end && s->file->by_item) {
        memset(s->state, 0, model_state_size(m, 1) * sizeof *s->state);
        id = s->begin;
    }
    model_step(m, 1, &id, NULL, s->state, s->logits);
}

uint32_t sampler_next(struct sampler *s)
{
    uint32_t id = draw(s);
    sampler_read(s, id);
    return id;
}

int sampler_make(struct sampler *s, struct rnnfile *file, const struct sample_config *config, struct rng rng,
                 struct err *e)
{
    const struct vocab *v = &file->words.vocab;
    size_t classes = file->model.shape.classes;
    *s = (struct sampler){.file = file,
                          .config = config,
                          .rng = rng_fork(rng, "sample", 0),
                          .begin = vocab_find(v, "<s>", 3),
                          .end = vocab_find(v, "</s>", 4)};
    if (!file->model.shape.ids || file->target)
        return err_fail(e, STATUS_DATA, "the model does not predict the next word from words: it cannot write text");
    if (s->end == VOCAB_NONE || s->begin == VOCAB_NONE || v->n <= VOCAB_SPECIAL)
        return err_fail(e, STATUS_DATA, "the model's vocabulary lacks <s>, </s> or any word");
    s->state = mem_aligned(model_state_size(&file->model, 1), sizeof *s->state);
    s->logits = mem_aligned(classes + CELL_LANES, sizeof *s->logits);
    s->prob = mem_aligned(classes + CELL_LANES, sizeof *s->prob);
    s->choices = mem_get(classes, sizeof *s->choices);
    sampler_read(s, s->end);
    return 0;
}

void sampler_free(struct sampler *s)
{
    free(s->state);
    free(s->logits);
    free(s->prob);
    free(s->choices);
}

/* ---- Priming ----------------------------------------------------------------------------------------------------- */

enum { LONGEST = 256 }; /* bytes of a word that is looked for */

/* The id of a word as the tokenizer would have spelt it. */
static uint32_t look_up(const struct vocab *v, const char *word, size_t length)
{
    const char *lower = meta_get(&v->meta, "tokenize.lower");
    char small[LONGEST];
    if (!lower || strcmp(lower, "yes") || length > sizeof small)
        return vocab_find(v, word, length);
    for (size_t i = 0; i < length; i++)
        small[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 'a' - 'A') : word[i];
    return vocab_find(v, small, length);
}

/* The longest word of the vocabulary that the text begins with, of at most `most` bytes. */
static size_t longest(const struct vocab *v, const char *text, size_t most, uint32_t *id)
{
    for (size_t n = most < LONGEST ? most : LONGEST; n > 0; n--)
        if (((unsigned char)text[n] & 0xc0) != 0x80 && (*id = look_up(v, text, n)) != VOCAB_NONE)
            return n;
    *id = VOCAB_UNKNOWN;
    return 0;
}

bool sample_split(const struct vocab *v, const char **text, uint32_t *id)
{
    enum text_level level = text_level_of(v);
    char spelt[TEXT_BYTE_ROOM];
    bool white = text_level_white[level];
    while (!white && (**text == ' ' || **text == '\t' || (**text == '\n' && look_up(v, "\n", 1) == VOCAB_NONE)))
        ++*text;
    size_t left = strlen(*text), n = 0;
    if (!left)
        return false;
    if (level == TEXT_BYTE) {
        *id = vocab_find(v, spelt, text_byte_spell((unsigned char)**text, spelt));
        n = 1;
    } else if (level == TEXT_SPACE && **text != '\n') {
        n = strcspn(*text, " \t\n");
        *id = look_up(v, *text, n);
    } else {
        n = longest(v, *text, white ? left : strcspn(*text, " \t\n") + (**text == '\n'), id);
    }
    if (*id == VOCAB_NONE)
        *id = VOCAB_UNKNOWN;
    if (!n) {
        n = utf8_length(*text, left);
        n = n ? n : 1;
    }
    *text += n;
    return true;
}
