#include "base/par.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One job at a time: the caller publishes it by raising `turn`; each worker does its share and lowers `left`. */
static struct {
    int threads;
    pthread_t thread[PAR_MAX_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_uint turn;
    atomic_int left;
    atomic_bool quit;
    size_t n, grain;
    void (*work)(void *, size_t, size_t);
    void *context;
} pool = {.threads = 1,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

enum { SPINS = 4000 }; /* about 20 us: longer than a gap between two products, shorter than a time slice */

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

static void *worker(void *argument)
{
    int index = (int)(intptr_t)argument;
    unsigned seen = 0;
    for (;;) {
        for (int spin = 0; spin < SPINS && atomic_load_explicit(&pool.turn, memory_order_acquire) == seen; spin++)
            relax();
        if (atomic_load_explicit(&pool.turn, memory_order_acquire) == seen) {
            pthread_mutex_lock(&pool.lock);
            while (atomic_load(&pool.turn) == seen)
                pthread_cond_wait(&pool.wake, &pool.lock);
            pthread_mutex_unlock(&pool.lock);
        }
        seen++;
        if (atomic_load(&pool.quit))
            return NULL;
        share(index);
        if (atomic_fetch_sub(&pool.left, 1) == 1) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.done);
            pthread_mutex_unlock(&pool.lock);
        }
    }
}

static void publish(void)
{
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.turn, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

int par_start(int threads, struct err *e)
{
    pool.threads = 1;
    for (int i = 1; i < threads; i++) {
        int code = pthread_create(&pool.thread[i], NULL, worker, (void *)(intptr_t)i);
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
    atomic_store(&pool.turn, 0);
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
    atomic_store(&pool.left, pool.threads - 1);
    publish();
    share(0);
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
