/* pipeline_script: a plan as a POSIX shell script that runs without the runner.
 *
 * Every stage is a background process that opens its pipes by name and tells its end on descriptor 9; so the
 * script learns which stage failed first, whatever its place in the pipe, without `pipefail`. */
#include "app/pipeline.h"

#include <stdint.h>
#include <string.h>

static const char prologue[] =
    "self=${0##*/} cause= hidden= left=0 timer=\n"
    "tmp=${TMPDIR:-/tmp}/runnel-$$\n"
    "(umask 077 && mkdir \"$tmp\")\n"
    "mkfifo \"$tmp/events\"\n"
    "exec 9<>\"$tmp/events\"\n"
    "\n"
    "# Sends a signal to the stages that have not ended.\n"
    "signal_stages() {\n"
    "    for pid in \"$tmp\"/pid-*; do\n"
    "        [ ! -s \"$pid\" ] || kill -s \"$1\" \"$(cat \"$pid\")\" 2>/dev/null || :\n"
    "    done\n"
    "}\n"
    "\n"
    "clean_up() {\n"
    "    trap '' INT TERM HUP\n"
    "    signal_stages KILL\n"
    "    [ -z \"$timer\" ] || kill \"$timer\" 2>/dev/null || :\n"
    "    for file in $hidden; do\n"
    "        eval \"rm -rf -- \\\"\\$at_$file\\\"\"\n"
    "    done\n"
    "    rm -rf -- \"$tmp\"\n"
    "}\n"
    "trap clean_up EXIT\n"
    "trap 'signal_stages TERM; sleep 1; exit 130' INT\n"
    "trap 'signal_stages TERM; sleep 1; exit 143' TERM\n"
    "trap 'signal_stages TERM; sleep 1; exit 129' HUP\n"
    "\n"
    "fail() { # status, message\n"
    "    echo \"$self: $2\" >&2\n"
    "    exit \"$1\"\n"
    "}\n"
    "\n"
    "# hide FILE TARGET: path_FILE is where that file is written until its component has succeeded.\n"
    "hide() {\n"
    "    case $2 in */*) dir=${2%/*} ;; *) dir=. ;; esac\n"
    "    mkdir -p -- \"$dir/\"\n"
    "    [ ! -d \"$2\" ] || fail 1 \"$2: is a directory (name a file in it)\"\n"
    "    if [ -e \"$2\" ] && [ ! -f \"$2\" ]; then\n"
    "        eval \"path_$1=\\$2 at_$1=\"\n"
    "    else\n"
    "        mkdir -- \"$dir/.runnel-$$-$1\"\n"
    "        eval \"path_$1=\\$dir/.runnel-$$-$1/\\${2##*/} at_$1=\\$dir/.runnel-$$-$1\"\n"
    "        hidden=\"$hidden $1\"\n"
    "    fi\n"
    "}\n"
    "\n"
    "# written FILE TARGET STAGE, then publish FILE TARGET: in two rounds, so that all appear or none.\n"
    "written() {\n"
    "    eval \"[ -e \\\"\\$path_$1\\\" ]\" || fail 1 \"stage '$3' ended well but has not written '$2'\"\n"
    "}\n"
    "publish() {\n"
    "    eval \"[ -z \\\"\\$at_$1\\\" ] || mv -f -- \\\"\\$path_$1\\\" \\\"\\$2\\\"\"\n"
    "}\n"
    "\n"
    "# start NUMBER NAME: runs the function stage_NUMBER in the background.\n"
    "start() {\n"
    "    left=$((left + 1))\n"
    "    eval \"name_$1=\\$2\"\n"
    "    (\n"
    "        trap - EXIT INT HUP\n"
    "        trap : TERM\n"
    "        \"stage_$1\" &\n"
    "        child=$! status=0\n"
    "        echo \"$child\" > \"$tmp/pid-$1\"\n"
    "        wait \"$child\" || status=$?\n"
    "        rm -f -- \"$tmp/pid-$1\"\n"
    "        echo \"$1 $status\" >&9\n"
    "    ) &\n"
    "}\n"
    "\n"
    "# Waits for all that were started. After a failure the others are stopped: nobody waits for ever. Status 69 says "
    "that\n"
    "# what a stage reads has failed, 141 that its reader has ended: those are judged when all have ended.\n"
    "settle() {\n"
    "    while [ \"$left\" -gt 0 ]; do\n"
    "        read -r number status <&9\n"
    "        [ \"$number\" != late ] || { signal_stages KILL; continue; }\n"
    "        left=$((left - 1))\n"
    "        [ \"$number\" != armed ] || continue\n"
    "        eval \"status_$number=$status\"\n"
    "        case $status in 0 | 69 | 141) continue ;; esac\n"
    "        [ -z \"$cause\" ] || continue\n"
    "        cause=$number\n"
    "        signal_stages TERM\n"
    "        (\n"
    "            trap - EXIT INT HUP\n"
    "            sleep 1 &\n"
    "            child=$!\n"
    "            trap 'kill \"$child\"' TERM\n"
    "            echo 'armed 0' >&9\n"
    "            wait \"$child\" && echo 'late 0' >&9\n"
    "        ) &\n"
    "        timer=$! left=$((left + 1))\n"
    "    done\n"
    "}\n"
    "\n"
    "# accept NUMBER READER: dying of SIGPIPE is in order when the reader had all it wanted.\n"
    "accept() {\n"
    "    eval \"[ \\\"\\$status_$1 \\$status_$2\\\" != '141 0' ] || status_$1=0\"\n"
    "}\n"
    "\n"
    "# check NUMBER...: exits with the status of the first cause, if there is one.\n"
    "check() {\n"
    "    for number; do\n"
    "        [ -z \"$cause\" ] || break\n"
    "        eval \"[ \\\"\\$status_$number\\\" != 69 ]\" || cause=$number\n"
    "    done\n"
    "    for number; do\n"
    "        [ -z \"$cause\" ] || break\n"
    "        eval \"[ \\\"\\$status_$number\\\" = 0 ]\" || cause=$number\n"
    "    done\n"
    "    [ -z \"$cause\" ] || eval \"fail \\\"\\$status_$cause\\\" \\\"stage '\\$name_$cause' ended with status "
    "\\$status_$cause\\\"\"\n"
    "}\n";

/* Stages and files are numbered from 1 in the plan's order. */
struct script {
    const struct plan *plan;
    size_t number[PIPELINE_MAX_STAGES];
    struct buf *out;
};

static const struct edge *edge_from(const struct plan *plan, size_t stage)
{
    for (size_t k = 0; k < plan->n_edges; k++)
        if (plan->edges[k].from == stage && plan->edges[k].stream)
            return &plan->edges[k];
    return NULL;
}

static void add_word(const struct script *s, size_t stage, const struct word *w)
{
    const struct stage *st = &s->plan->pipeline->stages[stage];
    struct buf text = {0};
    for (size_t i = 0; i < w->n; i++) {
        const struct part *part = &w->parts[i];
        if (part->kind == PART_OUT) {
            buf_printf(s->out, "\"$path_%zu_%zu\"", s->number[stage], part->index);
            continue;
        }
        const struct word one = {(struct part *)part, 1};
        buf_clear(&text);
        word_text(s->plan->pipeline, st, &one, NULL, &text);
        words_quote(buf_string(&text), s->out);
    }
    buf_free(&text);
}

/* What a stage reads on a descriptor. */
static void add_source(const struct script *s, const struct origin *o)
{
    struct buf path = {0};
    if (o->kind == ORIGIN_NONE) {
        buf_text(s->out, "/dev/null");
    } else if (o->kind == ORIGIN_STREAM) {
        buf_printf(s->out, "\"$tmp/stream-%zu\"", s->number[o->index]);
    } else {
        pipeline_origin_path(s->plan->pipeline, o, &path);
        words_quote(buf_string(&path), s->out);
    }
    buf_free(&path);
}

static void add_stage(const struct script *s, size_t stage)
{
    const struct stage *st = &s->plan->pipeline->stages[stage];
    size_t number = s->number[stage];
    buf_printf(s->out, "stage_%zu() {\n    exec", number);
    for (size_t w = 0; w < st->n_words; w++) {
        buf_char(s->out, ' ');
        add_word(s, stage, &st->words[w]);
    }
    buf_text(s->out, " \\\n        < ");
    add_source(s, &st->in);
    for (size_t i = 0; i < st->n_fds; i++) {
        buf_printf(s->out, " %zu< ", PIPELINE_FIRST_FD + i);
        add_source(s, &st->fds[i]);
    }
    if (stage_captures(st))
        buf_printf(s->out, " > \"$path_%zu_0\"", number);
    else if (edge_from(s->plan, stage))
        buf_printf(s->out, " > \"$tmp/stream-%zu\"", number);
    else if (s->plan->reports[stage])
        buf_printf(s->out, " > \"$tmp/report-%zu\"", number);
    else
        buf_text(s->out, " > /dev/null");
    buf_text(s->out, " 9>&-\n}\n");
}

/* Where files and pipes of a stage are made before it starts. */
static void add_places(const struct script *s, size_t stage)
{
    const struct pipeline *p = s->plan->pipeline;
    const struct stage *st = &p->stages[stage];
    const struct edge *edge = edge_from(s->plan, stage);
    struct buf path = {0};
    if (edge && !edge->spooled)
        buf_printf(s->out, "mkfifo \"$tmp/stream-%zu\"\n", s->number[stage]);
    for (size_t i = 0; i < st->n_files + st->n_keeps; i++) {
        const struct named *f = i < st->n_files ? &st->files[i] : &st->keeps[i - st->n_files];
        buf_clear(&path);
        pipeline_output_path(p, f->value, &path);
        char *slash = strrchr(buf_string(&path), '/');
        if (i < st->n_files)
            buf_printf(s->out, "hide %zu_%zu ", s->number[stage], i);
        else if (slash)
            buf_text(s->out, "mkdir -p -- ");
        else
            continue;
        if (i >= st->n_files)
            slash[slash == path.data] = 0;
        words_quote(path.data, s->out);
        buf_char(s->out, '\n');
    }
    buf_free(&path);
}

/* At the end of a group's last component: renames the group's files, after looking whether all are there, and
 * shows what was printed. */
static void add_end(const struct script *s, size_t component)
{
    const struct plan *plan = s->plan;
    const struct pipeline *p = plan->pipeline;
    struct buf path = {0};
    size_t first = component, end = plan->start[component + 1];
    if (component + 1 < plan->n_components && plan->group[component + 1] == plan->group[component])
        return;
    while (first && plan->group[first - 1] == plan->group[component])
        first--;
    for (int round = 0; round < 2; round++)
        for (size_t o = plan->start[first]; o < end; o++) {
            const struct stage *st = &p->stages[plan->order[o]];
            for (size_t i = 0; i < st->n_files; i++) {
                buf_clear(&path);
                pipeline_output_path(p, st->files[i].value, &path);
                buf_printf(s->out, "%s %zu_%zu ", round ? "publish" : "written", o + 1, i);
                words_quote(buf_string(&path), s->out);
                buf_printf(s->out, round ? "\n" : " %s\n", st->name);
            }
        }
    for (size_t o = plan->start[first]; o < end; o++) {
        const struct stage *st = &p->stages[plan->order[o]];
        for (size_t i = 0; i < st->n_keeps; i++) {
            buf_clear(&path);
            pipeline_output_path(p, st->keeps[i].value, &path);
            buf_text(s->out, "rm -f -- ");
            words_quote(buf_string(&path), s->out);
            buf_char(s->out, '\n');
        }
    }
    for (size_t o = plan->start[first]; o < end; o++)
        if (plan->reports[plan->order[o]])
            buf_printf(s->out, "cat \"$tmp/report-%zu\"\n", o + 1);
    buf_free(&path);
}

static void add_component(const struct script *s, size_t component)
{
    const struct plan *plan = s->plan;
    const struct pipeline *p = plan->pipeline;
    size_t first = plan->start[component], end = plan->start[component + 1];
    buf_printf(s->out, "\n# ---- %zu", component + 1);
    for (size_t o = first; o < end; o++)
        buf_printf(s->out, "%s %s", o == first ? ":" : ",", p->stages[plan->order[o]].name);
    buf_text(s->out, "\n");
    for (size_t o = first; o < end; o++)
        add_places(s, plan->order[o]);
    for (size_t o = first; o < end; o++)
        add_stage(s, plan->order[o]);
    for (size_t o = first; o < end; o++)
        buf_printf(s->out, "start %zu %s\n", o + 1, p->stages[plan->order[o]].name);
    buf_text(s->out, "settle\n");
    for (size_t o = end; o-- > first;) { /* readers first: one that was accepted excuses what it reads */
        const struct edge *e = edge_from(plan, plan->order[o]);
        if (e && !e->spooled && !p->stages[e->to].whole && !p->stages[e->from].n_files)
            buf_printf(s->out, "accept %zu %zu\n", o + 1, s->number[e->to]);
    }
    buf_text(s->out, "check");
    for (size_t o = first; o < end; o++)
        buf_printf(s->out, " %zu", o + 1);
    buf_char(s->out, '\n');
    add_end(s, component);
}

void plan_script(const struct plan *plan, const char *tools, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    struct script s = {.plan = plan, .out = out};
    for (size_t o = 0; o < plan->n_order; o++)
        s.number[plan->order[o]] = o + 1;
    buf_text(out, "#!/bin/sh\n# A pipeline without its runner: runs everything, skips nothing.\nset -eu\n");
    if (p->base) {
        buf_text(out, "cd ");
        words_quote(p->base, out);
        buf_text(out, "\n");
    }
    if (tools) {
        buf_text(out, "PATH=");
        words_quote(tools, out);
        buf_text(out, ":$PATH\nexport PATH\n");
    }
    buf_text(out, prologue);
    for (size_t c = 0; c < plan->n_components; c++)
        add_component(&s, c);
}
