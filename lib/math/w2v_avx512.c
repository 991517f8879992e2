#ifdef __x86_64__
#define W2V_TABLE w2v_avx512
#include "math/w2v_code.h"
#else
typedef int no_kernels_here; /* a source must not be empty */
#endif
