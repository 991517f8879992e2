#include "app/generate.h"

#include <string.h>

#include "app/cli.h"
#include "data/text_level.h"

/* Where generated tokens go: items of a stream, or text. */
struct writer {
    const struct vocab *vocab;
    struct text_join join;
    struct buf text;
    struct buf ids, offsets, continued; /* of a batch */
    uint64_t n;                         /* items in it */
    bool as_text;
    bool goes_on; /* the item being written continues the last one */
    bool open;    /* tokens have come since the last item ended */
};

static int flush_batch(struct writer *w, struct err *e)
{
    uint64_t zero = 0, n_ids = w->ids.len / sizeof(uint32_t);
    struct tensor columns[3] = {tensor_make("ids.offsets", DTYPE_U64, 1, &(uint64_t){w->n + 1}),
                                tensor_view("ids", DTYPE_U32, 1, &n_ids, w->ids.data),
                                tensor_view("continued", DTYPE_BOOL, 1, &w->n, w->continued.data)};
    struct batch batch = {.n = w->n, .columns = columns, .n_columns = 3};
    memcpy(columns[0].data, &zero, sizeof zero);
    if (w->n)
        memcpy((uint64_t *)columns[0].data + 1, w->offsets.data, w->offsets.len);
    int result = sink_batch(cli_sink("tokens", e), &batch, e);
    for (size_t i = 0; i < 3; i++)
        tensor_free(&columns[i]);
    buf_clear(&w->ids);
    buf_clear(&w->offsets);
    buf_clear(&w->continued);
    w->n = 0;
    return result;
}

/* Ends the item, or the part of it that fits into one. */
static int end_item(struct writer *w, bool goes_on, struct err *e)
{
    uint64_t end = w->ids.len / sizeof(uint32_t);
    uint8_t continued = w->goes_on;
    w->goes_on = goes_on;
    w->open = false;
    if (w->as_text) {
        if (!goes_on && (!w->text.len || w->text.data[w->text.len - 1] != '\n'))
            buf_char(&w->text, '\n');
        cli_put(w->text.data, w->text.len);
        buf_clear(&w->text);
        w->join = goes_on ? w->join : (struct text_join){.level = text_level_of(w->vocab)};
        return 0;
    }
    buf_add(&w->offsets, &end, sizeof end);
    buf_add(&w->continued, &continued, 1);
    w->n++;
    return end >= STREAM_MAX_ITEM_TOKENS ? flush_batch(w, e) : 0;
}

static int write_token(struct writer *w, uint32_t id, uint32_t end, struct err *e)
{
    if (id == end)
        return end_item(w, false, e);
    w->open = true;
    if (w->as_text) {
        text_join_id(&w->join, w->vocab, id, &w->text);
        return w->text.len >= 4096 && w->text.data[w->text.len - 1] != '\n' ? end_item(w, true, e) : 0;
    }
    buf_add(&w->ids, &id, sizeof id);
    return w->ids.len / sizeof id >= STREAM_MAX_ITEM_TOKENS ? end_item(w, true, e) : 0;
}

static int write_all(struct sampler *s, struct writer *w, struct err *e)
{
    const char *prime = s->config->prime ? s->config->prime : "";
    uint64_t unknown = 0;
    for (uint32_t id; sample_split(w->vocab, &prime, &id);) {
        unknown += id == VOCAB_UNKNOWN;
        sampler_read(s, id);
        if (write_token(w, id, s->end, e) < 0)
            return -1;
    }
    if (unknown)
        cli_note("--prime: %llu words are not in the model's vocabulary and count as <unk>",
                 (unsigned long long)unknown);
    for (int64_t i = 0; i < s->config->generate; i++)
        if (write_token(w, sampler_next(s), s->end, e) < 0)
            return -1;
    return w->open || w->goes_on ? end_item(w, false, e) : 0;
}

int generate(struct rnnfile *file, const struct sample_config *config, bool as_text, struct err *e)
{
    struct sampler s;
    struct writer w = {.vocab = &file->words.vocab,
                       .as_text = as_text,
                       .join = {.level = text_level_of(&file->words.vocab)}};
    struct sink *sink = as_text ? NULL : cli_sink("tokens", e);
    int result = sampler_make(&s, file, config, rng_seed((uint64_t)cli.seed), e);
    if (result == 0 && !as_text && (cli_head(NULL, e) < 0 || vocab_write(&file->words.vocab, "", sink, e) < 0))
        result = -1;
    if (result == 0)
        result = write_all(&s, &w, e);
    if (result == 0 && !as_text && (flush_batch(&w, e) < 0 || sink_end(sink, "complete", file->digest, e) < 0))
        result = -1;
    sampler_free(&s);
    buf_free(&w.text);
    buf_free(&w.ids);
    buf_free(&w.offsets);
    buf_free(&w.continued);
    return result;
}
