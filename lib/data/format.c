#include "data/format.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "data/csv.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "data/tnstext.h"
#include "data/vectors.h"

int format_meta(const struct format_want *want, struct meta *meta, struct err *e)
{
    for (size_t i = 0; i < want->meta.n; i++) {
        const char *equals = strchr(want->meta.items[i], '=');
        if (!equals || equals == want->meta.items[i])
            return err_fail(e, STATUS_MISUSED, "--meta '%s' is not KEY=VALUE", want->meta.items[i]);
        char *key = mem_copy_bytes(want->meta.items[i], (size_t)(equals - want->meta.items[i]));
        meta_set(meta, key, equals + 1);
        free(key);
    }
    return 0;
}

static int format_text_in(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    const char *path = n_paths ? paths[0] : NULL;
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
    (void)want;
    return tnstext_export(s, out, e);
}

#define FORMAT_ROW(name, binary, import, import_takes, export, export_takes)                                           \
    {#name, binary, import, import_takes, export, export_takes},

const struct format formats[] = {FORMATS(FORMAT_ROW)};
