#include "app/verb.h"

#include <string.h>

#include "app/cli.h"

const char *verb_names(const struct verb *verbs)
{
    static struct buf names;
    buf_clear(&names);
    for (const struct verb *verb = verbs; verb->name; verb++)
        buf_printf(&names, "%s%s", verb == verbs ? "" : "|", verb->name);
    return names.data;
}

void verb_help(const struct verb *verbs, struct buf *out)
{
    struct buf left = {0};
    buf_text(out, "\nVerbs:\n");
    for (const struct verb *verb = verbs; verb->name; verb++) {
        buf_clear(&left);
        buf_printf(&left, "  %s %s", verb->name, verb->usage);
        opt_help_row(left.data, verb->help, out);
    }
    buf_free(&left);
}

static const struct verb *find(const struct verb *verbs, const char *name, struct err *e)
{
    char near[32];
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (!strcmp(verb->name, name))
            return verb;
    if (opt_nearest(name, verb_names(verbs), near, sizeof near))
        err_fail(e, STATUS_MISUSED, "'%s' is no verb (did you mean '%s'?)", name, near);
    else
        err_fail(e, STATUS_MISUSED, "'%s' is no verb (one of %s)", name, verb_names(verbs));
    return NULL;
}

static int check(const struct verb *verb, unsigned n_groups, int n, struct err *e)
{
    const struct opt_group *groups = cli.tool->groups;
    for (unsigned g = 0; g < n_groups; g++)
        for (const struct opt *row = groups[g].rows; row->name && !(verb->groups >> g & 1); row++)
            if (opt_given(groups, row->name))
                return err_fail(e, STATUS_MISUSED, "%s takes no --%s (usage: %s %s %s)", verb->name, row->name,
                                cli.tool->name, verb->name, verb->usage);
    if (n < verb->low || (verb->high >= 0 && n > verb->high))
        return err_fail(e, STATUS_MISUSED, "%s: %s (usage: %s %s %s)", verb->name,
                        n < verb->low ? "an operand is missing" : "one operand too many", cli.tool->name, verb->name,
                        verb->usage);
    return 0;
}

int verb_run(unsigned n_groups, struct err *e)
{
    const struct verb *verb = find(cli.tool->verbs, cli.operands[0], e);
    int n = cli.n_operands - 1;
    return verb && check(verb, n_groups, n, e) == 0 ? verb->run(cli.operands + 1, n, e) : -1;
}
