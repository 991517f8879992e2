/* tns paste: the columns of several streams of the same items beside each other, in one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"
#include "base/buf.h"
#include "base/mem.h"
#include "data/side.h"

struct paste {
    struct side *sides;
    int n;
    struct sink *sink;
};

static const char *label(const struct paste *p, int i)
{
    return source_label(p->sides[i].source);
}

/* Each name may come from one stream alone: `kind` names of a stream i and a later one j. */
static int refuse_twice(const struct paste *p, const char *kind, const char *name, int i, int j, struct err *e)
{
    return err_fail(e, STATUS_DATA, "%s: has a %s '%s', as %s has (drop it from one: tns drop '%s')", label(p, j), kind,
                    name, label(p, i), name);
}

static int put_tensors(struct paste *p, struct err *e)
{
    for (int j = 0; j < p->n; j++)
        for (size_t k = 0; k < p->sides[j].segment.n; k++) {
            const struct tensor *t = &p->sides[j].segment.tensors[k];
            for (int i = 0; i < j; i++)
                if (segment_find(&p->sides[i].segment, t->name))
                    return refuse_twice(p, "tensor", t->name, i, j, e);
            if (sink_tensor(p->sink, t, e) < 0)
                return -1;
        }
    return 0;
}

/* The next items of all streams, as many as all have at hand: 1, 0 at the end of all, -1. */
static int paste_items(struct paste *p, struct batch *pasted, struct err *e)
{
    uint64_t least = UINT64_MAX, more, item = side_item(&p->sides[0]);
    int ended = -1, going = -1;
    for (int i = 0; i < p->n; i++) {
        if (side_more(&p->sides[i], &more, e) < 0)
            return -1;
        *(more ? &going : &ended) = i;
        least = more < least ? more : least;
    }
    if (ended >= 0 && going >= 0)
        return err_fail(e, STATUS_DATA, "%s: ends after %" PRIu64 " items of its segment, but %s goes on",
                        label(p, ended), item, label(p, going));
    if (!least)
        return 0;
    pasted->n_columns = 0;
    for (int j = 0; j < p->n; j++) {
        const struct batch *part = side_take(&p->sides[j], least);
        pasted->columns = mem_grow(pasted->columns, pasted->n_columns + part->n_columns, sizeof *pasted->columns);
        for (size_t k = 0; k < part->n_columns; k++) {
            for (int i = 0; i < j; i++)
                if (batch_find(&p->sides[i].batch, part->columns[k].name))
                    return refuse_twice(p, "column", part->columns[k].name, i, j, e);
            pasted->columns[pasted->n_columns++] = part->columns[k]; /* still the side's */
        }
    }
    pasted->n = least;
    return sink_batch(p->sink, pasted, e) < 0 ? -1 : 1;
}

/* END: partial when one of them is; the parents in their order. */
static int put_end(struct paste *p, struct err *e)
{
    struct buf parents = {0};
    const char *status = "complete";
    for (int i = 0; i < p->n; i++) {
        const struct meta *end = source_end(p->sides[i].source);
        if (strcmp(meta_get(end, "status"), "complete"))
            status = "partial";
        buf_printf(&parents, "%s%s", i ? " " : "", meta_get(end, "digest"));
    }
    int result = sink_end(p->sink, status, buf_string(&parents), e);
    buf_free(&parents);
    return result;
}

static int paste_segment(struct paste *p, struct err *e)
{
    struct batch pasted = {0};
    const struct segment *first = &p->sides[0].segment;
    int got = -1;
    if (!(p->sink = cli_sink(segment_profile(first), e)) ||
        tns_put_head(p->sink, &first->head, "tns " RUNNEL_VERSION " paste", e) < 0 || put_tensors(p, e) < 0)
        return -1;
    for (int i = 0; i < p->n; i++)
        side_begin(&p->sides[i]);
    while ((got = paste_items(p, &pasted, e)) > 0)
        ;
    free(pasted.columns);
    return got < 0 ? -1 : put_end(p, e);
}

static int paste_streams(struct paste *p, struct err *e)
{
    for (unsigned segments = 0;; segments++) {
        int ended = -1, going = -1;
        for (int i = 0; i < p->n; i++) {
            int got = source_segment(p->sides[i].source, &p->sides[i].segment, e);
            if (got < 0)
                return -1;
            *(got ? &going : &ended) = i;
        }
        if (ended >= 0 && going >= 0)
            return err_fail(e, STATUS_DATA, "%s: ends after %u segment%s, but %s goes on", label(p, ended), segments,
                            segments == 1 ? "" : "s", label(p, going));
        if (going < 0)
            return 0;
        if (paste_segment(p, e) < 0)
            return -1;
    }
}

int tns_paste(char **operands, int n, struct err *e)
{
    struct paste p = {.sides = mem_get((size_t)n, sizeof *p.sides), .n = n};
    int result = cli_sink("tensors", e) ? 0 : -1, standard = 0; /* opened first: a failure is passed on in it */
    for (int i = 0; i < n; i++)
        standard += !strcmp(operands[i], "-");
    if (result == 0 && standard > 1)
        result = err_fail(e, STATUS_MISUSED, "standard input is named twice (it can be one stream alone)");
    for (int i = 0; result == 0 && i < n; i++)
        result = (p.sides[i].source = source_open_path(operands[i], e)) ? 0 : -1;
    if (result == 0)
        result = paste_streams(&p, e);
    for (int i = 0; i < n; i++)
        side_free(&p.sides[i]);
    free(p.sides);
    return result;
}
