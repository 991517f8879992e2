/* task: what a recurrent network learns, as a table: a row each.
 *
 *     lm        the next id at every step (or a class at every step, where --target or a column `target` gives one)
 *     tag       a class at every step, given beside it
 *     classify  a class for the whole item, from its pooled outputs
 *     regress   real numbers: the next vector, or a column beside the steps or the items
 *     caption   an item's feature sets the initial state, then the next id from <s> to </s> */
#ifndef NET_TASK_H
#define NET_TASK_H

#include <stdbool.h>

#define TASK_CHOICES "lm|tag|classify|regress|caption"
enum task_kind { TASK_LM, TASK_TAG, TASK_CLASSIFY, TASK_REGRESS, TASK_CAPTION };

enum target_kind {
    TARGET_NEXT_ID,
    TARGET_NEXT_VEC,
    TARGET_STEP_CLASS,
    TARGET_ITEM_CLASS,
    TARGET_STEP_REAL,
    TARGET_ITEM_REAL,
};

/* As a word, for HEAD's meta: "next-id"; and back: 0, or -1 for none of them. */
extern const char *const target_kinds[];
int target_kind_find(const char *word, enum target_kind *kind);

static inline bool target_is_next(enum target_kind k)
{
    return k == TARGET_NEXT_ID || k == TARGET_NEXT_VEC;
}
static inline bool target_is_item(enum target_kind k)
{
    return k == TARGET_ITEM_CLASS || k == TARGET_ITEM_REAL;
}
static inline bool target_is_real(enum target_kind k)
{
    return k == TARGET_NEXT_VEC || k == TARGET_STEP_REAL || k == TARGET_ITEM_REAL;
}

struct task {
    const char *name;
    const char *target;  /* the column it learns when --target names none; NULL: none is asked for */
    bool optional;       /* that column need not be there: the next id or vector is learned then */
    bool classes;        /* targets are classes, not reals */
    bool item;           /* the target is one of the item (regress: may be, the column says) */
    bool by_item;        /* the data is read item by item when nothing else is asked for */
    const char *feature; /* column of a feature for each item; NULL: none */
};

extern const struct task tasks[]; /* in the order of TASK_CHOICES */

#endif
