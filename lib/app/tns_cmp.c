/* tns cmp: do two streams hold the same? History, digests and how items are cut into batches do not count. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"
#include "data/side.h"
#include "data/tnstext.h"

static const char *names[2]; /* what the two are called, escaped */

/* Says the first difference and returns 1, what every comparison here returns for it. */
static int differ(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int differ(const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_print("%s and %s differ: %s\n", names[0], names[1], text);
    return 1;
}

/* ---- Metadata and single arrays ---- */

static void put_value(const char *value, struct buf *out)
{
    if (value)
        string_put(value, strlen(value), out);
    else
        buf_text(out, "absent");
}

/* What one has and the other has not, or has otherwise. Hops are history. */
static int compare_meta(const char *where, const struct meta *a, const struct meta *b)
{
    const struct meta *both[] = {a, b};
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < both[side]->n; i++) {
            const char *key = both[side]->pairs[i].key, *x = meta_get(a, key), *y = meta_get(b, key);
            if (!strncmp(key, "hop.", 4) || (x && y && !strcmp(x, y)))
                continue;
            struct buf text = {0};
            word_put(key, strlen(key), &text);
            buf_text(&text, " is ");
            put_value(x, &text);
            buf_text(&text, " and ");
            put_value(y, &text);
            differ("%s: metadata %s", where, text.data);
            buf_free(&text);
            return 1;
        }
    return 0;
}

static bool close_enough(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return true;
    return fabs(a - b) <= tns.atol + tns.rtol * fabs(b);
}

/* The first element that differs, or the count. */
static size_t first_difference(const struct tensor *a, const struct tensor *b)
{
    size_t count = tensor_count(a), size = dtype_size(a->dtype);
    const char *x = a->data, *y = b->data;
    if (a->dtype == b->dtype && (!count || !memcmp(x, y, count * size)))
        return count;
    bool near = dtype_is_real(a->dtype) && (tns.rtol > 0 || tns.atol > 0);
    for (size_t i = 0; i < count; i++)
        if (near ? !close_enough(tensor_at(a, i), tensor_at(b, i)) : memcmp(x + i * size, y + i * size, size) != 0)
            return i;
    return count;
}

static void index_text(const struct tensor *t, size_t index, struct buf *out)
{
    uint64_t place[TENSOR_MAX_RANK];
    for (unsigned d = t->rank; d-- > 0;) {
        place[d] = index % t->dims[d];
        index /= t->dims[d];
    }
    shape_text(t->rank, place, out);
}

static int differ_at(const char *where, const struct tensor *a, const struct tensor *b, size_t index)
{
    struct buf place = {0}, x = {0}, y = {0};
    index_text(a, index, &place);
    element_text(a, index, &x);
    element_text(b, index, &y);
    differ("%s: element %s is %s and %s", where, place.data, x.data, y.data);
    buf_free(&place);
    buf_free(&x);
    buf_free(&y);
    return 1;
}

static int compare_arrays(const char *where, const struct tensor *a, const struct tensor *b)
{
    struct buf x = {0}, y = {0};
    bool reals = dtype_is_real(a->dtype) && dtype_is_real(b->dtype) && (tns.rtol > 0 || tns.atol > 0);
    shape_text(a->rank, a->dims, &x);
    shape_text(b->rank, b->dims, &y);
    bool same = (a->dtype == b->dtype || reals) && !strcmp(x.data, y.data);
    if (!same)
        differ("%s: %s%s and %s%s", where, dtype_name(a->dtype), x.data, dtype_name(b->dtype), y.data);
    buf_free(&x);
    buf_free(&y);
    if (!same || compare_meta(where, &a->meta, &b->meta))
        return 1;
    size_t index = first_difference(a, b);
    return index < tensor_count(a) ? differ_at(where, a, b, index) : 0;
}

static struct tensor *find(struct tensor *tensors, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(tensors[i].name, name))
            return &tensors[i];
    return NULL;
}

/* Arrays by name, in whatever order. `behind` is said behind the name. */
static int compare_sets(const char *kind, struct tensor *a, size_t n, struct tensor *b, size_t m, const char *behind)
{
    struct buf where = {0};
    int result = 0;
    for (size_t i = 0; i < n && !result; i++) {
        const struct tensor *other = find(b, m, a[i].name);
        buf_clear(&where);
        buf_printf(&where, "%s ", kind);
        word_put(a[i].name, strlen(a[i].name), &where);
        buf_text(&where, behind);
        result = other ? compare_arrays(where.data, &a[i], other) : differ("%s is in the first alone", where.data);
    }
    for (size_t i = 0; i < m && !result; i++)
        if (!find(a, n, b[i].name)) {
            buf_clear(&where);
            word_put(b[i].name, strlen(b[i].name), &where);
            result = differ("%s %s%s is in the second alone", kind, where.data, behind);
        }
    buf_free(&where);
    return result;
}

/* ---- Batches, segments, streams ---- */

static int compare_batches(struct side *a, struct side *b, struct err *e)
{
    char behind[64];
    uint64_t x, y;
    side_begin(a);
    side_begin(b);
    for (;;) {
        if (side_more(a, &x, e) < 0 || side_more(b, &y, e) < 0)
            return -1;
        uint64_t item = side_item(a);
        if (!x != !y)
            return differ("the %s ends after %" PRIu64 " items of the segment", x ? "second" : "first", item);
        if (!x)
            return 0;
        const struct batch *p = side_take(a, x < y ? x : y), *q = side_take(b, x < y ? x : y);
        snprintf(behind, sizeof behind, " (counted from item %" PRIu64 ")", item);
        if (compare_sets("column", p->columns, p->n_columns, q->columns, q->n_columns, behind))
            return 1;
    }
}

static int compare_segment(struct side *a, struct side *b, struct err *e)
{
    if (compare_meta("HEAD", &a->segment.head, &b->segment.head) ||
        compare_sets("tensor", a->segment.tensors, a->segment.n, b->segment.tensors, b->segment.n, ""))
        return 1;
    int result = compare_batches(a, b, e);
    if (result)
        return result;
    const char *x = meta_get(source_end(a->source), "status"), *y = meta_get(source_end(b->source), "status");
    return strcmp(x, y) ? differ("END: status %s and %s", x, y) : 0;
}

static int compare(struct side *a, struct side *b, struct err *e)
{
    for (unsigned segments = 0;; segments++) {
        int x = source_segment(a->source, &a->segment, e), y = x < 0 ? -1 : source_segment(b->source, &b->segment, e);
        if (x < 0 || y < 0)
            return -1;
        if (x != y)
            return differ("the %s ends after %u segment%s", x ? "second" : "first", segments, segments == 1 ? "" : "s");
        if (!x)
            return 0;
        int result = compare_segment(a, b, e);
        if (result)
            return result;
    }
}

int tns_cmp(char **operands, int n, struct err *e)
{
    struct side a = {0}, b = {0};
    struct buf shown[2] = {{0}, {0}};
    int result = -1;
    for (int i = 0; i < n; i++) {
        cli_escape(operands[i], strlen(operands[i]), &shown[i]);
        names[i] = buf_string(&shown[i]);
    }
    if (!strcmp(operands[0], "-") && !strcmp(operands[1], "-"))
        err_fail(e, STATUS_MISUSED, "both operands are standard input");
    else if ((a.source = source_open_path(operands[0], e)) && (b.source = source_open_path(operands[1], e)))
        result = compare(&a, &b, e);
    if (result < 0 && e->status == STATUS_FAILED)
        e->status = STATUS_MISUSED; /* 1 says that they differ */
    side_free(&a);
    side_free(&b);
    buf_free(&shown[0]);
    buf_free(&shown[1]);
    return result;
}
