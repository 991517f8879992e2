#include "net/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"
#include "base/par.h"
#include "data/text_ascii.h"
#include "math/search.h"

/* tensor_finite, quickly where all is well: a row whose square is finite has nothing else in it. */
static int check_rows(const struct embed *m, const struct tensor *in, struct err *e)
{
    enum { ROWS = 512 };
    real squares[ROWS], sum = 0;
    for (size_t r = 0; r < m->v; r += ROWS) {
        size_t n = m->v - r < ROWS ? m->v - r : ROWS;
        search_kernels()->squares(m->vec + r * m->d, n, m->d, squares);
        for (size_t i = 0; i < n; i++)
            sum += squares[i] - squares[i]; /* 0 unless one is NaN or infinite */
    }
    return sum == 0 ? 0 : tensor_finite(in, e);
}

static int take_model(struct embed *m, const struct segment *segment, struct err *e)
{
    const char *profile = segment_profile(segment);
    struct tensor *in;
    if (strcmp(profile, "model/w2v"))
        return err_fail(e, STATUS_DATA, "is %s, not model/w2v (w2v-train makes one, tns import reads others' vectors)",
                        *profile ? profile : "a stream without a profile");
    if (vocab_read(&m->vocab, "", segment, e) < 0 || !(in = segment_need(segment, "w.in", e)))
        return -1;
    if (in->rank == 2 && in->dims[1] == 0)
        return err_fail(e, STATUS_DATA, "w.in has vectors without numbers");
    if (in->rank != 2 || in->dims[0] != m->vocab.n)
        return err_fail(e, STATUS_DATA, "w.in has rank %u and %llu rows, not a vector for each of %zu words", in->rank,
                        (unsigned long long)(in->rank ? in->dims[0] : 0), m->vocab.n);
    if (!dtype_is_real(in->dtype))
        return err_fail(e, STATUS_DATA, "w.in is %s, not of real numbers", dtype_name(in->dtype));
    m->v = in->dims[0];
    m->d = in->dims[1];
    if (subword_load(&m->sub, segment, m->d, e) < 0)
        return -1;
    if (in->dtype == REAL_DTYPE && !in->borrowed) { /* as it lies there */
        m->vec = in->data;
        in->borrowed = true;
        return check_rows(m, in, e);
    }
    m->vec = mem_aligned(tensor_count(in), sizeof(real));
    return tensor_finite(in, e) < 0 || tensor_reals(in, m->vec, e) < 0 ? -1 : 0;
}

int embed_load(struct embed *m, const char *path, struct err *e)
{
    struct segment segment = {0};
    int result = segment_load(path, &segment, m->digest, e);
    if (result == 0 && take_model(m, &segment, e) < 0)
        result = err_where(e, "%s", path);
    segment_free(&segment);
    return result < 0 ? err_where(e, "reading the model") : 0;
}

void embed_free(struct embed *m)
{
    vocab_free(&m->vocab);
    subword_unload(&m->sub);
    free(m->vec);
    free(m->composed);
    m->vec = m->composed = NULL;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* A copy of a word with A-Z in lower case; the caller's. */
static char *lower(const char *word)
{
    char *copy = mem_copy(word);
    for (char *c = copy; *c; c++)
        *c = ascii_small(*c);
    return copy;
}

uint32_t embed_find(const struct embed *m, const char *word)
{
    uint32_t id = vocab_find(&m->vocab, word, strlen(word));
    if (id != VOCAB_NONE)
        return id;
    char *small = lower(word);
    id = vocab_find(&m->vocab, small, strlen(small));
    free(small);
    return id;
}

bool embed_has(const struct embed *m, uint32_t id)
{
    const real *x = embed_row(m, id);
    for (size_t j = 0; j < m->d; j++)
        if (x[j] != 0)
            return true;
    return false;
}

/* Which bytes stand in a word, a bit each by their last six. */
static uint64_t letters(const char *word, size_t length)
{
    uint64_t set = 0;
    for (size_t i = 0; i < length; i++)
        set |= 1ull << (word[i] & 63);
    return set;
}

/* Could they be two edits apart, or one begin with the other? An edit takes one letter away at most and adds one. */
static bool may_be_near(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a & ~b) <= 2;
}

/* The word nearest to this one, of those for which a short look does not rule it out. */
static bool nearest(const struct embed *m, const char *word, char *near, size_t room)
{
    struct buf words = {0};
    size_t n = strlen(word), length;
    uint64_t set = letters(word, n);
    for (uint32_t id = VOCAB_SPECIAL; id < m->v; id++) {
        const char *text = vocab_word(&m->vocab, id, &length);
        bool begins = length > n && !memcmp(text, word, n);
        if (!begins && (length > n + 2 || n > length + 2))
            continue;
        uint64_t other = letters(text, length);
        if (may_be_near(set, other) && (begins || may_be_near(other, set)) && !memchr(text, '|', length)) {
            buf_add(&words, text, length);
            buf_char(&words, '|');
        }
    }
    bool found = opt_nearest(word, buf_string(&words), near, room);
    buf_free(&words);
    return found;
}

bool embed_spelled_like(const struct embed *m, const char *word, char *near, size_t room)
{
    char *small = lower(word);
    bool found = nearest(m, small, near, room) || (strcmp(small, word) && nearest(m, word, near, room));
    free(small);
    return found;
}

uint32_t embed_compose(struct embed *m, const char *word)
{
    if (!m->sub.rows)
        return VOCAB_NONE;
    if (!m->composed)
        m->composed = mem_aligned(EMBED_TERMS * m->d, sizeof *m->composed);
    size_t at = m->n_composed % EMBED_TERMS;
    if (!subword_compose(&m->sub, word, strlen(word), m->composed + at * m->d))
        return VOCAB_NONE;
    m->n_composed++;
    return (uint32_t)(m->v + at);
}

int embed_need(struct embed *m, const char *word, uint32_t *id, struct err *e)
{
    char near[64];
    uint32_t known = embed_find(m, word);
    *id = known != VOCAB_NONE && embed_has(m, known) ? known : embed_compose(m, word);
    if (*id != VOCAB_NONE)
        return 0;
    if (known != VOCAB_NONE)
        return err_fail(e, STATUS_MISUSED, "'%s' has a vector of zeros in the model: it was not learned", word);
    if (embed_spelled_like(m, word, near, sizeof near))
        return err_fail(e, STATUS_MISUSED, "'%s' is not a word of the model (did you mean '%s'?)", word, near);
    return err_fail(e, STATUS_MISUSED, "'%s' is not a word of the model", word);
}

/* ---- Lookup ------------------------------------------------------------------------------------------------------ */

int embed_words_read(struct embed_words *w, const struct embed *m, const char *prefix, const struct segment *segment,
                     struct err *e)
{
    free(w->map);
    w->map = NULL;
    if (vocab_read(&w->vocab, prefix, segment, e) < 0)
        return -1;
    w->map = vocab_map(&w->vocab, &m->vocab);
    return 0;
}

void embed_words_free(struct embed_words *w)
{
    vocab_free(&w->vocab);
    free(w->map);
    w->map = NULL;
}

enum how { KNOWN, COMPOSED, UNKNOWN };

struct lookup {
    const struct embed *m;
    const struct embed_words *w;
    const uint32_t *ids;
    const uint64_t *offsets; /* of the tokens' text, or NULL */
    const struct tensor *text;
    bool small; /* the model's words are in lower case */
    real *vec;
    unsigned char *how; /* [tokens] enum how */
};

/* The vector of a word that the model lacks. */
static enum how compose(const struct lookup *l, size_t token, real *vec)
{
    uint32_t id = l->ids[token];
    size_t length;
    const char *text;
    if (!l->m->sub.rows)
        return UNKNOWN;
    if (id >= VOCAB_SPECIAL) {
        text = vocab_word(&l->w->vocab, id, &length);
        return subword_compose(&l->m->sub, text, length, vec) ? COMPOSED : UNKNOWN;
    }
    if (id != VOCAB_UNKNOWN || !l->offsets)
        return UNKNOWN;
    uint64_t begin = l->offsets[token], end = l->offsets[token + 1];
    if (begin > end || end > l->text->bytes)
        return UNKNOWN;
    char *word = mem_copy_bytes((const char *)l->text->data + begin, end - begin);
    char *small = l->small ? lower(word) : word;
    bool met = subword_compose(&l->m->sub, small, strlen(small), vec);
    if (small != word)
        free(small);
    free(word);
    return met ? COMPOSED : UNKNOWN;
}

static void look_up(void *context, size_t low, size_t high)
{
    const struct lookup *l = context;
    size_t d = l->m->d;
    for (size_t i = low; i < high; i++) {
        uint32_t id = l->w->map[l->ids[i]];
        if (id != VOCAB_UNKNOWN)
            memcpy(l->vec + i * d, embed_row(l->m, id), d * sizeof(real));
        else
            l->how[i] = (unsigned char)compose(l, i, l->vec + i * d);
    }
}

/* The text of each token, where the batch has it. */
static void take_text(struct lookup *l, const struct batch *batch, const char *prefix, uint64_t tokens)
{
    char name[48];
    snprintf(name, sizeof name, "%stok.text.offsets", prefix);
    const struct tensor *offsets = batch_find(batch, name);
    snprintf(name, sizeof name, "%stok.text", prefix);
    const struct tensor *text = batch_find(batch, name);
    if (offsets && text && offsets->dtype == DTYPE_U64 && offsets->rank == 1 && offsets->dims[0] == tokens + 1) {
        l->offsets = offsets->data;
        l->text = text;
    }
}

int embed_add(const struct embed *m, struct embed_words *w, const char *prefix, struct batch *batch, struct err *e)
{
    char name[32], over[32], column[32];
    snprintf(name, sizeof name, "%sids", prefix);
    snprintf(column, sizeof column, "%svec", prefix);
    const struct tensor *t = batch_need(batch, name, DTYPE_U32, 1, e);
    if (!t || !batch_offsets(batch, name, e))
        return -1;
    const uint32_t *ids = t->data;
    uint64_t dims[] = {t->dims[0], m->d};
    const char *set = meta_get(&t->meta, "over"), *small = meta_get(&m->vocab.meta, "tokenize.lower");
    snprintf(over, sizeof over, "%s", set ? set : name);
    for (uint64_t i = 0; i < dims[0]; i++)
        if (ids[i] >= w->vocab.n)
            return err_fail(e, STATUS_DATA, "%s: row %llu: id %u is beyond the vocabulary of %zu words", name,
                            (unsigned long long)i, ids[i], w->vocab.n);
    struct tensor vec = tensor_make(column, REAL_DTYPE, 2, dims);
    meta_set(&vec.meta, "over", over);
    struct lookup l = {.m = m, .w = w, .ids = ids, .small = small && !strcmp(small, "yes"), .vec = vec.data};
    l.how = mem_get(dims[0], 1);
    take_text(&l, batch, prefix, dims[0]);
    par_for(dims[0], 1024, look_up, &l);
    for (uint64_t i = 0; i < dims[0]; i++) {
        w->composed += l.how[i] == COMPOSED;
        w->unknown += l.how[i] == UNKNOWN;
    }
    free(l.how);
    return batch_add(batch, vec, e);
}

uint64_t embed_items(const struct embed *m, const struct batch *batch, const char *const *prefixes, uint64_t low)
{
    uint64_t most = STREAM_BATCH_BYTES / (m->d * sizeof(real)), n = batch->n - low;
    for (; *prefixes; prefixes++) {
        char name[32];
        struct err ignored; /* a column that is missing is embed_add's matter */
        snprintf(name, sizeof name, "%sids", *prefixes);
        const uint64_t *offsets = batch_offsets(batch, name, &ignored);
        uint64_t fit = 1;
        while (offsets && fit < n && offsets[low + fit + 1] - offsets[low] <= most)
            fit++;
        n = offsets ? fit : n;
    }
    return n;
}
