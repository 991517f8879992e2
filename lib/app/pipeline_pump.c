#include "app/pipeline_pump.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PIECE = 1 << 17, WHOLE_PIPE = 1 << 20 };

static void wait_for_writer(struct pump *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->writer_ended)
        pthread_cond_wait(&p->news, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void wait_for_readers(struct pump *p)
{
    pthread_mutex_lock(&p->lock);
    while (p->readers)
        pthread_cond_wait(&p->news, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void close_branch(struct branch *b)
{
    if (b->to >= 0)
        close(b->to);
    b->to = -1;
}

/* Waits until the descriptor is ready, or its other end gone; false when the pump is to stop. */
static bool ready(const struct pump *p, int fd, short events)
{
    struct pollfd ends[] = {{.fd = fd, .events = events}, {.fd = p->halt, .events = POLLIN}};
    while (poll(ends, 2, -1) < 0 && errno == EINTR)
        continue;
    return !ends[1].revents;
}

static bool again(ssize_t n)
{
    return n < 0 && (errno == EINTR || errno == EAGAIN);
}

/* One reader and no spool: the pages go from pipe to pipe without being copied. False at the end. */
static bool move_pages(struct pump *p)
{
    struct branch *b = &p->branches[0];
    ssize_t n;
    do
        if (!ready(p, p->from, POLLIN) || !ready(p, b->to, POLLOUT))
            return false;
    while (again(n = splice(p->from, NULL, b->to, NULL, WHOLE_PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)));
    if (n > 0) {
        b->bytes += (uint64_t)n;
        p->bytes += (uint64_t)n;
    } else if (n < 0) {
        if (errno != EPIPE)
            err_system(&p->failure, "cannot move bytes from pipe to pipe");
        b->early = true;
        close_branch(b);
    }
    return n != 0;
}

/* False when the pump is to stop. */
static bool write_branch(const struct pump *p, struct branch *b, const char *bytes, size_t length)
{
    while (b->to >= 0 && length) {
        ssize_t n = write(b->to, bytes, length);
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
            b->bytes += (uint64_t)n;
        } else if (again(n)) {
            if (!ready(p, b->to, POLLOUT))
                return false;
        } else {
            b->early = true;
            close_branch(b);
        }
    }
    return true;
}

/* Several readers, or a spool. False at the end. */
static bool copy_bytes(struct pump *p, char *piece)
{
    ssize_t n;
    do
        if (!ready(p, p->from, POLLIN))
            return false;
    while (again(n = read(p->from, piece, PIECE)));
    if (n <= 0)
        return false;
    p->bytes += (uint64_t)n;
    for (size_t i = 0; i < p->n; i++)
        if (!write_branch(p, &p->branches[i], piece, (size_t)n))
            return false;
    if (p->spool >= 0 && !p->failure.status && file_write(p->spool, piece, (size_t)n, &p->failure) < 0)
        err_where(&p->failure, "temporary file (set TMPDIR to where there is room)");
    return true;
}

static bool anybody_reads(const struct pump *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->branches[i].to >= 0)
            return true;
    return p->spool >= 0 && !p->failure.status;
}

static void *run(void *context)
{
    struct pump *p = context;
    char piece[PIECE];
    sigset_t all;
    sigfillset(&all); /* signals are for the main thread; SIGPIPE becomes EPIPE */
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    bool more = true;
    while (more && anybody_reads(p))
        more = p->n == 1 && p->spool < 0 ? move_pages(p) : copy_bytes(p, piece);
    if (more)
        wait_for_readers(p);
    else
        wait_for_writer(p);
    for (size_t i = 0; i < p->n; i++)
        close_branch(&p->branches[i]);
    close(p->from);
    p->from = -1;
    return NULL;
}

int pump_start(struct pump *p, struct err *e)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->news, NULL);
    p->readers = p->n;
    p->halt = eventfd(0, EFD_CLOEXEC);
    if (p->halt < 0)
        return err_system(e, "cannot make an event");
    int number = pthread_create(&p->thread, NULL, run, p);
    if (number) {
        close(p->halt);
        errno = number;
        return err_system(e, "cannot start a thread");
    }
    p->running = true;
    return 0;
}

void pump_writer_ended(struct pump *p)
{
    if (!p->running)
        return;
    pthread_mutex_lock(&p->lock);
    p->writer_ended = true;
    pthread_cond_signal(&p->news);
    pthread_mutex_unlock(&p->lock);
}

void pump_reader_ended(struct pump *p)
{
    if (!p->running)
        return;
    pthread_mutex_lock(&p->lock);
    p->readers--;
    pthread_cond_signal(&p->news);
    pthread_mutex_unlock(&p->lock);
}

void pump_join(struct pump *p, bool now)
{
    if (!p->running)
        return;
    if (now) {
        pthread_mutex_lock(&p->lock);
        p->writer_ended = true;
        p->readers = 0;
        pthread_cond_signal(&p->news);
        pthread_mutex_unlock(&p->lock);
        eventfd_write(p->halt, 1);
    }
    pthread_join(p->thread, NULL);
    close(p->halt);
    p->running = false;
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->news);
}
