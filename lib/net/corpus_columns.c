/* The columns of one batch, found and checked. */
#include "net/corpus.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VEC, WANTED, FEATURES }; /* of corpus_columns.owned */

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

int corpus_id(const uint32_t *ids, size_t row, size_t limit, struct err *e)
{
    if (ids[row] < limit)
        return 0;
    return err_fail(e, STATUS_DATA, "column 'ids', row %zu: %" PRIu32 " is beyond the vocabulary of %zu words", row,
                    ids[row], limit);
}

int corpus_class(const struct tensor *t, size_t row, uint64_t limit, uint32_t *class, struct err *e)
{
    double value = tensor_at(t, row);
    if (!(value >= 0) || value >= (double)limit || value != floor(value))
        return err_fail(e, STATUS_DATA, "column '%s', row %zu: %g is no class (a whole number below %" PRIu64 ")",
                        t->name, row, value, limit);
    *class = (uint32_t)value;
    return 0;
}

/* All numbers of a column as finite reals: its own data, or a copy in `owned`. */
static const real *reals_of(const struct tensor *t, real **owned, struct err *e)
{
    size_t count = tensor_count(t), width = tensor_row(t);
    if (tensor_finite(t, e) < 0)
        return NULL;
    if (t->dtype == REAL_DTYPE)
        return t->data;
    real *reals = *owned = mem_get(count + 1, sizeof *reals);
    if (tensor_reals(t, reals, e) < 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(reals[i])) {
            err_fail(e, STATUS_DATA, "column '%s' holds %g in row %zu, column %zu, which is beyond %s", t->name,
                     tensor_at(t, i), i / width, i % width, dtype_name(REAL_DTYPE));
            return NULL;
        }
    return reals;
}

/* ---- Inputs ------------------------------------------------------------------------------------------------------ */

/* Does the column run over the inputs? */
static bool over_inputs(const struct batch *batch, const struct corpus_columns *k, const uint64_t *offsets)
{
    return !memcmp(offsets, k->offsets, (batch->n + 1) * sizeof *offsets);
}

static int same_offsets(const struct batch *batch, const struct corpus_columns *k, const char *name, struct err *e)
{
    const uint64_t *offsets = batch_offsets(batch, name, e);
    if (!offsets)
        return -1;
    if (!over_inputs(batch, k, offsets))
        return err_fail(e, STATUS_DATA, "column '%s' has not one row for each input of its item", name);
    return 0;
}

static int take_vec(struct corpus_columns *k, const struct batch *batch, size_t dim, struct err *e)
{
    const struct tensor *vec = batch_find(batch, "vec");
    if (!vec)
        return err_fail(e, STATUS_DATA, "the input has no column 'vec'");
    if (vec->rank != 2 || !dtype_is_real(vec->dtype))
        return err_fail(e, STATUS_DATA, "column 'vec' is no matrix of real numbers");
    if (vec->dims[1] != dim)
        return err_fail(e, STATUS_DATA, "column 'vec' has %" PRIu64 " dimensions, not %zu", vec->dims[1], dim);
    return (k->vec = reals_of(vec, &k->owned[VEC], e)) ? 0 : -1;
}

int corpus_columns(struct corpus_columns *k, const struct batch *batch, size_t dim, bool ids, const char *target,
                   struct err *e)
{
    const struct tensor *column;
    *k = (struct corpus_columns){0};
    if (!(k->offsets = batch_offsets(batch, dim ? "vec" : "ids", e)))
        return -1;
    if (batch_find(batch, "continued")) {
        if (!(column = batch_need(batch, "continued", DTYPE_BOOL, 1, e)))
            return -1;
        if (column->dims[0] != batch->n)
            return err_fail(e, STATUS_DATA, "column 'continued' has not one row for each item");
        k->continued = column->data;
    }
    if (dim && take_vec(k, batch, dim, e) < 0)
        return -1;
    if (!dim || ids) {
        if (!(column = batch_need(batch, "ids", DTYPE_U32, 1, e)) || (dim && same_offsets(batch, k, "ids", e) < 0))
            return -1;
        k->ids = column->data;
    }
    return target ? corpus_columns_target(k, batch, target, 1u << TARGET_STEP_CLASS, e) : 0;
}

int corpus_columns_text(struct corpus_columns *k, const struct batch *batch, struct err *e)
{
    if (!batch_find(batch, "tok.text"))
        return 0;
    const struct tensor *text = batch_need(batch, "tok.text", DTYPE_UTF8, 1, e);
    const struct tensor *ends = text ? batch_need(batch, "tok.text.offsets", DTYPE_U64, 1, e) : NULL;
    const struct tensor *items = ends ? batch_need(batch, "tok.offsets", DTYPE_U64, 1, e) : NULL;
    if (!items)
        return -1;
    uint64_t rows = k->offsets[batch->n];
    if (items->dims[0] != batch->n + 1 || !over_inputs(batch, k, items->data) || ends->dims[0] != rows + 1 ||
        ((const uint64_t *)ends->data)[rows] != text->dims[0])
        return err_fail(e, STATUS_DATA, "column 'tok.text' has not one text for each input of its item");
    k->text_offsets = ends->data;
    k->text = text->data;
    return 0;
}

/* ---- Targets and features ---------------------------------------------------------------------------------------- */

unsigned corpus_kinds(const struct task *task)
{
    if (task->classes)
        return 1u << (task->item ? TARGET_ITEM_CLASS : TARGET_STEP_CLASS);
    return 1u << TARGET_STEP_REAL | 1u << TARGET_ITEM_REAL;
}

/* A column that is not what is wanted: which one, what it is, what was wanted. */
static int unfit(const struct tensor *t, const char *rows, const char *numbers, unsigned kinds, struct err *e)
{
    bool step = kinds & (1u << TARGET_STEP_CLASS | 1u << TARGET_STEP_REAL);
    bool item = kinds & (1u << TARGET_ITEM_CLASS | 1u << TARGET_ITEM_REAL);
    struct buf shape = {0};
    shape_text(t->rank, t->dims, &shape);
    err_fail(e, STATUS_DATA, "column '%s' is %s %s, %s; wanted: %s for each %s", t->name, dtype_name(t->dtype),
             buf_string(&shape), rows, numbers,
             step && item ? "input or item"
             : step       ? "input"
                          : "item");
    buf_free(&shape);
    return -1;
}

/* Sets whether a row is one of an item, or of an input; what else it may be one of is told in words. */
static const char *rows_of(const struct corpus_columns *k, const struct batch *batch, const struct tensor *t,
                           bool *item, bool *input)
{
    char *key = mem_printf("%s.offsets", t->name);
    bool ragged = meta_get(&t->meta, "over") || batch_find(batch, key);
    struct err ignored;
    const uint64_t *offsets = ragged ? batch_offsets(batch, t->name, &ignored) : NULL;
    free(key);
    *item = !ragged && t->dims[0] == batch->n;
    *input = offsets && over_inputs(batch, k, offsets);
    return *item ? "a row for each item" : *input ? "a row for each input" : "not a row for each input of its item";
}

int corpus_columns_target(struct corpus_columns *k, const struct batch *batch, const char *target, unsigned kinds,
                          struct err *e)
{
    bool classes = kinds & (1u << TARGET_STEP_CLASS | 1u << TARGET_ITEM_CLASS), item, input;
    const struct tensor *t = batch_find(batch, target);
    if (!t) {
        batch_need(batch, target, DTYPE_U32, 1, e);
        return -1;
    }
    const char *rows = rows_of(k, batch, t, &item, &input), *numbers = classes ? "a whole number" : "numbers";
    if (t->dtype == DTYPE_UTF8 || (!item && !input) || t->rank > (classes ? 1 : 2) ||
        (classes && dtype_is_real(t->dtype)) || !tensor_row(t))
        return unfit(t, rows, numbers, kinds, e);
    k->kind = classes ? item ? TARGET_ITEM_CLASS : TARGET_STEP_CLASS : item ? TARGET_ITEM_REAL : TARGET_STEP_REAL;
    if (!(kinds & 1u << k->kind))
        return unfit(t, rows, numbers, kinds, e);
    if (classes) {
        k->targets = t;
        return 0;
    }
    k->outputs = tensor_row(t);
    return (k->wanted = reals_of(t, &k->owned[WANTED], e)) ? 0 : -1;
}

int corpus_columns_features(struct corpus_columns *k, const struct batch *batch, const char *feature, struct err *e)
{
    bool item, input;
    const struct tensor *t = batch_find(batch, feature);
    if (!t) {
        batch_need(batch, feature, DTYPE_F32, 2, e);
        return -1;
    }
    const char *rows = rows_of(k, batch, t, &item, &input);
    if (t->dtype == DTYPE_UTF8 || !item || t->rank != 2 || !t->dims[1])
        return unfit(t, rows, "a row of numbers", 1u << TARGET_ITEM_REAL, e);
    k->feature = t->dims[1];
    return (k->features = reals_of(t, &k->owned[FEATURES], e)) ? 0 : -1;
}

void corpus_columns_free(struct corpus_columns *k)
{
    for (size_t i = 0; i < sizeof k->owned / sizeof *k->owned; i++) {
        free(k->owned[i]);
        k->owned[i] = NULL;
    }
}
