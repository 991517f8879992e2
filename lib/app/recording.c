#include "app/recording.h"

#include "app/cli.h"

int recording_open(struct recording *r, const char *path, struct err *e)
{
    r->path = path;
    return path ? outfile_open(&r->out, path, e) : 0;
}

static int write_all(struct recording *r, const struct gradflow *g, const struct meta *head, const char *parents,
                     struct err *e)
{
    struct sink *k = sink_open(&r->out);
    int result = 0;
    if (sink_head(k, head, e) < 0 || gradflow_write(g, k, e) < 0 || sink_end(k, "complete", parents, e) < 0)
        result = -1;
    sink_close(k);
    return result < 0 || outfile_commit(&r->out, e) < 0 ? err_where(e, "%s", r->path) : 0;
}

int recording_write(struct recording *r, const struct gradflow *g, const struct meta *input, const char *parents,
                    struct err *e)
{
    struct meta head = {0};
    if (!r->path)
        return 0;
    head_make(&head, "tensors", input, cli_hop());
    cli_options_meta(&head);
    int result = write_all(r, g, &head, parents, e);
    meta_free(&head);
    return result;
}

void recording_close(struct recording *r)
{
    outfile_drop(&r->out);
}
