/* Where a heatmap's numbers and words come from. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/plot_heatmap.h"
#include "base/mem.h"
#include "data/alignment.h"

enum { MOST_CELLS = 1 << 26 };

/* An item's words as strings that can be shown; NULL when there are not `wanted` of them. */
static char **labels(const struct item_words *w, uint64_t item, uint64_t wanted, struct err *e)
{
    struct buf text = {0};
    if (item_words_count(w, item) != wanted) {
        err_fail(e, STATUS_DATA, "the matrix has %llu rows or columns for %llu words", (unsigned long long)wanted,
                 (unsigned long long)item_words_count(w, item));
        return NULL;
    }
    char **list = mem_get(wanted + 1, sizeof *list);
    for (uint64_t k = 0; k < wanted; k++) {
        size_t length;
        const char *word = item_words_at(w, item, k, &length, e);
        if (!word) {
            for (uint64_t l = 0; l < k; l++)
                free(list[l]);
            free(list);
            buf_free(&text);
            return NULL;
        }
        buf_clear(&text);
        cli_escape(word, length, &text);
        list[k] = mem_copy(buf_string(&text));
    }
    buf_free(&text);
    return list;
}

/* Are there words of a side in this batch? Without any the rows are numbered. */
static bool has_words(const struct item_words *w, const struct batch *batch)
{
    char text[32], ids[32];
    snprintf(text, sizeof text, "%stok.text", w->prefix);
    snprintf(ids, sizeof ids, "%sids", w->prefix);
    return batch_find(batch, text) || (w->vocab.n && batch_find(batch, ids));
}

static int take_item(struct heatmap *h, const struct batch *batch, uint64_t item, struct item_words sides[2],
                     struct err *e)
{
    struct alignment a;
    char ***lists[2] = {&h->column_labels, &h->row_labels};
    if (alignment_item(batch, item, &a, e) < 0)
        return -1;
    h->rows = a.targets;
    h->columns = a.sources;
    h->row_name = "target";
    h->column_name = "source";
    h->values = mem_get(a.targets * a.sources + 1, sizeof *h->values);
    for (size_t k = 0; k < a.targets * a.sources; k++) {
        h->values[k] = tensor_at(a.attn, a.first + k);
        if (!isfinite(h->values[k]))
            return err_fail(e, STATUS_DATA, "'attn' holds NaN or infinity in row %zu, column %zu of the pair (from 0)",
                            k / a.sources, k % a.sources);
    }
    h->n_links = a.n_links;
    h->links = mem_get(2 * a.n_links + 1, sizeof *h->links);
    if (a.n_links)
        memcpy(h->links, a.links, 2 * a.n_links * sizeof *h->links);
    for (int side = 0; side < 2; side++)
        if (has_words(&sides[side], batch)) {
            if (item_words_batch(&sides[side], batch, e) < 0 ||
                !(*lists[side] = labels(&sides[side], item, side ? a.targets : a.sources, e)))
                return -1;
        }
    return 0;
}

/* One segment; *seen items came before. */
static int read_segment(struct heatmap *h, struct source *s, const struct segment *segment, uint64_t item,
                        uint64_t *seen, struct item_words sides[2], struct err *e)
{
    struct batch batch = {0};
    int got;
    if (strcmp(segment_profile(segment), "alignment"))
        return err_fail(e, STATUS_DATA,
                        "wants alignment, got %s (attn-align makes one; --tensor NAME draws any matrix)",
                        *segment_profile(segment) ? segment_profile(segment) : "no profile");
    if (item_words_begin(&sides[0], "src.", segment, e) < 0 || item_words_begin(&sides[1], "tgt.", segment, e) < 0)
        return -1;
    while ((got = source_batch(s, &batch, e)) == 1) {
        if (item >= *seen && item - *seen < batch.n && take_item(h, &batch, item - *seen, sides, e) < 0) {
            err_where(e, "item %llu", (unsigned long long)item);
            got = -1;
            break;
        }
        *seen += batch.n;
    }
    batch_free(&batch);
    return got;
}

int heatmap_read_item(struct heatmap *h, const char *path, uint64_t item, struct err *e)
{
    struct segment segment = {0};
    struct item_words sides[2] = {0};
    struct source *s = source_open_path(path, e);
    uint64_t seen = 0;
    int got = -1;
    if (!s)
        return -1;
    while ((got = source_segment(s, &segment, e)) == 1)
        if (read_segment(h, s, &segment, item, &seen, sides, e) < 0) {
            got = err_where(e, "%s", source_label(s));
            break;
        }
    if (got == 0 && item >= seen)
        got = err_fail(e, STATUS_MISUSED, "%s: there is no item %llu (it has %llu, from 0)", source_label(s),
                       (unsigned long long)item, (unsigned long long)seen);
    item_words_free(&sides[0]);
    item_words_free(&sides[1]);
    segment_free(&segment);
    source_close(s);
    return got;
}

static int take_tensor(struct heatmap *h, const struct tensor *t, struct err *e)
{
    if (t->dtype == DTYPE_UTF8 || t->rank < 1 || t->rank > 2) {
        struct buf shape = {0};
        shape_text(t->rank, t->dims, &shape);
        err_fail(e, STATUS_DATA, "'%s' is %s%s and no matrix of numbers", t->name, dtype_name(t->dtype), shape.data);
        buf_free(&shape);
        return -1;
    }
    if (tensor_finite(t, e) < 0)
        return -1;
    h->rows = t->rank == 2 ? t->dims[0] : 1;
    h->columns = t->dims[t->rank - 1];
    if (tensor_count(t) > MOST_CELLS)
        return err_fail(e, STATUS_DATA, "'%s' has %zu elements, more than a picture can show (%d)", t->name,
                        tensor_count(t), MOST_CELLS);
    h->row_name = t->rank == 2 ? "row" : "";
    h->column_name = t->rank == 2 ? "column" : "element";
    h->values = mem_get(tensor_count(t) + 1, sizeof *h->values);
    for (size_t k = 0; k < tensor_count(t); k++)
        h->values[k] = tensor_at(t, k);
    return 0;
}

int heatmap_read_tensor(struct heatmap *h, const char *path, const char *name, struct err *e)
{
    struct segment segment = {0};
    struct batch batch = {0};
    struct source *s = source_open_path(path, e);
    const struct tensor *t;
    int got = -1;
    if (!s)
        return -1;
    if (source_segment(s, &segment, e) == 1 && (t = segment_need(&segment, name, e)) && take_tensor(h, t, e) == 0)
        while ((got = source_batch(s, &batch, e)) == 1)
            ; /* to the end: what was cut off is no picture */
    if (got < 0)
        err_where(e, "%s", source_label(s));
    batch_free(&batch);
    segment_free(&segment);
    source_close(s);
    return got;
}

void heatmap_free(struct heatmap *h)
{
    for (size_t k = 0; h->row_labels && k < h->rows; k++)
        free(h->row_labels[k]);
    for (size_t k = 0; h->column_labels && k < h->columns; k++)
        free(h->column_labels[k]);
    free(h->row_labels);
    free(h->column_labels);
    free(h->values);
    free(h->links);
    *h = (struct heatmap){0};
}
