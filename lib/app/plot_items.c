#include "app/plot_items.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

int item_rows(struct item_rows *r, const struct batch *batch, const char *name, uint64_t item, struct err *e)
{
    const struct tensor *t = batch_find(batch, name);
    if (!t || t->dtype == DTYPE_UTF8 || t->rank > 2)
        return t ? err_fail(e, STATUS_DATA, "'%s' has no rows of numbers", name)
                 : (batch_need(batch, name, DTYPE_F32, -1, e), -1);
    const uint64_t *offsets = batch_offsets(batch, name, e);
    if (!offsets)
        return -1;
    *r = (struct item_rows){.n = offsets[item + 1] - offsets[item], .dim = tensor_row(t)};
    r->x = mem_get(r->n * r->dim + 1, sizeof *r->x);
    for (size_t i = 0; i < r->n * r->dim; i++) {
        r->x[i] = tensor_at(t, offsets[item] * r->dim + i);
        if (!isfinite(r->x[i]))
            return err_fail(e, STATUS_DATA, "'%s' holds NaN or infinity in row %zu, column %zu of the item (from 0)",
                            name, i / r->dim, i % r->dim);
    }
    return 0;
}

static int read_segment(struct source *s, uint64_t *seen, uint64_t first, uint64_t count, plot_take *take,
                        void *context, struct err *e)
{
    struct batch batch = {0};
    int got;
    while ((got = source_batch(s, &batch, e)) == 1) {
        for (uint64_t i = 0; i < batch.n && got == 1; i++, ++*seen)
            if (*seen >= first && *seen - first < count && take(context, &batch, i, *seen, e) < 0) {
                err_where(e, "item %llu", (unsigned long long)*seen);
                got = -1;
            }
        if (got < 0)
            break;
    }
    batch_free(&batch);
    return got;
}

int plot_items(const char *path, uint64_t first, uint64_t count, plot_take *take, void *context, struct err *e)
{
    struct segment segment = {0};
    struct source *s = source_open_path(path, e);
    uint64_t seen = 0;
    int got;
    if (!s)
        return -1;
    while ((got = source_segment(s, &segment, e)) == 1)
        if (segment_wants(&segment, "vectors, tokens or tensors", e) < 0 ||
            read_segment(s, &seen, first, count, take, context, e) < 0) {
            got = -1;
            break;
        }
    if (got < 0)
        err_where(e, "%s", source_label(s));
    else if (first >= seen)
        got = err_fail(e, STATUS_MISUSED, "%s: there is no item %llu (it has %llu, from 0)", source_label(s),
                       (unsigned long long)first, (unsigned long long)seen);
    segment_free(&segment);
    source_close(s);
    return got;
}
