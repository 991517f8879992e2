/* tns: look into, check, compare, cut and convert tensor streams. */
#include "app/cli.h"
#include "app/tns.h"
#include "app/verb.h"

/* The groups in this order; each verb takes those of its bits and the common options. */
enum { TEXT = 1, HEAD = 2, CMP = 4, DROP = 8, FORMAT = 16, IMPORT = 32, N_GROUPS = 6 };

static struct opt_group groups[] = {
    {"Options of text", tns_text_options, &tns, 0},
    {"Options of head", tns_head_options, &tns, 0},
    {"Options of cmp", tns_cmp_options, &tns, 0},
    {"Options of drop", tns_drop_options, &tns, 0},
    {"Options of import and export", tns_format_options, &tns, 0},
    {"Options of import", tns_import_options, &tns, 0},
    CLI_GROUP,
    {0},
};

static const struct verb verbs[] = {
    {"ls", "[FILE...]", "list HEAD, tensors, columns and END, a line each", 0, -1, 0, tns_ls},
    {"text", "[-w] [FILE...]", "print a text form that loses nothing, or the words", 0, -1, TEXT, tns_text},
    {"head", "[-n N] [FILE]", "keep the first items, behind all tensors", 0, 1, HEAD, tns_head},
    {"slice", "LOW:HIGH [FILE]", "keep the items from LOW, counted from 0, up to before HIGH", 1, 2, 0, tns_slice},
    {"cat", "[FILE...]", "put the segments of streams one behind the other", 0, -1, 0, tns_cat},
    {"verify", "[FILE...]", "check every byte: silent, or what is wrong and where", 0, -1, 0, tns_verify},
    {"cmp", "[--rtol X] [--atol X] FILE FILE", "say the first difference, if there is one", 2, 2, CMP, tns_cmp},
    {"digest", "[FILE...]", "print the digest of each segment", 0, -1, 0, tns_digest},
    {"drop", "[-i FILE] PATTERN...", "leave out tensors and columns by their names", 1, -1, DROP, tns_drop},
    {"paste", "FILE FILE...", "put the columns of several streams of the same items beside each other", 2, -1, 0,
     tns_paste},
    {"import", "[-f FORMAT] [FILE...]", "make a stream of something else", 0, -1, FORMAT | IMPORT, tns_import},
    {"export", "[-f FORMAT] [--name NAME] [FILE]", "write a stream as something else", 0, 1, FORMAT, tns_export},
    {0},
};

static const struct tool tool = {
    .name = "tns",
    .purpose = "look into, check, compare, cut and convert tensor streams",
    .usage = "[OPTION...] [OPERAND...]",
    .examples = "  tns ls words.tns                           what is in it\n"
                "  tokenize < verses.txt | tns head -n 3 | tns text\n"
                "  tns drop 'opt.*' 'rng.*' 'pos.*' < checkpoint.tns > model.tns\n"
                "  tns paste names.tns bitmaps.tns -o named.tns\n"
                "  tns cmp --rtol 1e-6 one.tns two.tns\n"
                "  tns import --format text model.txt -o model.tns\n"
                "  tns import --format glove glove.6B.100d.txt -o glove.tns\n"
                "  tns export --format npy --name w.in words.tns -o w.npy\n",
    .groups = groups,
    .verbs = verbs,
    .operands_low = 1,
    .operands_high = -1,
};

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(verb_run(N_GROUPS, &e), &e);
}
