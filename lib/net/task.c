#include "net/task.h"

#include <stddef.h>

/* clang-format off */
const struct task tasks[] = {
    {.name = "lm",       .target = "target", .optional = true, .classes = true},
    {.name = "tag",      .target = "tags",   .classes = true, .by_item = true},
    {.name = "classify", .target = "label",  .classes = true, .item = true, .by_item = true},
    {.name = "regress",  .target = "target", .optional = true, .by_item = true},
    {.name = "caption",  .classes = true, .by_item = true, .feature = "feature"},
};
/* clang-format on */
