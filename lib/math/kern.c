#include "math/kern.h"

#include <stdatomic.h>
#include <string.h>

static const char *const names[KERN_LEVELS] = {"plain", "avx2", "avx512"};
static atomic_int chosen = -1;

bool kern_has(enum kern_level level)
{
#ifdef __x86_64__
    switch (level) {
    case KERN_AVX512:
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
            !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
            return false; /* fall through */
    case KERN_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    default:
        return true;
    }
#else
    return level == KERN_PLAIN;
#endif
}

static enum kern_level best(void)
{
    int level = KERN_LEVELS - 1;
    while (!kern_has((enum kern_level)level))
        level--;
    return (enum kern_level)level;
}

int kern_select(const char *name, struct err *e)
{
    if (strcmp(name, "auto") == 0) {
        atomic_store(&chosen, (int)best());
        return 0;
    }
    for (int level = 0; level < KERN_LEVELS; level++)
        if (strcmp(name, names[level]) == 0) {
            if (!kern_has((enum kern_level)level))
                return err_fail(e, STATUS_FAILED, "this processor has no %s (--isa auto takes what it has)", name);
            atomic_store(&chosen, level);
            return 0;
        }
    return err_fail(e, STATUS_MISUSED, "no instruction set is called '%s' (" KERN_CHOICES ")", name);
}

enum kern_level kern_level(void)
{
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level < 0) {
        level = (int)best();
        atomic_store(&chosen, level);
    }
    return (enum kern_level)level;
}

const char *kern_name(void)
{
    return names[kern_level()];
}
