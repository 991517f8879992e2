/* runnel: runs, plans and checks pipelines. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/pipeline_process.h"
#include "app/pipeline_run.h"
#include "base/mem.h"

static struct config {
    const char *directory;
    bool force, dot, sh;
} config;

#define AT(field) offsetof(struct config, field)

static const struct opt rows[] = {
    {"directory", 'd', OPT_TEXT, AT(directory), OPT_FILE, "DIR", NULL, 0, 0, NULL,
     "put outputs with relative paths, and .runnel, under DIR instead of beside the pipeline"},
    {"force", 'f', OPT_SWITCH, AT(force), 0, NULL, NULL, 0, 0, NULL, "run: run what is up to date as well"},
    {"dot", 0, OPT_SWITCH, AT(dot), 0, NULL, NULL, 0, 0, NULL, "plan: print a graph for Graphviz"},
    {"sh", 0, OPT_SWITCH, AT(sh), 0, NULL, NULL, 0, 0, NULL, "plan: print a POSIX shell script that does the same"},
    {0},
};

static struct opt_group groups[] = {{"Pipelines", rows, &config, 0}, CLI_GROUP, {0}};

static const struct tool tool = {
    .name = "runnel",
    .purpose = "run, plan and check pipelines of filters written in YAML",
    .usage = "run|plan|lint [OPTION...] FILE [STAGE...] [KEY=VALUE...]",
    .examples = "  runnel run verses.yaml\n"
                "  runnel run verses.yaml w2v dim=50 text=small.txt --directory /tmp/try\n"
                "  runnel plan verses.yaml --dot | dot -Tsvg > plan.svg\n",
    .groups = groups,
    .verbs = "run|plan|lint",
    .operands_low = 2,
    .operands_high = -1,
};

/* ---- What a run tells ------------------------------------------------------------------------------------------ */

static struct progress progress;
static bool watched; /* a component runs, and its line is on the terminal */

static void on_note(void *context, const char *text)
{
    (void)context;
    cli_note("%s", text);
}

/* A line of a log, made safe for a terminal. Errors are shown with --quiet too. */
static void print_line(const char *head, const char *text)
{
    struct buf line = {0};
    cli_escape(text, strlen(text), &line);
    fprintf(stderr, "%s: %s\n", head, buf_string(&line));
    buf_free(&line);
}

static void on_log(void *context, const char *stage, const char *line)
{
    (void)context;
    print_line(stage, line);
}

/* A stream is no sight for a terminal; text is. */
static void on_report(void *context, const char *stage, const char *bytes, size_t length)
{
    static const char *now;
    static bool binary;
    (void)context;
    if (stage != now) {
        binary = !cli.output && isatty(STDOUT_FILENO) && length > 3 && !memcmp(bytes, "\x89RNL", 4);
        if (binary)
            cli_note("stage '%s' writes a stream, which is not shown (pipe it into tns text)", stage);
    }
    now = stage;
    if (!binary)
        cli_put(bytes, length);
}

/* Only on a terminal. Each component begins a new line, which vanishes when the component has ended. */
static void on_progress(void *context, double bytes, const char *text)
{
    (void)context;
    if (!watched)
        progress_start(&progress, "bytes", 0);
    watched = text != NULL;
    if (watched)
        progress_show(&progress, bytes, "%s", text);
    else
        fputs("\r\033[K", stderr);
}

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

/* Prints all faults but the last, which becomes the error. */
static int report_faults(const char *path, const struct faults *faults, enum status status, struct err *e)
{
    char place[64];
    for (size_t i = 0; i < faults->n; i++) {
        const struct fault *f = &faults->items[i];
        char *where = mem_printf("%s:%u:%u", path, f->line, f->column), *whole = NULL;
        snprintf(place, sizeof place, " (and %zu more)", faults->more);
        bool last = i + 1 == faults->n;
        whole = mem_printf("%s: %s%s", f->line ? where : path, f->text, last && faults->more ? place : "");
        if (last)
            err_fail(e, status, "%s", whole);
        else
            print_line("runnel", whole);
        free(where);
        free(whole);
    }
    return -1;
}

static int run(const struct plan *plan, const char *path, struct faults *faults, struct err *e)
{
    const struct run_events events = {NULL, on_note, on_log, on_report, on_progress};
    char *tools = program_directory();
    struct run_options options = {config.force, tools, !cli.quiet && isatty(STDERR_FILENO)};
    int number = 0;
    int result = pipeline_run(plan, &options, &events, &number, faults, e);
    free(tools);
    if (faults->n)
        return report_faults(path, faults, STATUS_FAILED, e);
    if (number && e->status != STATUS_STOPPED) {
        print_line("runnel", e->text);
        signal(number, SIG_DFL);
        raise(number);
    }
    return result;
}

static int show(const struct plan *plan)
{
    struct buf text = {0};
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

static int work(const char *verb, const char *path, struct err *e)
{
    struct faults faults = {0};
    char **rest = cli.operands + 2;
    size_t n = (size_t)cli.n_operands - 2, settings = sort_operands(rest, n);
    struct pipeline *p = pipeline_load(path, rest, settings, config.directory, &faults, e);
    int result = p ? 0 : faults.n ? report_faults(path, &faults, STATUS_DATA, e) : -1;
    struct plan *plan = p ? plan_make(p, rest + settings, n - settings, !config.sh, e) : NULL;
    if (p && !plan)
        result = -1;
    else if (plan && !strcmp(verb, "run"))
        result = run(plan, path, &faults, e);
    else if (plan && !strcmp(verb, "plan"))
        result = show(plan);
    plan_free(plan);
    pipeline_free(p);
    faults_free(&faults);
    return result;
}

static int check_usage(const char *verb, struct err *e)
{
    bool runs = !strcmp(verb, "run"), plans = !strcmp(verb, "plan");
    char near[16];
    if (!runs && !plans && strcmp(verb, "lint")) {
        if (opt_nearest(verb, tool.verbs, near, sizeof near))
            return err_fail(e, STATUS_MISUSED, "there is no verb '%s' (did you mean '%s'?)", verb, near);
        return err_fail(e, STATUS_MISUSED, "there is no verb '%s' (run, plan or lint)", verb);
    }
    if ((config.dot || config.sh) && !plans)
        return err_fail(e, STATUS_MISUSED, "--dot and --sh go with plan, not with %s", verb);
    if (config.dot && config.sh)
        return err_fail(e, STATUS_MISUSED, "--dot and --sh exclude each other");
    if (config.force && !runs)
        return err_fail(e, STATUS_MISUSED, "--force goes with run, not with %s", verb);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    int result = check_usage(cli.operands[0], &e);
    if (result == 0)
        result = work(cli.operands[0], cli.operands[1], &e);
    if (result < 0) { /* it may quote a file or a log */
        struct buf text = {0};
        cli_escape(e.text, strlen(e.text), &text);
        snprintf(e.text, sizeof e.text, "%s", buf_string(&text));
        buf_free(&text);
    }
    return cli_finish(result, &e);
}
