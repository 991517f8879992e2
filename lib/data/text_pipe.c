#include "data/text_pipe.h"

#include "data/text_level.h"

int text_pipe_open(struct text_pipe *p, const struct text_options *o, enum text_item_kind kind, bool strict,
                   bool keep_text, size_t window, const struct text_part_receiver *to, struct err *e)
{
    struct text_receiver receiver = {&p->item, text_item_token, text_item_mark};
    if (text_options_check(o, e) < 0)
        return -1;
    p->clean.strict = strict;
    p->item = (struct text_item){.kind = kind,
                                 .white = text_level_white[o->level],
                                 .drop_punct = o->punct == TEXT_DROP,
                                 .keep_text = keep_text,
                                 .to = *to};
    p->split = text_split_open(o, kind == TEXT_PAIR, window, &receiver, e);
    return p->split ? 0 : -1;
}

void text_pipe_begin(struct text_pipe *p, const char *label)
{
    text_clean_begin(&p->clean, label);
    text_item_begin(&p->item, label);
    p->last = 0;
}

static int hand_on(struct text_pipe *p, struct err *e)
{
    if (p->sound.len) {
        char last = p->sound.data[p->sound.len - 1];
        p->last = last ? last : ' '; /* a NUL at the end is no empty file */
    }
    int result = text_split_add(p->split, p->sound.data, p->sound.len, e);
    buf_clear(&p->sound);
    return result;
}

int text_pipe_add(struct text_pipe *p, const char *bytes, size_t length, struct err *e)
{
    return text_clean_add(&p->clean, bytes, length, &p->sound, e) < 0 ? -1 : hand_on(p, e);
}

int text_pipe_end(struct text_pipe *p, struct err *e)
{
    if (text_clean_end(&p->clean, &p->sound, e) < 0 || hand_on(p, e) < 0 || text_split_end(p->split, e) < 0)
        return -1;
    return text_item_end(&p->item, p->last, e);
}

void text_pipe_close(struct text_pipe *p)
{
    text_split_close(p->split);
    buf_free(&p->sound);
    *p = (struct text_pipe){0};
}
