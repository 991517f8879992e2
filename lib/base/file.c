#include "base/file.h"
#include "base/mem.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_AHEAD = 1 << 20 };

/* Hidden names in use, for the signal handler alone: where O_TMPFILE does not work, only it can leave nothing
 * behind. */
static const char *volatile temps[8];

static void on_death(int number)
{
    for (size_t i = 0; i < sizeof temps / sizeof *temps; i++)
        if (temps[i])
            unlink(temps[i]);
    signal(number, SIG_DFL);
    raise(number);
}

static void remember(const char *temp)
{
    static const int deadly[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT, SIGXCPU};
    for (size_t i = 0; i < sizeof temps / sizeof *temps; i++)
        if (!temps[i]) {
            temps[i] = temp;
            break;
        }
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        struct sigaction old;
        if (sigaction(deadly[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            signal(deadly[i], on_death);
    }
}

static void forget(const char *temp)
{
    for (size_t i = 0; i < sizeof temps / sizeof *temps; i++)
        if (temps[i] == temp)
            temps[i] = NULL;
}

static bool is_standard(const char *path)
{
    return !path || !strcmp(path, "-");
}

/* The directory of a path, to be freed. */
static char *directory_of(const char *path)
{
    char *copy = mem_copy(path), *directory = mem_copy(dirname(copy));
    free(copy);
    return directory;
}

/* Two names of which neither is there yet: the same directory, the same last part. */
static bool same_name(const char *a, const char *b)
{
    char *in_a = directory_of(a), *in_b = directory_of(b), *last_a = mem_copy(a), *last_b = mem_copy(b);
    struct stat one, two;
    bool same = stat(in_a, &one) == 0 && stat(in_b, &two) == 0 && one.st_dev == two.st_dev &&
                one.st_ino == two.st_ino && !strcmp(basename(last_a), basename(last_b));
    free(in_a);
    free(in_b);
    free(last_a);
    free(last_b);
    return same;
}

bool file_same(const char *path, const char *other, int standard)
{
    struct stat one, two;
    bool there = stat(path, &one) == 0;
    if ((is_standard(other) ? fstat(standard, &two) : stat(other, &two)) == 0)
        return there && S_ISREG(two.st_mode) && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
    return !there && !is_standard(other) && same_name(path, other);
}

int outfile_probe(const char *path, struct err *e)
{
    struct stat st;
    if (is_standard(path))
        return 0;
    if (!*path)
        return err_fail(e, STATUS_FAILED, "the name of a file to write is empty (give one, or - for standard output)");
    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return err_fail(e, STATUS_FAILED, "%s: is a directory (name a file in it)", path);
        if (access(path, W_OK) < 0)
            return err_system(e, "%s", path);
        if (!S_ISREG(st.st_mode))
            return 0;
    } else if (errno != ENOENT) {
        return err_system(e, "%s", path);
    }
    char *directory = directory_of(path);
    int result = 0;
    if (stat(directory, &st) < 0)
        result = err_fail(e, STATUS_FAILED, "%s: the directory '%s' does not exist", path, directory);
    else if (access(directory, W_OK | X_OK) < 0)
        result = err_system(e, "%s: cannot write in the directory '%s'", path, directory);
    free(directory);
    return result;
}

/* Opens the unnamed or hidden file that will become f->path. */
static int open_beside(struct outfile *f, struct err *e)
{
    struct stat st;
    char *directory = directory_of(f->path);
    mode_t mask = umask(0);
    umask(mask);
    mode_t mode = stat(f->path, &st) == 0 ? st.st_mode & 07777 : 0666 & ~mask;
    f->fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (f->fd < 0) {
        f->temp = mem_printf("%s/.runnel-XXXXXX", directory);
        f->fd = mkostemp(f->temp, O_CLOEXEC);
        if (f->fd >= 0)
            remember(f->temp);
    }
    free(directory);
    if (f->fd < 0) {
        free(f->temp);
        f->temp = NULL;
        return err_system(e, "%s", f->path);
    }
    fchmod(f->fd, mode);
    return 0;
}

int outfile_open(struct outfile *f, const char *path, struct err *e)
{
    struct stat st;
    *f = (struct outfile){.fd = -1};
    if (is_standard(path)) {
        f->fd = STDOUT_FILENO;
        f->inplace = true;
        pipe_widen(f->fd);
        if (fstat(f->fd, &st) < 0) {
            f->fd = -1;
            return err_system(e, "standard output");
        }
        return 0;
    }
    if (outfile_probe(path, e) < 0)
        return -1;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        f->inplace = true;
        f->fd = open(path, O_WRONLY | O_CLOEXEC);
        if (f->fd < 0)
            return err_system(e, "%s", path);
        f->path = mem_copy(path);
        return 0;
    }
    char *real = realpath(path, NULL); /* replace what a link points to, not the link */
    f->path = real ? real : mem_copy(path);
    if (open_beside(f, e) < 0) {
        free(f->path);
        f->path = NULL;
        return -1;
    }
    return 0;
}

static const char *label(const struct outfile *f)
{
    return f->path ? f->path : "standard output";
}

int file_write(int fd, const void *bytes, size_t length, struct err *e)
{
    const char *at = bytes;
    while (length) {
        ssize_t n = write(fd, at, length < 1 << 17 ? length : 1 << 17);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_system(e, "cannot write");
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

int outfile_write(struct outfile *f, const void *bytes, size_t length, struct err *e)
{
    return file_write(f->fd, bytes, length, e) < 0 ? err_where(e, "%s", label(f)) : 0;
}

static void sync_directory(const char *path)
{
    char *directory = directory_of(path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* a file system that cannot is no reason to fail: the file itself is synced */
        close(fd);
    }
    free(directory);
}

/* Gives the unnamed file a hidden name beside its target. */
static int name_it(struct outfile *f, struct err *e)
{
    char proc[64];
    char *directory = directory_of(f->path);
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", f->fd);
    for (unsigned attempt = 0;; attempt++) {
        f->temp = mem_printf("%s/.runnel-%d-%u", directory, (int)getpid(), attempt);
        if (linkat(AT_FDCWD, proc, AT_FDCWD, f->temp, AT_SYMLINK_FOLLOW) == 0)
            break;
        if (errno != EEXIST || attempt > 1000) {
            err_system(e, "%s", f->path);
            free(f->temp);
            f->temp = NULL;
            free(directory);
            return -1;
        }
        free(f->temp);
    }
    remember(f->temp);
    free(directory);
    return 0;
}

static int publish(struct outfile *f, struct err *e)
{
    if (fsync(f->fd) < 0)
        return err_system(e, "%s: cannot sync", f->path);
    if (!f->temp && name_it(f, e) < 0)
        return -1;
    if (rename(f->temp, f->path) < 0)
        return err_system(e, "%s", f->path);
    forget(f->temp);
    free(f->temp);
    f->temp = NULL;
    sync_directory(f->path);
    return 0;
}

int file_sync(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), result = 0;
    if (fd < 0)
        return err_system(e, "%s", path);
    if (fsync(fd) < 0)
        result = err_system(e, "%s: cannot sync", path);
    close(fd);
    return result;
}

int file_rename(const char *temp, const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0)
        chmod(temp, st.st_mode & 07777);
    if (rename(temp, path) < 0)
        return err_system(e, "%s", path);
    sync_directory(path);
    return 0;
}

int outfile_commit(struct outfile *f, struct err *e)
{
    int result = f->inplace ? 0 : publish(f, e);
    if (result < 0) {
        outfile_drop(f);
        return -1;
    }
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) < 0)
        result = err_system(e, "%s: cannot close", label(f));
    free(f->path);
    f->path = NULL;
    return result;
}

void outfile_drop(struct outfile *f)
{
    if (f->fd < 0)
        return;
    close(f->fd);
    f->fd = -1;
    if (f->temp) {
        unlink(f->temp);
        forget(f->temp);
    }
    free(f->temp);
    free(f->path);
    f->temp = f->path = NULL;
}

int file_replace(const char *path, const void *bytes, size_t length, struct err *e)
{
    struct outfile f;
    if (outfile_open(&f, path, e) < 0)
        return -1;
    if (outfile_write(&f, bytes, length, e) < 0) {
        outfile_drop(&f);
        return -1;
    }
    return outfile_commit(&f, e);
}

const char *infile_label(const char *path)
{
    return is_standard(path) ? "standard input" : path;
}

int infile_open(const char *path, struct err *e)
{
    struct stat st;
    if (path && !*path)
        return err_fail(e, STATUS_FAILED, "the name of a file to read is empty (give one, or - for standard input)");
    int fd = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_system(e, "%s", infile_label(path));
    if (S_ISDIR(st.st_mode)) {
        if (fd != STDIN_FILENO)
            close(fd);
        return err_fail(e, STATUS_FAILED, "%s: is a directory (name a file in it)", infile_label(path));
    }
    pipe_widen(fd);
    return fd;
}

long file_read(int fd, void *bytes, size_t room, struct err *e)
{
    for (;;) {
        ssize_t n = read(fd, bytes, room);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return err_system(e, "cannot read");
        if (stop_pending())
            return err_fail(e, STATUS_STOPPED, "stopped by a signal while reading");
    }
}

int file_take(int fd, uint64_t length, struct buf *out, struct err *e)
{
    for (uint64_t left = length; left;) {
        size_t want = left < READ_AHEAD ? (size_t)left : READ_AHEAD;
        long got = file_read(fd, buf_room(out, want), want, e);
        if (got < 0)
            return -1;
        if (!got)
            return err_fail(e, STATUS_DATA, "the file ends after %" PRIu64 " of %" PRIu64 " bytes (it was cut)",
                            length - left, length);
        out->len += (size_t)got;
        left -= (uint64_t)got;
    }
    buf_string(out);
    return 0;
}

int file_ends(int fd, struct err *e)
{
    char byte;
    long got = file_read(fd, &byte, 1, e);
    return got > 0 ? err_fail(e, STATUS_DATA, "something follows the last byte that belongs to it") : (int)got;
}

int spool_open(struct err *e)
{
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/tmp";
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char *path = mem_printf("%s/runnel-XXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    else
        err_system(e, "cannot make a temporary file in '%s' (set TMPDIR)", directory);
    free(path);
    return fd;
}

void pipe_widen(int fd)
{
    fcntl(fd, F_SETPIPE_SZ, 1 << 20);
}
