/* tns import, export: through the table of formats. */
#include "app/cli.h"
#include "app/tns.h"
#include "base/buf.h"
#include "data/format.h"

static struct format_want want(const char *hop)
{
    return (struct format_want){.name = tns.name,
                                .column = tns.column,
                                .profile = tns.profile,
                                .meta = tns.meta,
                                .hop = hop};
}

int tns_import(char **operands, int n, struct err *e)
{
    const struct format *format = &formats[tns.format];
    struct buf hop = {0};
    buf_printf(&hop, "tns %s import --format=%s", RUNNEL_VERSION, format->name);
    struct format_want w = want(buf_string(&hop));
    struct sink *sink = cli_sink(tns.profile ? tns.profile : "tensors", e);
    int result = sink ? format->import(&w, operands, (size_t)n, sink, e) : -1;
    buf_free(&hop);
    return result;
}

int tns_export(char **operands, int n, struct err *e)
{
    const struct format *format = &formats[tns.format];
    struct format_want w = want(NULL);
    struct outfile *out = cli_output(format->binary, e);
    struct source *s = out ? source_open_path(n ? operands[0] : NULL, e) : NULL;
    int result = s ? format->export(&w, s, out, e) : -1;
    source_close(s);
    return result;
}
