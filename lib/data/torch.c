#include "data/torch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/vocab.h"

enum { MAX_LAYERS = 64 };

/* The cells that both sides have, by the rows of their weights. */
static const struct torch_cell {
    const char *name;
    unsigned gates, biases; /* rows of the weights and of our bias, in units of H */
} cells[] = {{"elman", 1, 1}, {"lstm", 4, 4}, {"gru-reset-after", 3, 4}};

enum { N_CELLS = sizeof cells / sizeof *cells };

static void add(struct segment *segment, struct tensor t)
{
    segment->tensors = mem_grow(segment->tensors, segment->n + 1, sizeof *segment->tensors);
    segment->tensors[segment->n++] = t;
}

/* The same data under another name. */
static void add_as(struct segment *segment, const char *name, const struct tensor *t)
{
    add(segment, tensor_view(name, t->dtype, t->rank, t->dims, t->data));
}

static int expect(const struct tensor *t, unsigned rank, uint64_t rows, uint64_t columns, struct err *e)
{
    const uint64_t dims[] = {rows, columns};
    struct buf have = {0}, want = {0};
    if (dtype_is_real(t->dtype) && t->rank == rank && t->dims[0] == rows && (rank == 1 || t->dims[1] == columns))
        return 0;
    shape_text(t->rank, t->dims, &have);
    shape_text(rank, dims, &want);
    err_fail(e, STATUS_DATA, "'%s' is %s%s where reals %s are due", t->name, dtype_name(t->dtype), have.data,
             want.data);
    buf_free(&have);
    buf_free(&want);
    return -1;
}

/* "encoder.lstm." of "encoder.lstm" or "encoder.lstm."; owned by the caller. */
static char *with_dot(const char *prefix)
{
    size_t n = strlen(prefix);
    return mem_printf("%s%s", prefix, n && prefix[n - 1] != '.' ? "." : "");
}

/* ---- Import: the network ---- */

struct network {
    const struct format_want *want;
    const struct segment *file;
    bool *used; /* [file->n] */
    char *prefix;
    const struct torch_cell *cell;
    uint64_t inputs, hidden, layers, ways; /* I, H, L; 2 where it is bidirectional */
    const struct tensor *embedding, *out;  /* weights of those two, or NULL */
    struct vocab vocab;                    /* that of --vocab, or empty */
    struct segment model;                  /* what it becomes */
};

static const struct tensor *take(struct network *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const struct tensor *take(struct network *n, const char *format, ...)
{
    char name[2 * TENSOR_MAX_NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const struct tensor *t = segment_find(n->file, name);
    if (t)
        n->used[t - n->file->tensors] = true;
    return t;
}

bool torch_is_network(const char *name)
{
    static const char ending[] = "weight_ih_l0";
    size_t n = strlen(name), m = sizeof ending - 1;
    return n >= m && !strcmp(name + n - m, ending) && (n == m || name[n - m - 1] == '.');
}

static int find_prefix(struct network *n, struct err *e)
{
    struct buf all = {0};
    size_t found = 0;
    if (n->want->prefix)
        n->prefix = with_dot(n->want->prefix);
    for (size_t i = 0; i < n->file->n && all.len < 300; i++) {
        const char *name = n->file->tensors[i].name;
        if (!torch_is_network(name))
            continue;
        buf_printf(&all, "%s%s", found++ ? ", " : "", name);
        if (!n->prefix)
            n->prefix = mem_copy_bytes(name, strlen(name) - strlen("weight_ih_l0"));
    }
    int result = 0;
    if (!found)
        result = err_fail(e, STATUS_DATA,
                          "there is no recurrent network in it: no tensor is called weight_ih_l0, whatever "
                          "stands before it with a dot (--naming plain takes tensors as they are)");
    else if (found > 1 && !n->want->prefix)
        result = err_fail(e, STATUS_DATA,
                          "there is more than one recurrent network: %s (--prefix says which, --drop leaves "
                          "tensors out)",
                          all.data);
    buf_free(&all);
    return result;
}

/* bias_ih + bias_hh, in double and rounded once. A zero is nothing added, so that -0 stays what it is. */
static int add_bias(struct network *n, const char *name, const struct tensor *ih, const struct tensor *hh,
                    enum dtype dtype, struct err *e)
{
    uint64_t rows = n->cell->gates * n->hidden, all = n->cell->biases * n->hidden;
    if ((ih && expect(ih, 1, rows, 0, e) < 0) || (hh && expect(hh, 1, rows, 0, e) < 0))
        return -1;
    if (ih && (ih->dtype == DTYPE_F64 || hh->dtype == DTYPE_F64))
        dtype = DTYPE_F64;
    struct tensor t = tensor_make(name, dtype == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32, 1, &all);
    add(&n->model, t);
    for (uint64_t i = 0; ih && i < rows; i++) {
        double a = tensor_at(ih, i), b = tensor_at(hh, i);
        bool apart = i >= (uint64_t)(2 * n->hidden) && n->cell->biases > n->cell->gates; /* n, m of a GRU */
        tensor_put(&t, i, apart || b == 0 ? a : a + b);
        if (apart)
            tensor_put(&t, i + n->hidden, b);
    }
    return tensor_finite(&t, e);
}

/* One direction of a layer. */
static int take_layer(struct network *n, uint64_t layer, bool reverse, struct err *e)
{
    const char *way = reverse ? "_reverse" : "", *part = reverse ? "reverse." : "";
    const struct tensor *w[4];
    static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    char name[64];
    for (int i = 0; i < 4; i++)
        w[i] = take(n, "%s%s_l%" PRIu64 "%s", n->prefix, parts[i], layer, way);
    for (int i = 0; i < 4; i++)
        if (!w[i] && (i < 2 || w[5 - i]))
            return err_fail(e, STATUS_DATA, "there is no '%s%s_l%" PRIu64 "%s', though the rest of its layer is there",
                            n->prefix, parts[i], layer, way);
    uint64_t rows = n->cell->gates * n->hidden;
    if (expect(w[0], 2, rows, layer ? n->ways * n->hidden : n->inputs, e) < 0 ||
        expect(w[1], 2, rows, n->hidden, e) < 0 || tensor_finite(w[0], e) < 0 || tensor_finite(w[1], e) < 0)
        return -1;
    snprintf(name, sizeof name, "rnn.%" PRIu64 ".%sinput", layer, part);
    add_as(&n->model, name, w[0]);
    snprintf(name, sizeof name, "rnn.%" PRIu64 ".%srecurrent", layer, part);
    add_as(&n->model, name, w[1]);
    snprintf(name, sizeof name, "rnn.%" PRIu64 ".%sbias", layer, part);
    return add_bias(n, name, w[2], w[3], w[0]->dtype, e);
}

/* Cell and sizes, by the first layer's recurrent weights. */
static int find_cell(struct network *n, struct err *e)
{
    const struct tensor *input = take(n, "%sweight_ih_l0", n->prefix),
                        *recurrent = take(n, "%sweight_hh_l0", n->prefix);
    struct buf shape = {0};
    if (!input || !recurrent)
        return err_fail(e, STATUS_DATA, "there is no '%sweight_%s_l0'", n->prefix, input ? "hh" : "ih");
    if (take(n, "%sweight_hr_l0", n->prefix))
        return err_fail(e, STATUS_DATA,
                        "'%sweight_hr_l0': an LSTM with a projection (proj_size) has no counterpart here", n->prefix);
    bool matrices = input->rank == 2 && recurrent->rank == 2 && input->dims[1] && recurrent->dims[1];
    for (size_t i = 0; matrices && i < N_CELLS; i++)
        if (recurrent->dims[0] % recurrent->dims[1] == 0 && recurrent->dims[0] / recurrent->dims[1] == cells[i].gates)
            n->cell = &cells[i];
    shape_text(recurrent->rank, recurrent->dims, &shape);
    if (!n->cell)
        err_fail(e, STATUS_DATA,
                 "'%s' is %s: its rows are not 4 (LSTM), 3 (GRU) or 1 (RNN) times its columns, or its input "
                 "weights are no matrix",
                 recurrent->name, shape.data);
    buf_free(&shape);
    if (!n->cell)
        return -1;
    n->hidden = recurrent->dims[1];
    n->inputs = input->dims[1];
    n->ways = take(n, "%sweight_ih_l0_reverse", n->prefix) ? 2 : 1;
    return 0;
}

static int take_layers(struct network *n, struct err *e)
{
    for (n->layers = 0; n->layers < MAX_LAYERS && take(n, "%sweight_ih_l%" PRIu64, n->prefix, n->layers); n->layers++)
        for (uint64_t way = 0; way < n->ways; way++)
            if (take_layer(n, n->layers, way > 0, e) < 0)
                return -1;
    return 0;
}

/* ---- Import: embedding and head ---- */

/* "decoder.bias" of "decoder.weight", NULL where there is none. */
static const struct tensor *bias_beside(const struct network *n, const struct tensor *weight)
{
    size_t stem = strlen(weight->name) - strlen("weight");
    char *name = mem_printf("%.*sbias", (int)stem, weight->name);
    const struct tensor *bias = segment_find(n->file, name);
    free(name);
    return bias;
}

static bool could_be_embedding(const struct network *n, const struct tensor *t)
{
    static const char usual[] = "encoder.weight";
    size_t length = strlen(t->name), m = sizeof usual - 1;
    return !bias_beside(n, t) && t->dims[1] == n->inputs &&
           (strcasestr(t->name, "emb") || (length >= m && !strcmp(t->name + length - m, usual)));
}

static bool could_be_head(const struct network *n, const struct tensor *t)
{
    const struct tensor *bias = bias_beside(n, t);
    return bias && bias->rank == 1 && bias->dims[0] == t->dims[0] &&
           (t->dims[1] == n->hidden || t->dims[1] == n->ways * n->hidden);
}

/* The one matrix NAME.weight that could be it, or the one that is called `exact`: 1; 0: there is none; -1. */
static int find_weight(struct network *n, const char *exact,
                       bool (*could_be)(const struct network *, const struct tensor *), const struct tensor **found,
                       struct err *e)
{
    struct buf all = {0};
    size_t count = 0;
    if ((*found = take(n, "%s", exact)))
        return 1;
    for (size_t i = 0; i < n->file->n && all.len < 300; i++) {
        const struct tensor *t = &n->file->tensors[i];
        size_t length = strlen(t->name);
        if (n->used[i] || t->rank != 2 || length < 7 || strcmp(t->name + length - 7, ".weight") || !could_be(n, t))
            continue;
        buf_printf(&all, "%s%s", count++ ? ", " : "", t->name);
        *found = t;
    }
    if (count == 1)
        n->used[*found - n->file->tensors] = true;
    int result = count < 2 ? (int)count
                           : err_fail(e, STATUS_DATA,
                                      "several tensors could be the %s: %s (--rename NAME=%s says which, --drop "
                                      "leaves tensors out)",
                                      exact, all.data, exact);
    buf_free(&all);
    return result;
}

/* It becomes the model's once it is known whether it is tied to the head. */
static int take_embedding(struct network *n, struct err *e)
{
    int got = find_weight(n, "embedding.weight", could_be_embedding, &n->embedding, e);
    if (got <= 0)
        return got;
    return expect(n->embedding, 2, n->embedding->dims[0], n->inputs, e) < 0 ? -1 : tensor_finite(n->embedding, e);
}

static int take_head(struct network *n, struct err *e)
{
    int got = find_weight(n, "out.weight", could_be_head, &n->out, e);
    const struct tensor *weight = n->out, *bias;
    if (got <= 0)
        return got;
    uint64_t width = weight->rank == 2 && weight->dims[1] == n->hidden ? n->hidden : n->ways * n->hidden;
    if (expect(weight, 2, weight->dims[0], width, e) < 0 || tensor_finite(weight, e) < 0)
        return -1;
    add_as(&n->model, "out.weight", weight);
    if (!(bias = bias_beside(n, weight))) { /* only where it was called out.weight */
        add(&n->model, tensor_make("out.bias", DTYPE_F32, 1, weight->dims));
        return 0;
    }
    n->used[bias - n->file->tensors] = true;
    add_as(&n->model, "out.bias", bias);
    return expect(bias, 1, weight->dims[0], 0, e) < 0 ? -1 : tensor_finite(bias, e);
}

static int check_left_over(const struct network *n, struct err *e)
{
    struct buf names = {0};
    size_t left = 0;
    for (size_t i = 0; i < n->file->n; i++)
        if (!n->used[i] && left++ < 8)
            buf_printf(&names, "%s%.100s", names.len ? ", " : "", n->file->tensors[i].name);
    if (left)
        err_fail(e, STATUS_DATA,
                 "%s no place in the network: %s%s (--drop PATTERN leaves tensors out; --rename OLD=NEW makes "
                 "one the embedding.weight, out.weight or out.bias)",
                 left == 1 ? "a tensor has" : "some tensors have", names.data, left > 8 ? ", ..." : "");
    buf_free(&names);
    return left ? -1 : 0;
}

/* ---- Import: vocabulary, HEAD ---- */

/* The vocabulary of a stream, which is read to its end, and the digests of its segments. */
static int read_vocab(const char *path, struct vocab *vocab, char **parents, struct err *e)
{
    struct segment segment = {0};
    struct batch batch = {0};
    struct source *s = source_open_path(path, e);
    int more = s ? source_segment(s, &segment, e) : -1;
    if (more > 0 && vocab_read(vocab, "", &segment, e) < 0)
        more = err_where(e, "%s", infile_label(path));
    while (more > 0) {
        while ((more = source_batch(s, &batch, e)) > 0)
            ;
        if (more == 0)
            more = source_segment(s, &segment, e);
    }
    if (more == 0)
        *parents = mem_copy(source_digests(s));
    batch_free(&batch);
    segment_free(&segment);
    source_close(s);
    return more;
}

/* Are the head's weights the words' vectors too? They may stand in the file twice, or once. */
static bool could_be_tied(const struct network *n)
{
    const struct tensor *in = n->embedding, *out = n->out;
    if (!out || out->dims[0] != n->vocab.n || n->ways == 2 || n->hidden != n->inputs)
        return false;
    if (!in)
        return n->inputs != n->vocab.n;
    return in->dtype == out->dtype && in->bytes == out->bytes && !memcmp(in->data, out->data, in->bytes);
}

static int check_inputs(const struct network *n, struct err *e)
{
    uint64_t ids = n->embedding ? n->embedding->dims[0] : could_be_tied(n) ? n->vocab.n : n->inputs;
    if (n->embedding && !n->want->vocab)
        return err_fail(e, STATUS_MISUSED,
                        "it reads ids, '%s' has %" PRIu64 " rows: which words they are says --vocab FILE "
                        "(or --drop it and feed vectors)",
                        n->embedding->name, ids);
    if (n->want->vocab && n->vocab.n != ids)
        return err_fail(e, STATUS_DATA, "it reads %" PRIu64 " ids, but the vocabulary of %s has %zu words", ids,
                        n->want->vocab, n->vocab.n);
    return 0;
}

/* A language model may be tied; of another task the two are apart. */
static void add_embedding(struct network *n)
{
    struct meta *head = &n->model.head;
    const char *task = meta_get(head, "option.task");
    bool could = could_be_tied(n), tied = could && task && !strcmp(task, "lm");
    if (tied || meta_get(head, "option.tied"))
        meta_set(head, "option.tied", tied ? "yes" : "no");
    if (!tied && (n->embedding || could))
        add_as(&n->model, "embedding", n->embedding ? n->embedding : n->out);
}

/* What the network is for: option.task, what its targets are, and the column they would stand in. */
static void make_task(struct network *n)
{
    static const struct {
        const char *task, *targets, *column;
    } tasks[] = {[PURPOSE_LM] = {"lm", "next-id", NULL},
                 [PURPOSE_TAG] = {"tag", "step-class", "tags"},
                 [PURPOSE_CLASSIFY] = {"classify", "item-class", "label"},
                 [PURPOSE_REGRESS] = {"regress", "step-real", "target"}};
    struct meta *head = &n->model.head;
    int purpose = n->want->purpose;
    if (purpose == PURPOSE_AUTO && meta_get(head, "option.task"))
        return;
    if (purpose == PURPOSE_AUTO)
        purpose = n->out && n->vocab.n == n->out->dims[0] && n->ways == 1 ? PURPOSE_LM : PURPOSE_TAG;
    meta_set(head, "option.task", tasks[purpose].task);
    if (!n->out) /* good for its states alone */
        return;
    meta_set(head, "targets", tasks[purpose].targets);
    if (tasks[purpose].column)
        meta_set(head, "option.target", tasks[purpose].column);
}

static int make_head(struct network *n, struct err *e)
{
    struct meta *head = &n->model.head;
    const char *activation = meta_get(&n->file->head, "option.activation");
    if (n->want->profile && strcmp(n->want->profile, "model/rnn"))
        return err_fail(e, STATUS_MISUSED, "--profile: a recurrent network is model/rnn");
    if (n->want->nonlinearity != NONLINEARITY_AUTO)
        activation = n->want->nonlinearity == NONLINEARITY_RELU ? "relu" : "tanh";
    meta_copy(head, &n->file->head);
    meta_set(head, "profile", "model/rnn");
    meta_set(head, "hop.0000", n->want->hop);
    meta_set(head, "option.cell", n->cell->name);
    if (n->cell->gates == 1)
        meta_set(head, "option.activation", activation ? activation : "tanh");
    else if (n->want->nonlinearity != NONLINEARITY_AUTO)
        return err_fail(e, STATUS_MISUSED, "--nonlinearity is for elman networks (this one is %s)", n->cell->name);
    meta_setf(head, "option.layers", "%" PRIu64, n->layers);
    meta_setf(head, "option.hidden", "%" PRIu64, n->hidden);
    meta_set(head, "option.bidirectional", n->ways == 2 ? "yes" : "no");
    make_task(n);
    add_embedding(n);
    meta_set(head, "inputs", n->want->vocab ? "ids" : "vectors");
    return format_meta(n->want, head, e);
}

static int write_model(const struct network *n, const char *parents, struct sink *k, struct err *e)
{
    int result = sink_head(k, &n->model.head, e);
    if (result == 0 && n->vocab.n)
        result = vocab_write(&n->vocab, "", k, e);
    for (size_t i = 0; result == 0 && i < n->model.n; i++)
        result = sink_tensor(k, &n->model.tensors[i], e);
    return result < 0 ? -1 : sink_end(k, "complete", parents, e);
}

int torch_import(const struct format_want *want, const struct segment *file, struct sink *k, struct err *e)
{
    struct network n = {.want = want, .file = file, .used = mem_get(file->n, sizeof *n.used)};
    char *parents = NULL;
    int result = 0;
    if (find_prefix(&n, e) < 0 || find_cell(&n, e) < 0 || take_layers(&n, e) < 0 || take_embedding(&n, e) < 0 ||
        take_head(&n, e) < 0 || check_left_over(&n, e) < 0 ||
        (want->vocab && read_vocab(want->vocab, &n.vocab, &parents, e) < 0) || check_inputs(&n, e) < 0 ||
        make_head(&n, e) < 0 || write_model(&n, parents, k, e) < 0)
        result = -1;
    vocab_free(&n.vocab);
    segment_free(&n.model);
    free(parents);
    free(n.prefix);
    free(n.used);
    return result;
}

/* ---- Export ---- */

static const struct torch_cell *cell_of(const struct segment *model, struct err *e)
{
    const char *name = meta_get(&model->head, "option.cell"), *activation = meta_get(&model->head, "option.activation");
    if (!name)
        name = "lstm";
    for (size_t i = 0; i < N_CELLS; i++)
        if (!strcmp(cells[i].name, name) && !(cells[i].gates == 1 && activation && !strcmp(activation, "sigmoid")))
            return &cells[i];
    bool elman = !strcmp(name, "elman");
    err_fail(e, STATUS_DATA,
             "PyTorch has no cell '%s'%s: it has lstm, gru-reset-after and elman with tanh or relu (--naming "
             "plain writes the tensors as they are)",
             name, elman ? " with sigmoid" : "");
    return NULL;
}

/* bias_ih and bias_hh of a bias: itself and zeros, but a GRU's last quarter, m, which is bias_hh's. */
static int split_bias(const struct tensor *t, const struct torch_cell *cell, uint64_t hidden, const char *prefix,
                      const char *layer, const char *way, struct segment *out, struct err *e)
{
    uint64_t rows = cell->gates * hidden;
    if (expect(t, 1, cell->biases * hidden, 0, e) < 0)
        return -1;
    char *ih = mem_printf("%sbias_ih_l%s%s", prefix, layer, way),
         *hh = mem_printf("%sbias_hh_l%s%s", prefix, layer, way);
    add(out, tensor_view(ih, t->dtype, 1, &rows, t->data));
    struct tensor zeros = tensor_make(hh, t->dtype, 1, &rows);
    size_t size = dtype_size(t->dtype);
    if (cell->biases > cell->gates)
        memcpy((char *)zeros.data + 2 * hidden * size, (const char *)t->data + 3 * hidden * size, hidden * size);
    add(out, zeros);
    free(ih);
    free(hh);
    return 0;
}

/* rnn.L.input and its like; `rest` is what stands behind "rnn.". */
static int export_layer(const struct tensor *t, const char *rest, const struct torch_cell *cell, uint64_t hidden,
                        const char *prefix, struct segment *out, struct err *e)
{
    size_t digits = strspn(rest, "0123456789");
    const char *part = rest + digits, *way = "";
    if (!strncmp(part, ".reverse.", 9)) {
        part += 8;
        way = "_reverse";
    }
    bool input = !strcmp(part, ".input"), recurrent = !strcmp(part, ".recurrent");
    char layer[16];
    if (!digits || digits > 4 || (!input && !recurrent && strcmp(part, ".bias")))
        return err_fail(e, STATUS_DATA, "'%s' has no counterpart in PyTorch's networks (--naming plain)", t->name);
    snprintf(layer, sizeof layer, "%.*s", (int)digits, rest);
    if (!input && !recurrent)
        return split_bias(t, cell, hidden, prefix, layer, way, out, e);
    if (expect(t, 2, cell->gates * hidden, recurrent || t->rank != 2 ? hidden : t->dims[1], e) < 0)
        return -1;
    char *name = mem_printf("%sweight_%s_l%s%s", prefix, input ? "ih" : "hh", layer, way);
    add_as(out, name, t);
    free(name);
    return 0;
}

/* The vocabularies ("vocab.text", "tag.vocab.text") and what a checkpoint has beside the model. */
static bool stays_here(const char *name)
{
    static const char *const beginnings[] = {"vocab.", "opt.", "rng.", "pos."};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
            return true;
    return strstr(name, ".vocab.") != NULL;
}

static int export_tensor(const struct tensor *t, const struct torch_cell *cell, uint64_t hidden, const char *prefix,
                         struct segment *out, struct err *e)
{
    if (!strncmp(t->name, "rnn.", 4))
        return export_layer(t, t->name + 4, cell, hidden, prefix, out, e);
    if (!strcmp(t->name, "embedding"))
        add_as(out, "embedding.weight", t);
    else if (!strcmp(t->name, "out.weight") || !strcmp(t->name, "out.bias"))
        add_as(out, t->name, t);
    else if (!stays_here(t->name))
        return err_fail(e, STATUS_DATA,
                        "'%s' has no counterpart in PyTorch's networks (--naming plain writes the tensors as "
                        "they are, tns drop leaves some out)",
                        t->name);
    return 0;
}

int torch_export(const struct format_want *want, const struct segment *model, struct segment *out, struct err *e)
{
    const struct torch_cell *cell = cell_of(model, e);
    const struct tensor *recurrent = cell ? segment_need(model, "rnn.0.recurrent", e) : NULL;
    if (!recurrent || tensor_expect(recurrent, recurrent->dtype, 2, e) < 0)
        return -1;
    char *prefix = with_dot(want->prefix ? want->prefix : "");
    int result = 0;
    for (size_t i = 0; i < model->head.n; i++)
        if (strcmp(model->head.pairs[i].key, "profile"))
            meta_set(&out->head, model->head.pairs[i].key, model->head.pairs[i].value);
    for (size_t i = 0; result == 0 && i < model->n; i++)
        result = export_tensor(&model->tensors[i], cell, recurrent->dims[1], prefix, out, e);
    const char *tied = meta_get(&model->head, "option.tied");
    const struct tensor *words = tied && !strcmp(tied, "yes") ? segment_find(model, "out.weight") : NULL;
    if (result == 0 && words)
        add_as(out, "embedding.weight", words);
    free(prefix);
    return result;
}
