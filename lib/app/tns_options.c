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

/* --format first; which of the others a format takes stands in its row of FORMATS. */
const struct opt tns_format_options[] = {
    {"format", 'f', OPT_CHOICE, AT(format), 0, NULL, "text", 0, 0, FORMAT_CHOICES, "the foreign format"},
    {"name", 0, OPT_TEXT, AT(want.name), 0, "NAME", NULL, 0, 0, NULL,
     "the tensor or column meant (npy, csv; import else calls a tensor as its file is called, a series vec; export of "
     "word vectors: w.out, else w.in)"},
    {"separator", 0, OPT_CHOICE, AT(want.separator), 0, NULL, "auto", 0, 0, SEPARATOR_CHOICES,
     "what stands between fields (csv; auto: import finds out, export writes commas)"},
    {"header", 0, OPT_CHOICE, AT(want.header), 0, NULL, "auto", 0, 0, HEADER_CHOICES,
     "does the first line name the columns? (csv; auto: import finds out, export writes none)"},
    {"naming", 0, OPT_CHOICE, AT(want.naming), 0, NULL, "auto", 0, 0, NAMING_CHOICES,
     "torch: a recurrent network under PyTorch's names on the one side, a model on the other; plain: tensors as they "
     "are called (safetensors; auto: torch where such a network is there)"},
    {"prefix", 0, OPT_TEXT, AT(want.prefix), 0, "TEXT", NULL, 0, 0, NULL,
     "what stands in front of weight_ih_l0 and its like, such as encoder.lstm. (safetensors)"},
    {"metadata", 0, OPT_TEXT, AT(want.metadata), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "the file of the words, a line a vector (projector; needed)"},
    {"strict", 0, OPT_SWITCH, AT(want.strict), 0, NULL, NULL, 0, 0, NULL,
     "refuse words that are not UTF-8, that stand twice, or that the format cannot carry, instead of noting them (word "
     "vectors)"},
    {0},
};

const struct opt tns_import_options[] = {
    {"column", 0, OPT_SWITCH, AT(want.column), 0, NULL, NULL, 0, 0, NULL,
     "make it a column of batches, each row an item (npy, csv)"},
    {"series", 0, OPT_SWITCH, AT(want.series), 0, NULL, NULL, 0, 0, NULL,
     "make it a column of batches, each row a step: [T,D] is one item, [N,T,D] N items (npy; csv does so anyway)"},
    {"columns", 0, OPT_TEXT, AT(want.columns), 0, "LIST", NULL, 0, 0, NULL,
     "take these columns, such as close,volume,5-7: names of the header or numbers from 1 (npy --series, csv; else all "
     "that are not meant otherwise)"},
    {"target-columns", 0, OPT_TEXT, AT(want.target_columns), 0, "LIST", NULL, 0, 0, NULL,
     "make a column target of these (npy --series, csv)"},
    {"item-column", 0, OPT_TEXT, AT(want.item_column), 0, "NAME", NULL, 0, 0, NULL,
     "begin an item where the text of this column changes (csv; an empty line begins one anyway)"},
    {"meta", 0, OPT_LIST, AT(want.meta), 0, "KEY=VALUE", NULL, 0, 0, NULL,
     "give it metadata (npy, csv: the tensor or column; safetensors: HEAD)"},
    {"profile", 0, OPT_TEXT, AT(want.profile), 0, "NAME", NULL, 0, 0, NULL,
     "say what the stream is for: vectors, tensors, model/rnn, ... (npy, safetensors: else tensors; csv, npy --series: "
     "else vectors)"},
    {"task", 0, OPT_CHOICE, AT(want.purpose), 0, NULL, "auto", 0, 0, PURPOSE_CHOICES,
     "what the network is for (safetensors; auto: what its metadata says, else lm where its head tells the words of "
     "--vocab apart, else tag)"},
    {"nonlinearity", 0, OPT_CHOICE, AT(want.nonlinearity), 0, NULL, "auto", 0, 0, NONLINEARITY_CHOICES,
     "the activation of an elman network, which its weights do not tell (safetensors; auto: what its metadata says, "
     "else tanh)"},
    {"rename", 0, OPT_LIST, AT(want.rename), 0, "OLD=NEW", NULL, 0, 0, NULL,
     "call a tensor otherwise; OLD and NEW that end in a dot are beginnings of names (safetensors)"},
    {"drop", 0, OPT_LIST, AT(want.drop), 0, "PATTERN", NULL, 0, 0, NULL,
     "leave out tensors whose names match (safetensors)"},
    {"vocab", 0, OPT_TEXT, AT(want.vocab), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "give the model the vocabulary of this stream or model: it then reads ids (safetensors)"},
    {0},
};
