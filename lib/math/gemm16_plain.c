#ifndef RUNNEL_DOUBLE
#define GEMM16_TABLE gemm16_plain
#include "math/gemm16_code.h"
#endif
