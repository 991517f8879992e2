#include "data/text_pipe.h"

#include "data/text_level.h"

int text_pipe_open(struct text_pipe *p, const struct text_options *o, const struct text_input *in, size_t window,
                   const struct text_part_receiver *to, struct err *e)
{
    static const enum text_item_kind lines[TEXT_N_INPUTS] =
        {[TEXT_INPUT_PAIRS] = TEXT_PAIR, [TEXT_INPUT_LABELED] = TEXT_LINE, [TEXT_INPUT_CONLLU] = TEXT_LINE};
    struct text_receiver receiver = {&p->item, text_item_tokens, text_item_mark};
    if (text_options_check(o, e) < 0)
        return -1;
    bool treebank = in->kind == TEXT_INPUT_CONLLU;
    p->kind = (enum text_input_kind)in->kind;
    p->clean.strict = in->strict || treebank;
    p->clean.hint = treebank ? "CoNLL-U is UTF-8; convert it with iconv" : NULL;
    p->item = (struct text_item){.kind = p->kind == TEXT_INPUT_PLAIN ? (enum text_item_kind)in->item : lines[p->kind],
                                 .white = text_level_white[o->level],
                                 .drop_punct = o->punct == TEXT_DROP,
                                 .keep_text = in->keep_text,
                                 .to = *to};
    p->label = (struct text_label){.last = in->label_last, .to = *to};
    if (treebank) {
        p->fold = text_fold_open(o, e);
        p->conllu = (struct text_conllu){.column = text_input_column(in), .fold = p->fold, .item = &p->item};
        return p->fold ? 0 : -1;
    }
    p->split = text_split_open(o, p->kind == TEXT_INPUT_PAIRS, in->keep_text, window, &receiver, e);
    return p->split ? 0 : -1;
}

void text_pipe_begin(struct text_pipe *p, const char *label)
{
    text_clean_begin(&p->clean, label);
    text_label_begin(&p->label, label);
    text_conllu_begin(&p->conllu, label);
    text_item_begin(&p->item, label);
    p->last = 0;
}

static int split(struct text_pipe *p, const struct buf *text, struct err *e)
{
    if (text->len) {
        char last = text->data[text->len - 1];
        p->last = last ? last : ' '; /* a NUL at the end is no empty file */
    }
    return text_split_add(p->split, text->data, text->len, e);
}

/* Hands on what is sound. */
static int hand_on(struct text_pipe *p, struct err *e)
{
    int result;
    if (!p->sound.len)
        return 0;
    if (p->kind == TEXT_INPUT_CONLLU) {
        result = text_conllu_add(&p->conllu, p->sound.data, p->sound.len, e);
    } else if (p->kind == TEXT_INPUT_LABELED) {
        result = text_label_add(&p->label, p->sound.data, p->sound.len, &p->lines, e);
        result = result < 0 ? result : split(p, &p->lines, e);
        buf_clear(&p->lines);
    } else {
        result = split(p, &p->sound, e);
    }
    buf_clear(&p->sound);
    return result;
}

int text_pipe_add(struct text_pipe *p, const char *bytes, size_t length, struct err *e)
{
    return text_clean_add(&p->clean, bytes, length, &p->sound, e) < 0 ? -1 : hand_on(p, e);
}

/* The last line may have had no line end. */
static int end_labels(struct text_pipe *p, struct err *e)
{
    int result = text_label_end(&p->label, &p->lines, e);
    result = result < 0 ? result : split(p, &p->lines, e);
    buf_clear(&p->lines);
    return result;
}

int text_pipe_end(struct text_pipe *p, struct err *e)
{
    if (text_clean_end(&p->clean, &p->sound, e) < 0 || hand_on(p, e) < 0)
        return -1;
    if (p->kind == TEXT_INPUT_CONLLU)
        return text_conllu_end(&p->conllu, e);
    if ((p->kind == TEXT_INPUT_LABELED && end_labels(p, e) < 0) || text_split_end(p->split, e) < 0)
        return -1;
    return text_item_end(&p->item, p->last, e);
}

uint64_t text_pipe_cuts(const struct text_pipe *p)
{
    return p->split ? text_split_cuts(p->split) : 0;
}

void text_pipe_close(struct text_pipe *p)
{
    text_split_close(p->split);
    text_fold_close(p->fold);
    text_label_close(&p->label);
    text_conllu_close(&p->conllu);
    buf_free(&p->sound);
    buf_free(&p->lines);
    *p = (struct text_pipe){0};
}
