#ifdef __x86_64__
#define NET_TABLE net_avx2
#include "net/net_source.h"
#endif
