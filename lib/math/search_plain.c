#define SEARCH_TABLE search_plain
#include "math/search_code.h"
