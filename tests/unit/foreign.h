/* foreign: files of foreign formats to streams and back, through the functions of their row. */
#ifndef TESTS_FOREIGN_H
#define TESTS_FOREIGN_H

#include "unit.h"

#include <stdio.h>

#include "data/format.h"
#include "data/tnstext.h"

typedef int import_function(const struct format_want *want, char **paths, size_t n_paths, struct sink *k,
                            struct err *e);
typedef int export_function(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

static inline int text_out(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    (void)want;
    return tnstext_export(s, out, e);
}

/* The stream that files become; none with the failure in *e. */
static inline struct buf import(import_function *function, const struct format_want *want, const struct buf *files,
                                size_t n, struct err *e)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct buf stream = {0};
    char path[4][64], *paths[4];
    int fd[4];
    *e = (struct err){0};
    for (size_t i = 0; i < n; i++) {
        fd[i] = memory_file(files[i].data, files[i].len);
        snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", fd[i]);
        paths[i] = path[i];
    }
    if (function(want, paths, n, k, e) == 0)
        stream = file_bytes(out.fd);
    for (size_t i = 0; i < n; i++)
        close(fd[i]);
    close(out.fd);
    sink_close(k);
    return stream;
}

static inline struct buf export(export_function *function, const struct format_want *want, const struct buf *stream,
                                struct err *e)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct source *s = source_open(memory_file(stream->data, stream->len), "x");
    struct buf text = {0};
    *e = (struct err){0};
    if (function(want, s, &out, e) == 0)
        text = file_bytes(out.fd);
    close(out.fd);
    source_close(s);
    return text;
}

#endif
