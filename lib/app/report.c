#include "app/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "base/mem.h"

static const struct rnnfile *file_of(const struct report *r)
{
    return r->s->file;
}

/* ---- Classes ----------------------------------------------------------------------------------------------------- */

static bool confuses(const struct report *r)
{
    return file_of(r)->kind == TARGET_ITEM_CLASS && r->known <= REPORT_CONFUSED;
}

/* The class of a name; a new one has no counts. */
static uint32_t class_of(struct report *r, const char *name, size_t length)
{
    uint32_t class = vocab_add(&r->names, name, length);
    if (class < r->room)
        return class;
    size_t old = r->room;
    r->room = 2 * old + 64;
    r->classes = mem_grow(r->classes, r->room, sizeof *r->classes);
    memset(r->classes + old, 0, (r->room - old) * sizeof *r->classes);
    if (confuses(r)) {
        r->confusion = mem_grow(r->confusion, r->room * r->known, sizeof *r->confusion);
        memset(r->confusion + old * r->known, 0, (r->room - old) * r->known * sizeof *r->confusion);
    }
    return class;
}

/* The class of a number of the present segment. */
static uint32_t numbered(struct report *r, uint32_t number)
{
    char name[16];
    if (r->map)
        return r->map[number];
    return class_of(r, name, (size_t)snprintf(name, sizeof name, "%" PRIu32, number));
}

static void count_class(struct report *r, uint32_t given, uint32_t said)
{
    uint32_t class = numbered(r, given), guess = numbered(r, said);
    r->number++;
    r->unseen += class >= r->known;
    r->right += class == guess;
    r->classes[class].count++;
    r->classes[guess].said++;
    r->classes[guess].right += class == guess;
    if (r->confusion)
        r->confusion[class * r->known + guess]++;
}

/* Is there anything to tell of a class? */
static bool shown(const struct report *r, uint32_t class)
{
    return class < r->known || r->classes[class].count;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void print_name(const struct report *r, uint32_t class)
{
    struct buf text = {0};
    size_t length;
    const char *name = vocab_word(&r->names, class, &length);
    cli_escape(name, length, &text);
    cli_print("%s", buf_string(&text));
    buf_free(&text);
}

static void print_confusion(const struct report *r)
{
    cli_print("\nconfusion");
    for (uint32_t guess = 0; guess < r->known; guess++) {
        cli_print("\t");
        print_name(r, guess);
    }
    cli_print("\n");
    for (uint32_t class = 0; class < r->names.n; class ++) {
        if (!shown(r, class))
            continue;
        print_name(r, class);
        for (uint32_t guess = 0; guess < r->known; guess++)
            cli_print("\t%" PRIu64, r->confusion[class * r->known + guess]);
        cli_print("\n");
    }
}

static void print_classes(const struct report *r)
{
    cli_print("accuracy\t%.4f\nnumber\t%" PRIu64 "\nunseen\t%" PRIu64 "\n\nclass\tcount\tprecision\trecall\tF1\n",
              ratio((double)r->right, (double)r->number), r->number, r->unseen);
    for (uint32_t class = 0; class < r->names.n; class ++) {
        const struct report_class *c = &r->classes[class];
        if (!shown(r, class))
            continue;
        double precision = ratio((double)c->right, (double)c->said), recall = ratio((double)c->right, (double)c->count);
        print_name(r, class);
        cli_print("\t%" PRIu64 "\t%.4f\t%.4f\t%.4f\n", c->count, precision, recall,
                  ratio(2 * precision * recall, precision + recall));
    }
    if (r->confusion)
        print_confusion(r);
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

static void add_row(struct report *r, const struct tensor *given, uint64_t row, const struct tensor *said, uint64_t at)
{
    size_t width = file_of(r)->model.shape.classes;
    r->number++;
    for (size_t k = 0; k < width; k++) {
        double difference = tensor_at(said, at * width + k) - tensor_at(given, row * width + k);
        r->squares[k] += difference * difference;
    }
}

static void print_numbers(const struct report *r)
{
    size_t width = file_of(r)->model.shape.classes;
    double all = 0, n = (double)r->number;
    if (file_of(r)->model.head != head_at(HEAD_SQUARED)) {
        cli_print("number\t%" PRIu64 "\nloss\t%.6f\n", r->s->sum.tokens,
                  ratio(r->s->sum.loss, (double)r->s->sum.tokens));
        return;
    }
    for (size_t k = 0; k < width; k++)
        all += r->squares[k];
    all = ratio(all, n * (double)width);
    cli_print("number\t%" PRIu64 "\nmse\t%.9g\nrmse\t%.9g\n\ndimension\tmse\trmse\n", r->number, all, sqrt(all));
    for (size_t k = 0; k < width; k++)
        cli_print("%zu\t%.9g\t%.9g\n", k, ratio(r->squares[k], n), sqrt(ratio(r->squares[k], n)));
}

/* ---- Words ------------------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t *sorted(const uint32_t *ids, uint64_t n)
{
    uint32_t *copy = mem_get(n + 1, sizeof *copy);
    if (n)
        memcpy(copy, ids, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, by_id);
    return copy;
}

/* Words in common, each as often as both have it. */
static double f1_of(const uint32_t *given, uint64_t r, const uint32_t *said, uint64_t g)
{
    uint32_t *a = sorted(given, r), *b = sorted(said, g);
    uint64_t common = 0;
    for (uint64_t i = 0, j = 0; i < r && j < g;) {
        common += a[i] == b[j];
        if (a[i] == b[j])
            i++, j++;
        else if (a[i] < b[j])
            i++;
        else
            j++;
    }
    free(a);
    free(b);
    return r + g ? 2 * (double)common / (double)(r + g) : 1;
}

static int add_captions(struct report *r, const struct batch *batch, struct err *e)
{
    const uint64_t *given = batch_offsets(batch, "ids", e), *said = batch_offsets(batch, "pred.ids", e);
    if (!given || !said)
        return -1;
    const uint32_t *ids = batch_find(batch, "ids")->data, *written = batch_find(batch, "pred.ids")->data;
    for (uint64_t i = 0; i < batch->n; i++)
        r->f1 += f1_of(ids + given[i], given[i + 1] - given[i], written + said[i], said[i + 1] - said[i]);
    r->items += batch->n;
    return 0;
}

static void print_words(const struct report *r)
{
    const struct score_sum *sum = &r->s->sum;
    double nats = ratio(sum->loss, (double)sum->tokens);
    cli_print("tokens\t%" PRIu64 "\nunknown\t%" PRIu64 "\nnats\t%.6f\nperplexity\t%.6f\nbits\t%.6f\n", sum->tokens,
              sum->unknown, nats, exp(nats), nats / log(2));
    if (r->s->decodes)
        cli_print("F1\t%.4f\nitems\t%" PRIu64 "\n", ratio(r->f1, (double)r->items), r->items);
}

/* ---- Batches ----------------------------------------------------------------------------------------------------- */

/* Rows beside each other: classes or numbers of a target column, and what is predicted of them. */
static void add_rows(struct report *r, const struct tensor *given, const struct tensor *said)
{
    for (uint64_t row = 0; row < said->dims[0]; row++)
        if (target_is_real(file_of(r)->kind))
            add_row(r, given, row, said, row);
        else
            count_class(r, (uint32_t)tensor_at(given, row), ((const uint32_t *)said->data)[row]);
}

static int add_next(struct report *r, const struct batch *batch, struct err *e)
{
    const uint64_t *offsets = batch_offsets(batch, "vec", e);
    if (!offsets)
        return -1;
    const struct tensor *given = batch_find(batch, "vec"), *said = batch_find(batch, "pred.vec");
    for (uint64_t i = 0; i < batch->n; i++)
        for (uint64_t row = offsets[i]; row + 1 < offsets[i + 1]; row++)
            add_row(r, given, row + 1, said, row);
    return 0;
}

int report_batch(struct report *r, const struct batch *batch, struct err *e)
{
    const struct rnnfile *f = file_of(r);
    if (f->kind == TARGET_NEXT_ID)
        return r->s->decodes ? add_captions(r, batch, e) : 0;
    if (f->kind == TARGET_NEXT_VEC)
        return add_next(r, batch, e);
    char *name = mem_printf("pred.%s", f->target);
    add_rows(r, batch_find(batch, f->target), batch_find(batch, name));
    free(name);
    return 0;
}

void report_segment(struct report *r, const struct vocab *names)
{
    free(r->map);
    r->map = names->n ? mem_get(names->n, sizeof *r->map) : NULL;
    for (uint32_t class = 0; class < names->n; class ++) {
        size_t length;
        const char *name = vocab_word(names, class, &length);
        r->map[class] = class_of(r, name, length);
    }
}

void report_begin(struct report *r, const struct scorer *s)
{
    const struct rnnfile *f = s->file;
    bool reals = target_is_real(f->kind), classes = f->target && !reals;
    *r = (struct report){.s = s};
    r->known = classes ? f->model.shape.classes : 0;
    for (uint32_t k = 0; k < r->known && f->words.labels.n; k++) {
        size_t length;
        const char *name = vocab_word(&f->words.labels, k, &length);
        class_of(r, name, length);
    }
    for (uint32_t k = 0; k < r->known && !f->words.labels.n; k++)
        numbered(r, k);
    r->squares = mem_get(reals ? f->model.shape.classes : 1, sizeof *r->squares);
}

void report_print(const struct report *r)
{
    if (file_of(r)->kind == TARGET_NEXT_ID)
        print_words(r);
    else if (target_is_real(file_of(r)->kind))
        print_numbers(r);
    else
        print_classes(r);
}

void report_free(struct report *r)
{
    vocab_free(&r->names);
    free(r->map);
    free(r->classes);
    free(r->confusion);
    free(r->squares);
    *r = (struct report){0};
}
