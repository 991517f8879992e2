/* NumPy arrays, as tensors, as columns and as series. */
#include "data/npy.h"
#include "imported.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int how = 0; how < 3; how++) {
        struct format_want want = {.name = "a", .column = how == 1, .series = how == 2, .hop = "fuzz"};
        int stream = imported(npy_import, &want, memory_file(data, size));
        if (stream >= 0)
            close(stream);
    }
    return 0;
}
