/* tns import, export: through the table of formats. */
#include "app/cli.h"
#include "app/tns.h"
#include "base/buf.h"
#include "data/format.h"

/* Refuses an option of the two verbs that the format has no use for. */
static int check_options(const struct format *format, const char *verb, const char *takes, struct err *e)
{
    static const struct opt *const tables[] = {tns_format_options, tns_import_options};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct opt *row = tables[t]; row->name; row++)
            if (row != tns_format_options && opt_given(cli.tool->groups, row->name) && opt_choice(takes, row->name) < 0)
                return err_fail(e, STATUS_MISUSED, "%s --format %s takes no --%s (it takes %s)", verb, format->name,
                                row->name, *takes ? takes : "none but the common ones");
    return 0;
}

static void note(const char *text)
{
    cli_note("%s", text);
}

int tns_import(char **operands, int n, struct err *e)
{
    const struct format *format = &formats[tns.format];
    struct format_want want = tns.want;
    struct buf hop = {0};
    if (check_options(format, "import", format->import_takes, e) < 0)
        return -1;
    buf_printf(&hop, "tns %s import --format=%s", RUNNEL_VERSION, format->name);
    want.hop = buf_string(&hop);
    want.note = note;
    struct sink *sink = cli_sink(want.profile ? want.profile : "tensors", e);
    int result = sink ? format->import(&want, operands, (size_t)n, sink, e) : -1;
    buf_free(&hop);
    return result;
}

int tns_export(char **operands, int n, struct err *e)
{
    const struct format *format = &formats[tns.format];
    const char *input = n ? operands[0] : "-";
    struct format_want want = tns.want;
    want.note = note;
    if (check_options(format, "export", format->export_takes, e) < 0 ||
        cli_apart("metadata", want.metadata, &input, 1, e) < 0)
        return -1;
    struct outfile *out = cli_output(format->binary, e);
    struct source *s = out ? source_open_path(n ? operands[0] : NULL, e) : NULL;
    int result = s ? format->export(&want, s, out, e) : -1;
    source_close(s);
    return result;
}
