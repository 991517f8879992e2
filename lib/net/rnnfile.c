#include "net/rnnfile.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- Blocks as tensors ------------------------------------------------------------------------------------------- */

int rnnfile_put(const struct params *p, const real *block, const char *prefix, struct sink *k, struct err *e)
{
    int result = 0;
    for (size_t i = 0; i < p->n_views && result == 0; i++) {
        const struct view *v = &p->views[i];
        char *name = mem_printf("%s%s", prefix, v->name);
        struct tensor t = tensor_make(name, REAL_DTYPE, v->rank, v->dims);
        params_export(v, block, t.data);
        result = sink_tensor(k, &t, e);
        tensor_free(&t);
        free(name);
    }
    return result;
}

static int take_view(const struct view *v, real *block, const struct tensor *t, struct err *e)
{
    if (t->rank != v->rank || memcmp(t->dims, v->dims, v->rank * sizeof *v->dims)) {
        struct buf have = {0}, want = {0};
        shape_text(t->rank, t->dims, &have);
        shape_text(v->rank, v->dims, &want);
        err_fail(e, STATUS_DATA, "tensor '%s' is %s, not %s", t->name, buf_string(&have), buf_string(&want));
        buf_free(&have);
        buf_free(&want);
        return -1;
    }
    if (!dtype_is_real(t->dtype))
        return err_fail(e, STATUS_DATA, "tensor '%s' is %s, not real numbers", t->name, dtype_name(t->dtype));
    if (tensor_finite(t, e) < 0)
        return -1;
    real *natural = mem_get(view_count(v), sizeof *natural);
    int result = tensor_reals(t, natural, e);
    if (result == 0)
        params_import(v, block, natural);
    free(natural);
    return result;
}

int rnnfile_take(const struct params *p, real *block, const char *prefix, const struct segment *segment, struct err *e)
{
    int result = 0;
    for (size_t i = 0; i < p->n_views && result == 0; i++) {
        char *name = mem_printf("%s%s", prefix, p->views[i].name);
        const struct tensor *t = segment_need(segment, name, e);
        result = t ? take_view(&p->views[i], block, t, e) : -1;
        free(name);
    }
    return result;
}

int rnnfile_write(struct sink *k, const struct meta *head, const struct vocab *vocab, const struct params *p,
                  const real *values, struct err *e)
{
    if (sink_head(k, head, e) < 0 || (vocab->n && vocab_write(vocab, "", k, e) < 0))
        return -1;
    return rnnfile_put(p, values, "", k, e);
}

/* ---- Models ------------------------------------------------------------------------------------------------------ */

/* The options that are recorded, else the defaults. */
static int read_options(struct model_config *config, const struct segment *segment, struct err *e)
{
    struct opt_group groups[] = {{"Model", model_options, config, 0}, {0}};
    for (const struct opt *row = model_options; row->name; row++) {
        char *key = mem_printf("option.%s", row->name);
        const char *text = meta_get(&segment->head, key);
        int result = text || row->fallback ? opt_set(groups, row->name, text ? text : row->fallback, e) : 0;
        if (result < 0) {
            e->status = STATUS_DATA;
            err_where(e, "HEAD's %s", key);
        }
        free(key);
        if (result < 0)
            return -1;
    }
    return 0;
}

/* A matrix of a model, with its rows and columns checked where they are known (not 0). */
static const struct tensor *matrix(const struct segment *segment, const char *name, uint64_t rows, uint64_t columns,
                                   struct err *e)
{
    const struct tensor *t = segment_need(segment, name, e);
    if (!t || tensor_expect(t, t->dtype, 2, e) < 0)
        return NULL;
    if (!t->dims[0] || !t->dims[1] || (rows && t->dims[0] != rows) || (columns && t->dims[1] != columns)) {
        struct buf have = {0};
        shape_text(t->rank, t->dims, &have);
        err_fail(e, STATUS_DATA, "tensor '%s' is %s, which does not fit the others", name, buf_string(&have));
        buf_free(&have);
        return NULL;
    }
    return t;
}

/* The options of a stored model as a configuration; sizes are told from the shapes of its tensors. */
static int find_config(struct model_config *config, const struct segment *segment, struct err *e)
{
    *config = (struct model_config){0};
    const struct tensor *recurrent = matrix(segment, "rnn.0.recurrent", 0, 0, e);
    if (!recurrent || read_options(config, segment, e) < 0)
        return -1;
    config->hidden = (int64_t)recurrent->dims[1];
    uint64_t rows = (uint64_t)cell_gates(cell_at(config->cell), CELL_RECURRENT) * recurrent->dims[1];
    for (config->layers = 0;; config->layers++) {
        char *name = mem_printf("rnn.%lld.recurrent", (long long)config->layers);
        const struct tensor *t = segment_find(segment, name);
        bool good = !t || matrix(segment, name, rows, recurrent->dims[1], e);
        free(name);
        if (!good)
            return -1;
        if (!t)
            return 0;
    }
}

/* What goes in and out. All sizes are borne out by tensors that are there, before memory is taken for them. */
static int find_shape(struct model_shape *shape, const struct rnnfile *f, const struct model_config *config,
                      struct err *e)
{
    const struct segment *segment = &f->segment;
    uint64_t hidden = (uint64_t)config->hidden, rows = (uint64_t)cell_gates(cell_at(config->cell), CELL_INPUT) * hidden;
    const struct tensor *input = matrix(segment, "rnn.0.input", rows, 0, e), *embedding = NULL;
    const struct tensor *out = input ? matrix(segment, "out.weight", 0, hidden, e) : NULL;
    if (out && segment_find(segment, "embedding"))
        embedding = matrix(segment, "embedding", 0, input->dims[1], e);
    if (!out || (segment_find(segment, "embedding") && !embedding))
        return -1;
    const char *inputs = meta_get(&segment->head, "inputs");
    shape->ids = inputs ? !strcmp(inputs, "ids") : f->vocab.n > 0 && (embedding || input->dims[1] == f->vocab.n);
    shape->inputs = embedding ? embedding->dims[0] : input->dims[1];
    shape->embedding = embedding ? embedding->dims[1] : 0;
    shape->classes = out->dims[0];
    if (shape->ids && shape->inputs != f->vocab.n)
        return err_fail(e, STATUS_DATA, "it reads %llu ids, but its vocabulary has %zu words",
                        (unsigned long long)shape->inputs, f->vocab.n);
    return 0;
}

static int build(struct rnnfile *f, struct err *e)
{
    struct model_config config;
    struct model_shape shape = {0};
    if (segment_wants(&f->segment, "model/rnn", e) < 0)
        return -1;
    if ((segment_find(&f->segment, "vocab.text") && vocab_read(&f->vocab, "", &f->segment, e) < 0) ||
        find_config(&config, &f->segment, e) < 0 || find_shape(&shape, f, &config, e) < 0)
        return -1;
    const char *by = meta_get(&f->segment.head, "option.by");
    f->by_item = by && !strcmp(by, "item");
    f->target = meta_get(&f->segment.head, "option.target");
    if (!f->target && shape.classes != f->vocab.n)
        f->target = "target";
    if (model_make(&f->model, &config, &shape, e) < 0) {
        e->status = STATUS_DATA;
        return -1;
    }
    if (rnnfile_take(&f->model.params, f->model.params.value, "", &f->segment, e) < 0)
        return -1;
    model_refresh(&f->model);
    return 0;
}

int rnnfile_load(struct rnnfile *f, const char *path, struct err *e)
{
    *f = (struct rnnfile){0};
    int result = segment_load(path, &f->segment, f->digest, e);
    if (result == 0 && (result = build(f, e)) < 0)
        err_where(e, "%s", path);
    if (result < 0)
        rnnfile_free(f);
    return result;
}

void rnnfile_free(struct rnnfile *f)
{
    segment_free(&f->segment);
    vocab_free(&f->vocab);
    model_free(&f->model);
    *f = (struct rnnfile){0};
}
