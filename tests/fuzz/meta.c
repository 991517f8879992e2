/* Metadata: whatever is taken encodes to the same bytes. */
#include <string.h>

#include "data/meta.h"
#include "memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta m = {0};
    struct buf back = {0};
    struct err e = {0};
    if (meta_decode(&m, (const char *)data, size, &e) == 0) {
        meta_encode(&m, &back);
        if (back.len != size || (size && memcmp(back.data, data, size)))
            abort();
    } else if (!*e.text) {
        abort();
    }
    meta_free(&m);
    buf_free(&back);
    return 0;
}
