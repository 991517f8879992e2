#include "app/tns.h"

#include <stddef.h>

#include "data/format.h"

struct tns tns;

#define AT(field) offsetof(struct tns, field)

const struct opt tns_text_options[] = {
    {"words", 'w', OPT_SWITCH, AT(words), 0, NULL, NULL, 0, 0, NULL,
     "print the tokens put back into text, an item a line, instead of the lossless text form"},
    {0},
};

const struct opt tns_head_options[] = {
    {"items", 'n', OPT_INT, AT(items), 0, "N", "10", 0, 0x1p62, NULL, "keep the first N items"},
    {0},
};

const struct opt tns_cmp_options[] = {
    {"rtol", 0, OPT_REAL, AT(rtol), 0, "X", "0", 0, 1e308, NULL,
     "let reals a and b differ by X times |b|; with a tolerance above 0 their types may differ too"},
    {"atol", 0, OPT_REAL, AT(atol), 0, "X", "0", 0, 1e308, NULL, "let reals differ by X"},
    {0},
};

const struct opt tns_drop_options[] = {
    {"input", 'i', OPT_TEXT, AT(input), OPT_FILE, "FILE", NULL, 0, 0, NULL, "read FILE instead of standard input"},
    {0},
};

const struct opt tns_format_options[] = {
    {"format", 'f', OPT_CHOICE, AT(format), 0, NULL, "text", 0, 0, FORMAT_CHOICES, "the foreign format"},
    {"name", 0, OPT_TEXT, AT(name), 0, "NAME", NULL, 0, 0, NULL,
     "the tensor or column meant (npy; import: else called as its file is)"},
    {0},
};

const struct opt tns_import_options[] = {
    {"column", 0, OPT_SWITCH, AT(column), 0, NULL, NULL, 0, 0, NULL,
     "make it a column of batches, its first dimension counting the items (npy)"},
    {"meta", 0, OPT_LIST, AT(meta), 0, "KEY=VALUE", NULL, 0, 0, NULL, "give it metadata (npy)"},
    {"profile", 0, OPT_TEXT, AT(profile), 0, "NAME", NULL, 0, 0, NULL,
     "say what the stream is for: vectors, tensors, model/rnn, ... (npy; default: tensors)"},
    {0},
};
