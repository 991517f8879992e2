#ifdef __x86_64__
#define GEMM_TABLE gemm_avx2
#include "math/gemm_code.h"
#endif
