#ifdef __x86_64__
#define GEMM_TABLE gemm_avx512
#include "math/gemm_code.h"
#endif
