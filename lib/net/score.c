#include "net/score.h"
#include "base/mem.h"
#include "net/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256, ROOM = 64 << 20 }; /* steps at a time; bytes of columns in a batch */

#define AT(field) offsetof(struct score_config, field)

const struct opt score_options[] = {
    {"emit", 'e', OPT_TEXT, AT(emit), OPT_RECORD, "WORDS", NULL, 0, 0, NULL,
     "add columns of what happens at every token: any of states, gates, logits, prob, loss, joined by commas"},
    {"score", 's', OPT_SWITCH, AT(score), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "add the log-probability of every token and item, and perplexity; sum up on standard error"},
    {0},
};

/* ---- Columns ----------------------------------------------------------------------------------------------------- */

enum kind { STATE, GATES, LOGITS, PROB, LOSS, LOGPROB, PREDICTED };

struct score_column {
    enum kind kind;
    char *name;
    size_t layer, index; /* STATE: which state */
    size_t width;        /* numbers a token; 0: one, as a column of rank 1 */
    enum dtype dtype;
    struct tensor t; /* of the present batch */
};

static void add_column(struct scorer *s, enum kind kind, char *name, size_t layer, size_t index, size_t width,
                       enum dtype dtype)
{
    s->columns = mem_grow(s->columns, s->n_columns + 1, sizeof *s->columns);
    s->columns[s->n_columns++] = (struct score_column){kind, name, layer, index, width, dtype, {0}};
    s->row_bytes += (width ? width : 1) * dtype_size(dtype);
}

static void add_states(struct scorer *s)
{
    const struct rnn *n = &s->file->model.rnn;
    for (size_t l = 0; l < n->layers; l++)
        for (int i = 0; i < n->cell->states; i++)
            add_column(s, STATE,
                       i ? mem_printf("state.%zu.%s", l, n->cell->state_names[i]) : mem_printf("state.%zu", l), l,
                       (size_t)i, n->hidden, REAL_DTYPE);
}

static void add_gates(struct scorer *s)
{
    const struct rnn *n = &s->file->model.rnn;
    for (size_t l = 0; l < n->layers; l++)
        add_column(s, GATES, mem_printf("gates.%zu", l), l, 0, (size_t)n->cell->gates * n->hidden, REAL_DTYPE);
}

static void add_logits(struct scorer *s)
{
    add_column(s, LOGITS, mem_copy("logits"), 0, 0, s->file->model.shape.classes, REAL_DTYPE);
}

static void add_prob(struct scorer *s)
{
    add_column(s, PROB, mem_copy("prob"), 0, 0, s->file->model.shape.classes, REAL_DTYPE);
}

static void add_loss(struct scorer *s)
{
    add_column(s, LOSS, mem_copy("loss"), 0, 0, 0, DTYPE_F64);
}

/* The words of --emit, in the order of SCORE_EMIT. */
static void (*const emitters[])(struct scorer *) = {add_states, add_gates, add_logits, add_prob, add_loss};

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
        if (wanted >> i & 1)
            emitters[i](s);
    return 0;
}

static void set_gate_names(const struct rnn *n, struct tensor *t)
{
    struct buf names = {0};
    for (int g = 0; g < n->cell->gates; g++)
        buf_printf(&names, "%s%s", g ? " " : "", n->cell->gate_names[g]);
    meta_set(&t->meta, "gates", buf_string(&names));
    buf_free(&names);
}

static void begin_columns(struct scorer *s, uint64_t rows, const char *over)
{
    for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
        c->t = tensor_make(c->name, c->dtype, c->width ? 2 : 1, (uint64_t[]){rows, c->width});
        meta_set(&c->t.meta, "over", over);
        if (c->kind == GATES)
            set_gate_names(&s->file->model.rnn, &c->t);
    }
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

/* Writes what one step of the pass tells into row `row` of the columns about the network (`inside`), or about what it
 * predicts. */
static void fill(struct scorer *s, size_t step, uint64_t row, bool inside)
{
    const struct model *m = &s->file->model;
    for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
        real *to = (real *)c->t.data + row * c->width;
        double *number = (double *)c->t.data + row;
        if ((c->kind == STATE || c->kind == GATES) != inside)
            continue;
        switch (c->kind) {
        case STATE:
            model_states(m, c->layer, (int)c->index, step, 0, to);
            break;
        case GATES:
            model_gates(m, c->layer, step, 0, to);
            break;
        case LOGITS:
            model_logits(m, step, 0, to);
            break;
        case PROB:
            model_probabilities(m, step, 0, to);
            break;
        case LOSS:
            *number = model_loss(m, step, 0);
            break;
        case LOGPROB:
            *number = -model_loss(m, step, 0);
            break;
        case PREDICTED: {
            uint32_t best = 0;
            model_logits(m, step, 0, s->row);
            for (uint32_t k = 1; k < m->shape.classes; k++)
                best = s->row[k] > s->row[best] ? k : best;
            ((uint32_t *)c->t.data)[row] = s->from_model ? s->from_model[best] : best;
        }
        }
    }
}

static size_t state_reals(const struct scorer *s)
{
    return model_state_size(&s->file->model, 1);
}

/* Runs `steps` inputs that lie in s->ids / s->vec and are scored against s->classes; keeps the state. */
static void run(struct scorer *s, size_t steps, bool targets)
{
    struct model *m = &s->file->model;
    struct minibatch b = {.steps = steps, .rows = 1, .targets = targets ? s->classes : NULL};
    if (m->shape.ids)
        b.ids = s->ids;
    else
        b.vec = s->vec;
    model_forward(m, &b, s->state, s->state);
}

/* The model's id of a token; words it lacks are counted once, not again where the token is read a second time. */
static int id_of(struct scorer *s, const struct corpus_columns *k, uint64_t row, bool count, uint32_t *id,
                 struct err *e)
{
    if (corpus_id(k->ids, row, s->input_words, e) < 0)
        return -1;
    *id = s->to_model ? s->to_model[k->ids[row]] : k->ids[row];
    s->sum.unknown += count && *id == VOCAB_UNKNOWN && k->ids[row] != VOCAB_UNKNOWN;
    return 0;
}

static int target_of(struct scorer *s, const struct corpus_columns *k, uint64_t row, uint32_t *class, struct err *e)
{
    if (!s->file->target)
        return id_of(s, k, row, true, class, e);
    return s->targets ? corpus_class(k->targets, row, s->file->model.shape.classes, class, e) : 0;
}

static int input_of(struct scorer *s, const struct corpus_columns *k, uint64_t row, size_t step, struct err *e)
{
    size_t dim = s->file->model.shape.inputs;
    if (s->file->model.shape.ids)
        return id_of(s, k, row, s->file->target != NULL, &s->ids[step], e);
    memcpy(s->vec + step * dim, k->vec + row * dim, dim * sizeof *s->vec);
    return 0;
}

/* ---- Items ------------------------------------------------------------------------------------------------------- */

/* A target column: step t is about token t. */
static int score_given(struct scorer *s, const struct corpus_columns *k, uint64_t low, uint64_t high, double *loss,
                       struct err *e)
{
    for (uint64_t first = low; first < high; first += CHUNK) {
        size_t steps = high - first < CHUNK ? high - first : CHUNK;
        for (size_t t = 0; t < steps; t++)
            if (input_of(s, k, first + t, t, e) < 0 || target_of(s, k, first + t, &s->classes[t], e) < 0)
                return -1;
        run(s, steps, s->targets);
        for (size_t t = 0; t < steps; t++) {
            fill(s, t, first + t, true);
            fill(s, t, first + t, false);
            *loss += s->targets ? model_loss(&s->file->model, t, 0) : 0;
        }
        s->sum.tokens += s->targets ? steps : 0;
    }
    return 0;
}

/* Puts the mark or token that comes before the first one in front: step 0 reads it. */
static void read_again(struct scorer *s)
{
    s->ids[0] = s->last;
    if (!s->file->model.shape.ids)
        memcpy(s->vec, s->last_vec, s->file->model.shape.inputs * sizeof *s->vec);
}

static void keep_last(struct scorer *s, size_t step)
{
    s->last = s->ids[step];
    if (!s->file->model.shape.ids)
        memcpy(s->last_vec, s->vec + step * s->file->model.shape.inputs, s->file->model.shape.inputs * sizeof *s->vec);
}

/* The next token: step t reads token t-1, predicts token t, and leaves the states that token t-1 is shown with. The last step
 * runs by itself: an item that goes on begins with it once more, and until then it may be the one before the end. */
static int score_next(struct scorer *s, const struct corpus_columns *k, uint64_t low, uint64_t high, double *loss,
                      struct err *e)
{
    uint64_t n = high - low, steps;
    for (uint64_t first = 0; first <= n; first += steps) {
        steps = first == n ? 1 : n - first < CHUNK ? n - first : CHUNK;
        for (uint64_t t = 0; t < steps; t++) {
            uint64_t at = first + t;
            s->classes[t] = s->end;
            if (at == 0)
                read_again(s);
            else if (input_of(s, k, low + at - 1, t, e) < 0)
                return -1;
            if (at < n && target_of(s, k, low + at, &s->classes[t], e) < 0)
                return -1;
        }
        if (first == n) {
            memcpy(s->before, s->state, state_reals(s) * sizeof *s->state);
            keep_last(s, 0);
        }
        run(s, steps, true);
        for (uint64_t t = 0; t < steps; t++) {
            if (first + t > 0)
                fill(s, t, low + first + t - 1, true);
            if (first + t < n)
                fill(s, t, low + first + t, false);
            *loss += first + t < n ? model_loss(&s->file->model, t, 0) : 0;
        }
    }
    s->end_loss = model_loss(&s->file->model, 0, 0);
    s->sum.tokens += n;
    return 0;
}

static void end_item(struct scorer *s)
{
    if (s->open && !s->file->target) {
        s->sum.loss += s->end_loss;
        s->sum.tokens++;
    }
    s->open = false;
}

static void begin_item(struct scorer *s)
{
    const struct rnnfile *f = s->file;
    end_item(s);
    s->open = true;
    if (f->by_item || f->target)
        memset(s->state, 0, state_reals(s) * sizeof *s->state);
    s->last = f->by_item ? s->begin : s->end;
    memset(s->last_vec, 0, (f->model.shape.ids ? 1 : f->model.shape.inputs) * sizeof *s->last_vec);
}

static int score_item(struct scorer *s, const struct corpus_columns *k, uint64_t i, double *loss, struct err *e)
{
    bool goes_on = k->continued && k->continued[i];
    if (goes_on && !s->open)
        return err_fail(e, STATUS_DATA, "its first item continues an item that is not there");
    if (!goes_on)
        begin_item(s);
    else if (!s->file->target)
        memcpy(s->state, s->before, state_reals(s) * sizeof *s->state);
    int result = (s->file->target ? score_given : score_next)(s, k, k->offsets[i], k->offsets[i + 1], loss, e);
    s->sum.loss += *loss;
    return result;
}

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

static int find_columns(struct scorer *s, struct corpus_columns *k, const struct batch *batch, struct err *e)
{
    const struct rnnfile *f = s->file;
    size_t dim = f->model.shape.ids ? 0 : f->model.shape.inputs;
    bool wanted = s->config->score || (s->config->emit && strstr(s->config->emit, "loss"));
    s->targets = !f->target || wanted || batch_find(batch, f->target);
    return corpus_columns(k, batch, dim, !f->target, s->targets ? f->target : NULL, e);
}

/* What columns over the inputs run over: `ids`, or `vec` where that has offsets of its own. */
static const char *over(const struct scorer *s, const struct batch *batch)
{
    const struct tensor *input = batch_find(batch, s->file->model.shape.ids ? "ids" : "vec");
    const char *name = meta_get(&input->meta, "over");
    return name ? name : input->name;
}

static int score_items(struct scorer *s, const struct corpus_columns *k, struct batch *batch, struct err *e)
{
    struct tensor score = tensor_make("score", DTYPE_F64, 1, &batch->n);
    struct tensor perplexity = tensor_make("perplexity", DTYPE_F64, 1, &batch->n);
    int result = 0;
    for (uint64_t i = 0; i < batch->n && result == 0; i++) {
        double loss = 0, count = (double)(k->offsets[i + 1] - k->offsets[i]);
        result = score_item(s, k, i, &loss, e);
        ((double *)score.data)[i] = 0 - loss; /* of nothing: 0, not -0 */
        ((double *)perplexity.data)[i] = count ? exp(loss / count) : 1;
    }
    if (!s->config->score || result < 0) {
        tensor_free(&score);
        tensor_free(&perplexity);
        return result;
    }
    result = batch_add(batch, score, e);
    if (result < 0)
        tensor_free(&perplexity);
    return result < 0 ? -1 : batch_add(batch, perplexity, e);
}

int scorer_batch(struct scorer *s, struct batch *batch, struct err *e)
{
    struct corpus_columns k;
    int result = find_columns(s, &k, batch, e);
    if (result == 0) {
        begin_columns(s, k.offsets[batch->n], over(s, batch));
        result = score_items(s, &k, batch, e);
        for (struct score_column *c = s->columns; c < s->columns + s->n_columns; c++) {
            if (result == 0)
                result = batch_add(batch, c->t, e);
            else
                tensor_free(&c->t);
            c->t = (struct tensor){0};
        }
    }
    corpus_columns_free(&k);
    return result;
}

uint64_t scorer_items(const struct scorer *s, const struct batch *batch, uint64_t from)
{
    struct err ignored = {0}; /* scorer_batch will say it */
    const uint64_t *offsets = batch_offsets(batch, s->file->model.shape.ids ? "ids" : "vec", &ignored);
    uint64_t n = 1, most = ROOM / (s->row_bytes + 1);
    if (!offsets)
        return batch->n - from;
    while (from + n < batch->n && offsets[from + n + 1] - offsets[from] <= most)
        n++;
    return n;
}

/* Ways between the ids of a segment and those of the model. */
int scorer_segment(struct scorer *s, const struct segment *segment, struct err *e)
{
    const struct rnnfile *f = s->file;
    struct vocab vocab = {0};
    bool wants_ids = f->model.shape.ids || !f->target;
    free(s->to_model);
    free(s->from_model);
    s->to_model = s->from_model = NULL;
    if (!f->model.shape.ids && strcmp(segment_profile(segment), "vectors"))
        return err_fail(e, STATUS_DATA, "wants vectors, which the model was trained on, got %s (embed makes them)",
                        segment_profile(segment));
    if (!wants_ids)
        return 0;
    if (vocab_read(&vocab, "", segment, e) < 0)
        return -1;
    s->input_words = vocab.n;
    if (!vocab_same(&vocab, &f->words.vocab)) {
        s->to_model = vocab_map(&vocab, &f->words.vocab);
        s->from_model = f->target ? NULL : vocab_map(&f->words.vocab, &vocab);
    }
    vocab_free(&vocab);
    return 0;
}

void scorer_end(struct scorer *s)
{
    end_item(s);
}

int scorer_make(struct scorer *s, struct rnnfile *file, const struct score_config *config, struct err *e)
{
    *s = (struct scorer){.file = file, .config = config};
    size_t inputs = file->model.shape.inputs;
    s->begin = vocab_find(&file->words.vocab, "<s>", 3);
    s->end = vocab_find(&file->words.vocab, "</s>", 4);
    if (!file->target && (s->begin == VOCAB_NONE || s->end == VOCAB_NONE))
        return err_fail(e, STATUS_DATA, "the model's vocabulary lacks <s> or </s>");
    if (add_emitted(s, config->emit, e) < 0)
        return -1;
    if (config->score)
        add_column(s, LOGPROB, mem_copy("logprob"), 0, 0, 0, DTYPE_F64);
    if (!config->emit && !config->score)
        add_column(s, PREDICTED, mem_printf("pred.%s", file->target ? file->target : "ids"), 0, 0, 0, DTYPE_U32);
    s->state = mem_aligned(state_reals(s), sizeof *s->state);
    s->before = mem_aligned(state_reals(s), sizeof *s->before);
    s->row = mem_aligned(file->model.shape.classes, sizeof *s->row);
    s->ids = mem_get(CHUNK, sizeof *s->ids);
    s->classes = mem_get(CHUNK, sizeof *s->classes);
    s->last_vec = mem_get(file->model.shape.ids ? 1 : inputs, sizeof *s->last_vec);
    s->vec = mem_aligned(file->model.shape.ids ? 1 : CHUNK * inputs, sizeof *s->vec);
    return 0;
}

void scorer_free(struct scorer *s)
{
    for (size_t i = 0; i < s->n_columns; i++)
        free(s->columns[i].name);
    free(s->columns);
    free(s->to_model);
    free(s->from_model);
    free(s->state);
    free(s->before);
    free(s->row);
    free(s->ids);
    free(s->classes);
    free(s->last_vec);
    free(s->vec);
    *s = (struct scorer){0};
}
