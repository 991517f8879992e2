/* Tables of numbers: what is imported comes back as the same stream. The first byte chooses options. */
#include <stdio.h>
#include <string.h>

#include "data/csv.h"
#include "memory.h"

/* A descriptor of the stream, or -1. */
static int import(int file, const struct format_want *want)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    char path[64], *paths[] = {path};
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int result = csv_import(want, paths, 1, k, &e);
    if (result < 0 && (e.status != STATUS_DATA || !*e.text))
        abort();
    sink_close(k);
    close(file);
    if (result == 0)
        return out.fd;
    close(out.fd);
    return -1;
}

static bool same(int a, int b)
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t how = size ? data[0] : 0;
    struct format_want want = {.hop = "fuzz 1",
                               .separator = how & 3,
                               .header = (how >> 2) % 3,
                               .column = how & 16,
                               .target_columns = how & 32 ? "1" : NULL,
                               .columns = how & 64 ? "2-3,x" : NULL,
                               .item_column = how & 128 && !(how & 16) ? "2" : NULL};
    int stream = import(memory_file(data + (size > 0), size - (size > 0)), &want);
    if (stream < 0 || want.target_columns) {
        if (stream >= 0)
            close(stream);
        return 0;
    }
    struct format_want all = {.hop = "fuzz 1", .column = want.column, .name = "vec", .header = HEADER_NO};
    struct outfile text = {.fd = memory_file("", 0), .inplace = true};
    struct err e = {0};
    lseek(stream, 0, SEEK_SET);
    struct source *s = source_open(dup(stream), "fuzz");
    int result = csv_export(&all, s, &text, &e);
    source_close(s);
    if (result < 0) { /* without a row there is no column */
        close(text.fd);
        close(stream);
        return 0;
    }
    lseek(text.fd, 0, SEEK_SET);
    int again = import(text.fd, &all);
    if (again < 0 || !same(stream, again))
        abort();
    close(stream);
    close(again);
    return 0;
}
