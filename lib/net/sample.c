#include "net/sample.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "data/text_ascii.h"
#include "data/text_level.h"

#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct sample_config, field)

const struct opt sample_options[] = {
    {"generate", 'n', OPT_INT, AT(generate), OPT_RECORD, "N", "0", 0, 1e12, NULL,
     "write N tokens that the model makes up, and read nothing; or N vectors, of a new item or behind each item of "
     "FILE"},
    {"prime", 0, OPT_TEXT, AT(prime), OPT_RECORD, "TEXT", NULL, 0, 0, NULL, "begin with TEXT, which is written too"},
    {"temperature", 't', OPT_REAL, AT(temperature), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 100, NULL,
     "divide the logits by X first: below 1 is more careful, above more daring"},
    {"greedy", 0, OPT_SWITCH, AT(greedy), OPT_RECORD, NULL, NULL, 0, 0, NULL, "always take the likeliest token"},
    {"top-k", 0, OPT_INT, AT(top_k), OPT_RECORD, "N", "0", 0, 1e9, NULL,
     "draw from the N likeliest tokens only; 0: from all"},
    {"top-p", 0, OPT_REAL, AT(top_p), OPT_RECORD | OPT_LOW_OPEN, "X", "1", 0, 1, NULL,
     "draw from the fewest tokens only that make up the probability X"},
    {"max-words", 0, OPT_INT, AT(max_words), OPT_RECORD, "N", "100", 1, STREAM_MAX_ITEM_TOKENS, NULL,
     "end a caption behind N words, should it not end by itself"},
    {"bias", 0, OPT_REAL, AT(bias), OPT_RECORD, "B", "0", 0, 100, NULL,
     "vectors from a mixture: draw nearer to the middle of the likelier Gaussians, the more so the larger B is"},
    {"items", 0, OPT_INT, AT(items), OPT_RECORD, "N", "1", 1, 1e9, NULL, "vectors: make up N items"},
    {"keep-prime", 0, OPT_SWITCH, AT(keep_prime), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "vectors: write what an item began with, too"},
    {0},
};

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

/* Probabilities that are added up by themselves first, in four sums. */
enum { BLOCK = 64 };

static bool drawable(const struct chooser *c, size_t id)
{
    return id != VOCAB_PAD && id != VOCAB_UNKNOWN && id != c->begin;
}

/* p = softmax(o / temperature), 0 where nothing is drawn; returns their sum. */
static double find_probabilities(struct chooser *c, const real *logits)
{
    uint32_t none = TARGET_NONE;
    real norm, temperature = (real)c->config->temperature, *p = c->prob;
    double loss, total = 0;
    memcpy(p, logits, c->classes * sizeof *p);
    for (size_t k = 0; temperature != 1 && k < c->classes; k++)
        p[k] /= temperature;
    softmax_loss(p, c->classes, c->classes, &none, 0, 1, &norm, &loss);
    softmax_probabilities(p, c->classes, norm, p);
    p[VOCAB_PAD] = p[VOCAB_UNKNOWN] = p[c->begin] = 0;
    for (size_t k = c->classes; k % BLOCK; k++)
        p[k] = 0;
    for (size_t k = 0, block = 0; k < c->classes; k += BLOCK, block++) {
        double sum[4] = {0};
        for (size_t i = k; i < k + BLOCK; i += 4)
            for (size_t j = 0; j < 4; j++)
                sum[j] += (double)p[i + j];
        c->block[block] = sum[0] + sum[1] + (sum[2] + sum[3]);
        total += c->block[block];
    }
    return total;
}

/* The token at which the probabilities, added up in order of ids, pass `at`. */
static uint32_t draw_any(const struct chooser *c, double at)
{
    size_t k = 0, last = c->classes - 1;
    while (last > 0 && !(c->prob[last] > 0))
        last--;
    for (size_t block = 0; k + BLOCK <= last && at >= c->block[block]; k += BLOCK)
        at -= c->block[block++];
    while (k < last && (at -= (double)c->prob[k]) >= 0)
        k++;
    return (uint32_t)k;
}

static bool before(const struct sample_choice *x, const struct sample_choice *y)
{
    return x->weight != y->weight ? x->weight > y->weight : x->id < y->id;
}

/* Lets choice i of a heap of n sink to where none below it comes before it. */
static void sink(struct sample_choice *heap, size_t n, size_t i)
{
    struct sample_choice down = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && before(&heap[child + 1], &heap[child]);
        if (!before(&heap[child], &down))
            break;
        heap[i] = heap[child];
    }
    heap[i] = down;
}

/* Draws from the likeliest: `top_k` of them, and no more than make up `top_p`. They are taken from a heap, the
 * likeliest first, to the end of the list. */
static uint32_t draw_likely(struct chooser *c, double total, struct rng *rng)
{
    const struct sample_config *config = c->config;
    struct sample_choice *heap = c->choices;
    double sum = 0, enough = config->top_p * total;
    size_t n = 0, kept = 0;
    for (uint32_t k = 0; k < c->classes; k++)
        if (drawable(c, k))
            heap[n++] = (struct sample_choice){(double)c->prob[k], k};
    size_t most = config->top_k && (uint64_t)config->top_k < n ? (size_t)config->top_k : n;
    for (size_t i = n / 2; i-- > 0;)
        sink(heap, n, i);
    for (size_t left = n; kept < most && (kept == 0 || sum < enough); kept++) {
        struct sample_choice likeliest = heap[0];
        heap[0] = heap[--left];
        sink(heap, left, 0);
        heap[left] = likeliest;
        sum += likeliest.weight;
    }
    double at = rng_unit(rng) * sum;
    size_t i = n - 1;
    while (i > n - kept && (at -= heap[i].weight) >= 0)
        i--;
    return heap[i].id;
}

static uint32_t likeliest(const struct chooser *c, const real *logits)
{
    size_t best = c->classes;
    for (size_t k = 0; k < c->classes; k++)
        if (drawable(c, k) && (best == c->classes || logits[k] > logits[best]))
            best = k;
    return (uint32_t)best;
}

uint32_t chooser_next(struct chooser *c, const real *logits, struct rng *rng)
{
    if (c->config->greedy)
        return likeliest(c, logits);
    double total = find_probabilities(c, logits);
    if (!(total > 0))
        return likeliest(c, logits);
    bool all = !c->config->top_k && c->config->top_p >= 1;
    return all ? draw_any(c, rng_unit(rng) * total) : draw_likely(c, total, rng);
}

void chooser_make(struct chooser *c, const struct sample_config *config, size_t classes, uint32_t begin)
{
    size_t blocks = (classes + BLOCK - 1) / BLOCK;
    *c = (struct chooser){.config = config, .classes = classes, .begin = begin};
    c->prob = mem_aligned(blocks * BLOCK, sizeof *c->prob);
    c->block = mem_get(blocks, sizeof *c->block);
    c->choices = mem_get(classes, sizeof *c->choices);
}

void chooser_free(struct chooser *c)
{
    free(c->prob);
    free(c->block);
    free(c->choices);
    *c = (struct chooser){0};
}

/* ---- Sampling ---------------------------------------------------------------------------------------------------- */

void sampler_read(struct sampler *s, uint32_t id)
{
    struct model *m = &s->file->model;
    if (id == s->end && s->file->by_item) {
        memset(s->state, 0, model_state_size(m, 1) * sizeof *s->state);
        id = s->begin;
    }
    struct minibatch one = {.steps = 1, .rows = 1, .ids = &id};
    uint32_t spelt = 0;
    if (m->shape.characters) {
        spelt = respell_id(&s->spell, id);
        one.spelt = &spelt;
        one.spellings = &s->spell.spellings;
    }
    model_forward(m, &one, s->state, s->state);
    model_logits(m, 0, 0, s->logits);
}

uint32_t sampler_next(struct sampler *s)
{
    uint32_t id = chooser_next(&s->chooser, s->logits, &s->rng);
    sampler_read(s, id);
    return id;
}

int sampler_make(struct sampler *s, struct rnnfile *file, const struct sample_config *config, struct rng rng,
                 struct err *e)
{
    const struct vocab *v = &file->words.vocab;
    const struct model_shape *shape = &file->model.shape;
    *s = (struct sampler){.file = file,
                          .config = config,
                          .rng = rng_fork(rng, "sample", 0),
                          .begin = vocab_find(v, "<s>", 3),
                          .end = vocab_find(v, "</s>", 4)};
    if (!shape->ids || file->kind != TARGET_NEXT_ID || !shape->classes)
        return err_fail(e, STATUS_DATA, "the model does not predict the next word from words: it cannot write text");
    if (shape->feature)
        return err_fail(e, STATUS_DATA,
                        "the model writes what a feature says: it needs a stream with one, and no --generate");
    if (s->end == VOCAB_NONE || s->begin == VOCAB_NONE || v->n <= VOCAB_SPECIAL)
        return err_fail(e, STATUS_DATA, "the model's vocabulary lacks <s>, </s> or any word");
    s->state = mem_aligned(model_state_size(&file->model, 1), sizeof *s->state);
    s->logits = mem_aligned(shape->classes + CELL_LANES, sizeof *s->logits);
    chooser_make(&s->chooser, config, shape->classes, s->begin);
    if (shape->characters)
        respell_begin(&s->spell, v, &file->words.characters);
    sampler_read(s, s->end);
    return 0;
}

void sampler_free(struct sampler *s)
{
    free(s->state);
    free(s->logits);
    chooser_free(&s->chooser);
    respell_free(&s->spell);
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
        small[i] = ascii_small(word[i]);
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
    if (level == TEXT_SPACE && **text != '\n') {
        n = strcspn(*text, " \t\n");
        *id = look_up(v, *text, n);
    } else if (level != TEXT_BYTE) {
        n = longest(v, *text, white ? left : strcspn(*text, " \t\n") + (**text == '\n'), id);
    }
    if (level == TEXT_BYTE || (level == TEXT_BPE && !n)) {
        *id = vocab_find(v, spelt, text_byte_spell((unsigned char)**text, spelt));
        n = 1;
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
