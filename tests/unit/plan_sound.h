/* Whether a plan can run: what the unit test asks of random pipelines and the fuzz target of all it comes upon. */
#ifndef TESTS_PLAN_SOUND_H
#define TESTS_PLAN_SOUND_H

#include <stdbool.h>

#include "app/pipeline.h"

/* The stages whose live streams reach `stage`, added to `reached`; false when one is met twice. */
static inline bool reached_once(const struct plan *plan, size_t stage, bool *reached)
{
    for (size_t k = 0; k < plan->n_edges; k++) {
        const struct edge *e = &plan->edges[k];
        if (e->to != stage || !e->stream || e->spooled)
            continue;
        if (reached[e->from])
            return false;
        reached[e->from] = true;
        if (!reached_once(plan, e->from, reached))
            return false;
    }
    return true;
}

/* NULL, or what is wrong. */
static inline const char *plan_flaw(const struct plan *plan, bool tees)
{
    size_t n = plan->pipeline->n_stages, at[PIPELINE_MAX_STAGES], readers[PIPELINE_MAX_STAGES] = {0}, wanted = 0;
    for (size_t i = 0; i < n; i++) {
        at[i] = n;
        wanted += plan->wanted[i];
    }
    for (size_t c = 0; c < plan->n_components; c++) {
        if (plan->start[c] >= plan->start[c + 1])
            return "an empty component";
        if (c && plan->group[c] < plan->group[c - 1])
            return "groups out of order";
        for (size_t o = plan->start[c]; o < plan->start[c + 1]; o++) {
            if (at[plan->order[o]] != n || plan->component[plan->order[o]] != c)
                return "a stage stands twice, or in another component than it says";
            at[plan->order[o]] = o;
        }
    }
    if (plan->n_order != wanted || plan->start[plan->n_components] != wanted)
        return "a stage is missing";
    for (size_t k = 0; k < plan->n_edges; k++) {
        const struct edge *e = &plan->edges[k];
        size_t from = plan->component[e->from], to = plan->component[e->to];
        if (!plan->wanted[e->from] || at[e->from] >= at[e->to])
            return "a stage stands before one it needs";
        if (e->stream && !e->spooled ? from != to : from >= to)
            return e->stream ? "a stream between components, or a spool within one" : "a file within a component";
        readers[e->from] += e->stream && !e->spooled;
    }
    for (size_t i = 0; i < n; i++) {
        bool reached[PIPELINE_MAX_STAGES] = {0};
        if (!reached_once(plan, i, reached))
            return "a stage reads another by two ways";
        if (!tees && readers[i] > 1)
            return "a tee";
    }
    return NULL;
}

#endif
