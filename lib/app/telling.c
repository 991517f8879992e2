#include "app/telling.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"

static struct progress progress;
static bool watched; /* a component runs, and its line is on the terminal */

static void on_note(void *context, const char *text)
{
    (void)context;
    cli_note("%s", text);
}

void telling_line(const char *head, const char *text)
{
    struct buf line = {0};
    cli_escape(text, strlen(text), &line);
    fprintf(stderr, "%s: %s\n", head, buf_string(&line));
    buf_free(&line);
}

static void on_log(void *context, const char *stage, const char *line)
{
    (void)context;
    telling_line(stage, line);
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

int telling_faults(const char *path, const struct faults *faults, enum status status, struct err *e)
{
    struct buf text = {0};
    for (size_t i = 0; i < faults->n; i++) {
        const struct fault *f = &faults->items[i];
        buf_clear(&text);
        buf_text(&text, path);
        if (f->line)
            buf_printf(&text, ":%u:%u", f->line, f->column);
        buf_printf(&text, ": %s", f->text);
        if (i + 1 < faults->n)
            telling_line("runnel", text.data);
    }
    if (faults->more)
        buf_printf(&text, " (and %zu more)", faults->more);
    err_fail(e, status, "%s", buf_string(&text));
    buf_free(&text);
    return -1;
}

const struct run_events telling = {NULL, on_note, on_log, on_report, on_progress};
