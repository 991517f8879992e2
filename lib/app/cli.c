#include "app/cli.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/verb.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/utf8.h"
#include "math/kern.h"

struct cli cli;

#define AT(field) offsetof(struct cli, field)

const struct opt cli_options[] = {
    {"output", 'o', OPT_TEXT, AT(output), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write to FILE, which appears whole or not at all, instead of standard output"},
    {"quiet", 'q', OPT_SWITCH, AT(quiet), 0, NULL, NULL, 0, 0, NULL, "print nothing but errors"},
    {"threads", 0, OPT_INT, AT(threads), 0, "N", NULL, 1, PAR_MAX_THREADS, NULL,
     "use N threads; the result does not depend on it (default: the processors this process may use)"},
    {"isa", 0, OPT_CHOICE, AT(isa), 0, NULL, "auto", 0, 0, KERN_CHOICES,
     "use these processor instructions; they may change the last bits of a result"},
    {"help", 'h', OPT_SWITCH, AT(help), 0, NULL, NULL, 0, 0, NULL, "print this help"},
    {"version", 0, OPT_SWITCH, AT(version), 0, NULL, NULL, 0, 0, NULL,
     "print the version, the build and the kernels in use"},
    {0},
};

const struct opt cli_chance_options[] = {
    {"seed", 0, OPT_INT, AT(seed), OPT_RECORD, "N", "1", 0, 0x1p63, NULL,
     "begin the random numbers at N: the same seed gives the same bytes"},
    {0},
};

static struct outfile output = {.fd = -1};
static struct sink *sink;
static char *sink_profile;     /* a copy: the caller's may be that of an input */
static bool text_only;         /* cli_text */
static struct err print_error; /* the first failure of cli_put */
static bool drawn;             /* a progress line stands on the terminal */

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One whole line to stderr by one write: lines of several stages share a log. */
static void line(const char *text)
{
    struct buf out = {0};
    struct err ignored;
    buf_printf(&out, "%s%s: ", drawn ? "\r\033[K" : "", cli.tool ? cli.tool->name : "runnel");
    cli_escape(text, strlen(text), &out);
    buf_char(&out, '\n');
    drawn = false;
    file_write(STDERR_FILENO, out.data, out.len, &ignored);
    buf_free(&out);
}

void cli_note(const char *format, ...)
{
    char text[2048];
    va_list args;
    if (cli.quiet)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    line(text);
}

static void exhausted(size_t bytes)
{
    char text[256];
    outfile_drop(&output);
    int n = snprintf(text, sizeof text,
                     "%s: out of memory: %zu bytes more were needed (use a machine or limit with more)\n",
                     cli.tool ? cli.tool->name : "runnel", bytes);
    if (write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(STATUS_FAILED);
    _exit(STATUS_FAILED);
}

/* ---- Start ---- */

static void __attribute__((noreturn)) print_and_exit(const struct buf *text)
{
    struct err e = {0};
    int result = file_write(STDOUT_FILENO, text->data, text->len, &e);
    if (result == 0 && close(STDOUT_FILENO) < 0)
        result = err_system(&e, "standard output");
    if (result < 0)
        line(e.text);
    exit(result < 0 ? STATUS_FAILED : STATUS_DONE);
}

/* "tns ls|text|head [OPTION...] [OPERAND...]" */
static const char *usage(void)
{
    static struct buf text;
    buf_clear(&text);
    buf_printf(&text, "%s ", cli.tool->name);
    if (cli.tool->verbs)
        buf_printf(&text, "%s ", verb_names(cli.tool->verbs));
    buf_text(&text, cli.tool->usage);
    return text.data;
}

static void show_help(const char *form)
{
    const struct tool *tool = cli.tool;
    struct buf text = {0};
    if (!strcmp(form, "man")) {
        opt_roff(tool->groups, &text);
    } else if (!strcmp(form, "bash") || !strcmp(form, "zsh")) {
        opt_completion(tool->groups, tool->name, tool->verbs ? verb_names(tool->verbs) : NULL, form[0] == 'z', &text);
    } else {
        buf_printf(&text, "%s: %s\n\nUsage: %s\n", tool->name, tool->purpose, usage());
        if (tool->verbs)
            verb_help(tool->verbs, &text);
        opt_help(tool->groups, &text);
        if (tool->examples)
            buf_printf(&text, "\nExamples:\n%s", tool->examples);
        buf_printf(&text, "\nThe whole story: man %s\n", tool->name);
    }
    print_and_exit(&text);
}

static void show_version(void)
{
    struct buf text = {0};
    buf_printf(&text, "%s (Runnel) %s\nnumbers: %s, kernels: %s, compiler: %s\n", cli.tool->name, RUNNEL_VERSION,
               sizeof(real) == 8 ? "double" : "float", kern_name(), __VERSION__);
    print_and_exit(&text);
}

/* Who reads a pipe learns that this stage failed before it had begun, and why. */
static void fail_into_pipe(const struct err *e)
{
    struct stat st;
    struct err ignored = {0};
    if (!sink && !text_only && cli.tool->profile && !cli.output && output.fd < 0 && fstat(STDOUT_FILENO, &st) == 0 &&
        S_ISFIFO(st.st_mode))
        cli_sink(cli.tool->profile, &ignored);
    if (sink && output.inplace)
        sink_fail(sink, sink_profile, cli.tool->name, e);
}

static void misused(const struct err *e)
{
    fail_into_pipe(e);
    line(e->text);
    exit(STATUS_MISUSED);
}

static void check_operands(const struct tool *tool, struct err *e)
{
    if (cli.n_operands < tool->operands_low)
        err_fail(e, STATUS_MISUSED, "an operand is missing (usage: %s)", usage());
    else if (tool->operands_high >= 0 && cli.n_operands > tool->operands_high)
        err_fail(e, STATUS_MISUSED, "'%s' is one operand too many (usage: %s)", cli.operands[tool->operands_high],
                 usage());
    else
        return;
    misused(e);
}

/* Standard descriptors that are closed would be taken by the first files opened. */
static void hold_standard(void)
{
    struct err e = {0};
    for (int fd = 0; fd < 3; fd++)
        if (dup2(fd, fd) < 0 && errno == EBADF) {
            err_fail(&e, STATUS_FAILED, "descriptor %d (standard %s) is closed (redirect it to /dev/null)", fd,
                     fd == 0   ? "input"
                     : fd == 1 ? "output"
                               : "error");
            line(e.text);
            exit(STATUS_FAILED);
        }
}

/* The word of --isa. */
static const char *isa_wanted(void)
{
    static struct buf word;
    const struct opt *row = cli_options;
    while (strcmp(row->name, "isa"))
        row++;
    buf_clear(&word);
    opt_value(row, &cli, &word);
    return word.data;
}

void cli_start(const struct tool *tool, int argc, char **argv)
{
    struct err e = {0};
    int first;
    cli.tool = tool;
    mem_exhausted = exhausted;
    hold_standard();
    /* --help=FORM is for make and packagers: the manual page's options, completions */
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help=man") || !strcmp(argv[i], "--help=bash") || !strcmp(argv[i], "--help=zsh"))
            show_help(argv[i] + strlen("--help="));
    if (opt_parse(tool->groups, argc, argv, &first, &e) < 0)
        misused(&e);
    if (cli.help)
        show_help("text");
    if (kern_select(isa_wanted(), &e) < 0)
        misused(&e);
    if (cli.version)
        show_version();
    cli.operands = argv + first;
    cli.n_operands = argc - first;
    check_operands(tool, &e);
    if (!cli.threads)
        cli.threads = par_processors();
    if (outfile_probe(cli.output, &e) < 0) {
        line(e.text);
        exit(STATUS_FAILED);
    }
}

int cli_threads(struct err *e)
{
    return par_threads() > 1 || cli.threads == 1 ? 0 : par_start((int)cli.threads, e);
}

/* ---- Output ---- */

struct outfile *cli_output(bool binary, struct err *e)
{
    if (output.fd >= 0)
        return &output;
    if (outfile_open(&output, cli.output, e) < 0)
        return NULL;
    if (binary && isatty(output.fd)) {
        outfile_drop(&output);
        err_fail(e, STATUS_MISUSED,
                 "standard output is a terminal, which a binary stream would garble (use -o FILE, or pipe it into tns "
                 "text)");
        return NULL;
    }
    return &output;
}

void cli_text(void)
{
    text_only = true;
}

struct sink *cli_sink(const char *profile, struct err *e)
{
    struct outfile *out = sink ? &output : cli_output(true, e);
    if (!out)
        return NULL;
    if (!sink)
        sink = sink_open(out);
    char *copy = mem_copy(profile);
    free(sink_profile);
    sink_profile = copy;
    return sink;
}

static void add_option(void *context, const char *name, const char *value)
{
    buf_printf(context, " --%s=%s", name, value);
}

const char *cli_hop(void)
{
    static struct buf hop;
    buf_clear(&hop);
    buf_printf(&hop, "%s %s", cli.tool->name, RUNNEL_VERSION);
    opt_recorded(cli.tool->groups, add_option, &hop);
    if (cli.tool->numeric)
        add_option(&hop, "isa", kern_name());
    return hop.data;
}

static void set_option(void *context, const char *name, const char *value)
{
    char key[80];
    snprintf(key, sizeof key, "option.%s", name);
    meta_set(context, key, value);
}

void cli_options_meta(struct meta *head)
{
    opt_recorded(cli.tool->groups, set_option, head);
}

int cli_head(const struct meta *input, struct err *e)
{
    struct meta head = {0};
    assert(sink);
    head_make(&head, sink_profile, input, cli_hop());
    int result = sink_head(sink, &head, e);
    meta_free(&head);
    return result;
}

int cli_apart(const char *option, const char *path, const char *const *others, size_t n, struct err *e)
{
    if (!path)
        return 0;
    if (!strcmp(path, "-"))
        return err_fail(e, STATUS_MISUSED, "--%s: standard output is for the result (name a file)", option);
    if (file_same(path, cli.output, STDOUT_FILENO))
        return err_fail(e, STATUS_MISUSED, "--%s: '%s' is the output too (name another file)", option, path);
    for (size_t i = 0; i < n; i++)
        if (others[i] && file_same(path, others[i], STDIN_FILENO))
            return err_fail(e, STATUS_MISUSED, "--%s: '%s' is used for something else too (name another file)", option,
                            path);
    return 0;
}

int cli_put(const void *bytes, size_t length)
{
    if (print_error.status)
        return -1;
    struct outfile *out = cli_output(false, &print_error);
    return out ? outfile_write(out, bytes, length, &print_error) : -1;
}

/* Text gathered until there is a pipe's worth of it. */
static struct buf text_out;

static void put_text(void)
{
    if (text_out.len)
        cli_put(text_out.data, text_out.len);
    buf_clear(&text_out);
}

void cli_print(const char *format, ...)
{
    char text[1024];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *at = buf_room(&text_out, (size_t)n);
    if ((size_t)n < sizeof text)
        memcpy(at, text, (size_t)n + 1);
    else
        vsnprintf(at, (size_t)n + 1, format, again);
    va_end(again);
    text_out.len += (size_t)n;
    if (text_out.len > 1 << 16)
        put_text();
}

int cli_finish(int result, struct err *e)
{
    par_stop();
    if (result >= 0) {
        put_text();
        if (cli.output && output.fd < 0 && !print_error.status)
            cli_output(false, &print_error); /* nothing was printed: an empty file, not the one that was there before */
        if (print_error.status) {
            *e = print_error;
            result = -1;
        }
    }
    if (result < 0)
        fail_into_pipe(e);
    sink_close(sink);
    sink = NULL;
    free(sink_profile);
    sink_profile = NULL;
    if (result >= 0 && output.fd >= 0 && outfile_commit(&output, e) < 0)
        result = -1;
    outfile_drop(&output);
    buf_free(&text_out);
    opt_free(cli.tool->groups);
    if (result >= 0)
        return result;
    line(e->text);
    return e->status;
}

/* ---- Progress ---- */

void progress_start(struct progress *p, const char *what, double total)
{
    *p = (struct progress){.what = what, .total = total, .start = cli_seconds()};
    p->shown = p->start;
}

static void clock_text(double seconds, struct buf *out)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        buf_printf(out, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        buf_printf(out, "%ld:%02ld", s / 60, s % 60);
}

static void draw(struct progress *p, double done, bool last, const char *extra)
{
    struct buf text = {0};
    struct err ignored;
    bool terminal = isatty(STDERR_FILENO);
    double seconds = cli_seconds() - p->start, rate = seconds > 0 ? done / seconds : 0;
    if (terminal)
        buf_text(&text, "\r\033[K");
    buf_printf(&text, "%s: ", cli.tool->name);
    if (p->total > 0 && !last)
        buf_printf(&text, "%.1f %%, ", 100 * fmin(done / p->total, 1));
    buf_printf(&text,
               rate >= 1e4   ? "%.0fk %s/s, "
               : rate >= 100 ? "%.0f %s/s, "
                             : "%.2g %s/s, ",
               rate >= 1e4 ? rate / 1e3 : rate, p->what);
    clock_text(seconds, &text);
    if (p->total > 0 && rate > 0 && !last) {
        buf_text(&text, ", left ");
        clock_text(fmax(p->total - done, 0) / rate, &text);
    }
    if (*extra)
        buf_printf(&text, ", %s", extra);
    if (!terminal || last)
        buf_char(&text, '\n');
    drawn = terminal && !last;
    file_write(STDERR_FILENO, text.data, text.len, &ignored);
    buf_free(&text);
}

static void progress(struct progress *p, double done, bool last, const char *format, va_list args)
{
    char extra[256];
    double now = cli_seconds();
    if (cli.quiet || (!last && now - p->shown < (isatty(STDERR_FILENO) ? 0.2 : 60)))
        return;
    p->shown = now;
    vsnprintf(extra, sizeof extra, format, args);
    draw(p, done, last, extra);
}

void progress_show(struct progress *p, double done, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    progress(p, done, false, format, args);
    va_end(args);
}

void progress_end(struct progress *p, double done, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    progress(p, done, true, format, args);
    va_end(args);
}

void cli_escape(const char *bytes, size_t length, struct buf *out)
{
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)bytes[i];
        size_t n = utf8_length(bytes + i, length - i);
        bool good = n && c >= 0x20 && c != 0x7f;
        if (good && c == 0xc2 && (unsigned char)bytes[i + 1] < 0xa0) /* the C1 controls */
            good = false;
        if (good)
            buf_add(out, bytes + i, n);
        else if (c == '\n')
            buf_text(out, "\\n");
        else
            buf_printf(out, "\\x%02X", c);
        i += good ? n : 1;
    }
}
