/* tns ls, text, verify, digest: look at streams and leave them as they are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"
#include "data/slice.h"
#include "data/tnstext.h"

/* Calls show(source) for each operand, or once for standard input. */
static int each_input(char **operands, int n, int (*show)(struct source *s, struct err *e), bool titled, struct err *e)
{
    int result = 0;
    for (int i = 0; result == 0 && i < (n ? n : 1); i++) {
        struct source *s = source_open_path(n ? operands[i] : NULL, e);
        if (!s)
            return -1;
        if (titled && n > 1)
            cli_print("%s==> %s <==\n", i ? "\n" : "", source_label(s));
        result = show(s, e);
        source_close(s);
    }
    return result;
}

/* ---- ls ---- */

static void list_array(const char *kind, const struct tensor *t)
{
    struct buf name = {0}, shape = {0}, meta = {0};
    word_put(t->name, strlen(t->name), &name);
    shape_text(t->rank, t->dims, &shape);
    meta_words(&t->meta, &meta);
    cli_print("%-7s %-23s %-4s %-*s%s\n", kind, buf_string(&name), dtype_name(t->dtype), meta.len ? 13 : 0,
              buf_string(&shape), buf_string(&meta));
    buf_free(&name);
    buf_free(&shape);
    buf_free(&meta);
}

static void list_meta(const char *kind, const struct meta *meta, const char *more)
{
    struct buf words = {0};
    meta_words(meta, &words);
    cli_print("%-7s%s%s\n", kind, buf_string(&words), more);
    buf_free(&words);
}

/* The columns of all batches, added up: a segment's batches have the same ones. */
static int add_up(struct source *s, struct batch *totals, uint64_t *batches, struct err *e)
{
    struct batch batch = {0};
    int got;
    *batches = 0;
    while ((got = source_batch(s, &batch, e)) > 0) {
        if (!(*batches)++) {
            *totals = batch;
            batch = (struct batch){0};
            continue;
        }
        for (size_t i = 0; i < batch.n_columns; i++) /* the offsets of further batches begin with another 0 */
            totals->columns[i].dims[0] += batch.columns[i].dims[0] - is_offsets(batch.columns[i].name);
    }
    batch_free(&batch);
    return got;
}

static int list_segment(struct source *s, struct segment *segment, uint64_t start, struct err *e)
{
    struct batch totals = {0};
    uint64_t batches;
    char more[64];
    list_meta("head", &segment->head, "");
    for (size_t i = 0; i < segment->n; i++)
        list_array("tensor", &segment->tensors[i]);
    int got = add_up(s, &totals, &batches, e);
    for (size_t i = 0; i < totals.n_columns; i++)
        list_array("column", &totals.columns[i]);
    batch_free(&totals);
    if (got == 0) {
        snprintf(more, sizeof more, " batches=%" PRIu64 " bytes=%" PRIu64, batches, source_position(s) - start);
        list_meta("end", source_end(s), more);
    }
    return got;
}

static int list(struct source *s, struct err *e)
{
    struct segment segment = {0};
    uint64_t start = 0;
    int got;
    while ((got = source_segment(s, &segment, e)) > 0) {
        if ((got = list_segment(s, &segment, start, e)) < 0)
            break;
        start = source_position(s);
    }
    segment_free(&segment);
    return got;
}

int tns_ls(char **operands, int n, struct err *e)
{
    return each_input(operands, n, list, true, e);
}

/* ---- text ---- */

static int show_text(struct source *s, struct err *e)
{
    if (tns.words)
        return tns_put_words(s, e);
    struct outfile *out = cli_output(false, e);
    return out ? tnstext_export(s, out, e) : -1;
}

int tns_text(char **operands, int n, struct err *e)
{
    return each_input(operands, n, show_text, false, e);
}

/* ---- verify, digest ---- */

/* Reads to the end of the input; the source checks. `each` is called after the END of each segment. */
static int read_all(struct source *s, void (*each)(const struct source *s), struct err *e)
{
    struct frame f;
    int got;
    while ((got = source_frame(s, &f, e)) > 0)
        if (f.kind == FRAME_END && each)
            each(s);
    return got;
}

static int verify(struct source *s, struct err *e)
{
    return read_all(s, NULL, e);
}

int tns_verify(char **operands, int n, struct err *e)
{
    return each_input(operands, n, verify, false, e);
}

static void print_digest(const struct source *s)
{
    struct buf label = {0};
    cli_escape(source_label(s), strlen(source_label(s)), &label);
    cli_print("%s  %s\n", meta_get(source_end(s), "digest"), buf_string(&label));
    buf_free(&label);
}

static int digest(struct source *s, struct err *e)
{
    return read_all(s, print_digest, e);
}

int tns_digest(char **operands, int n, struct err *e)
{
    return each_input(operands, n, digest, false, e);
}
