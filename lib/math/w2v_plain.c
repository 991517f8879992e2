#define W2V_TABLE w2v_plain
#include "math/w2v_code.h"
