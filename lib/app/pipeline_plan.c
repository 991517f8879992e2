/* pipeline_plan: which stages run together, in which order, and which streams have to be kept for later.
 *
 * Stages joined by streams run at once: they are a component. A stage may not run together with one whose file it
 * needs, directly or not, nor read two streams that come from one stage (the two readers could wait for each other
 * for ever). Where that would happen, the streams into the later stages are spooled, which cuts the component in
 * two, until no such place is left. */
#include "app/pipeline.h"

#include "base/mem.h"
#include "base/opt.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = PIPELINE_MAX_STAGES };

/* A set of stages or components. */
struct set {
    uint64_t bits[STAGES / 64];
};

static bool has(const struct set *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

static void include(struct set *s, size_t i)
{
    s->bits[i / 64] |= 1ull << (i % 64);
}

static void unite(struct set *s, const struct set *t)
{
    for (size_t i = 0; i < STAGES / 64; i++)
        s->bits[i] |= t->bits[i];
}

static bool meet(const struct set *s, const struct set *t)
{
    for (size_t i = 0; i < STAGES / 64; i++)
        if (s->bits[i] & t->bits[i])
            return true;
    return false;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------ */

static void add_edge(struct plan *plan, const struct origin *from, size_t to, int slot)
{
    if (from->kind != ORIGIN_STREAM && from->kind != ORIGIN_FILE)
        return;
    for (size_t k = plan->n_edges; from->kind == ORIGIN_FILE && k-- > 0 && plan->edges[k].to == to;)
        if (plan->edges[k].from == from->index && !plan->edges[k].stream)
            return;
    plan->edges = mem_grow(plan->edges, plan->n_edges + 1, sizeof *plan->edges);
    plan->edges[plan->n_edges++] =
        (struct edge){.from = from->index, .to = to, .stream = from->kind == ORIGIN_STREAM, .slot = slot};
}

static void find_edges(struct plan *plan)
{
    const struct pipeline *p = plan->pipeline;
    for (size_t i = 0; i < p->n_stages; i++) {
        const struct stage *s = &p->stages[i];
        add_edge(plan, &s->in, i, -1);
        for (size_t k = 0; k < s->n_fds; k++)
            add_edge(plan, &s->fds[k], i, (int)k);
        for (size_t w = 0; w < s->n_words; w++)
            for (size_t k = 0; k < s->words[w].n; k++)
                if (s->words[w].parts[k].kind == PART_FILE)
                    add_edge(plan, &s->words[w].parts[k].origin, i, -1);
    }
}

static void want(struct plan *plan, size_t stage)
{
    if (plan->wanted[stage])
        return;
    plan->wanted[stage] = true;
    for (size_t i = 0; i < plan->n_edges; i++)
        if (plan->edges[i].to == stage)
            want(plan, plan->edges[i].from);
}

/* A stage that no other reads reports; so does a stream asked for by name whose readers are not wanted. */
static void find_reports(struct plan *plan, char **named, size_t n_named)
{
    const struct pipeline *p = plan->pipeline;
    for (size_t i = 0; i < p->n_stages; i++) {
        bool read = false, read_now = false, asked = false;
        for (size_t k = 0; k < plan->n_edges; k++)
            if (plan->edges[k].from == i && plan->edges[k].stream) {
                read = true;
                read_now |= plan->wanted[plan->edges[k].to];
            }
        for (size_t k = 0; k < n_named; k++)
            asked |= !strcmp(named[k], p->stages[i].name);
        plan->reports[i] = plan->wanted[i] && !stage_captures(&p->stages[i]) && (!read || (asked && !read_now));
    }
}

static void drop_unwanted_edges(struct plan *plan)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->n_edges; i++)
        if (plan->wanted[plan->edges[i].to])
            plan->edges[kept++] = plan->edges[i];
    plan->n_edges = kept;
}

/* ---- Components ------------------------------------------------------------------------------------------------- */

struct cutter {
    struct plan *plan;
    size_t n;                 /* stages */
    size_t first[STAGES + 1]; /* edges into stage i: first[i] .. first[i + 1] - 1 */
    size_t order[STAGES];     /* all wanted stages, each after what it reads */
    size_t n_order;
    size_t component[STAGES];      /* of a stage: its first stage */
    struct set after[STAGES];      /* components that come after one, by files and spools */
    struct set feeds_from[STAGES]; /* the stages whose live streams reach a stage */
    bool late[STAGES];             /* cannot run together with its component */
    struct reason {
        size_t stage, edge, from;
    } reason[STAGES];
};

static bool live(const struct edge *e)
{
    return e->stream && !e->spooled;
}

/* Edges were found stage by stage, so those into one stage stand together. */
static void index_edges(struct cutter *c)
{
    size_t k = 0;
    for (size_t i = 0; i <= c->n; i++) {
        c->first[i] = k;
        while (i < c->n && k < c->plan->n_edges && c->plan->edges[k].to == i)
            k++;
    }
}

/* Stages in the order of the file, each after all it needs. The graph has no cycle. */
static void sort_stages(struct cutter *c)
{
    bool done[STAGES] = {0};
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < c->n; i++) {
            bool ready = c->plan->wanted[i] && !done[i];
            for (size_t k = c->first[i]; ready && k < c->first[i + 1]; k++)
                ready = done[c->plan->edges[k].from];
            if (ready) {
                c->order[c->n_order++] = i;
                done[i] = more = true;
            }
        }
    }
}

static void find_components(struct cutter *c)
{
    const struct plan *plan = c->plan;
    for (size_t i = 0; i < c->n; i++)
        c->component[i] = i;
    for (size_t k = 0; k < plan->n_edges; k++) {
        size_t a = c->component[plan->edges[k].from], b = c->component[plan->edges[k].to];
        size_t low = a < b ? a : b, high = a < b ? b : a;
        for (size_t i = 0; live(&plan->edges[k]) && low != high && i < c->n; i++)
            if (c->component[i] == high)
                c->component[i] = low;
    }
    memset(c->after, 0, sizeof c->after);
    for (size_t k = 0; k < plan->n_edges; k++)
        if (!live(&plan->edges[k]))
            include(&c->after[c->component[plan->edges[k].from]], c->component[plan->edges[k].to]);
    for (size_t via = 0; via < c->n; via++) /* Warshall */
        for (size_t i = 0; i < c->n; i++)
            if (has(&c->after[i], via))
                unite(&c->after[i], &c->after[via]);
}

/* Does a stage read two live streams that come from one stage? */
static bool reads_twice(const struct cutter *c, size_t stage, size_t *from)
{
    const struct plan *plan = c->plan;
    struct set seen = {0};
    for (size_t k = c->first[stage]; k < c->first[stage + 1]; k++) {
        const struct edge *e = &plan->edges[k];
        if (!live(e))
            continue;
        struct set sources = c->feeds_from[e->from];
        include(&sources, e->from);
        if (meet(&seen, &sources)) {
            for (size_t i = c->n_order; i-- > 0;) /* the nearest */
                if (has(&seen, c->order[i]) && has(&sources, c->order[i])) {
                    *from = c->order[i];
                    return true;
                }
        }
        unite(&seen, &sources);
    }
    return false;
}

/* Finds the stages that cannot run with their components, and why. */
static bool find_late(struct cutter *c)
{
    const struct plan *plan = c->plan;
    bool any = false;
    memset(c->late, 0, sizeof c->late);
    memset(c->feeds_from, 0, sizeof c->feeds_from);
    for (size_t o = 0; o < c->n_order; o++) {
        size_t s = c->order[o], from = 0;
        for (size_t k = c->first[s]; k < c->first[s + 1]; k++) {
            const struct edge *e = &plan->edges[k];
            size_t mine = c->component[s], other = c->component[e->from];
            if (live(e)) {
                unite(&c->feeds_from[s], &c->feeds_from[e->from]);
                include(&c->feeds_from[s], e->from);
                if (c->late[e->from] && !c->late[s]) {
                    c->late[s] = true;
                    c->reason[s] = c->reason[e->from];
                }
            } else if (other == mine || has(&c->after[mine], other)) {
                c->late[s] = true;
                c->reason[s] = (struct reason){s, k, 0};
            }
        }
        if (!c->late[s] && reads_twice(c, s, &from)) {
            c->late[s] = true;
            c->reason[s] = (struct reason){s, SIZE_MAX, from};
        }
        any |= c->late[s];
    }
    return any;
}

/* A stage that starts a stream for late readers alone may as well start late itself: nothing is spooled then. */
static void move_sources(struct cutter *c, size_t component)
{
    const struct plan *plan = c->plan;
    size_t early = 0;
    bool moved[STAGES] = {0};
    for (size_t i = 0; i < c->n; i++) {
        if (!plan->wanted[i] || c->component[i] != component || c->late[i])
            continue;
        bool can = !plan->pipeline->stages[i].n_files, read = false;
        for (size_t k = 0; can && k < plan->n_edges; k++) {
            const struct edge *e = &plan->edges[k];
            read |= live(e) && e->from == i;
            can = (!live(e) || e->to != i) && (e->from != i || (live(e) && c->late[e->to]));
        }
        moved[i] = can && read;
        /* one that is read by two ways stays early: moving it would move the whole fork */
        for (size_t k = 0; moved[i] && k < plan->n_edges; k++)
            if (plan->edges[k].from == i && c->reason[plan->edges[k].to].edge == SIZE_MAX)
                moved[i] = false;
        early += !moved[i];
    }
    for (size_t i = 0; early && i < c->n; i++)
        c->late[i] |= moved[i];
}

/* Cuts one component with late stages between these and the others. There is one that has others, since no stage
 * needs itself: that of the late component's first stage by the order in which all could run one by one. */
static void cut(struct cutter *c)
{
    struct plan *plan = c->plan;
    bool done = false;
    for (size_t first = 0; first < c->n && !done; first++) {
        bool any_late = false, any_early = false;
        for (size_t i = 0; i < c->n; i++)
            if (plan->wanted[i] && c->component[i] == first)
                *(c->late[i] ? &any_late : &any_early) = true;
        if (!any_late || !any_early)
            continue;
        move_sources(c, first);
        for (size_t k = 0; k < plan->n_edges; k++) {
            struct edge *e = &plan->edges[k];
            if (!live(e) || c->component[e->from] != first || c->late[e->from] || !c->late[e->to])
                continue;
            e->spooled = true;
            e->why_stage = c->reason[e->to].stage;
            e->why_edge = c->reason[e->to].edge;
            e->why_from = c->reason[e->to].from;
        }
        done = true;
    }
    assert(done);
}

/* The component to run next: of the lowest group, one that waits for nobody; among those the first in the file. */
static size_t next_component(const struct cutter *c, const size_t *group, const bool *done)
{
    size_t next = SIZE_MAX;
    for (size_t o = 0; o < c->n_order; o++) {
        size_t candidate = c->component[c->order[o]];
        bool ready = !done[candidate] && (next == SIZE_MAX || group[candidate] < group[next]);
        for (size_t i = 0; ready && i < c->n; i++)
            ready = !c->plan->wanted[i] || c->component[i] != i || done[i] || !has(&c->after[i], candidate);
        if (ready)
            next = candidate;
    }
    assert(next != SIZE_MAX);
    return next;
}

/* Numbers the components in an order in which they can run and fills plan->order, start and group. `group`: of
 * each stage. */
static void order_components(struct cutter *c, const size_t *group)
{
    struct plan *plan = c->plan;
    bool done[STAGES] = {0};
    plan->n_order = plan->n_components = 0;
    while (plan->n_order < c->n_order) {
        size_t next = next_component(c, group, done);
        done[next] = true;
        plan->group[plan->n_components] = group[next];
        plan->start[plan->n_components] = plan->n_order;
        for (size_t o = 0; o < c->n_order; o++)
            if (c->component[c->order[o]] == next) {
                plan->component[c->order[o]] = plan->n_components;
                plan->order[plan->n_order++] = c->order[o];
            }
        plan->start[++plan->n_components] = plan->n_order;
    }
}

/* Cuts until every component can run, and orders them. */
static void cut_and_order(struct cutter *c, const size_t *group)
{
    for (find_components(c); find_late(c); find_components(c))
        cut(c);
    order_components(c, group);
}

/* Spools every stream that several stages read. */
static void avoid_tees(struct plan *plan)
{
    for (size_t k = 0; k < plan->n_edges; k++)
        for (size_t i = 0; i < k; i++) {
            struct edge *a = &plan->edges[i], *b = &plan->edges[k];
            if (a->stream && b->stream && a->from == b->from)
                a->spooled = b->spooled = true;
        }
}

struct plan *plan_make(const struct pipeline *p, char **stages, size_t n_stages, bool tees, struct err *e)
{
    struct plan *plan = mem_get(1, sizeof *plan);
    plan->pipeline = p;
    plan->wanted = mem_get(p->n_stages, sizeof *plan->wanted);
    plan->reports = mem_get(p->n_stages, sizeof *plan->reports);
    plan->component = mem_get(p->n_stages, sizeof *plan->component);
    plan->order = mem_get(p->n_stages, sizeof *plan->order);
    plan->group = mem_get(p->n_stages, sizeof *plan->group);
    plan->start = mem_get(p->n_stages + 1, sizeof *plan->start);
    find_edges(plan);
    for (size_t i = 0; i < (n_stages ? n_stages : p->n_stages); i++) {
        size_t stage = n_stages ? pipeline_stage(p, stages[i]) : i;
        if (stage == SIZE_MAX) {
            struct buf list = {0};
            char near[PIPELINE_MAX_NAME * 2];
            for (size_t k = 0; k < p->n_stages; k++)
                buf_printf(&list, "%s%s", k ? "|" : "", p->stages[k].name);
            if (opt_nearest(stages[i], buf_string(&list), near, sizeof near))
                err_fail(e, STATUS_MISUSED, "the pipeline has no stage '%s' (did you mean '%s'?)", stages[i], near);
            else
                err_fail(e, STATUS_MISUSED, "the pipeline has no stage '%s' (runnel plan lists them)", stages[i]);
            buf_free(&list);
            plan_free(plan);
            return NULL;
        }
        want(plan, stage);
    }
    find_reports(plan, stages, n_stages);
    drop_unwanted_edges(plan);
    struct cutter *c = mem_get(1, sizeof *c);
    c->plan = plan;
    c->n = p->n_stages;
    index_edges(c);
    sort_stages(c);
    size_t group[STAGES] = {0};
    cut_and_order(c, group);
    memcpy(group, plan->component, p->n_stages * sizeof *group);
    if (!tees) {
        avoid_tees(plan);
        cut_and_order(c, group);
    }
    free(c);
    return plan;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    free(plan->wanted);
    free(plan->reports);
    free(plan->edges);
    free(plan->order);
    free(plan->component);
    free(plan->start);
    free(plan->group);
    free(plan);
}

void plan_why(const struct plan *plan, const struct edge *edge, struct buf *out)
{
    const struct pipeline *p = plan->pipeline;
    const char *stage = p->stages[edge->why_stage].name;
    if (edge->why_stage != edge->to)
        buf_printf(out, "%s runs together with %s, and ", p->stages[edge->to].name, stage);
    if (edge->why_edge == SIZE_MAX) {
        buf_printf(out, "%s reads %s by two ways that could wait for each other", stage,
                   p->stages[edge->why_from].name);
        return;
    }
    const struct edge *need = &plan->edges[edge->why_edge];
    if (need->stream)
        buf_printf(out, "%s reads %s, which ends only later", stage, p->stages[need->from].name);
    else
        buf_printf(out, "%s needs a file that %s makes only later", stage, p->stages[need->from].name);
}
