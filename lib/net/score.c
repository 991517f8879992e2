/* Batches in, and what they add up to. */
#include "net/score.h"
#include "base/mem.h"
#include "net/score_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 << 20 }; /* bytes of columns in a batch */

#define AT(field) offsetof(struct score_config, field)

const struct opt score_options[] = {
    {"emit", 'e', OPT_TEXT, AT(emit), OPT_RECORD, "WORDS", NULL, 0, 0, NULL,
     "add columns of what happens at every token: any of states, gates, logits, prob, loss, joined by commas"},
    {"score", 's', OPT_SWITCH, AT(score), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "add the log-probability of every token and item, and perplexity; sum up on standard error"},
    {0},
};

/* ---- Sequences --------------------------------------------------------------------------------------------------- */

static struct score_sequence *add_sequence(struct scorer *s)
{
    if (s->n_sequences == s->room_sequences) {
        s->room_sequences = 2 * s->room_sequences + 256;
        s->sequences = mem_grow(s->sequences, s->room_sequences, sizeof *s->sequences);
        s->order = mem_grow(s->order, s->room_sequences, sizeof *s->order);
    }
    return &s->sequences[s->n_sequences++];
}

/* The items of a batch, parts of one put together. */
static int find_sequences(struct scorer *s, uint64_t items, struct err *e)
{
    const struct corpus_columns *k = s->k;
    s->n_sequences = 0;
    for (uint64_t i = 0; i < items; i++) {
        bool goes_on = k->continued && k->continued[i];
        if (goes_on && s->whole)
            return err_fail(e, STATUS_DATA,
                            "item %" PRIu64 " continues the one before: the model reads whole items (cut the text into "
                            "shorter ones: tokenize --item line)",
                            i);
        if (goes_on && !s->open && !i)
            return err_fail(e, STATUS_DATA, "its first item continues an item that is not there");
        struct score_sequence *q = goes_on && i ? &s->sequences[s->n_sequences - 1] : add_sequence(s);
        if (!goes_on || !i)
            *q = (struct score_sequence){.low = k->offsets[i], .item = i, .goes_on = goes_on};
        q->high = k->offsets[i + 1];
        q->parts++;
        q->steps = q->high - q->low + s->next;
        q->last = i + 1 == items;
    }
    return 0;
}

/* ---- Sums -------------------------------------------------------------------------------------------------------- */

static void end_item(struct scorer *s)
{
    if (s->open && s->next) {
        s->sum.loss += s->end_loss;
        s->sum.tokens++;
    }
    s->open = false;
}

/* Losses low up to high: their sum in *loss, without end where one is of an unseen class. Returns how many count. */
static uint64_t add_losses(struct scorer *s, uint64_t low, uint64_t high, double *loss)
{
    uint64_t count = 0;
    double sum = 0;
    bool unseen = false;
    for (uint64_t row = low; row < high; row++) {
        double here = s->losses[row];
        unseen |= here == -INFINITY;
        if (isnan(here) || here == -INFINITY)
            continue;
        sum += here;
        count++;
    }
    s->sum.loss += sum;
    s->sum.tokens += count;
    *loss = unseen ? INFINITY : sum;
    return count;
}

/* Goes through the items in their order, whatever the one was in which they were run. */
static void sum_items(struct scorer *s, struct tensor *score, struct tensor *perplexity)
{
    bool item = s->file->model.shape.item;
    for (size_t i = 0; i < s->n_sequences; i++) {
        const struct score_sequence *q = &s->sequences[i];
        if (!q->goes_on)
            end_item(s);
        s->open = true;
        for (uint64_t n = q->item; n < q->item + q->parts; n++) {
            double loss;
            uint64_t count = add_losses(s, item ? n : s->k->offsets[n], item ? n + 1 : s->k->offsets[n + 1], &loss);
            ((double *)score->data)[n] = 0 - loss; /* of nothing: 0, not -0 */
            ((double *)perplexity->data)[n] = count ? exp(loss / (double)count) : isinf(loss) ? loss : 1;
        }
        s->end_loss = q->end_loss;
    }
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

static int check_width(const char *column, size_t have, uint64_t want, struct err *e)
{
    if (have == want)
        return 0;
    return err_fail(e, STATUS_DATA, "column '%s' has %zu numbers a row, and the model knows %" PRIu64, column, have,
                    want);
}

static int find_targets(struct scorer *s, struct corpus_columns *k, const struct batch *batch, struct err *e)
{
    const struct rnnfile *f = s->file;
    bool reals = target_is_real(f->kind);
    if (!reals && f->words.labels.n && !s->n_classes && batch_find(batch, f->target))
        return err_fail(e, STATUS_DATA,
                        "the classes in '%s' have no names, and those of the model do (drop the column: tns drop %s)",
                        f->target, f->target);
    if (!s->judges)
        return 0;
    if (corpus_columns_target(k, batch, f->target, 1u << f->kind, e) < 0)
        return -1;
    return reals ? check_width(f->target, k->outputs, f->model.shape.classes, e) : 0;
}

static int find_columns(struct scorer *s, struct corpus_columns *k, const struct batch *batch, struct err *e)
{
    const struct rnnfile *f = s->file;
    const struct model_shape *shape = &f->model.shape;
    bool spell_ids = shape->characters && !batch_find(batch, "tok.text");
    size_t dim = shape->ids ? 0 : shape->inputs;
    *k = (struct corpus_columns){0};
    if (s->reads && corpus_columns(k, batch, dim, s->next || spell_ids, NULL, e) < 0)
        return -1;
    if (f->target && find_targets(s, k, batch, e) < 0)
        return -1;
    if (shape->feature && (corpus_columns_features(k, batch, "feature", e) < 0 ||
                           check_width("feature", k->feature, shape->feature, e) < 0))
        return -1;
    return s->reads && shape->characters ? corpus_columns_text(k, batch, e) : 0;
}

/* What columns over the inputs run over: `ids`, or `vec` where that has offsets of its own. */
static const char *over(const struct scorer *s, const struct batch *batch)
{
    const struct tensor *input = batch_find(batch, s->file->model.shape.ids ? "ids" : "vec");
    const char *name = meta_get(&input->meta, "over");
    return name ? name : input->name;
}

/* Sets all losses to those of no target. */
static void clear_losses(struct scorer *s, size_t n)
{
    s->n_losses = n;
    if (n > s->room_losses) {
        s->room_losses = n;
        s->losses = mem_grow(s->losses, n, sizeof *s->losses);
    }
    for (size_t i = 0; i < n; i++)
        s->losses[i] = NAN;
}

static int score_items(struct scorer *s, struct batch *batch, struct err *e)
{
    if (find_sequences(s, batch->n, e) < 0 || score_run(s, e) < 0)
        return -1;
    struct tensor score = tensor_make("score", DTYPE_F64, 1, &batch->n);
    struct tensor perplexity = tensor_make("perplexity", DTYPE_F64, 1, &batch->n);
    sum_items(s, &score, &perplexity);
    if (!s->config->score) {
        tensor_free(&score);
        tensor_free(&perplexity);
        return 0;
    }
    if (batch_add(batch, score, e) < 0) {
        tensor_free(&perplexity);
        return -1;
    }
    return batch_add(batch, perplexity, e);
}

int scorer_batch(struct scorer *s, struct batch *batch, struct err *e)
{
    struct corpus_columns k;
    s->k = &k;
    respell_trim(&s->spell);
    int result = find_columns(s, &k, batch, e);
    if (result == 0 && s->reads) {
        uint64_t rows = k.offsets[batch->n];
        clear_losses(s, s->file->model.shape.item ? batch->n : rows);
        score_columns_begin(s, rows, batch->n, over(s, batch));
        result = score_items(s, batch, e);
        result = score_columns_end(s, batch, result, e);
    }
    if (result == 0 && s->decodes)
        result = score_captions(s, batch, e);
    corpus_columns_free(&k);
    s->k = NULL;
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

/* ---- Segments ---------------------------------------------------------------------------------------------------- */

const char *scorer_wants(const struct scorer *s)
{
    return s->decodes && !s->reads ? "tokens, vectors or tensors" : "tokens or vectors";
}

int scorer_segment(struct scorer *s, struct segment *segment, struct err *e)
{
    if (!s->file->model.shape.ids && strcmp(segment_profile(segment), "vectors"))
        return err_fail(e, STATUS_DATA, "wants vectors, which the model was trained on, got %s (embed makes them)",
                        segment_profile(segment));
    return score_names(s, segment, e);
}

void scorer_end(struct scorer *s)
{
    end_item(s);
}

int scorer_make(struct scorer *s, struct rnnfile *file, const struct score_config *config, struct err *e)
{
    const struct model *m = &file->model;
    *s = (struct scorer){.file = file, .config = config};
    s->begin = vocab_find(&file->words.vocab, "<s>", 3);
    s->end = vocab_find(&file->words.vocab, "</s>", 4);
    s->next = file->kind == TARGET_NEXT_ID && m->outputs;
    s->whole = m->config.both || m->shape.item;
    s->carries = !file->by_item && !s->whole;
    if (s->next && (s->begin == VOCAB_NONE || s->end == VOCAB_NONE))
        return err_fail(e, STATUS_DATA, "the model's vocabulary lacks <s> or </s>");
    if (score_columns_make(s, e) < 0)
        return -1;
    if (s->decodes && !m->shape.ids)
        return err_fail(e, STATUS_DATA, "the model reads vectors: it cannot write captions");
    score_run_make(s);
    s->row = mem_aligned(m->outputs + 1, sizeof *s->row);
    if (s->decodes)
        chooser_make(&s->chooser, config->draw, m->outputs, s->begin);
    return 0;
}

void scorer_free(struct scorer *s)
{
    for (size_t i = 0; i < s->n_columns; i++)
        free(s->columns[i].name);
    free(s->columns);
    free(s->sequences);
    free(s->order);
    free(s->losses);
    free(s->row);
    score_run_free(s);
    score_names_free(s);
    chooser_free(&s->chooser);
    *s = (struct scorer){0};
}
