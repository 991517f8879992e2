/* imported: what a foreign file becomes, through its row's function in the table of formats. */
#ifndef TESTS_FUZZ_IMPORTED_H
#define TESTS_FUZZ_IMPORTED_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "data/format.h"
#include "memory.h"

typedef int import_function(const struct format_want *want, char **paths, size_t n_paths, struct sink *k,
                            struct err *e);

/* The stream of a file, which is closed; -1 when it was refused, which must be with a sentence and as bad data (or,
 * where an option does not go with the data, as misuse). */
static inline int imported(import_function *import, const struct format_want *want, int file)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    char path[64], *paths[] = {path};
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int result = import(want, paths, 1, k, &e);
    if (result < 0 && ((e.status != STATUS_DATA && e.status != STATUS_MISUSED) || !*e.text))
        abort();
    sink_close(k);
    close(file);
    if (result == 0)
        return out.fd;
    close(out.fd);
    return -1;
}

/* The same bytes? */
static inline bool same_files(int a, int b)
{
    char x[4096], y[4096];
    for (off_t at = 0;; at += sizeof x) {
        ssize_t n = pread(a, x, sizeof x, at), m = pread(b, y, sizeof y, at);
        if (n != m || memcmp(x, y, (size_t)n))
            return false;
        if (n < (ssize_t)sizeof x)
            return true;
    }
}

#endif
