/* Tables of numbers: what is imported comes back as the same stream. The first byte chooses options. */
#include <string.h>

#include "data/csv.h"
#include "imported.h"

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
    int stream = imported(csv_import, &want, memory_file(data + (size > 0), size - (size > 0)));
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
    int again = imported(csv_import, &all, text.fd);
    if (again < 0 || !same_files(stream, again))
        abort();
    close(stream);
    close(again);
    return 0;
}
