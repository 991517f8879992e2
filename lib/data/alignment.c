#include "data/alignment.h"

#include <math.h>
#include <stdio.h>

/* The offsets of a column over items, which end where the column does. */
static const uint64_t *offsets_of(const struct batch *batch, const struct tensor *t, struct err *e)
{
    const uint64_t *offsets = batch_offsets(batch, t->name, e);
    if (offsets && offsets[batch->n] == t->dims[0])
        return offsets;
    if (offsets)
        err_fail(e, STATUS_DATA, "'%s' has %llu rows where its offsets say %llu", t->name,
                 (unsigned long long)t->dims[0], (unsigned long long)offsets[batch->n]);
    return NULL;
}

/* ---- Matrices and links ---- */

int alignment_item(const struct batch *batch, uint64_t item, struct alignment *a, struct err *e)
{
    const struct tensor *shape = batch_need(batch, "attn.shape", DTYPE_U32, 2, e);
    const struct tensor *links = shape ? batch_need(batch, "links", DTYPE_U32, 2, e) : NULL;
    const struct tensor *attn = batch_find(batch, "attn");
    if (!links)
        return -1;
    if (!attn || !dtype_is_real(attn->dtype) || attn->rank != 1 || shape->dims[1] != 2 || links->dims[1] != 2)
        return err_fail(e, STATUS_DATA,
                        "the columns attn, attn.shape and links are not those of an alignment (f32, "
                        "u32[N,2], u32[M,2])");
    const uint64_t *cells = offsets_of(batch, attn, e), *ends = cells ? offsets_of(batch, links, e) : NULL;
    if (!ends)
        return -1;
    const uint32_t *sides = (const uint32_t *)shape->data + 2 * item;
    *a = (struct alignment){
        .item = item,
        .targets = sides[0],
        .sources = sides[1],
        .attn = attn,
        .first = cells[item],
        .links = (const uint32_t *)links->data + 2 * ends[item],
        .n_links = ends[item + 1] - ends[item],
    };
    if (a->sources * a->targets != cells[item + 1] - cells[item])
        return err_fail(e, STATUS_DATA,
                        "item %llu of the batch: 'attn' has %llu weights for %llu target and %llu source "
                        "words",
                        (unsigned long long)item, (unsigned long long)(cells[item + 1] - cells[item]),
                        (unsigned long long)a->targets, (unsigned long long)a->sources);
    for (uint64_t l = 0; l < a->n_links; l++)
        if (a->links[2 * l] >= a->sources || a->links[2 * l + 1] >= a->targets)
            return err_fail(e, STATUS_DATA, "item %llu of the batch: the link %lu-%lu lies beyond its words",
                            (unsigned long long)item, (unsigned long)a->links[2 * l],
                            (unsigned long)a->links[2 * l + 1]);
    return 0;
}

static double weight(const struct alignment *a, uint64_t target, uint64_t source)
{
    return tensor_at(a->attn, a->first + target * a->sources + source);
}

/* ---- Words ---- */

int item_words_begin(struct item_words *w, const char *prefix, const struct segment *segment, struct err *e)
{
    char name[64];
    vocab_free(&w->vocab);
    *w = (struct item_words){.prefix = prefix};
    snprintf(name, sizeof name, "%svocab.text", prefix);
    if (segment_find(segment, name))
        return vocab_read(&w->vocab, prefix, segment, e);
    return segment_find(segment, "vocab.text") ? vocab_read(&w->vocab, "", segment, e) : 0; /* shared by both sides */
}

/* The strings of the column tok.text: bytes over words over items. */
static int text_columns(struct item_words *w, const struct batch *batch, const struct tensor *text, struct err *e)
{
    char name[64];
    snprintf(name, sizeof name, "%stok.text.offsets", w->prefix);
    const struct tensor *ends = batch_need(batch, name, DTYPE_U64, 1, e);
    snprintf(name, sizeof name, "%stok.offsets", w->prefix);
    const struct tensor *offsets = ends ? batch_need(batch, name, DTYPE_U64, 1, e) : NULL;
    if (!offsets || tensor_expect(text, DTYPE_UTF8, 1, e) < 0)
        return -1;
    w->text = text->data;
    w->ends = ends->data;
    w->offsets = offsets->data;
    if (offsets->dims[0] != batch->n + 1 || ends->dims[0] != w->offsets[batch->n] + 1 ||
        w->ends[ends->dims[0] - 1] != text->dims[0])
        return err_fail(e, STATUS_DATA, "'%stok.offsets', '%stok.text.offsets' and '%s' do not fit together", w->prefix,
                        w->prefix, text->name);
    return 0;
}

int item_words_batch(struct item_words *w, const struct batch *batch, struct err *e)
{
    char name[64];
    snprintf(name, sizeof name, "%stok.text", w->prefix);
    const struct tensor *text = batch_find(batch, name);
    w->ids = NULL;
    if (text)
        return text_columns(w, batch, text, e);
    snprintf(name, sizeof name, "%sids", w->prefix);
    const struct tensor *ids = batch_need(batch, name, DTYPE_U32, 1, e);
    if (!ids || !(w->offsets = offsets_of(batch, ids, e)))
        return -1;
    if (!w->vocab.n)
        return err_fail(e, STATUS_DATA, "the words of '%s' are not known: the stream brings no %svocab.text", name,
                        w->prefix);
    w->ids = ids->data;
    return 0;
}

uint64_t item_words_count(const struct item_words *w, uint64_t item)
{
    return w->offsets[item + 1] - w->offsets[item];
}

const char *item_words_at(const struct item_words *w, uint64_t item, uint64_t k, size_t *length, struct err *e)
{
    uint64_t at = w->offsets[item] + k;
    if (!w->ids) {
        *length = w->ends[at + 1] - w->ends[at];
        return *length ? w->text + w->ends[at] : "";
    }
    if (w->ids[at] >= w->vocab.n) {
        err_fail(e, STATUS_DATA, "'%sids' holds the id %lu, but the vocabulary has %zu words", w->prefix,
                 (unsigned long)w->ids[at], w->vocab.n);
        return NULL;
    }
    return vocab_word(&w->vocab, w->ids[at], length);
}

void item_words_free(struct item_words *w)
{
    vocab_free(&w->vocab);
}

/* ---- Forms of text ---- */

static int pharaoh(const struct alignment *a, uint64_t number, const struct item_words sides[2], struct buf *out,
                   struct err *e)
{
    (void)number, (void)sides, (void)e;
    for (uint64_t l = 0; l < a->n_links; l++)
        buf_printf(out, "%s%lu-%lu", l ? " " : "", (unsigned long)a->links[2 * l], (unsigned long)a->links[2 * l + 1]);
    buf_char(out, '\n');
    return 0;
}

static void weights(const struct alignment *a, uint64_t target, char between, struct buf *out)
{
    for (uint64_t i = 0; i < a->sources; i++) {
        if (i)
            buf_char(out, between);
        buf_printf(out, "%.6g", weight(a, target, i));
    }
}

static int marian(const struct alignment *a, uint64_t number, const struct item_words sides[2], struct buf *out,
                  struct err *e)
{
    (void)number, (void)sides, (void)e;
    for (uint64_t j = 0; j < a->targets; j++) {
        if (j)
            buf_char(out, ' ');
        weights(a, j, ',', out);
    }
    buf_char(out, '\n');
    return 0;
}

static int sentence(const struct item_words *w, uint64_t item, uint64_t wanted, struct buf *out, struct err *e)
{
    uint64_t n = item_words_count(w, item);
    if (n != wanted)
        return err_fail(e, STATUS_DATA, "item %llu of the batch has %llu words where 'attn.shape' says %llu",
                        (unsigned long long)item, (unsigned long long)n, (unsigned long long)wanted);
    for (uint64_t k = 0; k < n; k++) {
        size_t length;
        const char *word = item_words_at(w, item, k, &length, e);
        if (!word)
            return -1;
        if (k)
            buf_char(out, ' ');
        for (size_t c = 0; c < length; c++)
            buf_char(out, word[c] == '\n' ? ' ' : word[c]);
    }
    return 0;
}

static int nematus(const struct alignment *a, uint64_t number, const struct item_words sides[2], struct buf *out,
                   struct err *e)
{
    double score = 0;
    for (uint64_t j = 0; j < a->targets; j++) {
        double most = 0;
        for (uint64_t i = 0; i < a->sources; i++)
            most = fmax(most, weight(a, j, i));
        score += most > 0 ? log(most) : 0;
    }
    buf_printf(out, "%llu ||| ", (unsigned long long)number);
    if (sentence(&sides[1], a->item, a->targets, out, e) < 0)
        return -1;
    buf_printf(out, " ||| %.6g ||| ", score);
    if (sentence(&sides[0], a->item, a->sources, out, e) < 0)
        return -1;
    buf_printf(out, " ||| %llu %llu\n", (unsigned long long)a->sources, (unsigned long long)a->targets);
    for (uint64_t j = 0; j < a->targets; j++) {
        weights(a, j, ' ', out);
        buf_char(out, '\n');
    }
    buf_char(out, '\n');
    return 0;
}

static const struct {
    int (*write)(const struct alignment *a, uint64_t number, const struct item_words sides[2], struct buf *out,
                 struct err *e);
    bool words;
} forms[] = {
    [ALIGNMENT_PHARAOH] = {pharaoh, false},
    [ALIGNMENT_MARIAN] = {marian, false},
    [ALIGNMENT_NEMATUS] = {nematus, true},
};

int alignment_text(enum alignment_format format, const struct alignment *a, uint64_t number,
                   const struct item_words sides[2], struct buf *out, struct err *e)
{
    return forms[format].write(a, number, sides, out, e);
}

bool alignment_wants_words(enum alignment_format format)
{
    return forms[format].words;
}
