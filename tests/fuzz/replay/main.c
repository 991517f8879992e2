/* Runs a fuzz target over files, and over all files of directories, given as arguments; tells how many. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    struct buf bytes = {0};
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    for (size_t n; (n = fread(buf_room(&bytes, 1 << 16), 1, 1 << 16, f)) > 0;)
        bytes.len += n;
    fclose(f);
    uint8_t *exact = malloc(bytes.len ? bytes.len : 1); /* so that a sanitizer sees reads behind the end */
    if (bytes.len)
        memcpy(exact, bytes.data, bytes.len);
    LLVMFuzzerTestOneInput(exact, bytes.len);
    free(exact);
    buf_free(&bytes);
    return 1;
}

static int replay(const char *path)
{
    struct stat st;
    struct dirent **entries;
    int total = 0;
    if (stat(path, &st) < 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    int n = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *inner = mem_printf("%s/%s", path, entries[i]->d_name);
        int count = entries[i]->d_name[0] == '.' || total < 0 ? 0 : replay(inner);
        total = count < 0 ? -1 : total + count;
        free(inner);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n < 0 ? -1 : total;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int n = replay(argv[i]);
        if (n < 0)
            return 1;
        total += n;
    }
    printf("%d inputs replayed\n", total);
    return total ? 0 : 1;
}
