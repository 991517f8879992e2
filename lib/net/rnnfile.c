#include "net/rnnfile.h"
#include "base/mem.h"
#include "net/corpus.h"

#include <stdlib.h>
#include <string.h>

#define CHARACTERS "char." /* prefix of the vocabulary of spellings */

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

static int put_labels(const struct vocab *labels, const char *target, struct sink *k, struct err *e)
{
    char *prefix = corpus_labels_prefix(target);
    int result = vocab_write(labels, prefix, k, e);
    free(prefix);
    return result;
}

int rnnfile_write(struct sink *k, const struct meta *head, const struct rnnfile_words *words, const char *target,
                  const struct params *p, const real *values, struct err *e)
{
    if (sink_head(k, head, e) < 0 || (words->vocab.n && vocab_write(&words->vocab, "", k, e) < 0) ||
        (words->labels.n && put_labels(&words->labels, target, k, e) < 0) ||
        (words->characters.n && vocab_write(&words->characters, CHARACTERS, k, e) < 0))
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
    const struct tensor *recurrent = matrix(segment, "rnn.0.recurrent", 0, 0, e), *spell = NULL;
    if (!recurrent || read_options(config, segment, e) < 0)
        return -1;
    if (segment_find(segment, "spell.0.recurrent") && !(spell = matrix(segment, "spell.0.recurrent", 0, 0, e)))
        return -1;
    config->hidden = (int64_t)recurrent->dims[1];
    config->both = segment_find(segment, "rnn.0.reverse.recurrent") != NULL;
    config->spell = spell ? (int64_t)spell->dims[1] : 0;
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

/* The optional matrix of a name: 0 and NULL when it is not there. */
static int find_matrix(const struct segment *segment, const char *name, uint64_t rows, uint64_t columns,
                       const struct tensor **t, struct err *e)
{
    *t = segment_find(segment, name) ? matrix(segment, name, rows, columns, e) : NULL;
    return *t || !segment_find(segment, name) ? 0 : -1;
}

/* What words, vectors and spellings make of the width that the first layer reads. */
static int find_inputs(struct model_shape *shape, const struct rnnfile *f, const struct model_config *config,
                       uint64_t front, struct err *e)
{
    const struct segment *segment = &f->segment;
    const struct tensor *embedding, *spell;
    const char *inputs = meta_get(&segment->head, "inputs");
    uint64_t words = f->words.vocab.n, spelt = 2 * (uint64_t)config->spell;
    if (find_matrix(segment, "embedding", 0, 0, &embedding, e) < 0 ||
        find_matrix(segment, "spell.0.input", 0, 0, &spell, e) < 0)
        return -1;
    shape->ids = inputs ? !strcmp(inputs, "ids") : words > 0 && (embedding || front == words);
    shape->embedding = embedding ? embedding->dims[1] : config->tied ? (uint64_t)config->hidden : 0;
    shape->characters = spell ? spell->dims[1] : 0;
    shape->inputs = !shape->ids ? front - spelt : shape->embedding || spell ? words : front;
    if (spelt > front || (shape->ids && (shape->embedding || spell) && front != shape->embedding + spelt) ||
        (embedding && (!shape->ids || config->tied)))
        return err_fail(e, STATUS_DATA, "tensor 'rnn.0.input' reads %llu numbers, which does not fit the others",
                        (unsigned long long)front);
    if (shape->ids && (shape->inputs != words || (embedding && embedding->dims[0] != words)))
        return err_fail(e, STATUS_DATA, "it reads %llu ids, but its vocabulary has %llu words",
                        (unsigned long long)(embedding ? embedding->dims[0] : shape->inputs),
                        (unsigned long long)words);
    if (shape->characters && shape->characters != f->words.characters.n)
        return err_fail(e, STATUS_DATA, "it reads %llu characters, but knows the names of %zu",
                        (unsigned long long)shape->characters, f->words.characters.n);
    return 0;
}

/* What goes in and out. All sizes are borne out by tensors that are there, before memory is taken for them. */
static int find_shape(struct model_shape *shape, const struct rnnfile *f, struct model_config *config, struct err *e)
{
    const struct segment *segment = &f->segment;
    uint64_t hidden = (uint64_t)config->hidden;
    uint64_t rows = (uint64_t)cell_gates(cell_at(config->cell), CELL_INPUT) * hidden;
    const struct tensor *input = matrix(segment, "rnn.0.input", rows, 0, e), *out, *start;
    if (!input || find_inputs(shape, f, config, input->dims[1], e) < 0 ||
        find_matrix(segment, "out.weight", 0, (config->both ? 2 : 1) * hidden, &out, e) < 0 ||
        find_matrix(segment, "start.weight", 0, 0, &start, e) < 0)
        return -1;
    shape->item = target_is_item(f->kind);
    shape->feature = start ? start->dims[1] : 0;
    shape->classes = out ? out->dims[0] : 0;
    if (out && config->task == TASK_REGRESS && HEAD_SQUARED + config->head == HEAD_MIXTURE) {
        shape->classes = HEAD_MIXTURE_DIM;
        config->mixtures = (int64_t)((out->dims[0] - 1) / HEAD_MIXTURE_OUTPUTS);
    }
    if (config->tied && shape->classes != shape->inputs)
        return err_fail(e, STATUS_DATA, "tied weights for %llu words, but a vocabulary of %llu",
                        (unsigned long long)shape->classes, (unsigned long long)shape->inputs);
    if (f->words.labels.n && f->words.labels.n != shape->classes)
        return err_fail(e, STATUS_DATA, "it tells %llu classes apart, but knows the names of %zu",
                        (unsigned long long)shape->classes, f->words.labels.n);
    return 0;
}

/* What its targets are, and what they are called. */
static int find_target(struct rnnfile *f, struct err *e)
{
    const struct meta *head = &f->segment.head;
    const char *by = meta_get(head, "option.by"), *kind = meta_get(head, "targets");
    f->target = meta_get(head, "option.target");
    const struct tensor *out = segment_find(&f->segment, "out.bias");
    if (!kind && !f->target && out && out->rank == 1 && out->dims[0] != f->words.vocab.n)
        f->target = "target";
    f->kind = f->target ? TARGET_STEP_CLASS : TARGET_NEXT_ID;
    if (kind && target_kind_find(kind, &f->kind) < 0)
        return err_fail(e, STATUS_DATA, "HEAD's targets=%s is not known here", kind);
    f->target = target_is_next(f->kind) ? NULL : f->target;
    f->by_item = by ? !strcmp(by, "item") : f->kind != TARGET_NEXT_ID || !out;
    if (!target_is_next(f->kind) && !f->target)
        return err_fail(e, STATUS_DATA, "HEAD says that a column was learned, but not which (option.target)");
    return f->target ? corpus_labels_read(&f->words.labels, f->target, &f->segment, e) : 0;
}

/* Do the head and the targets go together, and with what comes in? */
static int check_head(const struct rnnfile *f, struct err *e)
{
    const struct model *m = &f->model;
    uint64_t known = f->kind == TARGET_NEXT_ID ? f->words.vocab.n : m->shape.inputs;
    if (!m->outputs)
        return 0;
    if (target_is_real(f->kind) == m->head->classes)
        return err_fail(e, STATUS_DATA, "HEAD's option.task=%s does not go with targets=%s", tasks[m->config.task].name,
                        target_kinds[f->kind]);
    if (target_is_next(f->kind) && (m->config.both || m->shape.classes != known))
        return err_fail(e, STATUS_DATA, "it says what comes next by %llu outputs%s, but reads %llu",
                        (unsigned long long)m->shape.classes, m->config.both ? " and from both ends" : "",
                        (unsigned long long)known);
    return 0;
}

static int build(struct rnnfile *f, struct err *e)
{
    struct model_config config;
    struct model_shape shape = {0};
    const struct segment *segment = &f->segment;
    if (segment_wants(segment, "model/rnn", e) < 0)
        return -1;
    if ((segment_find(segment, "vocab.text") && vocab_read(&f->words.vocab, "", segment, e) < 0) ||
        (segment_find(segment, CHARACTERS "vocab.text") &&
         vocab_read(&f->words.characters, CHARACTERS, segment, e) < 0) ||
        find_target(f, e) < 0 || find_config(&config, segment, e) < 0 || find_shape(&shape, f, &config, e) < 0)
        return -1;
    if (model_make(&f->model, &config, &shape, e) < 0) {
        e->status = STATUS_DATA;
        return -1;
    }
    if (check_head(f, e) < 0 || rnnfile_take(&f->model.params, f->model.params.value, "", &f->segment, e) < 0)
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
    vocab_free(&f->words.vocab);
    vocab_free(&f->words.labels);
    vocab_free(&f->words.characters);
    model_free(&f->model);
    *f = (struct rnnfile){0};
}
