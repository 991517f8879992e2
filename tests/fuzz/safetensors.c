/* safetensors, and networks under PyTorch's names: what is imported is a stream whose export imports to the same. */
#include <string.h>

#include "data/safetensors.h"
#include "imported.h"

/* The tensors of both, byte by byte and by name. */
static bool same(int a, int b)
{
    struct segment x = {0}, y = {0};
    struct err e;
    lseek(a, 0, SEEK_SET);
    lseek(b, 0, SEEK_SET);
    struct source *s = source_open(dup(a), "a"), *t = source_open(dup(b), "b");
    bool good = source_segment(s, &x, &e) > 0 && source_segment(t, &y, &e) > 0 && x.n == y.n;
    for (size_t i = 0; good && i < x.n; i++) {
        const struct tensor *other = segment_find(&y, x.tensors[i].name);
        good = other && other->dtype == x.tensors[i].dtype && other->bytes == x.tensors[i].bytes &&
               (!other->bytes || !memcmp(other->data, x.tensors[i].data, other->bytes));
    }
    segment_free(&x);
    segment_free(&y);
    source_close(s);
    source_close(t);
    return good;
}

static void there_and_back(const uint8_t *data, size_t size, int naming)
{
    struct format_want want = {.hop = "fuzz 1", .naming = naming};
    struct outfile file = {.fd = memory_file("", 0), .inplace = true};
    struct err e = {0};
    int stream = imported(safetensors_import, &want, memory_file(data, size));
    if (stream < 0) {
        close(file.fd);
        return;
    }
    lseek(stream, 0, SEEK_SET);
    struct source *s = source_open(dup(stream), "fuzz");
    int result = safetensors_export(&want, s, &file, &e);
    source_close(s);
    if (result < 0 && (e.status != STATUS_DATA || naming != NAMING_PLAIN))
        abort();
    lseek(file.fd, 0, SEEK_SET);
    int again = imported(safetensors_import, &want, file.fd);
    if (result == 0 && (again < 0 || !same(stream, again)))
        abort();
    if (again >= 0)
        close(again);
    close(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    there_and_back(data, size, NAMING_PLAIN);
    there_and_back(data, size, NAMING_TORCH);
    return 0;
}
