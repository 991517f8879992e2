/* Logs of JSON lines. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/plot_curve.h"
#include "base/lines.h"
#include "base/mem.h"

enum { MOST_FIELDS = 20 };

/* The number of a field: 1; 0 when it is not there; null is NaN. */
static int number(const json_t *row, const char *field, double *value, struct err *e)
{
    const json_t *found = json_object_get(row, field);
    if (!found)
        return 0;
    if (!json_is_number(found) && !json_is_null(found))
        return err_fail(e, STATUS_DATA, "the field '%s' is no number", field);
    *value = json_is_null(found) ? NAN : json_number_value(found);
    return 1;
}

/* What fields a log has, for messages. */
static void note_fields(json_t *row, json_t *seen)
{
    const char *key;
    json_t *value;
    json_object_foreach(row, key, value) if (json_is_number(value) && json_object_size(seen) < MOST_FIELDS)
        json_object_set_new(seen, key, json_null());
}

static int no_field(const char *label, const char *field, json_t *seen, struct err *e)
{
    struct buf names = {0};
    const char *key;
    json_t *value;
    json_object_foreach(seen, key, value)
    {
        if (names.len)
            buf_text(&names, ", ");
        cli_escape(key, strlen(key), &names);
    }
    err_fail(e, STATUS_DATA, "%s: no row has a field '%s' (they have %s)", label, field,
             names.len ? names.data : "no numbers at all");
    buf_free(&names);
    return -1;
}

/* The curves at[0 .. n-1] are those of one log, `fields` their fields. */
static int read_row(struct curves *c, struct curve *at, char **fields, size_t n, const struct lines *l, json_t *seen,
                    struct err *e)
{
    json_error_t why;
    double x, y;
    json_t *row = json_loadb(l->text, l->length, JSON_REJECT_DUPLICATES, &why);
    int got = 0;
    if (!row) {
        struct buf reason = {0};
        cli_escape(why.text, strlen(why.text), &reason);
        err_fail(e, STATUS_DATA, "no JSON: %s (at column %d)", buf_string(&reason), why.column);
        buf_free(&reason);
        return -1;
    }
    if (!json_is_object(row)) {
        json_decref(row);
        return err_fail(e, STATUS_DATA, "no JSON object ({\"field\": number, ...} is wanted)");
    }
    note_fields(row, seen);
    got = number(row, c->x_name, &x, e);
    if (got > 0 && !isnan(x))
        for (size_t k = 0; got >= 0 && k < n; k++)
            if ((got = number(row, fields[k], &y, e)) > 0)
                curve_point(&at[k], x, y);
    json_decref(row);
    return got < 0 ? -1 : 0;
}

static int read_log(struct curves *c, struct curve *at, char **fields, size_t n, const char *path, struct err *e)
{
    struct lines l;
    json_t *seen = json_object();
    int got;
    if (lines_open(&l, path, e) < 0) {
        json_decref(seen);
        return -1;
    }
    while ((got = lines_next(&l, e)) == 1)
        if (l.length && read_row(c, at, fields, n, &l, seen, e) < 0) {
            got = lines_where(&l, e);
            break;
        }
    if (got == 0 && l.number == 0)
        got = err_fail(e, STATUS_DATA, "%s: is empty (a JSON object a line is wanted)", l.label);
    for (size_t k = 0; got == 0 && k < n; k++)
        if (!at[k].n)
            got = no_field(l.label, json_object_get(seen, c->x_name) ? fields[k] : c->x_name, seen, e);
    lines_close(&l);
    json_decref(seen);
    return got;
}

/* One log's curves are named by their fields, those of several logs by the logs as well. */
static char *curve_name(char **paths, int n_paths, int path, const char *field, size_t n_fields)
{
    if (n_paths == 1)
        return mem_copy(field);
    char *file = plot_file_name(paths[path]), *made = n_fields > 1 ? mem_printf("%s: %s", file, field) : mem_copy(file);
    free(file);
    return made;
}

int curves_read(struct curves *c, char **paths, int n_paths, const char *x_name, const char *list, struct err *e)
{
    char **fields;
    size_t n = plot_list(list, &fields);
    int result = 0;
    c->x_name = x_name;
    c->y_name = mem_copy(n == 1 ? fields[0] : "");
    if (!*fields[0] || n * (size_t)n_paths > CURVES_MOST)
        result = err_fail(e, STATUS_MISUSED,
                          *fields[0] ? "too many curves for a picture (at most %d)"
                                     : "--y names no field (--y loss,valid_loss; at most %d curves)",
                          CURVES_MOST);
    for (int path = 0; path < n_paths && result == 0; path++) {
        for (size_t k = 0; k < n; k++)
            curves_add(c, curve_name(paths, n_paths, path, fields[k], n));
        result = read_log(c, c->at + c->n - n, fields, n, paths[path], e);
    }
    free(fields[0]);
    free(fields);
    return result;
}
