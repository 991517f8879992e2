#include "app/w2v_pairs.h"

#include "app/cli.h"
#include "base/buf.h"

static void show_word(const struct vocab *vocab, uint32_t id, struct buf *line)
{
    size_t length;
    const char *word = vocab_word(vocab, id, &length);
    cli_escape(word, length, line);
}

static void show_sentence(const struct vocab *vocab, const struct buf *sentence, size_t window)
{
    const uint32_t *ids = (const uint32_t *)sentence->data;
    size_t n = sentence->len / sizeof *ids;
    struct buf line = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t j = i < window ? 0 : i - window; j < n && j <= i + window; j++) {
            if (j == i)
                continue;
            buf_clear(&line);
            show_word(vocab, ids[i], &line);
            buf_char(&line, '\t');
            show_word(vocab, ids[j], &line);
            cli_print("%s\n", line.data);
        }
    buf_free(&line);
}

int w2v_pairs_show(struct w2v_input *in, const struct w2v_config *config, struct err *e)
{
    struct buf sentence = {0};
    const uint32_t *ids;
    size_t n, window = (size_t)config->window, most = w2v_sentence_words(config) * sizeof *ids;
    bool continued;
    int got;
    while ((got = w2v_input_next(in, &ids, &n, &continued, e)) == 1) {
        if (!continued) {
            show_sentence(&in->vocab, &sentence, window);
            buf_clear(&sentence);
        }
        for (size_t i = 0; i < n; i++) {
            if (ids[i] != VOCAB_PAD && ids[i] != VOCAB_UNKNOWN)
                buf_add(&sentence, &ids[i], sizeof ids[i]);
            if (sentence.len == most) {
                show_sentence(&in->vocab, &sentence, window);
                buf_clear(&sentence);
            }
        }
    }
    show_sentence(&in->vocab, &sentence, window);
    buf_free(&sentence);
    return got;
}
