/* Others' word vectors: what is imported goes there and comes back as the same stream. The first byte chooses the
 * format; of projector, the first byte FE ends the vectors and begins the words. */
#include "data/vectors.h"
#include "imported.h"

typedef int export_function(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

static const struct {
    import_function *import;
    export_function *export;
} formats_of[] = {
    {word2vec_import, word2vec_export},
    {glove_import, glove_export},
    {word2vec_binary_import, word2vec_binary_export},
    {projector_import, projector_export},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned how = size ? data[0] & 3 : 0;
    char words[64] = "/tmp/runnel-fuzz-XXXXXX";
    struct format_want want = {.hop = "fuzz 1", .strict = size && data[0] & 4};
    data += size > 0;
    size -= size > 0;
    if (how == 3) { /* written anew, it is a file that is renamed: it needs a name */
        const uint8_t *cut = memchr(data, 0xfe, size);
        int fd = mkstemp(words);
        size_t rest = cut ? size - (size_t)(cut + 1 - data) : 0;
        if (fd < 0 || (rest && write(fd, cut + 1, rest) != (ssize_t)rest))
            abort();
        close(fd);
        size = cut ? (size_t)(cut - data) : size;
        want.metadata = words;
    }
    int stream = imported(formats_of[how].import, &want, memory_file(data, size));
    if (stream >= 0) {
        struct outfile file = {.fd = memory_file("", 0), .inplace = true};
        struct err e = {0};
        lseek(stream, 0, SEEK_SET);
        struct source *s = source_open(dup(stream), "fuzz");
        if (formats_of[how].export(&want, s, &file, &e) < 0)
            abort();
        source_close(s);
        lseek(file.fd, 0, SEEK_SET);
        int again = imported(formats_of[how].import, &want, file.fd);
        if (again < 0 ? how == 0 || how == 2 : !same_files(stream, again)) /* without a row there is no dimension */
            abort();
        if (again >= 0)
            close(again);
        close(stream);
    }
    if (how == 3)
        unlink(words);
    return 0;
}
