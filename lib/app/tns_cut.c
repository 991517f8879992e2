/* tns cat, head, slice, drop: streams made of other streams, every byte checked on the way and every frame written
 * anew. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"
#include "base/mem.h"
#include "data/slice.h"

struct cut {
    const char *hop;    /* how the output is made */
    uint64_t low, high; /* items kept, counted over all inputs */
    uint64_t item;      /* the next item's number */
    char **patterns;    /* names dropped */
    int n_patterns;
    bool *used; /* [n_patterns]: something had such a name */
    struct sink *sink;
};

int tns_put_head(struct sink *k, const struct meta *input, const char *hop, struct err *e)
{
    struct meta head = {0};
    unsigned hops = 0;
    char key[32];
    for (size_t i = 0; i < input->n; i++)
        hops += !strncmp(input->pairs[i].key, "hop.", 4);
    snprintf(key, sizeof key, "hop.%04u", hops);
    meta_copy(&head, input);
    meta_set(&head, key, hop);
    int result = sink_head(k, &head, e);
    meta_free(&head);
    return result;
}

static bool dropped(struct cut *c, const char *name)
{
    bool any = false;
    for (int i = 0; i < c->n_patterns; i++)
        if (fnmatch(c->patterns[i], name, 0) == 0)
            any = c->used[i] = true;
    return any;
}

static int put_batch(struct cut *c, struct batch *batch, struct err *e)
{
    struct batch kept = {.n = batch->n, .row0 = batch->row0};
    kept.columns = mem_get(batch->n_columns, sizeof *kept.columns);
    for (size_t i = 0; i < batch->n_columns; i++)
        if (!dropped(c, batch->columns[i].name))
            kept.columns[kept.n_columns++] = batch->columns[i];
    int result = 0;
    if (kept.n_columns && batch_items(&kept) != batch->n)
        result = err_fail(e, STATUS_DATA, "without what is dropped, '%s' would come first and not tell the items apart",
                          kept.columns[0].name);
    else if (kept.n_columns)
        result = sink_batch(c->sink, &kept, e);
    free(kept.columns); /* the columns themselves are those of `batch` */
    return result;
}

/* The part of a batch that is kept. */
static int cut_batch(struct cut *c, struct batch *batch, struct err *e)
{
    struct batch part = {0};
    uint64_t first = c->item, low = c->low > first ? c->low - first : 0;
    uint64_t high = c->high - first < batch->n ? c->high - first : batch->n;
    c->item += batch->n;
    if (low >= high)
        return 0;
    if (low == 0 && high == batch->n)
        return put_batch(c, batch, e);
    batch_slice(batch, low, high, &part);
    int result = put_batch(c, &part, e);
    batch_free(&part);
    return result;
}

/* One segment. 1: go on; 0: nothing further is wanted; -1. `more` becomes the next segment where there is one. */
static int cut_segment(struct cut *c, struct source *s, struct segment *segment, struct err *e)
{
    struct batch batch = {0};
    uint64_t begin = c->item;
    bool ended = false;
    int got = -1;
    if (!(c->sink = cli_sink(segment_profile(segment), e)) || tns_put_head(c->sink, &segment->head, c->hop, e) < 0)
        return -1;
    for (size_t i = 0; i < segment->n; i++)
        if (!dropped(c, segment->tensors[i].name) && sink_tensor(c->sink, &segment->tensors[i], e) < 0)
            return -1;
    while (!ended && c->item <= c->high && (got = source_batch(s, &batch, e)) >= 0) {
        ended = got == 0;
        if (!ended && (got = cut_batch(c, &batch, e)) < 0)
            break;
    }
    batch_free(&batch);
    if (got < 0)
        return -1;
    bool whole = ended && (c->item == begin || c->low <= begin) && c->item <= c->high;
    char *digest = mem_copy(ended ? meta_get(source_end(s), "digest") : "");
    if (whole && strcmp(meta_get(source_end(s), "status"), "complete"))
        whole = false;
    if (ended && c->item >= c->high) { /* nothing more is wanted: is there more? */
        if ((got = source_segment(s, segment, e)) > 0)
            whole = ended = false;
    }
    if (got >= 0)
        got = sink_end(c->sink, whole ? "complete" : "partial", digest, e);
    free(digest);
    return got < 0 ? -1 : ended;
}

static int cut_stream(struct cut *c, const char *path, struct err *e)
{
    struct segment segment = {0};
    struct source *s = source_open_path(path, e);
    int got = s ? 1 : -1;
    while (got > 0 && (got = source_segment(s, &segment, e)) > 0)
        got = cut_segment(c, s, &segment, e);
    segment_free(&segment);
    source_close(s);
    return got;
}

/* ---- The verbs ---- */

static int cut_run(struct cut *c, char **paths, int n, struct err *e)
{
    int result = 0;
    if (!cli_sink("tensors", e)) /* opened first: a failure in the input is passed on in it */
        return -1;
    for (int i = 0; result == 0 && i < (n ? n : 1); i++)
        result = cut_stream(c, n ? paths[i] : NULL, e);
    return result;
}

int tns_cat(char **operands, int n, struct err *e)
{
    struct cut cut = {.hop = "tns " RUNNEL_VERSION " cat", .high = UINT64_MAX};
    return cut_run(&cut, operands, n, e);
}

int tns_head(char **operands, int n, struct err *e)
{
    char hop[80];
    struct cut cut = {.hop = hop, .high = (uint64_t)tns.items};
    snprintf(hop, sizeof hop, "tns %s head --items=%" PRId64, RUNNEL_VERSION, tns.items);
    return cut_run(&cut, operands, n, e);
}

/* "2:5", "2:", ":5" */
static bool read_range(const char *text, struct cut *c)
{
    const char *colon = strchr(text, ':');
    char low[32];
    int64_t from = 0, to = INT64_MAX;
    if (!colon || colon - text >= (long)sizeof low)
        return false;
    memcpy(low, text, (size_t)(colon - text));
    low[colon - text] = 0;
    if ((*low && !opt_int(low, 0, INT64_MAX, &from)) || (colon[1] && !opt_int(colon + 1, 0, INT64_MAX, &to)) ||
        from > to)
        return false;
    c->low = (uint64_t)from;
    c->high = (uint64_t)to;
    return true;
}

int tns_slice(char **operands, int n, struct err *e)
{
    char hop[128];
    struct cut cut = {.hop = hop};
    if (!read_range(operands[0], &cut))
        return err_fail(e, STATUS_MISUSED, "'%s' is not LOW:HIGH, such as 100:200 (items from LOW up to before HIGH)",
                        operands[0]);
    snprintf(hop, sizeof hop, "tns %s slice %" PRIu64 ":%" PRIu64, RUNNEL_VERSION, cut.low, cut.high);
    return cut_run(&cut, operands + 1, n - 1, e);
}

int tns_drop(char **operands, int n, struct err *e)
{
    struct buf hop = {0};
    struct cut cut = {.high = UINT64_MAX, .patterns = operands, .n_patterns = n};
    char *paths[] = {(char *)tns.input};
    buf_text(&hop, "tns " RUNNEL_VERSION " drop");
    for (int i = 0; i < n; i++)
        buf_printf(&hop, " %s", operands[i]);
    cut.hop = buf_string(&hop);
    cut.used = mem_get((size_t)n, sizeof *cut.used);
    int result = cut_run(&cut, paths, 1, e);
    for (int i = 0; result == 0 && i < n; i++)
        if (!cut.used[i])
            cli_note("nothing is called '%s' (tns ls shows the names)", operands[i]);
    free(cut.used);
    buf_free(&hop);
    return result;
}
