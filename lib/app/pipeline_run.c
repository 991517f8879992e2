#include "app/pipeline_run.h"

#include "app/pipeline_component.h"
#include "base/mem.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- Before anything starts ------------------------------------------------------------------------------------- */

static void check_input(const struct pipeline *p, const struct origin *o, struct faults *faults)
{
    struct stat st;
    if (o->kind != ORIGIN_INPUT)
        return;
    const struct named *input = &p->inputs[o->index];
    if (stat(input->value, &st) < 0 || access(input->value, R_OK) < 0)
        faults_add(faults, input->line, input->column, "input '%s': %s: %s", input->name, input->value,
                   strerror(errno));
    else if (S_ISDIR(st.st_mode))
        faults_add(faults, input->line, input->column, "input '%s': %s: is a directory (name a file in it)",
                   input->name, input->value);
}

/* Programs and inputs of all wanted stages: what is missing is told at once, not after hours. */
static int check_needs(struct run *run, struct faults *faults, struct err *e)
{
    const struct pipeline *p = run->plan->pipeline;
    for (size_t i = 0; i < p->n_stages; i++) {
        const struct stage *s = &p->stages[i];
        if (!run->plan->wanted[i])
            continue;
        struct buf name = {0};
        word_text(p, s, &s->words[0], NULL, &name);
        run->tasks[i].program = program_find(buf_string(&name));
        if (!run->tasks[i].program)
            faults_add(faults, s->line, s->column, "stage '%s': there is no program '%s'%s", s->name, name.data,
                       strchr(name.data, '/') ? " (is it executable?)" : " on PATH");
        buf_free(&name);
        check_input(p, &s->in, faults);
        for (size_t k = 0; k < s->n_fds; k++)
            check_input(p, &s->fds[k], faults);
        for (size_t w = 0; w < s->n_words; w++)
            for (size_t k = 0; k < s->words[w].n; k++)
                if (s->words[w].parts[k].kind == PART_FILE)
                    check_input(p, &s->words[w].parts[k].origin, faults);
    }
    faults_sort(faults);
    return faults->n ? err_fail(e, STATUS_FAILED, "%s: something is missing", p->path) : 0;
}

/* ---- Recipes ---------------------------------------------------------------------------------------------------- */

/* A recipe as it is mixed. */
struct mix {
    struct run *run;
    XXH3_state_t *hash;
    bool known, some; /* every part is known; every part has a digest */
};

/* Adds a field; its length keeps neighbours apart. */
static void mix_text(struct mix *m, const char *text)
{
    uint64_t length = strlen(text);
    XXH3_128bits_update(m->hash, &length, sizeof length);
    XXH3_128bits_update(m->hash, text, length);
}

static void mix_file(struct mix *m, const char *path)
{
    char digest[DIGEST_ROOM];
    struct err ignored;
    if (state_digest(&m->run->state, path, digest, &ignored) < 0)
        m->some = false;
    else
        mix_text(m, digest);
}

/* What is read: the recipe of a stream, the digest of a file and, since programs go by suffixes, its name. */
static void mix_origin(struct mix *m, const struct origin *o)
{
    const struct pipeline *p = m->run->plan->pipeline;
    const struct task *task = o->kind == ORIGIN_STREAM || o->kind == ORIGIN_FILE ? &m->run->tasks[o->index] : NULL;
    struct buf path = {0};
    mix_text(m, o->kind == ORIGIN_NONE ? "nothing" : o->kind == ORIGIN_STREAM ? "stream" : "file");
    if (o->kind == ORIGIN_STREAM) {
        m->known &= task->known;
        m->some &= *task->recipe != 0;
        mix_text(m, task->recipe);
    } else if (task && task->must) {
        m->known = false;
    } else if (o->kind != ORIGIN_NONE) {
        pipeline_origin_path(p, o, &path);
        mix_file(m, buf_string(&path));
        mix_text(m, basename(path.data));
    }
    buf_free(&path);
}

/* A word. One that names a file (a script, a list), or does behind a '=', counts by what is in that file too. */
static void mix_word(struct mix *m, const struct stage *s, const struct word *w)
{
    struct stat st;
    for (size_t i = 0; i < w->n; i++) {
        const struct part *part = &w->parts[i];
        if (part->kind == PART_FILE)
            mix_origin(m, &part->origin);
        else if (part->kind == PART_FD)
            mix_origin(m, &s->fds[part->index]);
        else
            mix_text(m, part->kind == PART_TEXT  ? part->text
                        : part->kind == PART_OUT ? s->files[part->index].value
                                                 : s->keeps[part->index].value);
    }
    if (w->n != 1 || w->parts[0].kind != PART_TEXT)
        return;
    const char *text = w->parts[0].text, *equals = strchr(text, '=');
    if (stat(text, &st) == 0 && S_ISREG(st.st_mode))
        mix_file(m, text);
    if (equals && stat(equals + 1, &st) == 0 && S_ISREG(st.st_mode))
        mix_file(m, equals + 1);
}

static void mix_recipe(struct run *run, size_t stage)
{
    const struct stage *s = &run->plan->pipeline->stages[stage];
    struct task *task = &run->tasks[stage];
    struct mix m = {.run = run, .hash = XXH3_createState(), .known = true, .some = true};
    XXH3_128bits_reset(m.hash);
    mix_text(&m, "recipe 1");
    mix_file(&m, task->program);
    for (size_t w = 0; w < s->n_words; w++) {
        mix_text(&m, "word");
        mix_word(&m, s, &s->words[w]);
    }
    mix_text(&m, "in");
    mix_origin(&m, &s->in);
    for (size_t i = 0; i < s->n_files; i++) {
        mix_text(&m, s->files[i].name);
        mix_text(&m, s->files[i].value);
    }
    XXH128_hash_t h = XXH3_128bits_digest(m.hash);
    XXH3_freeState(m.hash);
    task->known = m.known;
    task->recipe[0] = 0;
    if (m.known && m.some)
        snprintf(task->recipe, sizeof task->recipe, "%016llx%016llx", (unsigned long long)h.high64,
                 (unsigned long long)h.low64);
}

/* ---- What has to run -------------------------------------------------------------------------------------------- */

/* Decides about the stages of components `from` and later. A stage whose recipe is not known yet, because a file
 * it reads will be made anew, counts as one that must run; it is looked at again when its component's turn has
 * come. */
static void forecast(struct run *run, size_t from)
{
    const struct plan *plan = run->plan;
    const struct pipeline *p = plan->pipeline;
    for (size_t o = plan->start[from]; o < plan->n_order; o++) {
        size_t i = plan->order[o];
        struct task *task = &run->tasks[i];
        mix_recipe(run, i);
        if (p->stages[i].n_files)
            task->must =
                run->options->force || !task->known || !state_is_fresh(&run->state, &p->stages[i], task->recipe);
        else
            task->must = plan->reports[i];
        task->needed = task->must;
    }
    for (size_t o = plan->n_order; o-- > 0;) /* readers stand behind what they read */
        for (size_t k = 0; k < plan->n_edges; k++) {
            const struct edge *e = &plan->edges[k];
            if (e->from == plan->order[o] && e->stream && run->tasks[e->to].needed && plan->component[e->from] >= from)
                run->tasks[e->from].needed = true;
        }
}

static bool component_needed(const struct run *run, size_t k)
{
    for (size_t o = run->plan->start[k]; o < run->plan->start[k + 1]; o++)
        if (run->tasks[run->plan->order[o]].needed)
            return true;
    return false;
}

static void note_skipped(const struct run *run, size_t k)
{
    const struct plan *plan = run->plan;
    struct buf text = {0};
    for (size_t o = plan->start[k]; o < plan->start[k + 1]; o++) {
        const struct stage *s = &plan->pipeline->stages[plan->order[o]];
        if (s->n_files && !run->tasks[plan->order[o]].must)
            buf_printf(&text, "%s%s", text.len ? ", " : "", s->name);
    }
    if (text.len) {
        buf_text(&text, ": up to date");
        run->events->note(run->events->context, buf_string(&text));
    }
    buf_free(&text);
}

/* Spools that no later component reads are given back. */
static void drop_spools(struct run *run, size_t done)
{
    const struct plan *plan = run->plan;
    for (size_t o = 0; o < plan->n_order; o++) {
        struct task *task = &run->tasks[plan->order[o]];
        bool awaited = false;
        for (size_t k = 0; k < plan->n_edges; k++)
            awaited |= plan->edges[k].from == plan->order[o] && plan->edges[k].spooled &&
                       plan->component[plan->edges[k].to] > done;
        if (task->spool >= 0 && !awaited) {
            close(task->spool);
            task->spool = -1;
        }
    }
}

static int run_components(struct run *run, struct err *e)
{
    int result = 0;
    for (size_t k = 0; result == 0 && k < run->plan->n_components; k++) {
        forecast(run, k);
        note_skipped(run, k);
        if (component_needed(run, k))
            result = component_run(run, k, e);
        for (size_t o = run->plan->start[k]; o < run->plan->start[k + 1]; o++)
            run->tasks[run->plan->order[o]].must = run->tasks[run->plan->order[o]].needed =
                false; /* its files are final */
        drop_spools(run, result < 0 ? run->plan->n_components : k);
    }
    struct err later = {0};
    if (state_save(&run->state, result < 0 ? &later : e) < 0)
        result = -1;
    return result;
}

/* Signals are waited for, not handled: nothing is interrupted. What was ignored stays ignored (nohup). */
static void watch_signals(struct run *run)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    sigemptyset(&run->watched);
    sigaddset(&run->watched, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (sigaction(stops[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(&run->watched, stops[i]);
    pthread_sigmask(SIG_BLOCK, &run->watched, &run->mask);
}

static void put_on_path(const char *tools)
{
    const char *path = getenv("PATH");
    char *longer = mem_printf("%s%s%s", tools, path ? ":" : "", path ? path : "");
    setenv("PATH", longer, 1);
    free(longer);
}

int pipeline_run(const struct plan *plan, const struct run_options *options, const struct run_events *events,
                 int *signal, struct faults *faults, struct err *e)
{
    const struct pipeline *p = plan->pipeline;
    struct run run = {.plan = plan, .options = options, .events = events};
    if (chdir(p->base) < 0)
        return err_system(e, "%s", p->base);
    if (options->tools)
        put_on_path(options->tools);
    run.tasks = mem_get(p->n_stages, sizeof *run.tasks);
    for (size_t i = 0; i < p->n_stages; i++)
        run.tasks[i].spool = -1;
    int result = check_needs(&run, faults, e);
    if (result == 0 && (result = state_open(&run.state, p, e)) == 0) {
        watch_signals(&run);
        process_adopt();
        result = run_components(&run, e);
        state_close(&run.state);
        pthread_sigmask(SIG_SETMASK, &run.mask, NULL);
    }
    *signal = run.signal;
    for (size_t i = 0; i < p->n_stages; i++) {
        free(run.tasks[i].program);
        if (run.tasks[i].spool >= 0)
            close(run.tasks[i].spool);
    }
    free(run.tasks);
    return result;
}
