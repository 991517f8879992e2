/* pipeline_wire: the descriptors of a component: files, logs, pipes, spools; starting and clearing away. */
#include "app/pipeline_component.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct job *job_of(struct component *c, size_t stage)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->jobs[i].stage == stage)
            return &c->jobs[i];
    return NULL;
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

/* Finds where file i of a job is written for now: in a hidden directory beside its target, under its own name
 * (programs go by suffixes), or in place when the target is a device or a pipe. */
static int hide_file(struct component *c, struct job *j, size_t i, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    struct buf path = {0};
    struct stat st;
    pipeline_output_path(p, j->s->files[i].value, &path);
    const char *target = buf_string(&path), *slash = strrchr(target, '/');
    int result = state_make_parents(target, e);
    if (result == 0)
        result = outfile_probe(target, e);
    if (result == 0 && stat(target, &st) == 0 && !S_ISREG(st.st_mode)) {
        j->outs[i] = mem_copy(target);
    } else if (result == 0) {
        j->hidden[i] = state_hide(&c->run->state, target, e);
        if (j->hidden[i])
            j->outs[i] = mem_printf("%s/%s", j->hidden[i], slash ? slash + 1 : target);
        else
            result = -1;
    }
    buf_free(&path);
    return result;
}

static int make_files(struct component *c, struct job *j, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    struct buf path = {0};
    int result = 0;
    j->outs = mem_get(j->s->n_files, sizeof *j->outs);
    j->hidden = mem_get(j->s->n_files, sizeof *j->hidden);
    for (size_t i = 0; result == 0 && i < j->s->n_files; i++)
        result = hide_file(c, j, i, e);
    for (size_t i = 0; result == 0 && i < j->s->n_keeps; i++) {
        buf_clear(&path);
        pipeline_output_path(p, j->s->keeps[i].value, &path);
        result = state_make_parents(buf_string(&path), e);
    }
    buf_free(&path);
    if (result == 0 && stage_captures(j->s)) {
        j->out = open(j->outs[0], O_WRONLY | O_CREAT | O_CLOEXEC | (j->hidden[0] ? O_EXCL : 0), 0666);
        if (j->out < 0)
            result = err_system(e, "%s", j->outs[0]);
    }
    return result;
}

static int open_input(struct component *c, const struct origin *o, int *fd, struct err *e)
{
    struct buf path = {0};
    pipeline_origin_path(c->run->plan->pipeline, o, &path);
    *fd = infile_open(buf_string(&path), e);
    buf_free(&path);
    return *fd < 0 ? -1 : 0;
}

/* Opens what a job reads that is a file, spools among them. */
static int open_inputs(struct component *c, struct job *j, struct err *e)
{
    for (size_t i = 0; i < 1 + j->s->n_fds; i++) {
        const struct origin *o = i ? &j->s->fds[i - 1] : &j->s->in;
        if (o->kind == ORIGIN_INPUT || o->kind == ORIGIN_FILE) {
            if (open_input(c, o, &j->files[i], e) < 0)
                return -1;
        } else if (o->kind == ORIGIN_STREAM && !job_of(c, o->index)) {
            char path[64]; /* a second opening has a position of its own */
            snprintf(path, sizeof path, "/proc/self/fd/%d", c->run->tasks[o->index].spool);
            j->files[i] = open(path, O_RDONLY | O_CLOEXEC);
            if (j->files[i] < 0)
                return err_system(e, "cannot open the spooled stream of '%s' again",
                                  c->run->plan->pipeline->stages[o->index].name);
        }
    }
    return 0;
}

/* ---- Pipes ------------------------------------------------------------------------------------------------------ */

static int make_pipe(int *out, int *in, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_system(e, "cannot make a pipe");
    pipe_widen(ends[1]);
    *out = ends[0];
    *in = ends[1];
    return 0;
}

/* Joins a job to those that read its stream. */
static int make_pipes(struct component *c, struct job *j, struct err *e)
{
    const struct plan *plan = c->run->plan;
    struct pump *pump = &j->pump;
    bool spooled = false;
    pump->branches = mem_get(plan->n_edges + 1, sizeof *pump->branches);
    j->readers = mem_get(plan->n_edges + 1, sizeof *j->readers);
    for (size_t k = 0; k < plan->n_edges; k++) {
        const struct edge *edge = &plan->edges[k];
        if (edge->from != j->stage || !edge->stream || !c->run->tasks[edge->to].needed)
            continue;
        if (edge->spooled) {
            spooled = true;
            continue;
        }
        struct job *reader = job_of(c, edge->to);
        if (make_pipe(&reader->ends[edge->slot + 1], &pump->branches[pump->n].to, e) < 0)
            return -1;
        fcntl(pump->branches[pump->n].to, F_SETFL, O_NONBLOCK); /* this end alone: the stage's own still blocks */
        j->readers[pump->n++] = (size_t)(reader - c->jobs);
    }
    if (spooled && (pump->spool = j->task->spool = spool_open(e)) < 0)
        return -1;
    if (pump->n || spooled) {
        int result = make_pipe(&pump->from, &j->out_end, e);
        if (result == 0)
            fcntl(pump->from, F_SETFL, O_NONBLOCK);
        return result;
    }
    if (j->out >= 0)
        return 0;
    j->out = plan->reports[j->stage] ? spool_open(e) : open("/dev/null", O_WRONLY | O_CLOEXEC);
    return j->out < 0 ? (plan->reports[j->stage] ? -1 : err_system(e, "/dev/null")) : 0;
}

int component_wire(struct component *c, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        if (make_files(c, j, e) < 0 || open_inputs(c, j, e) < 0 || make_pipes(c, j, e) < 0)
            return err_where(e, "%s:%u:%u: stage '%s'", p->path, j->s->line, j->s->column, j->s->name);
    }
    return 0;
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start_job(struct component *c, struct job *j, struct err *e)
{
    const struct run *run = c->run;
    struct buf path = {0};
    state_path(&run->state, j->s, "log", false, &path);
    int log = open(buf_string(&path), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    buf_free(&path);
    if (log < 0)
        return err_system(e, "its log");
    char **argv = mem_get(j->s->n_words + 1, sizeof *argv);
    for (size_t w = 0; w < j->s->n_words; w++) {
        struct buf word = {0};
        word_text(run->plan->pipeline, j->s, &j->s->words[w], j->outs, &word);
        argv[w] = mem_copy(buf_string(&word));
        buf_free(&word);
    }
    struct spawn spawn = {.program = j->task->program,
                          .argv = argv,
                          .error = log,
                          .group = c->group.leader,
                          .mask = &run->mask,
                          .n_fds = j->s->n_fds};
    spawn.in = j->files[0] >= 0 ? j->files[0] : j->ends[0];
    spawn.out = j->out_end >= 0 ? j->out_end : j->out;
    for (size_t i = 0; i < j->s->n_fds; i++)
        spawn.fds[i] = j->files[i + 1] >= 0 ? j->files[i + 1] : j->ends[i + 1];
    j->began = run_seconds();
    j->pid = process_spawn(&spawn, e);
    for (size_t w = 0; w < j->s->n_words; w++)
        free(argv[w]);
    free(argv);
    close(log);
    if (j->pid < 0)
        return -1;
    c->left++;
    close_end(&j->out_end);
    for (size_t i = 0; i < 1 + PIPELINE_MAX_FDS; i++)
        close_end(&j->ends[i]);
    return 0;
}

int component_start(struct component *c, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    if (group_start(&c->group, e) < 0)
        return -1;
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        if (start_job(c, j, e) < 0)
            return err_where(e, "%s:%u:%u: stage '%s'", p->path, j->s->line, j->s->column, j->s->name);
    }
    for (size_t i = 0; i < c->n; i++)
        if (c->jobs[i].pump.from >= 0 && pump_start(&c->jobs[i].pump, e) < 0)
            return -1;
    return 0;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static int publish_file(struct component *c, struct job *j, size_t i, bool rename_it, struct err *e)
{
    struct buf path = {0};
    struct stat st;
    pipeline_output_path(c->run->plan->pipeline, j->s->files[i].value, &path);
    char *real = realpath(buf_string(&path), NULL); /* replace what a link points to */
    int result;
    if (lstat(j->outs[i], &st) < 0 || !S_ISREG(st.st_mode))
        result = err_fail(e, STATUS_FAILED, "ended well but has not written '%s'", j->s->files[i].value);
    else
        result = rename_it ? file_rename(j->outs[i], real ? real : path.data, e) : file_sync(j->outs[i], e);
    free(real);
    buf_free(&path);
    return result;
}

/* What a stage kept for a next try has done its service. */
static void remove_kept(struct component *c, const struct job *j)
{
    struct buf path = {0};
    struct stat st;
    for (size_t i = 0; i < j->s->n_keeps; i++) {
        buf_clear(&path);
        pipeline_output_path(c->run->plan->pipeline, j->s->keeps[i].value, &path);
        if (lstat(buf_string(&path), &st) == 0 && S_ISREG(st.st_mode))
            unlink(path.data);
    }
    buf_free(&path);
}

int component_publish(struct component *c, struct err *e)
{
    const struct pipeline *p = c->run->plan->pipeline;
    for (int rename_it = 0; rename_it <= 1; rename_it++)
        for (size_t k = 0; k < c->n; k++) {
            struct job *j = &c->jobs[k];
            for (size_t i = 0; j->task->must && i < j->s->n_files; i++)
                if (j->hidden[i] && publish_file(c, j, i, rename_it, e) < 0)
                    return err_where(e, "%s:%u:%u: stage '%s'", p->path, j->s->line, j->s->column, j->s->name);
        }
    for (size_t k = 0; k < c->n; k++)
        remove_kept(c, &c->jobs[k]);
    return 0;
}

int component_report(struct component *c, struct err *e)
{
    const struct run *run = c->run;
    char piece[1 << 14];
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        if (!run->plan->reports[j->stage])
            continue;
        if (lseek(j->out, 0, SEEK_SET) < 0)
            return err_system(e, "what stage '%s' has printed", j->s->name);
        long n;
        while ((n = file_read(j->out, piece, sizeof piece, e)) > 0)
            run->events->report(run->events->context, j->s->name, piece, (size_t)n);
        if (n < 0)
            return -1;
    }
    return 0;
}

void component_clear(struct component *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct job *j = &c->jobs[i];
        for (size_t k = 0; j->hidden && k < j->s->n_files; k++) {
            if (j->hidden[k])
                state_unhide(&c->run->state, j->hidden[k]);
            free(j->hidden[k]);
            free(j->outs[k]);
        }
        for (size_t k = 0; k < 1 + PIPELINE_MAX_FDS; k++) {
            close_end(&j->files[k]);
            close_end(&j->ends[k]);
        }
        close_end(&j->out);
        close_end(&j->out_end);
        close_end(&j->pump.from); /* when the pump never ran */
        for (size_t k = 0; k < j->pump.n; k++)
            close_end(&j->pump.branches[k].to);
        free(j->pump.branches);
        free(j->readers);
        free(j->hidden);
        free(j->outs);
        free(j->command);
    }
    free(c->jobs);
}

uint64_t job_bytes_in(const struct component *c, const struct job *j)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < 1 + PIPELINE_MAX_FDS; i++) {
        off_t at = j->files[i] >= 0 ? lseek(j->files[i], 0, SEEK_CUR) : 0; /* the position is shared with the stage */
        bytes += at > 0 ? (uint64_t)at : 0;
    }
    for (size_t k = 0; k < c->n; k++)
        for (size_t i = 0; i < c->jobs[k].pump.n; i++)
            if (&c->jobs[c->jobs[k].readers[i]] == j)
                bytes += c->jobs[k].pump.branches[i].bytes;
    return bytes;
}

uint64_t job_bytes_out(const struct job *j)
{
    struct stat st;
    uint64_t bytes = j->pump.bytes;
    for (size_t i = 0; j->outs && i < j->s->n_files; i++)
        if (j->outs[i] && stat(j->outs[i], &st) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
    if (j->out >= 0 && !stage_captures(j->s) && fstat(j->out, &st) == 0 && S_ISREG(st.st_mode))
        bytes += (uint64_t)st.st_size;
    return bytes;
}
