/* Any bytes become sound text and tokens. The first byte chooses how, the second in what steps; then what must hold
 * is checked: tokens are UTF-8 and not empty, parts are not too long, steps do not show, and characters and bytes
 * put back together are the text. */
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
    size_t tokens;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static int token(void *context, int side, const char *word, size_t length, struct err *e)
{
    struct seen *s = context;
    (void)e;
    must(length > 0 && side >= 0 && side < 2);
    for (size_t i = 0, n; i < length; i += n)
        must((n = utf8_length(word + i, length - i)) > 0);
    must(++s->tokens <= 2 * TEXT_PART);
    buf_add(&s->text, word, length);
    buf_char(&s->text, 0);
    text_join_add(&s->join, word, length, &s->joined);
    return 0;
}

static int part(void *context, bool continued, struct err *e)
{
    struct seen *s = context;
    (void)e;
    buf_text(&s->text, continued ? "\xfe" : "\xff");
    s->tokens = 0;
    return 0;
}

static int run(const struct text_options *o, enum text_item_kind kind, const char *text, size_t length, size_t step,
               struct seen *s)
{
    struct text_pipe p = {0};
    struct text_part_receiver to = {s, token, part};
    struct err e = {0};
    s->join.level = (enum text_level)o->level;
    int result = text_pipe_open(&p, o, kind, false, kind == TEXT_LINE, 64, &to, &e);
    if (result == 0)
        text_pipe_begin(&p, "fuzz");
    for (size_t at = 0; result == 0 && at < length; at += step)
        result = text_pipe_add(&p, text + at, length - at < step ? length - at : step, &e);
    result = result < 0 ? result : text_pipe_end(&p, &e);
    text_pipe_close(&p);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct text_options o = {.level = data[0] % TEXT_N_LEVELS,
                             .lower = data[0] >> 2 & 1,
                             .normalize = (data[0] >> 3) % 3,
                             .punct = data[0] % TEXT_N_LEVELS == TEXT_BYTE ? TEXT_KEEP : data[0] >> 5 & 1};
    enum text_item_kind kind = (enum text_item_kind)(data[0] >> 6);
    const char *text = (const char *)data + 2;
    size_t length = size - 2, step = data[1] % 97u + 1;
    struct seen whole = {0}, steps = {0};
    int a = run(&o, kind, text, length, length + 1, &whole), b = run(&o, kind, text, length, step, &steps);
    must(a == b && whole.text.len == steps.text.len);
    must(!whole.text.len || !memcmp(whole.text.data, steps.text.data, whole.text.len));
    if (text_level_white[o.level] && kind == TEXT_FILE && !o.lower && !o.normalize && !o.punct) {
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
    buf_free(&steps.text);
    buf_free(&steps.joined);
    return 0;
}
