/* NumPy arrays, as tensors and as columns. */
#include <stdio.h>

#include "data/npy.h"
#include "memory.h"

static void import(const uint8_t *data, size_t size, bool column)
{
    struct format_want want = {.name = "a", .column = column, .hop = "fuzz"};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    char path[64], *paths[] = {path};
    int fd = memory_file(data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (npy_import(&want, paths, 1, k, &e) < 0 && (e.status != STATUS_DATA || !*e.text))
        abort();
    sink_close(k);
    close(fd);
    close(out.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    import(data, size, false);
    import(data, size, true);
    return 0;
}
