#include "net/task.h"

#include <stddef.h>
#include <string.h>

/* clang-format off */
const struct task tasks[] = {
    {.name = "lm",       .target = "target", .optional = true, .classes = true},
    {.name = "tag",      .target = "tags",   .classes = true, .by_item = true},
    {.name = "classify", .target = "label",  .classes = true, .item = true, .by_item = true},
    {.name = "regress",  .target = "target", .optional = true, .by_item = true},
    {.name = "caption",  .classes = true, .by_item = true, .feature = "feature"},
};
/* clang-format on */

const char *const target_kinds[] = {"next-id", "next-vec", "step-class", "item-class", "step-real", "item-real"};

int target_kind_find(const char *word, enum target_kind *kind)
{
    for (size_t i = 0; i < sizeof target_kinds / sizeof *target_kinds; i++)
        if (!strcmp(word, target_kinds[i])) {
            *kind = (enum target_kind)i;
            return 0;
        }
    return -1;
}
