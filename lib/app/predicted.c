#include "app/predicted.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/report.h"
#include "base/mem.h"
#include "data/text_level.h"
#include "data/tnstext.h"

struct printer {
    struct scorer *s;
    struct report *report;     /* NULL: text */
    struct vocab words, names; /* of the present segment; names: of the classes predicted */
    struct buf line;
};

void predicted_wants(struct score_config *config, const struct rnnfile *file, enum predicted_as as)
{
    config->judge = as == PREDICTED_REPORT;
    config->predict = !config->score;
    if (as == PREDICTED_TEXT && !config->score && file->kind == TARGET_ITEM_CLASS)
        config->emit = "prob";
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

static void print_score(struct printer *p, const struct batch *batch, uint64_t i, const uint64_t *offsets)
{
    buf_printf(&p->line, "%" PRIu64 "\t%" PRIu64 "\t%.6f\t%.6f", batch->row0 + i, offsets[i + 1] - offsets[i],
               tensor_at(batch_find(batch, "score"), i), tensor_at(batch_find(batch, "perplexity"), i));
}

static void print_words(struct printer *p, const uint32_t *ids, uint64_t low, uint64_t high)
{
    struct text_join join = {.level = text_level_of(&p->words)};
    for (; low < high; low++)
        text_join_id(&join, &p->words, ids[low], &p->line);
}

/* A word of a vocabulary as it may stand in a table; false where there is none. */
static bool put_name(const struct vocab *v, uint32_t id, struct buf *out)
{
    size_t length;
    if (id >= v->n)
        return false;
    const char *name = vocab_word(v, id, &length);
    cli_escape(name, length, out);
    return true;
}

static void put_class(struct printer *p, uint32_t class)
{
    if (!put_name(&p->names, class, &p->line))
        buf_printf(&p->line, "%" PRIu32, class);
}

/* The word of a row and a slash, where the stream says which it is. */
static void put_word(struct printer *p, const struct batch *batch, uint64_t row)
{
    const struct tensor *text = batch_find(batch, "tok.text"), *ends = batch_find(batch, "tok.text.offsets");
    const struct tensor *ids = batch_find(batch, "ids");
    if (text && ends && text->dtype == DTYPE_UTF8 && ends->dtype == DTYPE_U64 && row + 1 < ends->dims[0]) {
        const uint64_t *at = (const uint64_t *)ends->data + row;
        cli_escape((const char *)text->data + at[0], at[1] - at[0], &p->line);
    } else if (!ids || ids->dtype != DTYPE_U32 || row >= ids->dims[0] ||
               !put_name(&p->words, ((const uint32_t *)ids->data)[row], &p->line)) {
        return;
    }
    buf_char(&p->line, '/');
}

static void print_classes(struct printer *p, const struct batch *batch, const uint32_t *classes, uint64_t low,
                          uint64_t high)
{
    for (uint64_t row = low; row < high; row++) {
        if (row > low)
            buf_char(&p->line, ' ');
        if (p->names.n)
            put_word(p, batch, row);
        put_class(p, classes[row]);
    }
}

static void print_class(struct printer *p, const struct batch *batch, const uint32_t *classes, uint64_t i)
{
    const struct tensor *prob = batch_find(batch, "prob");
    double best = 0;
    for (uint64_t k = 0; k < prob->dims[1]; k++)
        best = fmax(best, tensor_at(prob, i * prob->dims[1] + k));
    put_class(p, classes[i]);
    buf_printf(&p->line, "\t%.6f", best);
}

/* Numbers first up to first + width of a tensor. */
static void put_numbers(const struct tensor *t, size_t first, size_t width, struct buf *out)
{
    for (size_t k = 0; k < width; k++) {
        if (k)
            buf_char(out, '\t');
        element_text(t, first + k, out);
    }
}

void predicted_rows(const float *values, uint64_t rows, size_t width, bool ends)
{
    const uint64_t dims[] = {rows, width};
    struct tensor t = tensor_view("rows", DTYPE_F32, 2, dims, values);
    struct buf line = {0};
    for (uint64_t row = 0; row < rows; row++) {
        buf_clear(&line);
        put_numbers(&t, row * width, width, &line);
        cli_print("%s\n", buf_string(&line));
    }
    if (ends)
        cli_print("\n");
    buf_free(&line);
    tensor_free(&t);
}

static void print_item(struct printer *p, const struct batch *batch, uint64_t i, const uint64_t *offsets,
                       const struct tensor *predicted)
{
    const struct rnnfile *f = p->s->file;
    buf_clear(&p->line);
    if (p->s->config->score)
        print_score(p, batch, i, offsets);
    else if (f->kind == TARGET_NEXT_ID)
        print_words(p, predicted->data, offsets[i], offsets[i + 1]);
    else if (f->kind == TARGET_STEP_CLASS)
        print_classes(p, batch, predicted->data, offsets[i], offsets[i + 1]);
    else if (f->kind == TARGET_ITEM_CLASS)
        print_class(p, batch, predicted->data, i);
    else if (f->kind == TARGET_ITEM_REAL)
        put_numbers(predicted, i * predicted->dims[1], predicted->dims[1], &p->line);
    else {
        predicted_rows((const float *)predicted->data + offsets[i] * predicted->dims[1], offsets[i + 1] - offsets[i],
                       predicted->dims[1], true);
        return;
    }
    cli_print("%s\n", buf_string(&p->line));
}

static int print_batch(struct printer *p, const struct batch *batch, struct err *e)
{
    const struct rnnfile *f = p->s->file;
    bool captions = p->s->decodes && !p->s->config->score;
    const char *over = captions ? "pred.ids" : f->model.shape.ids ? "ids" : "vec";
    const uint64_t *offsets = batch_offsets(batch, over, e);
    char *name = mem_printf("pred.%s", f->target ? f->target : f->kind == TARGET_NEXT_ID ? "ids" : "vec");
    const struct tensor *predicted = batch_find(batch, name);
    for (uint64_t i = 0; i < batch->n; i++)
        print_item(p, batch, i, offsets, predicted);
    free(name);
    return 0;
}

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

static int begin_segment(struct printer *p, struct segment *segment, struct err *e)
{
    const struct rnnfile *f = p->s->file;
    bool classes = f->target && !target_is_real(f->kind);
    vocab_free(&p->words);
    vocab_free(&p->names);
    if (segment_wants(segment, scorer_wants(p->s), e) < 0 || scorer_segment(p->s, segment, e) < 0 ||
        (segment_find(segment, "vocab.text") && vocab_read(&p->words, "", segment, e) < 0) ||
        (classes && corpus_labels_read(&p->names, f->target, segment, e) < 0))
        return -1;
    if (p->report)
        report_segment(p->report, &p->names);
    return 0;
}

static int print_segment(struct printer *p, struct source *source, struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    int more = begin_segment(p, segment, e) < 0 ? -1 : 1;
    while (more >= 0 && (more = source_batch(source, &batch, e)) > 0) {
        if (scorer_batch(p->s, &batch, e) < 0) {
            more = err_where(e, "items from %" PRIu64, batch.row0);
            break;
        }
        more = p->report ? report_batch(p->report, &batch, e) : print_batch(p, &batch, e);
    }
    scorer_end(p->s);
    batch_free(&batch);
    return more;
}

static int print_segments(struct printer *p, struct source *source, struct err *e)
{
    struct segment segment = {0};
    int more;
    while ((more = source_segment(source, &segment, e)) > 0)
        if ((more = print_segment(p, source, &segment, e)) < 0) {
            err_where(e, "%s", source_label(source));
            break;
        }
    segment_free(&segment);
    return more;
}

static void print_total(const struct scorer *s)
{
    double tokens = (double)s->sum.tokens, loss = tokens > 0 ? s->sum.loss / tokens : 0;
    cli_print("total\t%.0f\t%.6f\t%.6f\n", tokens, 0 - s->sum.loss, exp(loss));
}

int predicted_print(struct scorer *s, const char *path, enum predicted_as as, struct err *e)
{
    struct report report = {0};
    struct printer p = {.s = s, .report = as == PREDICTED_REPORT ? &report : NULL};
    struct source *source = source_open_path(path, e);
    if (!source)
        return -1;
    if (p.report)
        report_begin(&report, s);
    else if (s->config->score)
        cli_print("item\ttokens\tlogprob\tperplexity\n");
    int result = print_segments(&p, source, e);
    if (result == 0 && p.report)
        report_print(&report);
    else if (result == 0 && s->config->score)
        print_total(s);
    if (p.report)
        report_free(&report);
    source_close(source);
    vocab_free(&p.words);
    vocab_free(&p.names);
    buf_free(&p.line);
    return result;
}
