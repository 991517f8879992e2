#include "app/pipeline.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void named_free(struct named *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(items[i].name);
        free(items[i].value);
    }
    free(items);
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_stages; i++) {
        struct stage *s = &p->stages[i];
        free(s->name);
        words_free(s->words, s->n_words);
        named_free(s->files, s->n_files);
        named_free(s->keeps, s->n_keeps);
    }
    named_free(p->params, p->n_params);
    named_free(p->inputs, p->n_inputs);
    free(p->stages);
    free(p->path);
    free(p->base);
    free(p->name);
    free(p->directory);
    free(p);
}

size_t pipeline_stage(const struct pipeline *p, const char *name)
{
    for (size_t i = 0; i < p->n_stages; i++)
        if (!strcmp(p->stages[i].name, name))
            return i;
    return SIZE_MAX;
}

void pipeline_output_path(const struct pipeline *p, const char *path, struct buf *out)
{
    if (p->directory && path[0] != '/')
        buf_printf(out, "%s/", p->directory);
    buf_text(out, path);
}

void pipeline_shown_path(const struct pipeline *p, const char *path, struct buf *out)
{
    const char *slash = p->path ? strrchr(p->path, '/') : NULL;
    if (path[0] != '/' && p->directory)
        buf_printf(out, "%s/", p->directory);
    else if (path[0] != '/' && slash)
        buf_printf(out, "%.*s/", (int)(slash - p->path), p->path);
    buf_text(out, path);
}

void pipeline_origin_path(const struct pipeline *p, const struct origin *o, struct buf *out)
{
    if (o->kind == ORIGIN_INPUT)
        buf_text(out, p->inputs[o->index].value);
    else if (o->kind == ORIGIN_FILE)
        pipeline_output_path(p, p->stages[o->index].files[o->file].value, out);
}

void pipeline_origin_name(const struct pipeline *p, const struct origin *o, struct buf *out)
{
    if (o->kind == ORIGIN_INPUT) {
        buf_text(out, p->inputs[o->index].name);
    } else if (o->kind != ORIGIN_NONE) {
        const struct stage *s = &p->stages[o->index];
        buf_text(out, s->name);
        if (o->kind == ORIGIN_FILE && !(s->has_out && o->file == 0))
            buf_printf(out, ".%s", s->files[o->file].name);
    }
}

/* Reads the file, at most one byte more than it may have. */
static int read_whole(const char *path, struct buf *bytes, struct err *e)
{
    int fd = infile_open(path, e);
    if (fd < 0)
        return -1;
    long n = 1;
    while (n > 0 && bytes->len <= YAML_MAX_BYTES) {
        char *at = buf_room(bytes, 1 << 16);
        n = file_read(fd, at, 1 << 16, e);
        bytes->len += n > 0 ? (size_t)n : 0;
    }
    if (fd != STDIN_FILENO)
        close(fd);
    return n < 0 ? err_where(e, "%s", infile_label(path)) : 0;
}

/* The absolute directory of a path, to be freed; NULL with *e set. */
static char *directory_of(const char *path, struct err *e)
{
    char *copy = mem_copy(path), *real = realpath(dirname(copy), NULL);
    if (!real)
        err_system(e, "%s", path);
    free(copy);
    return real;
}

/* "pipelines/verses.yaml" -> "verses" */
static char *stem(const char *path)
{
    char *copy = mem_copy(path), *name = mem_copy(basename(copy)), *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = 0;
    free(copy);
    return name;
}

/* An absolute path for a directory that need not be there yet; NULL with *e set. */
static char *absolute(const char *directory, struct err *e)
{
    char *real = realpath(directory, NULL), here[PATH_MAX];
    if (real)
        return real;
    if (errno != ENOENT || (directory[0] != '/' && !getcwd(here, sizeof here))) {
        err_system(e, "%s", directory);
        return NULL;
    }
    return directory[0] == '/' ? mem_copy(directory) : mem_printf("%s/%s", here, directory);
}

/* Inputs set on the command line mean files of the user's directory; the stages work in another. */
static int anchor_settings(struct pipeline *p, struct err *e)
{
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here))
        return err_system(e, "the present directory");
    for (size_t i = 0; i < p->n_inputs; i++) {
        struct named *input = &p->inputs[i];
        if (!input->given || input->value[0] == '/')
            continue;
        char *path = mem_printf("%s/%s", here, input->value);
        free(input->value);
        input->value = path;
    }
    return 0;
}

struct pipeline *pipeline_load(const char *path, char **settings, size_t n_settings, const char *directory,
                               struct faults *faults, struct err *e)
{
    struct buf bytes = {0};
    struct pipeline *p = NULL;
    if (read_whole(path, &bytes, e) == 0)
        p = pipeline_parse(buf_string(&bytes), bytes.len, settings, n_settings, faults, e);
    buf_free(&bytes);
    if (!p)
        return NULL;
    p->path = mem_copy(path);
    p->name = stem(path);
    p->base = directory_of(path, e);
    p->directory = directory ? absolute(directory, e) : NULL;
    if (!p->base || (directory && !p->directory) || anchor_settings(p, e) < 0) {
        pipeline_free(p);
        return NULL;
    }
    return p;
}
