#include "net/w2v_evals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "net/embed_eval.h"
#include "net/w2vfile.h"

static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return mem_copy_bytes(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

static int measure(struct w2v_eval *one, struct embed *vectors, struct err *e)
{
    struct embed_eval found;
    one->value = (double)NAN;
    if (embed_evaluate(vectors, one->path, NULL, &found, e) < 0)
        return -1;
    one->analogies = found.analogies;
    if (!found.analogies) {
        one->value = found.spearman;
    } else {
        const struct embed_section *total = &found.sections[found.n - 1];
        if (total->answered)
            one->value = 100 * (double)total->right / (double)total->answered;
    }
    embed_eval_free(&found);
    return 0;
}

int w2v_evals_open(struct w2v_evals *v, const struct opt_list *paths, struct err *e)
{
    struct embed nothing = {.d = 1};
    struct stat st;
    v->of = mem_get(paths->n, sizeof *v->of);
    for (; v->n < paths->n; v->n++) {
        struct w2v_eval *one = &v->of[v->n];
        one->path = paths->items[v->n];
        if (stat(one->path, &st) == 0 && !S_ISREG(st.st_mode))
            return err_fail(e, STATUS_MISUSED, "--eval: '%s' is no regular file, and cannot be read again and again",
                            one->path);
        if (measure(one, &nothing, e) < 0)
            return err_where(e, "--eval");
        one->name = name_of(one->path);
        for (size_t i = 0; i < v->n; i++)
            if (!strcmp(v->of[i].name, one->name)) {
                free(one->name);
                return err_fail(e, STATUS_MISUSED, "--eval: two files are called '%s' (rename one)", v->of[i].name);
            }
    }
    return 0;
}

int w2v_evals_measure(struct w2v_evals *v, struct w2v *w, const struct vocab *vocab, struct err *e)
{
    struct embed vectors = {.vocab = *vocab, .v = w->v, .d = w->d, .vec = w->in};
    int result = 0;
    if (w->sub)
        vectors.sub = (struct subword_model){.grams = w->grams, .d = w->d, .rows = w->sub};
    w2vfile_pack(w->in, w->v, w);
    w2vfile_pack(w->sub, w->grams.n, w);
    for (size_t i = 0; i < v->n && result == 0; i++)
        result = measure(&v->of[i], &vectors, e);
    w2vfile_unpack(w->in, w->v, w);
    w2vfile_unpack(w->sub, w->grams.n, w);
    free(vectors.composed);
    return result;
}

void w2v_evals_free(struct w2v_evals *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->of[i].name);
    free(v->of);
    *v = (struct w2v_evals){0};
}
