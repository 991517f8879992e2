#include "net/checkpoint_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "math/kern.h"

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

int checkpoint_probe(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return err_fail(e, STATUS_MISUSED, "checkpoint %s: is no regular file (it is written often, and read again)",
                        path);
    return outfile_probe(path, e);
}

int checkpoint_replace(const char *path, int (*put)(void *run, struct sink *k, struct err *e), void *run, struct err *e)
{
    struct outfile out = {.fd = -1};
    int result = outfile_open(&out, path, e);
    if (result == 0) {
        struct sink *k = sink_open(&out);
        result = put(run, k, e);
        sink_close(k);
    }
    if (result == 0 && outfile_commit(&out, e) == 0)
        return 0;
    outfile_drop(&out);
    return err_where(e, "checkpoint %s", path);
}

int checkpoint_stopped(const char *path, struct err *e)
{
    return err_fail(e, STATUS_STOPPED,
                    "stopped by a signal; the state is in %s (the same command with --resume goes on)", path);
}

int checkpoint_put(struct sink *k, const char *name, enum dtype dtype, unsigned rank, uint64_t n, const void *data,
                   struct err *e)
{
    struct tensor t = tensor_view(name, dtype, rank, &n, data);
    int result = sink_tensor(k, &t, e);
    tensor_free(&t);
    return result;
}

int checkpoint_put_numbers(const struct checkpoint_number *numbers, const void *at, struct sink *k, struct err *e)
{
    for (const struct checkpoint_number *n = numbers; n->name; n++)
        if (checkpoint_put(k, n->name, n->dtype, 0, 0, (const char *)at + n->at, e) < 0)
            return -1;
    return 0;
}

int checkpoint_put_kernels(struct sink *k, struct err *e)
{
    return checkpoint_put(k, "pos.isa", DTYPE_UTF8, 1, strlen(kern_name()), kern_name(), e);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

int checkpoint_load(const char *path, int (*take)(void *run, const struct segment *segment, struct err *e), void *run,
                    struct err *e)
{
    struct segment segment = {0};
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    int result = segment_load(path, &segment, NULL, e);
    if (result == 0 && (result = take(run, &segment, e)) < 0)
        err_where(e, "checkpoint %s", path);
    segment_free(&segment);
    return result < 0 ? -1 : 1;
}

const struct tensor *checkpoint_need(const struct segment *segment, const char *name, enum dtype dtype, uint64_t count,
                                     struct err *e)
{
    const struct tensor *t = segment_need(segment, name, e);
    if (!t || tensor_expect(t, dtype, -1, e) < 0)
        return NULL;
    if (tensor_count(t) != count) {
        err_fail(e, STATUS_DATA, "tensor '%s' has %zu elements, not %llu", name, tensor_count(t),
                 (unsigned long long)count);
        return NULL;
    }
    return t;
}

int checkpoint_take_numbers(const struct checkpoint_number *numbers, void *at, const struct segment *segment,
                            struct err *e)
{
    for (const struct checkpoint_number *n = numbers; n->name; n++) {
        const struct tensor *t = checkpoint_need(segment, n->name, n->dtype, 1, e);
        if (!t)
            return -1;
        memcpy((char *)at + n->at, t->data, t->bytes);
    }
    return 0;
}

int checkpoint_take_kernels(const struct segment *segment, char *other, struct err *e)
{
    const struct tensor *t = segment_find(segment, "pos.isa");
    *other = 0;
    if (!t) /* of a time when it was not kept */
        return 0;
    if (tensor_expect(t, DTYPE_UTF8, 1, e) < 0)
        return -1;
    if (t->bytes >= CHECKPOINT_KERNELS)
        return err_fail(e, STATUS_DATA, "tensor 'pos.isa' has %zu bytes, too many for a word of --isa", t->bytes);
    memcpy(other, t->data, t->bytes);
    other[t->bytes] = 0;
    if (!strcmp(other, kern_name()))
        *other = 0;
    return 0;
}

/* ---- Is it of this run? ------------------------------------------------------------------------------------------ */

static bool counts(const char *key, const char *const *may_change)
{
    if (strncmp(key, "option.", strlen("option.")) && strcmp(key, "inputs") && strcmp(key, "targets"))
        return false;
    for (; *may_change; may_change++)
        if (!strcmp(key, *may_change))
            return false;
    return true;
}

static void note_difference(struct buf *out, const char *key, const char *there, const char *here)
{
    const char *name = strncmp(key, "option.", strlen("option.")) ? key : key + strlen("option.");
    buf_printf(out, "%s%s was %s and is %s", out->len ? ", " : "", name, there ? there : "not given",
               here ? here : "not given");
}

void checkpoint_compare(const struct meta *there, const struct meta *here, const char *const *may_change,
                        struct buf *out)
{
    for (size_t i = 0; i < there->n; i++) {
        const char *value = meta_get(here, there->pairs[i].key);
        if (counts(there->pairs[i].key, may_change) && (!value || strcmp(value, there->pairs[i].value)))
            note_difference(out, there->pairs[i].key, there->pairs[i].value, value);
    }
    for (size_t i = 0; i < here->n; i++)
        if (counts(here->pairs[i].key, may_change) && !meta_get(there, here->pairs[i].key))
            note_difference(out, here->pairs[i].key, NULL, here->pairs[i].value);
}

int checkpoint_compare_words(const struct vocab *here, const char *prefix, const char *what,
                             const struct segment *segment, struct buf *out, struct err *e)
{
    struct vocab there = {0};
    char *name = mem_printf("%svocab.text", prefix);
    int result = segment_find(segment, name) ? vocab_read(&there, prefix, segment, e) : 0;
    if (result == 0 && !vocab_same(&there, here))
        buf_printf(out, "%s%s", out->len ? ", " : "", what);
    vocab_free(&there);
    free(name);
    return result;
}

int checkpoint_judge(struct buf *out, struct err *e)
{
    if (!out->len)
        return 0;
    return err_fail(e, STATUS_DATA, "it is of another run: %s (use its options and data, or another --checkpoint)",
                    buf_string(out));
}

int checkpoint_same(const struct segment *segment, const char *name, const char *digest, const char *what,
                    struct err *e)
{
    const struct tensor *t = segment_need(segment, name, e);
    if (!t)
        return -1;
    if (t->bytes != strlen(digest) || memcmp(t->data, digest, t->bytes))
        return err_fail(e, STATUS_DATA, "it is of another run: %s (use its data, or another --checkpoint)", what);
    return 0;
}
