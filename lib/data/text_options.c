#include "data/text_options.h"

#include <string.h>

#include "data/text_level.h"

#define AT(field) offsetof(struct text_options, field)
#define KEY       "tokenize."

const struct opt text_option_rows[] = {
    {"level", 'l', OPT_CHOICE, AT(level), OPT_RECORD, NULL, "word", 0, 0, TEXT_LEVEL_CHOICES,
     "split at white space; into words and punctuation marks (UAX #29, Chinese words by dictionary); into characters "
     "as one "
     "sees them, white space among them; into bytes; into pieces of words that are learned (byte-pair encoding)"},
    {"lower", 0, OPT_SWITCH, AT(lower), OPT_RECORD, NULL, NULL, 0, 0, NULL, "make capital letters small"},
    {"normalize", 0, OPT_CHOICE, AT(normalize), OPT_RECORD, NULL, "none", 0, 0, "none|nfc|nfkc",
     "bring equal characters to one spelling; nfkc does so for mere variants too (full-width letters, ligatures)"},
    {"punct", 0, OPT_CHOICE, AT(punct), OPT_RECORD, NULL, "keep", 0, 0, "keep|drop",
     "drop tokens of nothing but punctuation and symbols"},
    {"merges", 0, OPT_INT, AT(merges), OPT_RECORD, "N", "10000", 0, 1e9, NULL,
     "level bpe: learn N pieces besides characters and bytes"},
    {0},
};

int text_options_check(const struct text_options *o, struct err *e)
{
    if (o->level == TEXT_BYTE && o->punct == TEXT_DROP)
        return err_fail(e, STATUS_MISUSED, "--punct drop: a byte is no punctuation mark (choose another --level)");
    if (o->level == TEXT_BPE && o->punct == TEXT_DROP)
        return err_fail(e, STATUS_MISUSED, "--punct drop: pieces are to give back the text (choose another --level)");
    return 0;
}

int text_options_check_merges(struct opt_group *groups, const struct text_options *o, struct err *e)
{
    if (o->level != TEXT_BPE && opt_given(groups, "merges"))
        return err_fail(e, STATUS_MISUSED, "--merges: nothing is merged (it goes with --level bpe)");
    return 0;
}

void text_options_keep(const struct text_options *o, struct meta *meta)
{
    for (const struct opt *row = text_option_rows; row->name; row++) {
        struct buf key = {0}, value = {0};
        buf_printf(&key, KEY "%s", row->name);
        bool belongs = o->level == TEXT_BPE || strcmp(row->name, "merges") != 0;
        if (belongs && opt_value(row, o, &value))
            meta_set(meta, key.data, buf_string(&value));
        buf_free(&key);
        buf_free(&value);
    }
}

static const struct opt *find_row(const char *name)
{
    for (const struct opt *row = text_option_rows; row->name; row++)
        if (!strcmp(row->name, name))
            return row;
    return NULL;
}

static int restore(struct opt_group *groups, const struct opt_group *own, const char *name, const char *value,
                   struct err *e)
{
    const struct opt *row = find_row(name);
    struct buf given = {0};
    int result = 0;
    if (!row)
        return err_fail(e, STATUS_DATA,
                        "its words were made with --%s=%s, which is not known here (a newer Runnel made it)", name,
                        value);
    if (opt_given(groups, name) && opt_value(row, own->config, &given) && strcmp(buf_string(&given), value))
        result =
            err_fail(e, STATUS_MISUSED, "--%s=%s was asked for, but its words were made with --%s=%s (leave --%s out)",
                     name, given.data, name, value, name);
    else if (opt_set(groups, name, value, e) < 0) {
        e->status = STATUS_DATA;
        result = -1;
    }
    buf_free(&given);
    return result;
}

int text_options_restore(struct opt_group *groups, const struct meta *meta, struct err *e)
{
    const struct opt_group *own = groups;
    while (own->title && own->rows != text_option_rows)
        own++;
    for (size_t i = 0; own->title && i < meta->n; i++) {
        const struct meta_pair *pair = &meta->pairs[i];
        if (!strncmp(pair->key, KEY, strlen(KEY)) && restore(groups, own, pair->key + strlen(KEY), pair->value, e) < 0)
            return -1;
    }
    return own->title ? text_options_check_merges(groups, own->config, e) : 0;
}
