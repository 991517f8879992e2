#include "base/par.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One job at a time, of as many shares as there are threads. The caller publishes it by a new ticket, the job's number
 * and that of the first share that nobody has taken: 1, for it begins with 0 itself. Whoever is free takes the next
 * one, the caller too, so that it never waits for a thread that the system has not let run yet. Who has taken a share
 * may read the job: it is not over before `left`, the shares to be done, is 0. */
static struct {
    int threads;
    pthread_t thread[PAR_MAX_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_uint_fast64_t ticket; /* number of the job << 32 | share */
    atomic_int left;
    atomic_bool quit;
    size_t n, grain;
    void (*work)(void *, size_t, size_t);
    void *context;
} pool = {.threads = 1,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

enum { SPINS = 800 }; /* 20 to 40 us: longer than a gap between two products, shorter than a time slice */

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void share(int index)
{
    size_t units = (pool.n + pool.grain - 1) / pool.grain;
    size_t low = units * (size_t)index / (size_t)pool.threads * pool.grain;
    size_t high = units * (size_t)(index + 1) / (size_t)pool.threads * pool.grain;
    if (high > pool.n)
        high = pool.n;
    if (low < high)
        pool.work(pool.context, low, high);
}

static uint32_t job_now(void)
{
    return (uint32_t)(atomic_load_explicit(&pool.ticket, memory_order_acquire) >> 32);
}

static void do_share(int index)
{
    share(index);
    if (atomic_fetch_sub(&pool.left, 1) == 1) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_signal(&pool.done);
        pthread_mutex_unlock(&pool.lock);
    }
}

/* Takes and does shares of a job until none is left to take. */
static void take_shares(uint32_t job)
{
    uint_fast64_t ticket = atomic_load(&pool.ticket);
    while (ticket >> 32 == job && (int)(uint32_t)ticket < pool.threads)
        if (atomic_compare_exchange_weak(&pool.ticket, &ticket, ticket + 1)) {
            do_share((int)(uint32_t)ticket);
            ticket = atomic_load(&pool.ticket);
        }
}

static void *worker(void *unused)
{
    uint32_t seen = 0;
    (void)unused;
    for (;;) {
        for (int spin = 0; spin < SPINS && job_now() == seen; spin++)
            relax();
        if (job_now() == seen) {
            pthread_mutex_lock(&pool.lock);
            while (job_now() == seen)
                pthread_cond_wait(&pool.wake, &pool.lock);
            pthread_mutex_unlock(&pool.lock);
        }
        seen = job_now();
        if (atomic_load(&pool.quit))
            return NULL;
        take_shares(seen);
    }
}

static void publish(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.ticket, (uint_fast64_t)(job_now() + 1) << 32 | 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

int par_start(int threads, struct err *e)
{
    pool.threads = 1;
    for (int i = 1; i < threads; i++) {
        int code = pthread_create(&pool.thread[i], NULL, worker, NULL);
        if (code) {
            par_stop();
            return err_fail(e, STATUS_FAILED, "cannot start thread %d: %s (try a smaller --threads)", i + 1,
                            strerror(code));
        }
        pool.threads = i + 1;
    }
    return 0;
}

void par_stop(void)
{
    atomic_store(&pool.quit, true);
    publish();
    for (int i = 1; i < pool.threads; i++)
        pthread_join(pool.thread[i], NULL);
    pool.threads = 1;
    atomic_store(&pool.quit, false);
    atomic_store(&pool.ticket, 0);
}

int par_threads(void)
{
    return pool.threads;
}

void par_for(size_t n, size_t grain, void (*work)(void *, size_t, size_t), void *context)
{
    if (!n)
        return;
    if (pool.threads == 1 || n <= grain) {
        work(context, 0, n);
        return;
    }
    pool.n = n;
    pool.grain = grain;
    pool.work = work;
    pool.context = context;
    atomic_store(&pool.left, pool.threads);
    publish();
    do_share(0);
    take_shares(job_now());
    for (int spin = 0; spin < SPINS && atomic_load_explicit(&pool.left, memory_order_acquire); spin++)
        relax();
    if (atomic_load(&pool.left)) {
        pthread_mutex_lock(&pool.lock);
        while (atomic_load(&pool.left))
            pthread_cond_wait(&pool.done, &pool.lock);
        pthread_mutex_unlock(&pool.lock);
    }
}

/* cgroup v2: "max 100000" or "quota period", in microseconds. */
static int cgroup_processors(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota, period;
    int n = f && fscanf(f, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0
                ? (int)((quota + period - 1) / period)
                : PAR_MAX_THREADS;
    if (f)
        fclose(f);
    return n;
}

int par_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int limit = cgroup_processors();
    const char *slurm = getenv("SLURM_CPUS_PER_TASK");
    long given = slurm ? strtol(slurm, NULL, 10) : 0;
    if (limit < n)
        n = limit;
    if (given > 0 && given < n)
        n = (int)given;
    return n < 1 ? 1 : n > PAR_MAX_THREADS ? PAR_MAX_THREADS : n;
}
