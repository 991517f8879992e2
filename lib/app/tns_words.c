/* tns text --words: the tokens of a stream put back into text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"
#include "data/text_level.h"

/* The sides a stream can have: one, or source and target of pairs. */
static const char *const prefixes[] = {"", "src.", "tgt."};
enum { N_SIDES = sizeof prefixes / sizeof *prefixes };

struct words {
    struct outfile *out;
    struct vocab vocabs[N_SIDES];
    bool has[N_SIDES];
    bool open; /* an item has begun, and may go on */
    struct text_join join[N_SIDES];
    struct buf text;
};

static int read_vocabs(struct words *w, const struct segment *segment, struct err *e)
{
    char name[64];
    const struct tensor *any = segment_find(segment, "vocab.text");
    for (size_t i = 0; i < N_SIDES; i++) {
        snprintf(name, sizeof name, "%svocab.text", prefixes[i]);
        bool own = segment_find(segment, name) != NULL;
        w->has[i] = own || any; /* both sides of pairs may share one vocabulary */
        if (w->has[i] && vocab_read(&w->vocabs[i], own ? prefixes[i] : "", segment, e) < 0)
            return -1;
    }
    return 0;
}

/* The tokens of one row, an item or a part of one; `offsets` are those of the ids. */
static int put_item(struct words *w, size_t side, const struct tensor *ids, const uint64_t *offsets, uint64_t item,
                    uint64_t row0, struct err *e)
{
    const struct vocab *v = &w->vocabs[side];
    for (uint64_t t = offsets[item]; t < offsets[item + 1]; t++) {
        uint32_t id = ((const uint32_t *)ids->data)[t];
        if (id >= v->n)
            return err_fail(e, STATUS_DATA, "item %" PRIu64 " has the id %" PRIu32 ", but the vocabulary %zu words",
                            row0 + item, id, v->n);
        text_join_id(&w->join[side], v, id, &w->text);
    }
    return 0;
}

/* Ends the line of the item before, if there is one. */
static void end_item(struct words *w)
{
    if (w->open)
        buf_char(&w->text, '\n');
    w->open = false;
}

static void begin_item(struct words *w)
{
    end_item(w);
    w->open = true;
    for (size_t i = 0; i < N_SIDES; i++)
        w->join[i] = (struct text_join){.level = text_level_of(&w->vocabs[i])};
}

/* The text so far goes out. */
static int flush(struct words *w, struct err *e)
{
    int result = outfile_write(w->out, w->text.data, w->text.len, e);
    buf_clear(&w->text);
    return result;
}

/* Which rows go on with the one before: [batch->n], or NULL. */
static const uint8_t *parts_of(const struct batch *batch)
{
    const struct tensor *t = batch_find(batch, "continued");
    return t && t->dtype == DTYPE_BOOL && t->rank == 1 && t->dims[0] == batch->n ? t->data : NULL;
}

static int put_batch(struct words *w, const struct batch *batch, struct err *e)
{
    const struct tensor *ids[N_SIDES] = {NULL};
    const uint64_t *offsets[N_SIDES];
    char name[64];
    bool any = false;
    for (size_t i = 0; i < N_SIDES; i++) {
        snprintf(name, sizeof name, "%sids", prefixes[i]);
        if (!w->has[i] || !batch_find(batch, name))
            continue;
        if (!(ids[i] = batch_need(batch, name, DTYPE_U32, 1, e)) || !(offsets[i] = batch_offsets(batch, name, e)))
            return -1;
        any = true;
    }
    if (!any)
        return err_fail(e, STATUS_DATA,
                        "there are no ids with their vocabulary (tns text without --words shows what there is)");
    const uint8_t *continued = ids[0] ? parts_of(batch) : NULL; /* parts of pairs are lines of their own */
    for (uint64_t item = 0; item < batch->n; item++) {
        bool first = true;
        if (!continued || !continued[item] || !w->open)
            begin_item(w);
        for (size_t i = 0; i < N_SIDES; i++) {
            if (!ids[i])
                continue;
            if (!first)
                buf_char(&w->text, '\t');
            first = false;
            if (put_item(w, i, ids[i], offsets[i], item, batch->row0, e) < 0)
                return -1;
        }
    }
    return flush(w, e);
}

int tns_put_words(struct source *s, struct err *e)
{
    struct words w = {.out = cli_output(false, e)};
    struct segment segment = {0};
    struct batch batch = {0};
    int got = w.out ? 1 : -1;
    while (got > 0 && (got = source_segment(s, &segment, e)) > 0) {
        if ((got = read_vocabs(&w, &segment, e)) < 0) {
            err_where(e, "%s", source_label(s));
            break;
        }
        while ((got = source_batch(s, &batch, e)) > 0)
            if (put_batch(&w, &batch, e) < 0) {
                if (e->status == STATUS_DATA)
                    err_where(e, "%s", source_label(s));
                got = -1;
                break;
            }
        end_item(&w);
        got = got < 0 || flush(&w, e) < 0 ? -1 : 1;
    }
    for (size_t i = 0; i < N_SIDES; i++)
        vocab_free(&w.vocabs[i]);
    buf_free(&w.text);
    segment_free(&segment);
    batch_free(&batch);
    return got;
}
