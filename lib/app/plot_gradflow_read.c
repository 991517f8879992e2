/* Which records of gradient flow are drawn, and as what. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plot_gradflow.h"
#include "base/mem.h"
#include "net/gradflow.h"

#define AT(field) offsetof(struct flow_choice, field)

const struct opt flow_options[] = {
    {"epoch", 0, OPT_TEXT, AT(epochs), 0, "N,...", NULL, 0, 0, NULL,
     "the records behind these epochs: 0 is before training, `last` the last (default: the first, the last, and some "
     "between)"},
    {"layer", 0, OPT_INT, AT(layer), 0, "N", "-1", -1, 1e6, NULL, "the N-th layer, from 0; -1: all"},
    {"quantity", 0, OPT_TEXT, AT(quantities), 0, "h,c,bound", NULL, 0, 0, NULL,
     "these, of the norms for h and for c and of the bound (default: what there is)"},
    {"floor", 0, OPT_REAL, AT(floor), OPT_LOW_OPEN, "X", "1e-12", 0, 1, NULL, "draw smaller norms at X"},
    {"labels", 0, OPT_TEXT, AT(labels), 0, "A,B,...", NULL, 0, 0, NULL,
     "what the files are called (default: their names)"},
    {"saturation", 0, OPT_SWITCH, AT(saturation), 0, NULL, NULL, 0, 0, NULL,
     "draw the share of saturated gates over the epochs instead"},
    {0},
};

enum { KEY_SERIES = 6 }; /* grey, for what is no record's */

static const struct quantity {
    const char *word, *name;
    enum curve_line line;
} quantities[GRADFLOW_QUANTITIES] = {
    [GRADFLOW_H] = {"h", "∂h(T) / ∂h(k)", CURVE_SOLID},
    [GRADFLOW_C] = {"c", "∂c(T) / ∂c(k)", CURVE_DASHED},
    [GRADFLOW_BOUND] = {"bound", "√H · bound", CURVE_DOTTED},
};

/* One file, and what is drawn of it. */
struct flow {
    struct gradflow g;
    const char *path;
    char *label;
    uint64_t *epochs; /* [n_epochs] those that are drawn, as they come */
    size_t n_epochs;
    const struct gradflow_record **groups; /* [n_groups] the first record of each layer and direction that are drawn */
    size_t n_groups;
};

struct flows {
    const struct flow_choice *choice;
    struct flow *at;
    size_t n;
};

/* ---- Choosing ---------------------------------------------------------------------------------------------------- */

static bool wanted(const struct flows *f, const struct gradflow_record *r)
{
    return f->choice->layer < 0 || r->layer == f->choice->layer;
}

/* The how manieth layer and direction of its file a record is of; n_groups when it is a new one. */
static size_t group_of(const struct flow *flow, const struct gradflow_record *r)
{
    size_t k = 0;
    while (k < flow->n_groups && (flow->groups[k]->layer != r->layer || flow->groups[k]->direction != r->direction))
        k++;
    return k;
}

/* Where an epoch stands among those that are drawn, which rise; n_epochs when it is none of them. */
static size_t find_epoch(const struct flow *flow, uint64_t epoch)
{
    size_t low = 0, high = flow->n_epochs;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (flow->epochs[middle] < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low < flow->n_epochs && flow->epochs[low] == epoch ? low : flow->n_epochs;
}

/* All epochs, layers and directions there are; epochs never fall. */
static int survey(const struct flows *f, struct flow *flow, struct err *e)
{
    const struct gradflow *g = &flow->g;
    flow->epochs = mem_get(g->n + 1, sizeof *flow->epochs);
    flow->groups = mem_get(CURVES_MOST, sizeof *flow->groups);
    for (size_t i = 0; i < g->n; i++) {
        const struct gradflow_record *r = &g->records[i];
        size_t group = group_of(flow, r);
        if (!wanted(f, r))
            continue;
        if (group == CURVES_MOST)
            return err_fail(e, STATUS_DATA, "%s: there are more than %d layers (--layer N chooses one)",
                            infile_label(flow->path), CURVES_MOST);
        if (group == flow->n_groups)
            flow->groups[flow->n_groups++] = r;
        if (!flow->n_epochs || flow->epochs[flow->n_epochs - 1] != r->epoch)
            flow->epochs[flow->n_epochs++] = r->epoch;
    }
    if (!g->n)
        return err_fail(e, STATUS_DATA, "%s: there are no records", infile_label(flow->path));
    if (!flow->n_epochs)
        return err_fail(e, STATUS_MISUSED, "%s: there are no records of layer %" PRId64 " (layers count from 0)",
                        infile_label(flow->path), f->choice->layer);
    return 0;
}

/* Keeps the first, the last and those between that are as evenly spread as can be. */
static void thin(struct flow *flow, size_t most)
{
    if (flow->n_epochs <= most)
        return;
    for (size_t k = 0; k < most; k++)
        flow->epochs[k] = flow->epochs[(k * (flow->n_epochs - 1) + (most - 1) / 2) / (most - 1)];
    flow->n_epochs = most;
}

/* An epoch by its number or as "last". */
static int parse_epoch(const struct flow *flow, const char *word, uint64_t *epoch, struct err *e)
{
    int64_t number;
    struct buf there = {0};
    if (!strcmp(word, "last")) {
        *epoch = flow->epochs[flow->n_epochs - 1];
        return 0;
    }
    if (!opt_int(word, 0, INT64_MAX, &number))
        return err_fail(e, STATUS_MISUSED, "--epoch: '%.40s' is no epoch (a number from 0, or last)", word);
    *epoch = (uint64_t)number;
    if (find_epoch(flow, *epoch) < flow->n_epochs)
        return 0;
    for (size_t k = 0; k < flow->n_epochs && there.len < 200; k++)
        buf_printf(&there, "%s%" PRIu64, k ? ", " : "", flow->epochs[k]);
    err_fail(e, STATUS_MISUSED, "%s: there is no record of epoch %" PRIu64 " (it has %s%s)", infile_label(flow->path),
             *epoch, there.data, there.len >= 200 ? ", ..." : "");
    buf_free(&there);
    return -1;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int choose_epochs(struct flow *flow, const char *list, struct err *e)
{
    char **words;
    size_t n = plot_list(list, &words), kept = 0;
    uint64_t *chosen = mem_get(n, sizeof *chosen);
    int result = 0;
    for (size_t k = 0; k < n && result == 0; k++)
        result = parse_epoch(flow, words[k], &chosen[k], e);
    qsort(chosen, n, sizeof *chosen, by_number);
    for (size_t k = 0; k < n; k++)
        if (!k || chosen[k] != chosen[kept - 1])
            chosen[kept++] = chosen[k];
    free(flow->epochs);
    flow->epochs = chosen;
    flow->n_epochs = kept;
    free(words[0]);
    free(words);
    return result;
}

static int choose_quantities(const char *list, bool *chosen, struct err *e)
{
    char **words;
    size_t n = plot_list(list ? list : "h,c,bound", &words);
    int result = 0;
    for (size_t k = 0; k < n && result == 0; k++) {
        int q = 0;
        while (q < GRADFLOW_QUANTITIES && strcmp(words[k], quantities[q].word) != 0)
            q++;
        if (q < GRADFLOW_QUANTITIES)
            chosen[q] = true;
        else
            result = err_fail(e, STATUS_MISUSED, "--quantity: '%.40s' is none (of h, c, bound)", words[k]);
    }
    free(words[0]);
    free(words);
    return result;
}

static int label(struct flows *f, const char *list, struct err *e)
{
    char **words = NULL;
    size_t n = list ? plot_list(list, &words) : f->n;
    int result = 0;
    if (n != f->n)
        result = err_fail(e, STATUS_MISUSED, "--labels has %zu names for %zu files", n, f->n);
    for (size_t k = 0; k < f->n && result == 0; k++)
        f->at[k].label = list ? plot_shown(words[k]) : plot_file_name(f->at[k].path);
    if (words)
        free(words[0]);
    free(words);
    return result;
}

static int choose(struct flows *f, struct err *e)
{
    size_t groups = 0;
    for (size_t k = 0; k < f->n; k++) {
        if (survey(f, &f->at[k], e) < 0)
            return -1;
        groups += f->at[k].n_groups;
    }
    for (size_t k = 0; k < f->n; k++)
        if (!f->choice->epochs && !f->choice->saturation)
            thin(&f->at[k], FLOW_RECORDS / groups > 2 ? FLOW_RECORDS / groups : 2);
        else if (f->choice->epochs && choose_epochs(&f->at[k], f->choice->epochs, e) < 0)
            return -1;
    return 0;
}

/* ---- Making curves ----------------------------------------------------------------------------------------------- */

static void part(struct buf *name, const char *text)
{
    buf_printf(name, "%s%s", name->len ? ", " : "", text);
}

/* What a curve is called: no more than tells it from the others. `what` (NULL: nothing) stands last. */
static char *name_of(const struct flows *f, const struct flow *flow, const struct gradflow_record *r, const char *what)
{
    struct buf name = {0};
    char text[32];
    if (f->n > 1)
        part(&name, flow->label);
    snprintf(text, sizeof text, "layer %" PRIu32, r->layer);
    for (size_t k = 1; k < flow->n_groups; k++)
        if (flow->groups[k]->layer != flow->groups[0]->layer) {
            part(&name, text);
            break;
        }
    if (flow->g.directions)
        part(&name, r->direction ? "reverse" : "forward");
    if (what)
        part(&name, what);
    char *made = mem_copy(buf_string(&name));
    buf_free(&name);
    return made;
}

static char *record_name(const struct flows *f, const struct flow *flow, const struct gradflow_record *r)
{
    char epoch[32] = "before training";
    if (r->epoch)
        snprintf(epoch, sizeof epoch, "epoch %" PRIu64, r->epoch);
    return name_of(f, flow, r, f->n == 1 || flow->n_epochs > 1 ? epoch : NULL);
}

/* One record: a curve for each quantity, of one colour. */
static void draw_record(struct curves *c, const struct flows *f, const struct flow *flow,
                        const struct gradflow_record *r, const bool *chosen, size_t series, double pale, bool *drawn)
{
    char *name = record_name(f, flow, r);
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++) {
        if (!chosen[q] || !r->flow[q])
            continue;
        struct curve *curve = curves_add(c, name);
        double times = q == GRADFLOW_BOUND ? r->flow[GRADFLOW_H][0] : 1;
        name = NULL;
        drawn[q] = true;
        curve->series = series;
        curve->pale = pale;
        curve->line = quantities[q].line;
        curve->loose = q == GRADFLOW_BOUND;
        for (size_t lag = 0; lag < r->lags; lag++)
            curve_point(curve, (double)lag, fmin(times * r->flow[q][lag], DBL_MAX));
    }
    free(name);
}

/* The records of one file; `first` is the colour of its first group, or of its first record when it is the only
 * file. */
static void draw_file(struct curves *c, const struct flows *f, const struct flow *flow, const bool *chosen,
                      size_t first, bool *drawn)
{
    size_t record = 0;
    for (size_t i = 0; i < flow->g.n; i++) {
        const struct gradflow_record *r = &flow->g.records[i];
        size_t at = find_epoch(flow, r->epoch);
        if (!wanted(f, r) || !r->lags || at == flow->n_epochs)
            continue;
        double age = flow->n_epochs > 1 ? 1 - (double)at / (double)(flow->n_epochs - 1) : 0;
        if (f->n == 1)
            draw_record(c, f, flow, r, chosen, record++, 0, drawn);
        else
            draw_record(c, f, flow, r, chosen, first + group_of(flow, r), 0.6 * age, drawn);
    }
}

static int draw_norms(struct curves *c, const struct flows *f, struct err *e)
{
    bool chosen[GRADFLOW_QUANTITIES] = {0}, drawn[GRADFLOW_QUANTITIES] = {0};
    size_t group = 0;
    if (choose_quantities(f->choice->quantities, chosen, e) < 0)
        return -1;
    c->log = true;
    c->floor = f->choice->floor;
    c->x_name = "lag T − k in steps";
    c->y_name = mem_copy("Frobenius norm, mean over the batch");
    for (size_t k = 0; k < f->n; group += f->at[k++].n_groups)
        draw_file(c, f, &f->at[k], chosen, group, drawn);
    for (int q = 0; q < GRADFLOW_QUANTITIES; q++)
        if (drawn[q]) {
            struct curve *key = curves_add(c, mem_copy(quantities[q].name));
            key->series = KEY_SERIES;
            key->line = quantities[q].line;
        }
    if (!c->n)
        return err_fail(e, STATUS_MISUSED, "no record has what --quantity wants");
    return 0;
}

/* A curve for each gate of each layer over the epochs. */
static void draw_gates(struct curves *c, const struct flows *f, const struct flow *flow)
{
    char **gates;
    size_t n = plot_list(flow->g.gates, &gates), first = c->n;
    for (size_t k = 0; k < flow->n_groups; k++)
        for (size_t gate = 0; gate < n; gate++) {
            char *shown = plot_shown(gates[gate]);
            curves_add(c, name_of(f, flow, flow->groups[k], shown));
            free(shown);
        }
    for (size_t i = 0; i < flow->g.n; i++) {
        const struct gradflow_record *r = &flow->g.records[i];
        if (!wanted(f, r) || find_epoch(flow, r->epoch) == flow->n_epochs)
            continue;
        for (size_t gate = 0; gate < n; gate++)
            curve_point(&c->at[first + group_of(flow, r) * n + gate], (double)r->epoch, r->saturation[gate]);
    }
    free(gates[0]);
    free(gates);
}

static int draw_saturation(struct curves *c, const struct flows *f)
{
    c->x_name = "epochs done";
    c->y_name = mem_copy("share of values that are saturated");
    for (size_t k = 0; k < f->n; k++)
        draw_gates(c, f, &f->at[k]);
    return 0;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static int read_files(struct flows *f, struct err *e)
{
    for (size_t k = 0; k < f->n; k++) {
        struct source *s = source_open_path(f->at[k].path, e);
        int result = s ? gradflow_read(&f->at[k].g, s, e) : -1;
        source_close(s);
        if (result < 0)
            return -1;
    }
    return 0;
}

static void flows_free(struct flows *f)
{
    for (size_t k = 0; k < f->n; k++) {
        gradflow_free(&f->at[k].g);
        free(f->at[k].label);
        free(f->at[k].epochs);
        free(f->at[k].groups);
    }
    free(f->at);
}

int flow_read(struct curves *c, char **paths, int n_paths, const struct flow_choice *choice, struct err *e)
{
    struct flows f = {choice, mem_get((size_t)n_paths, sizeof *f.at), (size_t)n_paths};
    for (size_t k = 0; k < f.n; k++)
        f.at[k].path = paths[k];
    int result = label(&f, choice->labels, e);
    if (result == 0 && (result = read_files(&f, e)) == 0 && (result = choose(&f, e)) == 0)
        result = choice->saturation ? draw_saturation(c, &f) : draw_norms(c, &f, e);
    if (result == 0 && c->n > CURVES_MOST)
        result = err_fail(e, STATUS_MISUSED, "too many curves for a picture (at most %d; --layer and --epoch choose)",
                          CURVES_MOST);
    flows_free(&f);
    return result;
}
