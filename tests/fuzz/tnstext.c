/* The text form: what is imported is a stream that a source takes, and its text imports to the same bytes. */
#include "data/tnstext.h"
#include "imported.h"

/* A descriptor of the stream, or -1. */
static int import(int text)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    int result = tnstext_import(text, "fuzz", "fuzz 1", k, &e);
    if (result < 0 && (e.status != STATUS_DATA || !*e.text))
        abort();
    sink_close(k);
    close(text);
    if (result == 0)
        return out.fd;
    close(out.fd);
    return -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {0};
    int stream = import(memory_file(data, size));
    if (stream < 0)
        return 0;
    struct outfile text = {.fd = memory_file("", 0), .inplace = true};
    lseek(stream, 0, SEEK_SET);
    struct source *s = source_open(dup(stream), "fuzz");
    if (tnstext_export(s, &text, &e) < 0)
        abort();
    source_close(s);
    lseek(text.fd, 0, SEEK_SET);
    int again = import(text.fd);
    if (again < 0 || !same_files(stream, again))
        abort();
    close(stream);
    close(again);
    return 0;
}
