/* Pen strokes from rows of vectors. */
#include <math.h>
#include <stdlib.h>

#include "app/plot_items.h"
#include "app/plot_strokes.h"
#include "base/mem.h"

#define AT(field) offsetof(struct strokes_choice, field)

const struct opt strokes_options[] = {
    {"items", 0, OPT_INT, AT(items), 0, "N", "10", 1, 1000, NULL, "draw at most N items, one below the other"},
    {"down", 0, OPT_SWITCH, AT(down), 0, NULL, NULL, 0, 0, NULL, "let dy grow downwards instead of upwards"},
    {0},
};

struct reading {
    struct strokes *strokes;
    const char *column;
    bool down;
};

static struct stroke_item *add(struct strokes *s, uint64_t number, size_t n)
{
    if (s->n == s->room) {
        s->room = s->room ? 2 * s->room : 8;
        s->items = mem_grow(s->items, s->room, sizeof *s->items);
    }
    s->items[s->n] = (struct stroke_item){.number = number, .n = n};
    s->items[s->n].at = mem_get(n + 1, sizeof *s->items->at);
    s->items[s->n].begins = mem_get(n + 1, sizeof *s->items->begins);
    return &s->items[s->n++];
}

static int take(void *context, const struct batch *batch, uint64_t item, uint64_t number, struct err *e)
{
    const struct reading *reading = context;
    const char *column = reading->column;
    struct item_rows r = {0};
    int result = item_rows(&r, batch, column, item, e);
    if (result == 0 && r.dim != 3)
        result =
            err_fail(e, STATUS_DATA, "'%s' has rows of %zu numbers; pen strokes have 3 (dx, dy, end)", column, r.dim);
    if (result == 0) {
        struct stroke_item *s = add(reading->strokes, number, r.n);
        double x = 0, y = 0, sign = reading->down ? 1 : -1;
        for (size_t i = 0; i < r.n && result == 0; i++) {
            s->at[i][0] = x += r.x[3 * i];
            s->at[i][1] = y += sign * r.x[3 * i + 1];
            s->begins[i] = i == 0 || r.x[3 * i - 1] >= 0.5;
            if (fabs(x) > 1e100 || fabs(y) > 1e100)
                result = err_fail(e, STATUS_DATA, "'%s' leads beyond all paper in row %zu (from 0)", column, i);
        }
    }
    free(r.x);
    return result;
}

int strokes_read(struct strokes *s, const char *path, uint64_t first, const char *column,
                 const struct strokes_choice *choice, struct err *e)
{
    struct reading reading = {s, column, choice->down};
    return plot_items(path, first, (uint64_t)choice->items, take, &reading, e);
}

void strokes_free(struct strokes *s)
{
    for (size_t k = 0; k < s->n; k++) {
        free(s->items[k].at);
        free(s->items[k].begins);
    }
    free(s->items);
    *s = (struct strokes){0};
}
