#include "net/subword.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"

enum { FIRST_SLOTS = 1024 };

int subword_rule_read(struct subword_rule *r, const char *text, int64_t buckets, struct err *e)
{
    const char *dash = strchr(text, '-');
    char *low = mem_copy_bytes(text, dash ? (size_t)(dash - text) : strlen(text));
    int64_t from = 0, to = 0;
    bool good =
        opt_int(low, 1, SUBWORD_MAX_LENGTH, &from) && opt_int(dash ? dash + 1 : low, from, SUBWORD_MAX_LENGTH, &to);
    free(low);
    if (!good)
        return err_fail(e, STATUS_MISUSED, "'%s' is no range of lengths from 1 to %d (as 3-6)", text,
                        SUBWORD_MAX_LENGTH);
    *r = (struct subword_rule){(size_t)from, (size_t)to, (uint32_t)buckets};
    return 0;
}

/* ---- N-grams ----------------------------------------------------------------------------------------------------- */

/* FNV-1a over the bytes as signed numbers, as fastText computes it. */
static uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (uint32_t)(signed char)byte) * 16777619u;
}

/* Byte `i` of "<word>". */
static char bracketed(const char *word, size_t length, size_t i)
{
    return i == 0 ? '<' : i <= length ? word[i - 1] : '>';
}

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

size_t subword_grams(const struct subword_rule *r, const char *word, size_t length, uint32_t *buckets)
{
    size_t n = 0, end = length + 2;
    for (size_t from = 0; from < end; from++) {
        uint32_t hash = 2166136261u;
        size_t at = from;
        if (!begins_character(bracketed(word, length, from)))
            continue;
        for (size_t characters = 1; at < end && characters <= r->high; characters++) {
            do
                hash = hash_byte(hash, bracketed(word, length, at++));
            while (at < end && !begins_character(bracketed(word, length, at)));
            if (characters < r->low || (characters == 1 && (from == 0 || at == end)))
                continue;
            if (buckets)
                buckets[n] = hash % r->buckets;
            n++;
        }
    }
    return n;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

/* Where a bucket is, or the empty slot where it would be. */
static uint32_t *slot_of(const struct subwords *s, uint32_t bucket)
{
    size_t at = (bucket * 0x9e3779b97f4a7c15u >> 32) & (s->n_slots - 1);
    while (s->slots[at] && s->buckets[s->slots[at] - 1] != bucket)
        at = (at + 1) & (s->n_slots - 1);
    return &s->slots[at];
}

uint32_t subwords_find(const struct subwords *s, uint32_t bucket)
{
    return s->n_slots ? *slot_of(s, bucket) - 1 : SUBWORD_NONE; /* an empty slot is 0 */
}

static void more_slots(struct subwords *s)
{
    s->n_slots = s->n_slots ? 2 * s->n_slots : FIRST_SLOTS;
    free(s->slots);
    s->slots = mem_get(s->n_slots, sizeof *s->slots);
    s->buckets = mem_grow(s->buckets, s->n_slots / 2, sizeof *s->buckets);
    for (uint32_t row = 0; row < s->n; row++)
        *slot_of(s, s->buckets[row]) = row + 1;
}

uint32_t subwords_add(struct subwords *s, uint32_t bucket)
{
    if (s->n >= s->n_slots / 2)
        more_slots(s);
    uint32_t *slot = slot_of(s, bucket);
    if (!*slot) {
        s->buckets[s->n] = bucket;
        *slot = (uint32_t)++s->n;
    }
    return *slot - 1;
}

void subwords_free(struct subwords *s)
{
    free(s->buckets);
    free(s->slots);
    *s = (struct subwords){0};
}

/* ---- In models --------------------------------------------------------------------------------------------------- */

int subwords_write(const struct subwords *s, struct sink *k, struct err *e)
{
    uint64_t dims[] = {s->n};
    struct tensor t = tensor_view("w.sub.bucket", DTYPE_U32, 1, dims, s->buckets);
    meta_setf(&t.meta, "subword.min", "%zu", s->rule.low);
    meta_setf(&t.meta, "subword.max", "%zu", s->rule.high);
    meta_setf(&t.meta, "subword.buckets", "%u", (unsigned)s->rule.buckets);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    return result;
}

static int read_number(const struct tensor *t, const char *key, int64_t low, int64_t high, int64_t *value,
                       struct err *e)
{
    const char *text = meta_get(&t->meta, key);
    if (!text || !opt_int(text, low, high, value))
        return err_fail(e, STATUS_DATA, "tensor '%s': %s=%s is not a number from %lld to %lld", t->name, key,
                        text ? text : "", (long long)low, (long long)high);
    return 0;
}

int subwords_read(struct subwords *s, const struct segment *segment, struct err *e)
{
    const struct tensor *t = segment_find(segment, "w.sub.bucket");
    int64_t low, high, buckets;
    *s = (struct subwords){0};
    if (!t)
        return 0;
    if (tensor_expect(t, DTYPE_U32, 1, e) < 0 || read_number(t, "subword.min", 1, SUBWORD_MAX_LENGTH, &low, e) < 0 ||
        read_number(t, "subword.max", low, SUBWORD_MAX_LENGTH, &high, e) < 0 ||
        read_number(t, "subword.buckets", 1, SUBWORD_MAX_BUCKETS, &buckets, e) < 0)
        return -1;
    s->rule = (struct subword_rule){(size_t)low, (size_t)high, (uint32_t)buckets};
    for (size_t row = 0; row < t->dims[0]; row++) {
        uint32_t bucket = ((const uint32_t *)t->data)[row];
        if (bucket >= s->rule.buckets || subwords_add(s, bucket) != row) {
            subwords_free(s);
            return err_fail(e, STATUS_DATA, "tensor 'w.sub.bucket', row %zu: bucket %u is %s", row, (unsigned)bucket,
                            bucket >= (uint64_t)buckets ? "beyond subword.buckets" : "there twice");
        }
    }
    return 1;
}

int subword_load(struct subword_model *m, const struct segment *segment, size_t d, struct err *e)
{
    *m = (struct subword_model){.d = d};
    int there = subwords_read(&m->grams, segment, e);
    if (there <= 0)
        return there;
    const struct tensor *t = segment_need(segment, "w.sub", e);
    if (!t)
        goto bad;
    if (t->rank != 2 || t->dims[0] != m->grams.n || t->dims[1] != d || !dtype_is_real(t->dtype)) {
        err_fail(e, STATUS_DATA, "tensor 'w.sub' is not %zu rows of %zu real numbers", m->grams.n, d);
        goto bad;
    }
    m->rows = mem_aligned(tensor_count(t), sizeof(real));
    if (tensor_finite(t, e) == 0 && tensor_reals(t, m->rows, e) == 0)
        return 1;
bad:
    subword_unload(m);
    return -1;
}

void subword_unload(struct subword_model *m)
{
    subwords_free(&m->grams);
    free(m->rows);
    *m = (struct subword_model){0};
}

bool subword_compose(const struct subword_model *m, const char *word, size_t length, real *vector)
{
    size_t n = subword_grams(&m->grams.rule, word, length, NULL), met = 0;
    uint32_t *buckets = mem_get(n + 1, sizeof *buckets);
    subword_grams(&m->grams.rule, word, length, buckets);
    memset(vector, 0, m->d * sizeof *vector);
    for (size_t i = 0; i < n; i++) {
        uint32_t row = subwords_find(&m->grams, buckets[i]);
        met += row != SUBWORD_NONE;
        for (size_t j = 0; row != SUBWORD_NONE && j < m->d; j++)
            vector[j] += m->rows[row * m->d + j];
    }
    for (size_t j = 0; met && j < m->d; j++)
        vector[j] /= (real)met;
    free(buckets);
    return met > 0;
}
