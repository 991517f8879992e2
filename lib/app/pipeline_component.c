#include "app/pipeline_component.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long the others get to notice a failure by themselves, so that they can say what they saw; then to clean up
 * after SIGTERM. All have ended within two seconds of it. A status 69 alone means that the cause is about to show
 * itself. */
static const double notice_seconds = 0.3, notice_upstream_seconds = 1.0, all_ended_seconds = 1.7;
/* What stages get when the runner itself is told to stop: a trainer may have to write a checkpoint. */
static const double checkpoint_seconds = 10;

double run_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Judging ---------------------------------------------------------------------------------------------------- */

static bool is_broken_pipe(int status)
{
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE) || (WIFEXITED(status) && WEXITSTATUS(status) == 141);
}

/* A stage that died of SIGPIPE, or a script that passes that on. The pump lets this happen only when all readers have
 * ended: in order if they had what they wanted. */
static enum verdict judge_broken_pipe(const struct component *c, const struct job *j)
{
    for (size_t i = 0; i < j->pump.n; i++) {
        const struct job *reader = &c->jobs[j->readers[i]];
        if (reader->verdict == VERDICT_NONE)
            return VERDICT_CAUSE;
        if (reader->verdict != VERDICT_FINE)
            return VERDICT_CONSEQUENCE;
    }
    return j->pump.n && !j->s->n_files ? VERDICT_FINE : VERDICT_CAUSE; /* a file of its own may be cut short */
}

static enum verdict judge(const struct component *c, const struct job *j)
{
    if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == 0)
        return VERDICT_FINE;
    if (c->told || c->killed || c->run->signal)
        return VERDICT_CONSEQUENCE;
    if (is_broken_pipe(j->status))
        return judge_broken_pipe(c, j);
    if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == STATUS_UPSTREAM)
        return VERDICT_UPSTREAM;
    for (size_t i = 0; i < c->n; i++)
        if (c->jobs[i].verdict == VERDICT_CAUSE)
            return VERDICT_CONSEQUENCE;
    return VERDICT_CAUSE;
}

/* The job to name: the first that failed by itself, else the first of those that blame what they read. */
static struct job *find_cause(const struct component *c)
{
    struct job *cause = NULL, *upstream = NULL;
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        if (j->verdict == VERDICT_CAUSE && (!cause || j->turn < cause->turn))
            cause = j;
        if (j->verdict == VERDICT_UPSTREAM && (!upstream || j->turn < upstream->turn))
            upstream = j;
    }
    return cause ? cause : upstream;
}

/* ---- Watching --------------------------------------------------------------------------------------------------- */

static void job_ended(struct component *c, struct job *j)
{
    j->seconds = run_seconds() - j->began;
    j->turn = ++c->turns;
    j->verdict = judge(c, j);
    c->left--;
    if (j->verdict != VERDICT_FINE && !c->failed) {
        c->failed = true;
        c->failed_at = run_seconds();
    }
    pump_writer_ended(&j->pump);
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->jobs[k].pump.n; i++)
            if (&c->jobs[c->jobs[k].readers[i]] == j)
                pump_reader_ended(&c->jobs[k].pump);
}

static void reap(struct component *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        if (j->pid > 0 && j->verdict == VERDICT_NONE && wait4(j->pid, &j->status, WNOHANG, &j->usage) == j->pid)
            job_ended(c, j);
    }
}

/* After a failure: SIGTERM to those who have not noticed, then SIGKILL. */
static void press(struct component *c)
{
    if (!c->failed)
        return;
    double since = run_seconds() - c->failed_at;
    const struct job *cause = find_cause(c);
    bool upstream = cause && cause->verdict == VERDICT_UPSTREAM;
    if (!c->told && !c->run->signal && since > (upstream ? notice_upstream_seconds : notice_seconds)) {
        group_signal(&c->group, SIGTERM);
        c->told = true;
    }
    if (!c->killed && since > (c->run->signal ? checkpoint_seconds : all_ended_seconds)) {
        group_signal(&c->group, SIGKILL);
        c->killed = true;
    }
}

/* The runner itself is told to stop: at the second time there is no waiting. */
static void stop(struct component *c, int number)
{
    if (c->run->signal) {
        group_signal(&c->group, SIGKILL);
        c->killed = true;
        return;
    }
    c->run->signal = number;
    c->failed = true;
    c->failed_at = run_seconds();
    group_signal(&c->group, SIGTERM);
}

static void add_bytes(uint64_t bytes, struct buf *text)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double n = (double)bytes;
    size_t unit = 0;
    for (; n >= 1000 && unit < 4; unit++)
        n /= 1000;
    buf_printf(text, unit ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

/* How far into its input a stage is that reads a file. */
static void add_position(const struct component *c, const struct job *j, struct buf *text)
{
    struct stat st;
    off_t at = j->files[0] >= 0 ? lseek(j->files[0], 0, SEEK_CUR) : -1;
    if (at < 0 || fstat(j->files[0], &st) < 0 || st.st_size <= 0)
        return;
    buf_text(text, text->len ? ", " : "");
    pipeline_origin_name(c->run->plan->pipeline, &j->s->in, text);
    buf_printf(text, ">%s %.0f %%", j->s->name, 100.0 * (double)at / (double)st.st_size);
}

/* "text>tok 45 %, tok>w2v 12.3 MB, tok>spool 12.3 MB": each edge and what has gone through it. */
static void show_progress(const struct component *c)
{
    const struct run_events *events = c->run->events;
    struct buf text = {0};
    uint64_t all = 0;
    if (!c->run->options->progress)
        return;
    for (size_t k = 0; k < c->n; k++) {
        const struct job *j = &c->jobs[k];
        add_position(c, j, &text);
        for (size_t i = 0; i < j->pump.n + (j->pump.spool >= 0); i++) {
            uint64_t bytes = i < j->pump.n ? j->pump.branches[i].bytes : j->pump.bytes;
            buf_printf(&text, "%s%s>%s ", text.len ? ", " : "", j->s->name,
                       i < j->pump.n ? c->jobs[j->readers[i]].s->name : "spool");
            add_bytes(bytes, &text);
            all += bytes;
        }
    }
    events->progress(events->context, (double)all, buf_string(&text));
    buf_free(&text);
}

/* Waits until all stages have ended. */
static void watch(struct component *c)
{
    const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
    double shown = run_seconds();
    for (reap(c); c->left; reap(c)) {
        siginfo_t info;
        int number = sigtimedwait(&c->run->watched, &info, &tick);
        if (number > 0 && number != SIGCHLD)
            stop(c, number);
        press(c);
        if (run_seconds() - shown > 0.2) {
            show_progress(c);
            shown = run_seconds();
        }
    }
    if (c->run->options->progress)
        c->run->events->progress(c->run->events->context, 0, NULL);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* The last bytes of a stage's log, without the line end; at most `room` of them. */
static void log_tail(const struct run *run, const struct stage *s, size_t room, struct buf *out)
{
    struct buf path = {0};
    struct err ignored;
    state_path(&run->state, s, "log", false, &path);
    int fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
    buf_free(&path);
    if (fd < 0)
        return;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size > (off_t)room)
        lseek(fd, size - (off_t)room, SEEK_SET);
    else
        lseek(fd, 0, SEEK_SET);
    long n = file_read(fd, buf_room(out, room), room, &ignored);
    close(fd);
    out->len = n > 0 ? (size_t)n : 0;
    while (out->len && strchr("\r\n", out->data[out->len - 1]))
        out->len--;
    buf_string(out);
    for (size_t i = 0; i < out->len; i++)
        if (!out->data[i])
            out->data[i] = '?';
    if (size > (off_t)room && strchr(out->data, '\n')) { /* begin with a whole line */
        size_t cut = strcspn(out->data, "\n") + 1;
        memmove(out->data, out->data + cut, out->len - cut + 1);
        out->len -= cut;
    }
}

/* Names the cause: in *e, with the last line of its log; lines above that one go to the log callback. */
static void tell_cause(const struct component *c, const struct job *j, struct err *e)
{
    const struct run *run = c->run;
    struct buf tail = {0}, text = {0}, log = {0};
    int status = WIFSIGNALED(j->status) ? 128 + WTERMSIG(j->status) : WEXITSTATUS(j->status);
    log_tail(run, j->s, 4096, &tail);
    char *last = strrchr(buf_string(&tail), '\n');
    if (last) {
        *last++ = 0;
        for (char *rest = tail.data, *line; (line = strsep(&rest, "\n"));)
            run->events->log(run->events->context, j->s->name, line);
    }
    state_path(&run->state, j->s, "log", true, &log);
    if (WIFEXITED(j->status) && status == STATUS_STOPPED)
        buf_text(&text, "stopped after a checkpoint (run again to resume)");
    else
        process_ending(j->status, &text);
    if (is_broken_pipe(j->status) && j->pump.n)
        buf_text(&text, ", since its reader ended, before its own files were whole");
    const char *line = last ? last : tail.data;
    err_fail(e, (enum status)status, "%s:%u:%u: stage '%s' %s%s%.600s (log: %s)", run->plan->pipeline->path, j->s->line,
             j->s->column, j->s->name, buf_string(&text), *line ? ": " : "", line, buf_string(&log));
    buf_free(&tail);
    buf_free(&text);
    buf_free(&log);
}

/* A stage that must read everything, and did not, is a failure although it says otherwise. */
static int check_whole(const struct component *c, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->jobs[k].pump.n; i++) {
            struct job *reader = &c->jobs[c->jobs[k].readers[i]];
            if (!reader->s->whole || !c->jobs[k].pump.branches[i].early)
                continue;
            reader->verdict = VERDICT_CAUSE;
            return err_fail(e, STATUS_FAILED,
                            "%s:%u:%u: stage '%s' ended well before it had read all of '%s' (early: no)", p->path,
                            reader->s->line, reader->s->column, reader->s->name, c->jobs[k].s->name);
        }
    return 0;
}

/* What came of it: 0 or -1 with the cause in *e. */
static int outcome(struct component *c, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    for (size_t i = 0; i < c->n && c->run->signal; i++) {
        const struct job *j = &c->jobs[i];
        if (WIFEXITED(j->status) && WEXITSTATUS(j->status) == STATUS_STOPPED) {
            tell_cause(c, j, e);
            return -1;
        }
    }
    if (c->run->signal)
        return err_fail(e, (enum status)(128 + c->run->signal), "%s: stopped by SIG%s", p->path,
                        sigabbrev_np(c->run->signal));
    for (size_t i = 0; i < c->n; i++)
        if (c->jobs[i].pump.failure.status) {
            *e = c->jobs[i].pump.failure;
            return err_where(e, "%s:%u:%u: stage '%s'", p->path, c->jobs[i].s->line, c->jobs[i].s->column,
                             c->jobs[i].s->name);
        }
    const struct job *cause = find_cause(c);
    if (cause) {
        tell_cause(c, cause, e);
        return -1;
    }
    if (c->failed) /* cannot be: a consequence has a cause */
        return err_fail(e, STATUS_FAILED, "%s: a stage failed", p->path);
    return check_whole(c, e);
}

static int write_records(struct component *c, bool done, struct err *e)
{
    int result = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct job *j = &c->jobs[i];
        if (j->pid <= 0)
            continue;
        struct record record = {.command = j->command,
                                .recipe = j->task->recipe,
                                .status = j->status,
                                .outcome = j->verdict == VERDICT_FINE                                      ? "done"
                                           : j->verdict == VERDICT_CAUSE || j->verdict == VERDICT_UPSTREAM ? "failed"
                                                                                                           : "stopped",
                                .seconds = j->seconds,
                                .peak_kib = j->usage.ru_maxrss,
                                .bytes_in = j->bytes_in,
                                .bytes_out = j->bytes_out};
        if (state_record(&c->run->state, j->s, &record, done && j->task->must, e) < 0)
            result = -1;
    }
    return result;
}

static void note_done(const struct component *c, double seconds)
{
    const struct run_events *events = c->run->events;
    struct buf text = {0};
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", c->jobs[i].s->name);
    buf_printf(&text, ": done in %.1f s", seconds);
    const char *before = ", made ";
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; c->jobs[i].task->must && k < c->jobs[i].s->n_files; k++, before = ", ") {
            buf_text(&text, before);
            pipeline_shown_path(c->run->plan->pipeline, c->jobs[i].s->files[k].value, &text);
        }
    events->note(events->context, buf_string(&text));
    buf_free(&text);
}

static void make_jobs(struct component *c, size_t k)
{
    struct run *run = c->run;
    const struct plan *plan = run->plan;
    c->jobs = mem_get(plan->start[k + 1] - plan->start[k], sizeof *c->jobs);
    for (size_t o = plan->start[k]; o < plan->start[k + 1]; o++) {
        size_t stage = plan->order[o];
        if (!run->tasks[stage].needed)
            continue;
        struct job *j = &c->jobs[c->n++];
        struct buf command = {0};
        j->stage = stage;
        j->s = &plan->pipeline->stages[stage];
        j->task = &run->tasks[stage];
        stage_command(plan->pipeline, j->s, &command);
        j->command = mem_copy(buf_string(&command));
        buf_free(&command);
        j->out = j->out_end = j->pump.from = j->pump.spool = -1;
        for (size_t i = 0; i < 1 + PIPELINE_MAX_FDS; i++)
            j->files[i] = j->ends[i] = -1;
    }
}

int component_run(struct run *run, size_t k, struct err *e)
{
    struct component c = {.run = run, .group = {0, -1}};
    struct err later = {0};
    double began = run_seconds();
    make_jobs(&c, k);
    int result = component_wire(&c, e);
    bool started = result == 0;
    if (started && (result = component_start(&c, e)) < 0) {
        group_signal(&c.group, SIGKILL);
        c.killed = true;
    }
    if (started) {
        watch(&c);
        if (result < 0 || c.failed)
            group_end(&c.group); /* lest something that holds a pipe keeps a pump waiting */
        for (size_t i = 0; i < c.n; i++)
            pump_join(&c.jobs[i].pump, result < 0 || c.failed);
        group_end(&c.group);
    }
    for (size_t i = 0; i < c.n; i++) {
        c.jobs[i].bytes_in = job_bytes_in(&c, &c.jobs[i]);
        c.jobs[i].bytes_out = job_bytes_out(&c.jobs[i]);
    }
    if (result == 0)
        result = outcome(&c, e);
    if (result == 0)
        result = component_publish(&c, e);
    if (started && write_records(&c, result == 0, result < 0 ? &later : e) < 0)
        result = -1;
    if (result == 0)
        result = component_report(&c, e);
    if (result == 0)
        note_done(&c, run_seconds() - began);
    component_clear(&c);
    return result;
}
