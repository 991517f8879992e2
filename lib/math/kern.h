/* kern: which instruction set the inner loops use, chosen once.
 *
 * Every family of kernels is one source, written with vec.h and compiled several times: NAME_plain.c for any CPU,
 * NAME_avx2.c and NAME_avx512.c with the flags their names ask for (see MACHINE in the Makefile). Each compilation
 * exports a table of functions; KERN_FAMILY lists the tables by level and kern_level() says which one to use:
 *
 *     static const struct gemm_code *const code[KERN_LEVELS] = KERN_FAMILY(gemm);
 *     code[kern_level()]->rows(...);
 *
 * Plain C is the definition; the others are the same arithmetic in the same order, save that a * b + c is rounded
 * once. */
#ifndef MATH_KERN_H
#define MATH_KERN_H

#include <stdbool.h>

#include "base/err.h"

/* The last two are of use to products in bf16 alone (gemm16.h); all else takes them as KERN_AVX512. */
enum kern_level {
    KERN_PLAIN,
    KERN_AVX2,
    KERN_AVX512,
    KERN_LEVELS,
    KERN_AVX512BF16 = KERN_LEVELS, /* AVX-512 with AVX512_BF16 */
    KERN_AMX,                      /* that, and AMX_TILE with AMX_BF16 */
    KERN_LEVELS16
};

/* The words of --isa, as a row of options takes them. */
#define KERN_CHOICES "auto|plain|avx2|avx512|avx512bf16|amx"

/* Chooses by word, "auto" being the best this CPU has. STATUS_FAILED when the CPU lacks it, STATUS_MISUSED for
 * another word. Call it before threads start; without a call it is "auto". */
int kern_select(const char *name, struct err *e);

/* Says that there will be products in bf16: from here on "auto" may be one of their levels. Call it before threads
 * start. */
void kern_select16(void);

/* Has this CPU that level, and lets the system a process use it? */
bool kern_has(enum kern_level level);

/* The level in use, at most KERN_AVX512; that of products in bf16; and its word ("avx512", never "auto"). */
enum kern_level kern_level(void);
enum kern_level kern_level16(void);
const char *kern_name(void);

/* The tables of a family by level. Elsewhere than on x86-64 there is only the plain one. */
/* clang-format off */
#ifdef __x86_64__
#define KERN_FAMILY(family) {&family##_plain, &family##_avx2, &family##_avx512}
#else
#define KERN_FAMILY(family) {&family##_plain, &family##_plain, &family##_plain}
#endif
/* clang-format on */

#endif
