/* Which columns are drawn over the steps, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plot_items.h"
#include "app/plot_series.h"
#include "base/mem.h"

#define AT(field) offsetof(struct series_choice, field)

const struct opt series_options[] = {
    {"component", 0, OPT_TEXT, AT(components), 0, "N,...", NULL, 0, 0, NULL,
     "the N-th number of the vectors, from 0 (default: all)"},
    {"ahead", 0, OPT_INT, AT(ahead), 0, "N", "-1", -1, 1e6, NULL,
     "draw columns called pred.* N steps later; -1: 1, or 0 where there is a column `target`"},
    {0},
};

struct series {
    struct curves *curves;
    const char *columns;
    const struct series_choice *choice;
};

/* Is there a column with rows of reals for each item? */
static bool has_rows(const struct batch *batch, const char *name)
{
    struct err none;
    const struct tensor *t = batch_find(batch, name);
    return t && dtype_is_real(t->dtype) && batch_offsets(batch, name, &none);
}

/* The columns to be drawn where none are named. */
static void default_columns(const struct batch *batch, struct buf *list)
{
    buf_text(list, has_rows(batch, "target") ? "target" : "vec");
    if (has_rows(batch, "pred.vec"))
        buf_text(list, ",pred.vec");
}

static int choose_components(const char *list, size_t dim, bool *chosen, struct err *e)
{
    char **words;
    size_t n = plot_list(list ? list : "", &words);
    int result = 0;
    for (size_t d = 0; d < dim; d++)
        chosen[d] = !list;
    for (size_t k = 0; list && k < n && result == 0; k++) {
        int64_t d;
        if (opt_int(words[k], 0, (int64_t)dim - 1, &d))
            chosen[d] = true;
        else
            result = err_fail(e, STATUS_MISUSED, "--component: there is no component '%.40s' (of %zu, from 0)",
                              words[k], dim);
    }
    free(words[0]);
    free(words);
    return result;
}

/* The components of one column, the how manieth `column` says. */
static int add_curves(struct series *s, const char *name, const struct item_rows *r, size_t column, double shift,
                      struct err *e)
{
    bool *chosen = mem_get(r->dim + 1, sizeof *chosen);
    int result = choose_components(s->choice->components, r->dim, chosen, e);
    size_t several = 0;
    for (size_t d = 0; d < r->dim; d++)
        several += chosen[d];
    for (size_t d = 0; d < r->dim && result == 0; d++) {
        if (!chosen[d])
            continue;
        if (s->curves->n == CURVES_MOST)
            result = err_fail(e, STATUS_MISUSED, "too many curves for a picture (at most %d; --component chooses)",
                              CURVES_MOST);
        char *shown = plot_shown(name);
        struct curve *curve = curves_add(s->curves, r->dim > 1 ? mem_printf("%s[%zu]", shown, d) : mem_copy(shown));
        free(shown);
        if (several > 1) {
            curve->series = d;
            curve->line = column ? CURVE_DASHED : CURVE_SOLID;
        }
        for (size_t i = 0; i < r->n; i++)
            curve_point(curve, (double)i + shift, r->x[i * r->dim + d]);
    }
    free(chosen);
    return result;
}

static int take(void *context, const struct batch *batch, uint64_t item, uint64_t number, struct err *e)
{
    struct series *s = context;
    struct buf defaults = {0};
    char **names;
    int result = 0;
    (void)number;
    default_columns(batch, &defaults);
    size_t n = plot_list(s->columns ? s->columns : defaults.data, &names);
    double ahead = s->choice->ahead < 0 ? !batch_find(batch, "target") : (double)s->choice->ahead;
    for (size_t k = 0; k < n && result == 0; k++) {
        struct item_rows r = {0};
        result = item_rows(&r, batch, names[k], item, e);
        if (result == 0)
            result = add_curves(s, names[k], &r, k, strncmp(names[k], "pred.", 5) ? 0 : ahead, e);
        free(r.x);
    }
    free(names[0]);
    free(names);
    buf_free(&defaults);
    return result;
}

int series_read(struct curves *c, const char *path, uint64_t item, const char *columns,
                const struct series_choice *choice, struct err *e)
{
    struct series s = {c, columns, choice};
    c->x_name = "step";
    c->y_name = mem_copy("value");
    return plot_items(path, item, 1, take, &s, e);
}
