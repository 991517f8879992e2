#include "net/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"
#include "base/par.h"
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
    free(m->vec);
    m->vec = NULL;
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* A copy of a word with A-Z in lower case; the caller's. */
static char *lower(const char *word)
{
    char *copy = mem_copy(word);
    for (char *c = copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
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

int embed_need(const struct embed *m, const char *word, uint32_t *id, struct err *e)
{
    char near[64];
    *id = embed_find(m, word);
    if (*id != VOCAB_NONE && !embed_has(m, *id))
        return err_fail(e, STATUS_MISUSED, "'%s' has a vector of zeros in the model: it was not learned", word);
    if (*id != VOCAB_NONE)
        return 0;
    if (embed_spelled_like(m, word, near, sizeof near))
        return err_fail(e, STATUS_MISUSED, "'%s' is not a word of the model (did you mean '%s'?)", word, near);
    return err_fail(e, STATUS_MISUSED, "'%s' is not a word of the model", word);
}

/* ---- Lookup ------------------------------------------------------------------------------------------------------ */

struct lookup {
    const struct embed *m;
    const uint32_t *map, *ids;
    real *vec;
};

static void look_up(void *context, size_t low, size_t high)
{
    const struct lookup *l = context;
    size_t d = l->m->d;
    for (size_t i = low; i < high; i++) {
        uint32_t id = l->map[l->ids[i]];
        if (id != VOCAB_UNKNOWN)
            memcpy(l->vec + i * d, embed_row(l->m, id), d * sizeof(real));
    }
}

int embed_add(const struct embed *m, const uint32_t *map, size_t n_map, const char *prefix, struct batch *batch,
              uint64_t *unknown, struct err *e)
{
    char name[32], over[32], column[32];
    snprintf(name, sizeof name, "%sids", prefix);
    snprintf(column, sizeof column, "%svec", prefix);
    const struct tensor *t = batch_need(batch, name, DTYPE_U32, 1, e);
    if (!t || !batch_offsets(batch, name, e))
        return -1;
    const uint32_t *ids = t->data;
    uint64_t dims[] = {t->dims[0], m->d};
    const char *set = meta_get(&t->meta, "over");
    snprintf(over, sizeof over, "%s", set ? set : name);
    for (uint64_t i = 0; i < dims[0]; i++) {
        if (ids[i] >= n_map)
            return err_fail(e, STATUS_DATA, "%s: row %llu: id %u is beyond the vocabulary of %zu words", name,
                            (unsigned long long)i, ids[i], n_map);
        *unknown += map[ids[i]] == VOCAB_UNKNOWN;
    }
    struct tensor vec = tensor_make(column, REAL_DTYPE, 2, dims);
    meta_set(&vec.meta, "over", over);
    par_for(dims[0], 1024, look_up, &(struct lookup){m, map, ids, vec.data});
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
