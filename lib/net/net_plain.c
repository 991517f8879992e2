#define NET_TABLE net_plain
#include "net/net_source.h"
