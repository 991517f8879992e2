/* The columns that a scorer adds. */
#include "net/score_parts.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Which there are --------------------------------------------------------------------------------------------- */

static void add_column(struct scorer *s, enum score_kind kind, char *name, size_t layer, size_t index, size_t width,
                       enum dtype dtype)
{
    s->columns = mem_grow(s->columns, s->n_columns + 1, sizeof *s->columns);
    s->columns[s->n_columns++] = (struct score_column){kind, name, layer, index, width, dtype, {0}};
    s->row_bytes += (width ? width : 1) * dtype_size(dtype);
}

/* Layer and direction as a name has them: "0", "0.reverse". */
static char *place(const struct rnn *n, const char *what, size_t layer, const char *state)
{
    return mem_printf("%s.%zu%s%s%s", what, layer / n->directions, layer % n->directions ? ".reverse" : "",
                      state ? "." : "", state ? state : "");
}

static void add_states(struct scorer *s)
{
    const struct rnn *n = &s->file->model.rnn;
    for (size_t l = 0; l < n->layers * n->directions; l++)
        for (int i = 0; i < n->cell->states; i++)
            add_column(s, SCORE_STATE, place(n, "state", l, i ? n->cell->state_names[i] : NULL), l, (size_t)i,
                       n->hidden, REAL_DTYPE);
}

static void add_gates(struct scorer *s)
{
    const struct rnn *n = &s->file->model.rnn;
    for (size_t l = 0; l < n->layers * n->directions; l++)
        add_column(s, SCORE_GATES, place(n, "gates", l, NULL), l, 0, (size_t)n->cell->gates * n->hidden, REAL_DTYPE);
}

static void add_logits(struct scorer *s)
{
    add_column(s, SCORE_LOGITS, mem_copy("logits"), 0, 0, s->file->model.outputs, REAL_DTYPE);
}

static void add_prob(struct scorer *s)
{
    add_column(s, SCORE_PROB, mem_copy("prob"), 0, 0, s->file->model.outputs, REAL_DTYPE);
}

static void add_loss(struct scorer *s)
{
    add_column(s, SCORE_LOSS, mem_copy("loss"), 0, 0, 0, DTYPE_F64);
    s->judges = true;
}

/* The words of --emit, in the order of SCORE_EMIT: what adds the columns, and what of the model they are about. */
static const struct {
    void (*add)(struct scorer *);
    bool head, classes;
} emitters[] = {{add_states, false, false},
                {add_gates, false, false},
                {add_logits, true, false},
                {add_prob, true, true},
                {add_loss, true, false}};

static int emit(struct scorer *s, size_t i, struct err *e)
{
    const struct model *m = &s->file->model;
    if (emitters[i].head && !m->outputs)
        return err_fail(e, STATUS_MISUSED, "--emit: the model has no output layer, only states and gates");
    if (emitters[i].classes && !m->head->classes)
        return err_fail(e, STATUS_MISUSED, "--emit prob: the model predicts numbers, which have no probabilities");
    emitters[i].add(s);
    return 0;
}

static int add_emitted(struct scorer *s, const char *words, struct err *e)
{
    unsigned wanted = 0;
    while (words && *words) {
        size_t n = strcspn(words, ","), i = 0;
        const char *choice = SCORE_EMIT;
        for (; *choice; i++, choice += strcspn(choice, "|"), choice += *choice == '|')
            if (strcspn(choice, "|") == n && !memcmp(choice, words, n))
                break;
        if (!*choice)
            return err_fail(e, STATUS_MISUSED, "--emit: '%.*s' is none of states, gates, logits, prob, loss",
                            (int)(n < 64 ? n : 64), words);
        wanted |= 1u << i;
        words += n + (words[n] == ',');
    }
    for (size_t i = 0; i < sizeof emitters / sizeof *emitters; i++)
        if (wanted >> i & 1 && emit(s, i, e) < 0)
            return -1;
    return 0;
}

/* What is predicted: an id or a class as it is, else numbers. */
static void add_predicted(struct scorer *s)
{
    const struct rnnfile *f = s->file;
    char *name = mem_printf("pred.%s", f->target ? f->target : f->kind == TARGET_NEXT_ID ? "ids" : "vec");
    if (target_is_real(f->kind))
        add_column(s, SCORE_VALUE, name, 0, 0, f->model.shape.classes, DTYPE_F32);
    else
        add_column(s, SCORE_CLASS, name, 0, 0, 0, DTYPE_U32);
}

int score_columns_make(struct scorer *s, struct err *e)
{
    const struct score_config *c = s->config;
    const struct model *m = &s->file->model;
    bool alone = !c->emit && !c->score;
    if (add_emitted(s, c->emit, e) < 0)
        return -1;
    if (!m->outputs && (alone || c->score || c->judge || c->predict))
        return err_fail(e, STATUS_DATA,
                        "the model has no output layer and predicts nothing (--emit states,gates is "
                        "what there is)");
    if (c->score && m->head == head_at(HEAD_SQUARED))
        return err_fail(e, STATUS_MISUSED,
                        "--score: the model predicts numbers by squared error, which is no probability (--emit loss)");
    if (c->score)
        add_column(s, SCORE_LOGPROB, mem_copy("logprob"), 0, 0, 0, DTYPE_F64);
    s->judges |= c->score || c->judge;
    s->decodes = m->shape.feature && s->next && (alone || c->predict);
    if (!s->decodes && (alone || c->predict))
        add_predicted(s);
    s->reads = s->n_columns || s->judges;
    return 0;
}

/* ---- Of a batch -------------------------------------------------------------------------------------------------- */

static bool is_inside(const struct score_column *c)
{
    return c->kind == SCORE_STATE || c->kind == SCORE_GATES;
}

static void set_gate_names(const struct rnn *n, struct tensor *t)
{
    struct buf names = {0};
    for (int g = 0; g < n->cell->gates; g++)
        buf_printf(&names, "%s%s", g ? " " : "", n->cell->gate_names[g]);
    meta_set(&t->meta, "gates", buf_string(&names));
    buf_free(&names);
}

void score_columns_begin(struct scorer *s, uint64_t rows, uint64_t items, const char *over)
{
    bool item = s->file->model.shape.item;
    for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
        bool each = item && !is_inside(c);
        c->t = tensor_make(c->name, c->dtype, c->width ? 2 : 1, (uint64_t[]){each ? items : rows, c->width});
        if (!each)
            meta_set(&c->t.meta, "over", over);
        if (c->kind == SCORE_GATES)
            set_gate_names(&s->file->model.rnn, &c->t);
    }
}

/* The likeliest class, by the stream's number. */
static uint32_t likeliest(const struct scorer *s, size_t step, size_t b)
{
    const struct model *m = &s->file->model;
    const uint32_t *own = s->next ? s->from_model : s->class_from;
    uint32_t best = 0;
    model_logits(m, step, b, s->row);
    for (uint32_t k = 1; k < m->outputs; k++)
        best = s->row[k] > s->row[best] ? k : best;
    return own ? own[best] : best;
}

static void fill_value(const struct scorer *s, size_t step, size_t b, float *to)
{
    model_value(&s->file->model, step, b, s->row);
    for (size_t k = 0; k < s->file->model.shape.classes; k++)
        to[k] = (float)s->row[k];
}

void score_columns_fill(struct scorer *s, size_t step, size_t b, uint64_t row, bool inside)
{
    const struct model *m = &s->file->model;
    for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
        real *to = (real *)c->t.data + row * c->width;
        if (is_inside(c) != inside)
            continue;
        switch (c->kind) {
        case SCORE_STATE:
            model_states(m, c->layer, (int)c->index, step, b, to);
            break;
        case SCORE_GATES:
            model_gates(m, c->layer, step, b, to);
            break;
        case SCORE_LOGITS:
            model_logits(m, step, b, to);
            break;
        case SCORE_PROB:
            model_probabilities(m, step, b, to);
            break;
        case SCORE_CLASS:
            ((uint32_t *)c->t.data)[row] = likeliest(s, step, b);
            break;
        case SCORE_VALUE:
            fill_value(s, step, b, (float *)c->t.data + row * c->width);
            break;
        case SCORE_LOSS:
        case SCORE_LOGPROB: /* when all are known */
            break;
        }
    }
}

static void fill_losses(const struct scorer *s, const struct score_column *c)
{
    double *to = c->t.data;
    for (size_t i = 0; i < s->n_losses; i++) {
        double loss = isnan(s->losses[i]) ? 0 : s->losses[i];
        to[i] = c->kind == SCORE_LOSS ? loss : -loss;
    }
}

int score_columns_end(struct scorer *s, struct batch *batch, int result, struct err *e)
{
    for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
        if (result == 0 && (c->kind == SCORE_LOSS || c->kind == SCORE_LOGPROB))
            fill_losses(s, c);
        if (result == 0)
            result = batch_add(batch, c->t, e);
        else
            tensor_free(&c->t);
        c->t = (struct tensor){0};
    }
    return result;
}
