/* Any bytes become sound text and tokens, with labels and tags. The first byte chooses how, the second in what steps
 * and from what (below 97: text or pairs; then labeled lines; from 194 on a treebank); then what must hold is checked:
 * tokens are UTF-8 and not empty, parts are not too long, steps do not show, nor (where the second byte is odd) whether
 * ICU did it all by itself, every item has a label and every word of a treebank a tag, characters and bytes put back
 * together are the text, and so is what was written before characters were folded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "data/text_level.h"
#include "data/text_pipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    enum text_level level;
    struct buf text; /* tokens, a NUL behind each; parts end in a byte that UTF-8 has not */
    struct buf joined;
    struct text_join join;
    struct buf written;
    size_t tokens, items, labels;
    bool tags;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void must_be_utf8(const char *text, size_t length)
{
    for (size_t i = 0, n; i < length; i += n)
        must((n = utf8_length(text + i, length - i)) > 0);
}

static int token(void *context, int side, const struct text_word *token, struct err *e)
{
    struct seen *s = context;
    const char *word = token->word;
    size_t length = token->length;
    (void)e;
    must(length > 0 && side >= 0 && side < 2);
    must_be_utf8(word, length);
    must_be_utf8(token->written, token->written_length);
    must(s->tags ? token->tag_length > 0 : !token->tag);
    must(++s->tokens <= 2 * TEXT_PART);
    buf_add(&s->written, token->written, token->written_length);
    if (s->tags)
        buf_add(&s->text, token->tag, token->tag_length);
    buf_add(&s->text, word, length);
    buf_char(&s->text, 0);
    text_join_add(&s->join, word, length, &s->joined);
    return 0;
}

static int tokens(void *context, int side, const struct text_word *words, size_t n, struct err *e)
{
    must(n > 0);
    for (size_t i = 0; i < n; i++)
        token(context, side, &words[i], e);
    return 0;
}

static int part(void *context, bool continued, struct err *e)
{
    struct seen *s = context;
    (void)e;
    buf_text(&s->text, continued ? "\xfe" : "\xff");
    s->tokens = 0;
    s->items += !continued;
    return 0;
}

static int label(void *context, const char *text, size_t length, struct err *e)
{
    struct seen *s = context;
    (void)e;
    must(length > 0 && length <= TEXT_LABEL_BYTES);
    must_be_utf8(text, length);
    s->labels++;
    return 0;
}

static int run(const struct text_options *o, const struct text_input *in, const char *text, size_t length, size_t step,
               bool by_icu, struct seen *s)
{
    struct text_pipe p = {0};
    struct text_part_receiver to = {s, tokens, part, label};
    struct err e = {0};
    s->join.level = (enum text_level)o->level;
    s->tags = in->kind == TEXT_INPUT_CONLLU;
    int result = text_pipe_open(&p, o, in, 64, &to, &e);
    if (by_icu && p.split)
        text_split_by_icu(p.split);
    if (result == 0)
        text_pipe_begin(&p, "fuzz");
    for (size_t at = 0; result == 0 && at < length; at += step)
        result = text_pipe_add(&p, text + at, length - at < step ? length - at : step, &e);
    result = result < 0 ? result : text_pipe_end(&p, &e);
    text_pipe_close(&p);
    must(result < 0 || in->kind != TEXT_INPUT_LABELED || s->items == s->labels);
    return result;
}

/* Of labeled lines of characters nothing may be lost but labels and line ends: what was written is the text. */
static void check_written(const char *text, size_t length, bool last, const struct seen *s)
{
    struct text_clean c = {0};
    struct text_label l = {.last = last, .to = {.context = &(struct seen){0}, .label = label}};
    struct buf sound = {0}, lines = {0};
    struct err e = {0};
    text_clean_begin(&c, "fuzz");
    text_label_begin(&l, "fuzz");
    must(text_clean_add(&c, text, length, &sound, &e) == 0 && text_clean_end(&c, &sound, &e) == 0);
    must(!sound.len || text_label_add(&l, sound.data, sound.len, &lines, &e) == 0);
    must(text_label_end(&l, &lines, &e) == 0);
    size_t at = 0;
    for (size_t i = 0; i < lines.len; i++)
        must(lines.data[i] == '\n' || (at < s->written.len && lines.data[i] == s->written.data[at++]));
    must(at == s->written.len);
    text_label_close(&l);
    buf_free(&sound);
    buf_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct text_options o = {.level = data[0] % TEXT_N_LEVELS,
                             .lower = data[0] >> 2 & 1,
                             .normalize = (data[0] >> 3) % 3,
                             .punct = data[0] % TEXT_N_LEVELS >= TEXT_BYTE ? TEXT_KEEP : data[0] >> 5 & 1};
    enum text_item_kind kind = (enum text_item_kind)(data[0] >> 6);
    struct text_input in = {.kind = kind == TEXT_PAIR ? TEXT_INPUT_PAIRS : TEXT_INPUT_PLAIN,
                            .item = kind == TEXT_PAIR ? TEXT_LINE : (int)kind,
                            .keep_text = kind == TEXT_LINE};
    if (data[1] >= 97)
        in = (struct text_input){.kind = data[1] < 194 ? TEXT_INPUT_LABELED : TEXT_INPUT_CONLLU,
                                 .label_last = kind & 1,
                                 .keep_text = kind & 2,
                                 .tags = kind};
    const char *text = (const char *)data + 2;
    size_t length = size - 2, step = data[1] % 97u + 1;
    struct seen whole = {0}, steps = {0};
    int a = run(&o, &in, text, length, length + 1, false, &whole),
        b = run(&o, &in, text, length, step, data[1] & 1, &steps);
    must(a == b);
    if (a == 0 || in.kind <= TEXT_INPUT_PAIRS) { /* what comes before a refusal depends on the steps */
        must(whole.text.len == steps.text.len && whole.written.len == steps.written.len);
        must(!whole.text.len || !memcmp(whole.text.data, steps.text.data, whole.text.len));
        must(!whole.written.len || !memcmp(whole.written.data, steps.written.data, whole.written.len));
    }
    if (a == 0 && in.kind == TEXT_INPUT_LABELED && o.level == TEXT_GRAPHEME && in.keep_text && !o.punct)
        check_written(text, length, in.label_last, &whole);
    if (text_level_white[o.level] && !in.kind && kind == TEXT_FILE && !o.lower && !o.normalize && !o.punct) {
        struct text_clean c = {0};
        struct buf sound = {0};
        struct err e = {0};
        text_clean_begin(&c, "fuzz");
        must(text_clean_add(&c, text, length, &sound, &e) == 0 && text_clean_end(&c, &sound, &e) == 0);
        must(sound.len == whole.joined.len && (!sound.len || !memcmp(sound.data, whole.joined.data, sound.len)));
        buf_free(&sound);
    }
    buf_free(&whole.text);
    buf_free(&whole.joined);
    buf_free(&whole.written);
    buf_free(&steps.written);
    buf_free(&steps.text);
    buf_free(&steps.joined);
    return 0;
}
