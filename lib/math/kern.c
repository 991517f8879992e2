#include "math/kern.h"

#include <stdatomic.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[KERN_LEVELS16] = {"plain", "avx2", "avx512", "avx512bf16", "amx"};
static atomic_int chosen = -1;
static atomic_int most = KERN_AVX512; /* what "auto" may reach */
static atomic_bool automatic = true;

#ifdef __x86_64__
/* A bit of leaf 7, subleaf `subleaf`: of EAX or EDX. */
static bool leaf7(unsigned subleaf, bool in_eax, int bit)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, subleaf, &a, &b, &c, &d))
        return false;
    return (in_eax ? a : d) >> bit & 1;
}

/* AMX_BF16 is bit 22, AMX_TILE bit 24. The state of tiles is large, so the kernel wants to be asked first, once for
 * all threads of the process (Linux, Documentation/arch/x86/xstate.rst). */
static bool has_amx(void)
{
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return leaf7(0, false, 22) && leaf7(0, false, 24) &&
           syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#endif

bool kern_has(enum kern_level level)
{
#ifdef __x86_64__
    switch (level) {
    case KERN_AMX:
        if (!has_amx())
            return false; /* fall through */
    case KERN_AVX512BF16:
        if (!leaf7(1, true, 5))
            return false; /* fall through */
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

static int best(void)
{
    int level = atomic_load(&most);
    while (!kern_has((enum kern_level)level))
        level--;
    return level;
}

static void choose(int level, bool by_itself)
{
    atomic_store(&automatic, by_itself);
    atomic_store(&chosen, level);
}

int kern_select(const char *name, struct err *e)
{
    if (strcmp(name, "auto") == 0) {
        choose(best(), true);
        return 0;
    }
    for (int level = 0; level < KERN_LEVELS16; level++)
        if (strcmp(name, names[level]) == 0) {
            if (!kern_has((enum kern_level)level))
                return err_fail(e, STATUS_FAILED, "this processor has no %s (--isa auto takes what it has)", name);
            choose(level, false);
            return 0;
        }
    return err_fail(e, STATUS_MISUSED, "no instruction set is called '%s' (" KERN_CHOICES ")", name);
}

void kern_select16(void)
{
    atomic_store(&most, KERN_AMX);
    if (atomic_load(&automatic))
        choose(best(), true);
}

enum kern_level kern_level16(void)
{
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level < 0) {
        level = best();
        atomic_store(&chosen, level);
    }
    return (enum kern_level)level;
}

enum kern_level kern_level(void)
{
    enum kern_level level = kern_level16();
    return level < KERN_AVX512 ? level : KERN_AVX512;
}

const char *kern_name(void)
{
    return names[kern_level16()];
}
