#include "data/format.h"

#include <unistd.h>

#include "data/npy.h"
#include "data/tnstext.h"

static int format_text_in(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    const char *path = n_paths ? paths[0] : NULL;
    if (want->name || want->column || want->profile || want->meta.n)
        return err_fail(e, STATUS_MISUSED,
                        "the text itself says names, columns, profile and metadata (leave those options out)");
    if (n_paths > 1)
        return err_fail(e, STATUS_MISUSED, "'%s' is one text too many (cat them first)", paths[1]);
    int fd = infile_open(path, e);
    if (fd < 0)
        return -1;
    int result = tnstext_import(fd, infile_label(path), want->hop, k, e);
    if (fd != STDIN_FILENO)
        close(fd);
    return result;
}

static int format_text_out(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    if (want->name)
        return err_fail(e, STATUS_MISUSED, "text holds the whole stream (leave --name out)");
    return tnstext_export(s, out, e);
}

#define FORMAT_ROW(name, binary, import, export) {#name, binary, import, export},

const struct format formats[] = {FORMATS(FORMAT_ROW)};
