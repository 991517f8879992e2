#define GEMM_TABLE gemm_plain
#include "math/gemm_code.h"
