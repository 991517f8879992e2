/* pipeline_show: a plan for people, and for Graphviz. */
#include "app/pipeline.h"

#include <stdint.h>
#include <string.h>

/* The command and where it reads and writes, as a shell would have it. */
static void add_stage(const struct plan *plan, size_t stage, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    const struct stage *s = &p->stages[stage];
    stage_command(p, s, out);
    if (s->in.kind == ORIGIN_INPUT || s->in.kind == ORIGIN_FILE) {
        buf_text(out, " < ");
        pipeline_origin_path(p, &s->in, out);
    }
    for (size_t i = 0; i < s->n_fds; i++)
        if (s->fds[i].kind != ORIGIN_STREAM) {
            buf_printf(out, " %zu< ", PIPELINE_FIRST_FD + i);
            pipeline_origin_path(p, &s->fds[i], out);
        }
    if (stage_captures(s)) {
        buf_text(out, " > ");
        pipeline_output_path(p, s->files[0].value, out);
    }
}

static void add_edges(const struct plan *plan, size_t stage, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    size_t readers = 0;
    for (size_t k = 0; k < plan->n_edges; k++)
        readers += plan->edges[k].from == stage && plan->edges[k].stream && !plan->edges[k].spooled;
    for (size_t k = 0; k < plan->n_edges; k++) {
        const struct edge *e = &plan->edges[k];
        if (e->from != stage || !e->stream)
            continue;
        buf_printf(out, "        %s %s",
                   e->spooled    ? "spool to"
                   : readers > 1 ? "tee to"
                                 : "pipe to",
                   p->stages[e->to].name);
        if (e->slot >= 0)
            buf_printf(out, " (descriptor %d)", PIPELINE_FIRST_FD + e->slot);
        if (e->spooled) {
            buf_text(out, ": ");
            plan_why(plan, e, out);
        }
        buf_char(out, '\n');
    }
    if (plan->reports[stage])
        buf_text(out, "        prints to standard output\n");
}

static void add_files(const struct plan *plan, size_t stage, struct buf *out)
{
    const struct stage *s = &plan->pipeline->stages[stage];
    for (size_t i = 0; i < s->n_files + s->n_keeps; i++) {
        const struct named *f = i < s->n_files ? &s->files[i] : &s->keeps[i - s->n_files];
        buf_text(out, i < s->n_files ? "        makes " : "        keeps ");
        pipeline_output_path(plan->pipeline, f->value, out);
        buf_char(out, '\n');
    }
}

void plan_text(const struct plan *plan, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    buf_printf(out, "%zu stage%s in %zu component%s\n", plan->n_order, plan->n_order == 1 ? "" : "s",
               plan->n_components, plan->n_components == 1 ? "" : "s");
    for (size_t c = 0; c < plan->n_components; c++) {
        size_t n = plan->start[c + 1] - plan->start[c];
        buf_printf(out, "\n%zu. %s\n", c + 1, n > 1 ? "at once" : "alone");
        for (size_t o = plan->start[c]; o < plan->start[c + 1]; o++) {
            size_t stage = plan->order[o];
            buf_printf(out, "    %s: ", p->stages[stage].name);
            add_stage(plan, stage, out);
            buf_char(out, '\n');
            add_edges(plan, stage, out);
            add_files(plan, stage, out);
        }
    }
}

/* A string of the dot language. */
static void add_string(const char *text, struct buf *out)
{
    buf_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_char(out, '\\');
        buf_char(out, *text == '\n' ? ' ' : *text);
    }
    buf_char(out, '"');
}

static void dot_input_edge(const struct plan *plan, const struct origin *o, size_t stage, struct buf *out)
{
    if (o->kind == ORIGIN_INPUT)
        buf_printf(out, "  \"input %s\" -> \"%s\" [style=dotted];\n", plan->pipeline->inputs[o->index].name,
                   plan->pipeline->stages[stage].name);
    else if (o->kind == ORIGIN_FILE) {
        const struct stage *from = &plan->pipeline->stages[o->index];
        buf_printf(out, "  \"%s.%s\" -> \"%s\" [style=dotted];\n", from->name, from->files[o->file].name,
                   plan->pipeline->stages[stage].name);
    }
}

/* The inputs and files a stage reads, and the files it makes. */
static void dot_files(const struct plan *plan, size_t stage, struct buf *out)
{
    const struct stage *s = &plan->pipeline->stages[stage];
    dot_input_edge(plan, &s->in, stage, out);
    for (size_t i = 0; i < s->n_fds; i++)
        dot_input_edge(plan, &s->fds[i], stage, out);
    for (size_t w = 0; w < s->n_words; w++)
        for (size_t i = 0; i < s->words[w].n; i++)
            if (s->words[w].parts[i].kind == PART_FILE)
                dot_input_edge(plan, &s->words[w].parts[i].origin, stage, out);
    for (size_t i = 0; i < s->n_files; i++) {
        buf_printf(out, "  \"%s.%s\" [shape=note, label=", s->name, s->files[i].name);
        add_string(s->files[i].value, out);
        buf_printf(out, "];\n  \"%s\" -> \"%s.%s\" [style=dotted];\n", s->name, s->name, s->files[i].name);
    }
}

void plan_dot(const struct plan *plan, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    buf_text(out, "digraph ");
    add_string(p->name ? p->name : "pipeline", out);
    buf_text(out, " {\n  rankdir=LR;\n  node [shape=box];\n");
    for (size_t i = 0; i < p->n_inputs; i++) {
        buf_printf(out, "  \"input %s\" [shape=note, label=", p->inputs[i].name);
        add_string(p->inputs[i].value, out);
        buf_text(out, "];\n");
    }
    for (size_t c = 0; c < plan->n_components; c++) {
        buf_printf(out, "  subgraph cluster_%zu {\n    label=\"%zu\";\n", c + 1, c + 1);
        for (size_t o = plan->start[c]; o < plan->start[c + 1]; o++)
            buf_printf(out, "    \"%s\";\n", p->stages[plan->order[o]].name);
        buf_text(out, "  }\n");
    }
    for (size_t o = 0; o < plan->n_order; o++)
        dot_files(plan, plan->order[o], out);
    for (size_t k = 0; k < plan->n_edges; k++) {
        const struct edge *e = &plan->edges[k];
        if (e->stream)
            buf_printf(out, "  \"%s\" -> \"%s\" [%s];\n", p->stages[e->from].name, p->stages[e->to].name,
                       e->spooled ? "style=dashed, label=spool" : "style=bold");
    }
    buf_text(out, "}\n");
}
