/* tns: look into, check, compare, cut and convert tensor streams. */
#include <string.h>

#include "app/cli.h"
#include "app/tns.h"

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

static const struct verb {
    const char *name, *operands;
    int low, high; /* how many operands; high < 0: any number */
    unsigned groups;
    tns_run *run;
} verbs[] = {
    {"ls", "[FILE...]", 0, -1, 0, tns_ls},
    {"text", "[FILE...]", 0, -1, TEXT, tns_text},
    {"head", "[-n N] [FILE]", 0, 1, HEAD, tns_head},
    {"slice", "LOW:HIGH [FILE]", 1, 2, 0, tns_slice},
    {"cat", "[FILE...]", 0, -1, 0, tns_cat},
    {"verify", "[FILE...]", 0, -1, 0, tns_verify},
    {"cmp", "[--rtol X] [--atol X] FILE FILE", 2, 2, CMP, tns_cmp},
    {"digest", "[FILE...]", 0, -1, 0, tns_digest},
    {"drop", "[-i FILE] PATTERN...", 1, -1, DROP, tns_drop},
    {"import", "[--format NAME] [FILE...]", 0, -1, FORMAT | IMPORT, tns_import},
    {"export", "[--format NAME] [--name NAME] [FILE]", 0, 1, FORMAT, tns_export},
};

static const struct tool tool = {
    .name = "tns",
    .purpose = "look into, check, compare, cut and convert tensor streams",
    .usage = "VERB [OPTION...] [OPERAND...]",
    .examples = "  tns ls words.tns                           what is in it\n"
                "  tokenize < verses.txt | tns head -n 3 | tns text\n"
                "  tns drop 'opt.*' 'rng.*' 'pos.*' < checkpoint.tns > model.tns\n"
                "  tns cmp --rtol 1e-6 one.tns two.tns\n"
                "  tns import --format text model.txt -o model.tns\n"
                "  tns export --format npy --name w.in words.tns -o w.npy\n",
    .groups = groups,
    .verbs = "ls|text|head|slice|cat|verify|cmp|digest|drop|import|export",
    .operands_low = 1,
    .operands_high = -1,
};

static const struct verb *find_verb(const char *name, struct err *e)
{
    char near[32];
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    bool meant = opt_nearest(name, tool.verbs, near, sizeof near);
    err_fail(e, STATUS_MISUSED, "'%s' is no verb (%s%s%s)", name, meant ? "did you mean " : "one of ",
             meant ? near : tool.verbs, meant ? "?" : "");
    return NULL;
}

static int check_use(const struct verb *verb, int n, struct err *e)
{
    for (unsigned g = 0; g < N_GROUPS; g++)
        for (const struct opt *row = groups[g].rows; row->name && !(verb->groups >> g & 1); row++)
            if (opt_given(groups, row->name))
                return err_fail(e, STATUS_MISUSED, "%s takes no --%s (usage: tns %s %s)", verb->name, row->name,
                                verb->name, verb->operands);
    if (n < verb->low || (verb->high >= 0 && n > verb->high))
        return err_fail(e, STATUS_MISUSED, "%s: %s (usage: tns %s %s)", verb->name,
                        n < verb->low ? "an operand is missing" : "one operand too many", verb->name, verb->operands);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    int result = -1;
    cli_start(&tool, argc, argv);
    const struct verb *verb = find_verb(cli.operands[0], &e);
    if (verb && check_use(verb, cli.n_operands - 1, &e) == 0)
        result = verb->run(cli.operands + 1, cli.n_operands - 1, &e);
    return cli_finish(result, &e);
}
