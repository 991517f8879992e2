/* runnel: runs, plans and checks pipelines. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/pipeline_process.h"
#include "app/telling.h"
#include "app/verb.h"

static struct config {
    const char *directory;
    bool force, dot, sh;
} config;

#define AT(field) offsetof(struct config, field)

static const struct opt run_options[] = {
    {"force", 'f', OPT_SWITCH, AT(force), 0, NULL, NULL, 0, 0, NULL, "run what is up to date as well"},
    {0},
};

static const struct opt plan_options[] = {
    {"dot", 0, OPT_SWITCH, AT(dot), 0, NULL, NULL, 0, 0, NULL, "print a graph for Graphviz"},
    {"sh", 0, OPT_SWITCH, AT(sh), 0, NULL, NULL, 0, 0, NULL, "print a POSIX shell script that does the same"},
    {0},
};

static const struct opt file_options[] = {
    {"directory", 'd', OPT_TEXT, AT(directory), OPT_FILE, "DIR", NULL, 0, 0, NULL,
     "put outputs with relative paths, and .runnel, under DIR instead of beside the pipeline"},
    {0},
};

/* The groups in this order; each verb takes those of its bits, and the last two. */
enum { RUN = 1, PLAN = 2, N_GROUPS = 2 };

static struct opt_group groups[] = {
    {"Options of run", run_options, &config, 0},
    {"Options of plan", plan_options, &config, 0},
    {"Pipelines", file_options, &config, 0},
    CLI_GROUP,
    {0},
};

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

static int run(const struct plan *plan, const char *path, struct faults *faults, struct err *e)
{
    char *tools = program_directory();
    struct run_options options = {config.force, tools, !cli.quiet && isatty(STDERR_FILENO)};
    int number = 0;
    int result = pipeline_run(plan, &options, &telling, &number, faults, e);
    free(tools);
    if (faults->n)
        return telling_faults(path, faults, STATUS_FAILED, e);
    if (number && e->status != STATUS_STOPPED) {
        telling_line("runnel", e->text);
        signal(number, SIG_DFL);
        raise(number);
    }
    return result;
}

static int show(const struct plan *plan, const char *path, struct faults *faults, struct err *e)
{
    struct buf text = {0};
    (void)path, (void)faults, (void)e;
    char *tools = program_directory();
    if (config.dot)
        plan_dot(plan, &text);
    else if (config.sh)
        plan_script(plan, tools, &text);
    else
        plan_text(plan, &text);
    cli_put(text.data, text.len);
    free(tools);
    buf_free(&text);
    return 0;
}

/* Operands behind the file: those with '=' set something, the others name stages. Sorts settings to the front. */
static size_t sort_operands(char **operands, size_t n)
{
    size_t settings = 0;
    for (size_t i = 0; i < n; i++)
        if (strchr(operands[i], '=')) {
            char *setting = operands[i];
            memmove(&operands[settings + 1], &operands[settings], (i - settings) * sizeof *operands);
            operands[settings++] = setting;
        }
    return settings;
}

typedef int act_on(const struct plan *plan, const char *path, struct faults *faults, struct err *e);

/* Reads the file, plans, and does with the plan what the verb is for (NULL: nothing more). */
static int work(char **operands, int n_operands, act_on *act, struct err *e)
{
    struct faults faults = {0};
    const char *path = operands[0];
    char **rest = operands + 1;
    size_t n = (size_t)n_operands - 1, settings = sort_operands(rest, n);
    struct pipeline *p = pipeline_load(path, rest, settings, config.directory, &faults, e);
    struct plan *plan = p ? plan_make(p, rest + settings, n - settings, !config.sh, e) : NULL;
    int result = plan ? 0 : faults.n ? telling_faults(path, &faults, STATUS_DATA, e) : -1;
    if (plan && act)
        result = act(plan, path, &faults, e);
    plan_free(plan);
    pipeline_free(p);
    faults_free(&faults);
    return result;
}

static int verb_of_run(char **operands, int n, struct err *e)
{
    return work(operands, n, run, e);
}

static int verb_of_plan(char **operands, int n, struct err *e)
{
    if (config.dot && config.sh)
        return err_fail(e, STATUS_MISUSED, "--dot and --sh exclude each other (leave one out)");
    return work(operands, n, show, e);
}

static int verb_of_lint(char **operands, int n, struct err *e)
{
    return work(operands, n, NULL, e);
}

static const struct verb verbs[] = {
    {"run", "[-f] FILE [STAGE...] [KEY=VALUE...]", "run what is not up to date, or the stages named and what they need",
     1, -1, RUN, verb_of_run},
    {"plan", "[--dot | --sh] FILE [STAGE...] [KEY=VALUE...]",
     "print the stages in their order, which run at once, and which streams are kept", 1, -1, PLAN, verb_of_plan},
    {"lint", "FILE [KEY=VALUE...]", "find everything that is wrong with a file", 1, -1, 0, verb_of_lint},
    {0},
};

static const struct tool tool = {
    .name = "runnel",
    .purpose = "run, plan and check pipelines of filters written in YAML",
    .usage = "[OPTION...] FILE [STAGE...] [KEY=VALUE...]",
    .examples = "  runnel run verses.yaml\n"
                "  runnel run verses.yaml w2v dim=50 text=small.txt --directory /tmp/try\n"
                "  runnel plan verses.yaml --dot | dot -Tsvg > plan.svg\n",
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
