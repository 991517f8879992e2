#if defined(__x86_64__) && !defined(RUNNEL_DOUBLE)
#define GEMM16_TABLE gemm16_avx2
#include "math/gemm16_code.h"
#endif
