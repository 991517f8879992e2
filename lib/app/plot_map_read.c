/* Which words stand on a map, and where. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/plot_map.h"
#include "base/lines.h"
#include "base/mem.h"
#include "math/pca.h"
#include "math/tsne.h"
#include "net/embed.h"

#define AT(field) offsetof(struct map_choice, field)

const struct opt map_options[] = {
    {"words", 'w', OPT_TEXT, AT(words), 0, "A,B,C", NULL, 0, 0, NULL, "these words"},
    {"words-file", 0, OPT_TEXT, AT(file), OPT_FILE, "FILE", NULL, 0, 0, NULL, "the words of FILE, one a line"},
    {"top", 0, OPT_INT, AT(top), 0, "N", "60", 2, MAP_MOST, NULL,
     "the N most frequent words, where no words are named"},
    {"projection", 0, OPT_CHOICE, AT(projection), 0, NULL, "pca", 0, 0, "pca|tsne",
     "where their vectors spread most, or so that neighbours stay neighbours"},
    {"perplexity", 0, OPT_REAL, AT(perplexity), 0, "X", "30", 1, MAP_MOST, NULL,
     "tsne: how many neighbours, about, a word looks at; at most a third of the words"},
    {"iterations", 0, OPT_INT, AT(iterations), 0, "N", "1000", 1, 100000, NULL, "tsne: so many steps"},
    {0},
};

/* The words chosen so far. */
struct chosen {
    const struct embed *model;
    uint32_t *ids; /* [MAP_MOST] */
    size_t n;
    bool *taken; /* [V] */
};

static int choose(struct chosen *c, uint32_t id, struct err *e)
{
    if (c->taken[id])
        return 0;
    if (c->n == MAP_MOST)
        return err_fail(e, STATUS_MISUSED, "more than %d words do not fit on a map", MAP_MOST);
    c->taken[id] = true;
    c->ids[c->n++] = id;
    return 0;
}

static int choose_word(struct chosen *c, const char *word, enum status status, struct err *e)
{
    struct buf shown = {0}, meant = {0};
    char near[64];
    uint32_t id = embed_find(c->model, word);
    if (id != VOCAB_NONE)
        return choose(c, id, e);
    cli_escape(word, strlen(word), &shown);
    if (embed_spelled_like(c->model, word, near, sizeof near)) {
        buf_text(&meant, " (did you mean '");
        cli_escape(near, strlen(near), &meant);
        buf_text(&meant, "'?)");
    }
    err_fail(e, status, "the word '%.100s' is not in the vocabulary%s", shown.data, buf_string(&meant));
    buf_free(&shown);
    buf_free(&meant);
    return -1;
}

static int choose_list(struct chosen *c, const char *words, struct err *e)
{
    char *copy = mem_copy(words), *rest = copy, *word;
    int result = 0;
    while (result == 0 && (word = strsep(&rest, ",")))
        if (*word && (result = choose_word(c, word, STATUS_MISUSED, e)) < 0)
            err_where(e, "--words");
    free(copy);
    return result;
}

static int choose_file(struct chosen *c, const char *path, struct err *e)
{
    struct lines lines;
    int got;
    if (lines_open(&lines, path, e) < 0)
        return -1;
    while ((got = lines_next(&lines, e)) == 1)
        if (lines.length && choose_word(c, lines.text, STATUS_DATA, e) < 0) {
            got = lines_where(&lines, e);
            break;
        }
    lines_close(&lines);
    return got;
}

/* Behind the special words stand the others by falling count. */
static int choose_top(struct chosen *c, int64_t top, struct err *e)
{
    for (uint32_t id = VOCAB_SPECIAL; id < c->model->v && (int64_t)c->n < top; id++)
        if (embed_has(c->model, id) && choose(c, id, e) < 0)
            return -1;
    return 0;
}

/* A vector as it is, or scaled to length 1, when it is told by its direction who its neighbours are. */
static void take_vector(const struct embed *model, uint32_t id, bool unit, double *x)
{
    const real *vec = embed_row(model, id);
    double square = 0;
    for (size_t i = 0; i < model->d; i++) {
        x[i] = (double)vec[i];
        square += x[i] * x[i];
    }
    for (size_t i = 0; unit && square > 0 && i < model->d; i++)
        x[i] /= sqrt(square);
}

static void place(struct map *m, const struct chosen *c, const struct map_choice *choice)
{
    const struct tsne_config t = {choice->perplexity, (size_t)choice->iterations};
    size_t d = c->model->d;
    double *x = mem_get(c->n * d + 1, sizeof *x);
    m->n = c->n;
    m->projection = (enum map_projection)choice->projection;
    m->perplexity = tsne_perplexity(&t, m->n);
    m->places = mem_get(2 * m->n + 1, sizeof *m->places);
    for (size_t k = 0; k < c->n; k++)
        take_vector(c->model, c->ids[k], m->projection == MAP_TSNE, x + k * d);
    if (m->projection == MAP_TSNE)
        tsne(x, m->n, d, &t, m->places);
    else
        pca(x, m->n, d, 2, m->places, m->share);
    free(x);
}

static void name(struct map *m, const struct chosen *c)
{
    struct buf text = {0};
    m->words = mem_get(m->n + 1, sizeof *m->words);
    for (size_t k = 0; k < m->n; k++) {
        size_t length;
        const char *word = vocab_word(&c->model->vocab, c->ids[k], &length);
        buf_clear(&text);
        cli_escape(word, length, &text);
        m->words[k] = mem_copy(buf_string(&text));
    }
    buf_free(&text);
}

int map_read(struct map *m, const char *path, const struct map_choice *choice, struct err *e)
{
    struct embed model = {0};
    struct chosen c = {.model = &model};
    int result = embed_load(&model, path ? path : "-", e);
    if (result == 0) {
        c.taken = mem_get(model.v + 1, sizeof *c.taken);
        c.ids = mem_get(MAP_MOST, sizeof *c.ids);
        if (choice->words)
            result = choose_list(&c, choice->words, e);
        if (result == 0 && choice->file)
            result = choose_file(&c, choice->file, e);
        if (result == 0 && !choice->words && !choice->file)
            result = choose_top(&c, choice->top, e);
        if (result == 0 && c.n < 2 && !choice->words && !choice->file)
            result = err_fail(e, STATUS_DATA, "%s: %s of its words has a vector other than zeros, and a map wants two",
                              infile_label(path), c.n ? "only one" : "none");
        if (result == 0 && c.n < 2)
            result = err_fail(e, STATUS_MISUSED, "a map wants two words at least (--words A,B,C, --words-file FILE)");
        if (result == 0) {
            place(m, &c, choice);
            name(m, &c);
        }
    }
    free(c.ids);
    free(c.taken);
    embed_free(&model);
    return result;
}

void map_free(struct map *m)
{
    for (size_t k = 0; k < m->n; k++)
        free(m->words[k]);
    free(m->words);
    free(m->places);
    *m = (struct map){0};
}
