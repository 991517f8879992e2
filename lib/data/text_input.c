#include "data/text_input.h"

#include <string.h>

#include "data/text_level.h"

#define AT(field) offsetof(struct text_input, field)

#define CHOICE(constant, name, items) "|" name
#define ITEMS(constant, name, items)  [TEXT_INPUT_##constant] = items,
static const char *const items_are[TEXT_N_INPUTS] = {TEXT_INPUTS(ITEMS)};

/* X(name, column of CoNLL-U) */
#define TAGS(X)                  X("upos", 4) X("xpos", 5) X("feats", 6) X("deprel", 8)
#define TAG_CHOICE(name, column) "|" name
#define TAG_NAME(name, column)   name,
#define TAG_COLUMN(name, column) column,

const struct opt text_input_rows[] = {
    {"input", 'i', OPT_CHOICE, AT(kind), OPT_RECORD, NULL, "text", 0, 0, &(TEXT_INPUTS(CHOICE))[1],
     "read plain text; lines 'source TAB target'; lines 'label TAB text'; or a treebank in CoNLL-U, words with tags"},
    {"item", 0, OPT_CHOICE, AT(item), OPT_RECORD, NULL, "line", 0, 0, "line|paragraph|file",
     "text: what one item of the output is; a file as one item keeps its line ends as tokens"},
    {"label-last", 0, OPT_SWITCH, AT(label_last), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "labeled: lines are 'text TAB label'"},
    {"tags", 0, OPT_CHOICE, AT(tags), OPT_RECORD, NULL, "upos", 0, 0, &(TAGS(TAG_CHOICE))[1],
     "conllu: the column whose values are the tags"},
    {"keep-text", 0, OPT_SWITCH, AT(keep_text), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "add the text of every token, as column tok.text"},
    {"strict", 0, OPT_SWITCH, AT(strict), 0, NULL, NULL, 0, 0, NULL,
     "refuse text that is not UTF-8 instead of putting U+FFFD there"},
    {0},
};

int text_input_check(struct opt_group *groups, const struct text_input *in, struct text_options *how, struct err *e)
{
    if (items_are[in->kind] && opt_given(groups, "item") && in->item != TEXT_LINE)
        return err_fail(e, STATUS_MISUSED, "--item: here %s (leave it out)", items_are[in->kind]);
    if (in->label_last && in->kind != TEXT_INPUT_LABELED)
        return err_fail(e, STATUS_MISUSED, "--label-last: there are no labels (it goes with --input labeled)");
    if (in->kind != TEXT_INPUT_CONLLU) {
        if (opt_given(groups, "tags"))
            return err_fail(e, STATUS_MISUSED, "--tags: there are no tags (it goes with --input conllu)");
        return 0;
    }
    if (opt_given(groups, "level") && how->level != TEXT_SPACE)
        return err_fail(e, STATUS_MISUSED, "--level: in a treebank each form is a token (leave it out)");
    how->level = TEXT_SPACE;
    return 0;
}

int text_input_check_level(const struct text_input *in, const struct text_options *how, struct err *e)
{
    if (in->kind == TEXT_INPUT_CONLLU && text_level_white[how->level])
        return err_fail(e, STATUS_MISUSED,
                        "the vocabulary is one of characters, bytes or pieces, but the tokens of a treebank are words "
                        "(learn one from it, or take one of words)");
    return 0;
}

int text_input_tags(struct opt_group *groups, const struct text_input *in, struct meta *meta, struct err *e)
{
    static const char *const names[] = {TAGS(TAG_NAME)};
    const char *made = meta_get(meta, "tags"), *asked = names[in->tags];
    if (in->kind != TEXT_INPUT_CONLLU)
        return 0;
    if (!made)
        meta_set(meta, "tags", asked);
    else if (!opt_given(groups, "tags"))
        return opt_set(groups, "tags", made, e) < 0
                   ? err_fail(e, STATUS_DATA,
                              "the vocabulary's tags are '%s', which are not known here (a newer Runnel made it)", made)
                   : 0;
    else if (strcmp(made, asked))
        return err_fail(e, STATUS_MISUSED,
                        "--tags=%s was asked for, but the vocabulary's tags are %s (leave --tags out)", asked, made);
    return 0;
}

int text_input_column(const struct text_input *in)
{
    static const int columns[] = {TAGS(TAG_COLUMN)};
    return columns[in->tags];
}
