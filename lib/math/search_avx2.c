#ifdef __x86_64__
#define SEARCH_TABLE search_avx2
#include "math/search_code.h"
#else
typedef int no_kernels_here; /* a source must not be empty */
#endif
