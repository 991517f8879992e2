#include "app/pipeline_state.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- Directory and lock ----------------------------------------------------------------------------------------- */

int state_make_parents(const char *path, struct err *e)
{
    char *copy = mem_copy(path);
    int result = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && result == 0; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            result = err_system(e, "cannot make the directory '%s'", copy);
        *slash = '/';
    }
    free(copy);
    return result;
}

/* Says who holds the lock, as far as its file tells. */
static int held(int fd, const char *shown, struct err *e)
{
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = 0;
    pid[strcspn(pid, "\n")] = 0;
    return err_fail(e, STATUS_FAILED, "%s/lock: the pipeline is being run by process %s (wait for it)", shown,
                    *pid ? pid : "unknown");
}

static int take_lock(struct state *st, struct err *e)
{
    struct buf path = {0};
    char pid[32];
    buf_printf(&path, "%s/lock", st->directory);
    int fd = open(buf_string(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666), result = 0;
    if (fd < 0)
        result = err_system(e, "%s/lock", st->shown);
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        result = errno == EWOULDBLOCK ? held(fd, st->shown, e) : err_system(e, "%s/lock", st->shown);
    else {
        int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
            result = err_system(e, "%s/lock", st->shown);
    }
    if (result < 0 && fd >= 0)
        close(fd);
    st->lock = result < 0 ? -1 : fd;
    buf_free(&path);
    return result;
}

static char *in_state(const struct state *st, const char *name)
{
    return mem_printf("%s/%s", st->directory, name);
}

/* Removes a hidden directory: what is in it and itself. A name that is not of our making is left alone. */
static void remove_hidden(const char *directory)
{
    char *copy = mem_copy(directory);
    bool ours = !strncmp(basename(copy), ".runnel-", 8);
    free(copy);
    DIR *d = ours ? opendir(directory) : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        closedir(d);
    if (ours)
        rmdir(directory);
}

/* What a killed runner has left behind. */
static void clean_up(struct state *st)
{
    char *path = in_state(st, "hidden"), *text = NULL;
    struct buf bytes = {0};
    struct err ignored;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    long n = fd < 0 ? 0 : 1;
    while (n > 0 && bytes.len < 1 << 20) {
        n = file_read(fd, buf_room(&bytes, 1 << 12), 1 << 12, &ignored);
        bytes.len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0) {
        close(fd);
        text = mem_copy_bytes(buf_string(&bytes), bytes.len);
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
            if (*line)
                remove_hidden(line);
        unlink(path);
    }
    free(text);
    free(path);
    buf_free(&bytes);
}

int state_open(struct state *st, const struct pipeline *p, struct err *e)
{
    struct buf relative = {0}, path = {0};
    *st = (struct state){.pipeline = p, .lock = -1};
    buf_printf(&relative, ".runnel/%s", p->name);
    pipeline_output_path(p, buf_string(&relative), &path);
    st->directory = mem_copy(buf_string(&path));
    buf_clear(&path);
    pipeline_shown_path(p, buf_string(&relative), &path);
    st->shown = mem_copy(buf_string(&path));
    buf_clear(&path);
    buf_printf(&path, "%s/lock", st->directory);
    int result = state_make_parents(buf_string(&path), e);
    if (result == 0)
        result = take_lock(st, e);
    if (result == 0) {
        clean_up(st);
        char *digests = in_state(st, "digests");
        st->digests = json_load_file(digests, 0, NULL);
        free(digests);
        if (!json_is_object(st->digests)) {
            json_decref(st->digests);
            st->digests = json_object();
        }
    }
    buf_free(&relative);
    buf_free(&path);
    if (result < 0)
        state_close(st);
    return result;
}

void state_close(struct state *st)
{
    if (st->lock >= 0)
        close(st->lock);
    json_decref(st->digests);
    buf_free(&st->hidden);
    free(st->directory);
    free(st->shown);
    *st = (struct state){.lock = -1};
}

/* ---- Digests ---------------------------------------------------------------------------------------------------- */

/* What tells whether a file may have changed. */
static char *fingerprint(const struct stat *file)
{
    return mem_printf("%lld %lld.%09ld %lld.%09ld %llu", (long long)file->st_size, (long long)file->st_mtim.tv_sec,
                      file->st_mtim.tv_nsec, (long long)file->st_ctim.tv_sec, file->st_ctim.tv_nsec,
                      (unsigned long long)file->st_ino);
}

static int read_digest(int fd, char digest[DIGEST_ROOM], struct err *e)
{
    XXH3_state_t *hash = XXH3_createState();
    char *piece = mem_get(1, 1 << 17);
    long n;
    XXH3_128bits_reset(hash);
    while ((n = file_read(fd, piece, 1 << 17, e)) > 0)
        XXH3_128bits_update(hash, piece, (size_t)n);
    XXH128_hash_t h = XXH3_128bits_digest(hash);
    snprintf(digest, DIGEST_ROOM, "%016llx%016llx", (unsigned long long)h.high64, (unsigned long long)h.low64);
    XXH3_freeState(hash);
    free(piece);
    return n < 0 ? -1 : 0;
}

/* A file that changed in this very moment may change again without its times telling. */
static bool settled(const struct stat *file)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - file->st_ctim.tv_sec > 2;
}

int state_digest(struct state *st, const char *path, char digest[DIGEST_ROOM], struct err *e)
{
    struct stat file;
    if (stat(path, &file) < 0)
        return err_system(e, "%s", path);
    if (!S_ISREG(file.st_mode))
        return err_fail(e, STATUS_DATA, "%s: is not a regular file", path);
    char *seen = fingerprint(&file);
    const json_t *known = json_object_get(st->digests, path);
    const char *then = json_string_value(json_array_get(known, 0)),
               *value = json_string_value(json_array_get(known, 1));
    int result = 0;
    if (then && value && !strcmp(then, seen) && strlen(value) == DIGEST_ROOM - 1) {
        memcpy(digest, value, DIGEST_ROOM);
    } else {
        int fd = infile_open(path, e);
        result = fd < 0 ? -1 : read_digest(fd, digest, e);
        if (fd >= 0)
            close(fd);
        if (result == 0 && settled(&file)) {
            json_object_set_new(st->digests, path, json_pack("[ss]", seen, digest));
            st->changed = true;
        }
    }
    free(seen);
    return result;
}

static int write_json(const char *path, const json_t *value, size_t flags, struct err *e)
{
    char *text = json_dumps(value, flags | JSON_ENSURE_ASCII);
    if (!text)
        return err_fail(e, STATUS_FAILED, "%s: cannot be written as JSON (is some name not UTF-8?)", path);
    struct buf line = {0};
    buf_printf(&line, "%s\n", text);
    int result = file_replace(path, line.data, line.len, e);
    buf_free(&line);
    free(text);
    return result;
}

int state_save(struct state *st, struct err *e)
{
    if (!st->changed)
        return 0;
    char *path = in_state(st, "digests");
    int result = write_json(path, st->digests, JSON_SORT_KEYS | JSON_INDENT(1), e);
    free(path);
    st->changed = false;
    return result;
}

/* ---- Records ---------------------------------------------------------------------------------------------------- */

void state_path(const struct state *st, const struct stage *s, const char *suffix, bool shown, struct buf *out)
{
    buf_printf(out, "%s/%s.%s", shown ? st->shown : st->directory, s->name, suffix);
}

static json_t *load_record(const struct state *st, const struct stage *s)
{
    struct buf path = {0};
    state_path(st, s, "json", false, &path);
    json_t *record = json_load_file(buf_string(&path), 0, NULL);
    buf_free(&path);
    return record;
}

/* The stage's files as they are: [{"path": ..., "digest": ..., "bytes": ...}]. NULL when one is not there. */
static json_t *describe_files(struct state *st, const struct stage *s)
{
    json_t *files = json_array();
    struct buf path = {0};
    struct err ignored;
    for (size_t i = 0; files && i < s->n_files; i++) {
        char digest[DIGEST_ROOM];
        struct stat file;
        buf_clear(&path);
        pipeline_output_path(st->pipeline, s->files[i].value, &path);
        if (stat(buf_string(&path), &file) < 0 || state_digest(st, path.data, digest, &ignored) < 0) {
            json_decref(files);
            files = NULL;
        } else {
            json_array_append_new(files, json_pack("{s:s, s:s, s:I}", "path", s->files[i].value, "digest", digest,
                                                   "bytes", (json_int_t)file.st_size));
        }
    }
    buf_free(&path);
    return files;
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

int state_record(struct state *st, const struct stage *s, const struct record *r, bool made, struct err *e)
{
    json_t *old = load_record(st, s), *record = json_object();
    json_object_set_new(record, "stage", json_string(s->name));
    json_object_set_new(record, "command", text_or_null(r->command));
    json_object_set_new(record, "outcome", json_string(r->outcome));
    if (WIFSIGNALED(r->status))
        json_object_set_new(record, "signal", json_integer(WTERMSIG(r->status)));
    else
        json_object_set_new(record, "status", json_integer(WEXITSTATUS(r->status)));
    json_object_set_new(record, "seconds", json_real(r->seconds));
    json_object_set_new(record, "peak_memory_bytes", json_integer((json_int_t)r->peak_kib * 1024));
    json_object_set_new(record, "bytes_in", json_integer((json_int_t)r->bytes_in));
    json_object_set_new(record, "bytes_out", json_integer((json_int_t)r->bytes_out));
    json_object_set_new(record, "recipe", text_or_null(r->recipe));
    json_t *files = made ? describe_files(st, s) : NULL;
    if (files)
        json_object_set_new(record, "made", json_pack("{s:o, s:o}", "recipe", text_or_null(r->recipe), "files", files));
    else if (!made && json_object_get(old, "made"))
        json_object_set(record, "made", json_object_get(old, "made"));
    struct buf path = {0};
    state_path(st, s, "json", false, &path);
    int result = write_json(buf_string(&path), record, JSON_INDENT(2), e);
    buf_free(&path);
    json_decref(old);
    json_decref(record);
    return result;
}

bool state_is_fresh(struct state *st, const struct stage *s, const char *recipe)
{
    if (!s->n_files || !*recipe)
        return false;
    json_t *record = load_record(st, s), *made = json_object_get(record, "made");
    const char *then = json_string_value(json_object_get(made, "recipe"));
    bool fresh = then && !strcmp(then, recipe);
    json_t *files = fresh ? describe_files(st, s) : NULL;
    fresh = files && json_equal(files, json_object_get(made, "files"));
    json_decref(files);
    json_decref(record);
    return fresh;
}

/* ---- Hidden directories ----------------------------------------------------------------------------------------- */

/* Keeps the list on disk: no sync, since it matters only as long as the machine runs. */
static int write_hidden(struct state *st, struct err *e)
{
    char *path = in_state(st, "hidden");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), result = 0;
    if (fd < 0 || file_write(fd, st->hidden.data, st->hidden.len, e) < 0)
        result = err_system(e, "%s", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return result;
}

char *state_hide(struct state *st, const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? mem_printf("%.*s/.runnel-XXXXXX", (int)(slash - path), path) : mem_copy(".runnel-XXXXXX");
    if (!mkdtemp(directory)) {
        err_system(e, "%s: cannot make a hidden directory beside it", path);
        free(directory);
        return NULL;
    }
    buf_printf(&st->hidden, "%s\n", directory);
    if (write_hidden(st, e) < 0) {
        state_unhide(st, directory);
        free(directory);
        return NULL;
    }
    return directory;
}

void state_unhide(struct state *st, const char *directory)
{
    struct err ignored;
    remove_hidden(directory);
    size_t n = strlen(directory);
    char *at = st->hidden.len ? strstr(st->hidden.data, directory) : NULL;
    if (at && at[n] == '\n') {
        memmove(at, at + n + 1, st->hidden.len - (size_t)(at - st->hidden.data) - n);
        st->hidden.len -= n + 1;
    }
    write_hidden(st, &ignored);
}
