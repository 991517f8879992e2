#include "app/pipeline_process.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *name)
{
    if (strchr(name, '/'))
        return is_program(name) ? mem_copy(name) : NULL;
    const char *path = getenv("PATH");
    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin";;) {
        size_t n = strcspn(at, ":");
        char *candidate = n ? mem_printf("%.*s/%s", (int)n, at, name) : mem_printf("./%s", name);
        if (is_program(candidate))
            return candidate;
        free(candidate);
        if (!at[n])
            return NULL;
        at += n + 1;
    }
}

char *program_directory(void)
{
    char *path = realpath("/proc/self/exe", NULL), *slash = path ? strrchr(path, '/') : NULL;
    char *directory = slash ? mem_copy_bytes(path, (size_t)(slash - path)) : NULL;
    free(path);
    return directory;
}

/* The keeper's whole life. Signals but SIGKILL are not for it. */
static void keep(int listen)
{
    sigset_t all;
    char byte;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setpgid(0, 0);
    int fd = dup2(listen, 0);
    close_range(1, ~0u, 0); /* among them the lock, and the other end of the pipe */
    while (fd == 0 && read(0, &byte, 1) < 0 && errno == EINTR)
        continue;
    kill(0, SIGKILL);
    _exit(1);
}

void process_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int group_start(struct group *g, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_system(e, "cannot make a pipe");
    pid_t pid = fork();
    if (pid == 0)
        keep(ends[0]);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return err_system(e, "cannot start a process (too many processes?)");
    }
    setpgid(pid, pid); /* both do it: whoever comes first */
    *g = (struct group){pid, ends[1]};
    return 0;
}

void group_signal(const struct group *g, int number)
{
    if (g->leader)
        kill(-g->leader, number);
}

void group_end(struct group *g)
{
    if (!g->leader)
        return;
    kill(-g->leader, SIGKILL);
    close(g->hold);
    while (waitpid(-g->leader, NULL, 0) > 0 || errno == EINTR) /* orphans come to the runner, see process_adopt */
        continue;
    *g = (struct group){0, -1};
}

/* Puts the descriptors where the program expects them. First all go out of the way of 0 .. the last. */
static int place_descriptors(const struct spawn *s)
{
    const int beyond = 64;
    int last = PIPELINE_FIRST_FD + (int)s->n_fds;
    int in = s->in < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : s->in;
    int from[PIPELINE_FIRST_FD + PIPELINE_MAX_FDS] = {in, s->out, s->error};
    for (size_t i = 0; i < s->n_fds; i++)
        from[PIPELINE_FIRST_FD + i] = s->fds[i];
    for (int i = 0; i < last; i++)
        if ((from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, beyond)) < 0)
            return -1;
    for (int i = 0; i < last; i++)
        if (dup2(from[i], i) < 0)
            return -1;
    return close_range((unsigned)last, ~0u, CLOSE_RANGE_CLOEXEC);
}

/* In the new process, up to the program; what fails is told through `report`. */
static void become(const struct spawn *s, pid_t parent, int report)
{
    signal(SIGPIPE, SIG_DFL); /* some parents ignore it; other ignored signals (nohup) stay so */
    setpgid(0, s->group);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int told = fcntl(report, F_DUPFD_CLOEXEC, 128); /* out of the way as well */
    if (getppid() == parent && told >= 0 && place_descriptors(s) == 0) {
        sigprocmask(SIG_SETMASK, s->mask, NULL);
        execv(s->program, s->argv);
    }
    int number = errno;
    if (write(told, &number, sizeof number) < 0)
        _exit(126);
    _exit(127);
}

pid_t process_spawn(const struct spawn *s, struct err *e)
{
    int ends[2], number = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_system(e, "cannot make a pipe");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become(s, parent, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return err_system(e, "cannot start a process (too many processes?)");
    }
    setpgid(pid, s->group);
    ssize_t n;
    do
        n = read(ends[0], &number, sizeof number);
    while (n < 0 && errno == EINTR);
    close(ends[0]);
    if (n <= 0)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (number == ENOEXEC)
        return err_fail(e, STATUS_FAILED, "cannot start %s: no program of this system (a script needs a #! line)",
                        s->program);
    errno = number;
    return err_system(e, "cannot start %s", s->program);
}

void process_ending(int status, struct buf *out)
{
    if (WIFEXITED(status)) {
        buf_printf(out, "ended with status %d", WEXITSTATUS(status));
        return;
    }
    const char *name = sigabbrev_np(WTERMSIG(status));
    if (name)
        buf_printf(out, "was killed by SIG%s", name);
    else
        buf_printf(out, "was killed by signal %d", WTERMSIG(status));
}
