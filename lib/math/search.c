#include "math/search.h"

const struct search_code *search_kernels(void)
{
    static const struct search_code *const code[KERN_LEVELS] = KERN_FAMILY(search);
    return code[kern_level()];
}
