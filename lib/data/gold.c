/* Given links, read line by line beside the pairs they are about. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/lines.h"
#include "data/links.h"

struct gold {
    struct lines links_file, judged_file; /* judged_file.fd -1: all words are judged */
    enum links_format format;
    unsigned base;
    uint64_t pairs; /* given out so far */
    struct links links;
    /* wpt: a line that is already read because it belongs to a later pair */
    bool waiting;
    uint64_t waiting_pair;
    struct links waiting_links;
    struct buf judged; /* source, NUL, target */
};

struct gold *gold_open(const char *path, enum links_format format, unsigned base, const char *judged, struct err *e)
{
    struct gold *g = mem_get(1, sizeof *g);
    g->format = format;
    g->base = base;
    g->judged_file.fd = -1;
    if (lines_open(&g->links_file, path, e) < 0 || (judged && lines_open(&g->judged_file, judged, e) < 0)) {
        gold_close(g);
        return NULL;
    }
    return g;
}

static int no_line(const struct gold *g, const struct lines *file, struct err *e)
{
    return err_fail(e, STATUS_DATA, "%s: ends after line %llu, but pair %llu follows (a line is wanted for each pair)",
                    file->label, (unsigned long long)file->number, (unsigned long long)g->pairs + 1);
}

static int read_pharaoh(struct gold *g, struct err *e)
{
    int got = lines_next(&g->links_file, e);
    if (got <= 0)
        return got < 0 ? -1 : no_line(g, &g->links_file, e);
    if (links_parse_pharaoh(g->links_file.text, g->links_file.length, g->base, &g->links, e) < 0)
        return lines_where(&g->links_file, e);
    return 0;
}

/* Reads lines up to the first of a later pair, which is kept. */
static int read_wpt(struct gold *g, struct err *e)
{
    struct lines *file = &g->links_file;
    for (;;) {
        if (!g->waiting) {
            int got;
            while ((got = lines_next(file, e)) == 1 && !file->length)
                ;
            if (got <= 0)
                return got;
            g->waiting_links.n = 0;
            if (links_parse_wpt(file->text, file->length, &g->waiting_pair, &g->waiting_links, e) < 0)
                return lines_where(file, e);
            if (g->waiting_pair < g->pairs) {
                err_fail(e, STATUS_DATA, "pair %llu stands behind pair %llu (sort the lines: sort -n)",
                         (unsigned long long)g->waiting_pair + 1, (unsigned long long)g->pairs + 1);
                return lines_where(file, e);
            }
        }
        g->waiting = g->waiting_pair > g->pairs;
        if (g->waiting)
            return 0;
        for (size_t i = 0; i < g->waiting_links.n; i++) {
            const struct link *link = &g->waiting_links.at[i];
            links_add(&g->links, link->source, link->target, link->sure);
        }
    }
}

/* A side's zeros and ones, as many as it has words. */
static int check_marks(const char *marks, size_t length, uint64_t words, const char *side, struct err *e)
{
    for (size_t i = 0; i < length; i++)
        if (marks[i] != '0' && marks[i] != '1')
            return err_fail(e, STATUS_DATA, "'%.40s' is not made of 0 and 1 (two words are wanted, one a side)", marks);
    if (length != words)
        return err_fail(e, STATUS_DATA, "%zu marks for the pair's %llu %s words", length, (unsigned long long)words,
                        side);
    return 0;
}

static int read_judged(struct gold *g, uint64_t sources, uint64_t targets, struct gold_pair *pair, struct err *e)
{
    struct lines *file = &g->judged_file;
    int got = lines_next(file, e);
    if (got <= 0)
        return got < 0 ? -1 : no_line(g, file, e);
    buf_clear(&g->judged);
    buf_add(&g->judged, file->text, file->length);
    char *source = buf_string(&g->judged), *space = strchr(source, ' ');
    const char *target = space ? space + 1 : source + strlen(source);
    if (space)
        *space = 0;
    if (check_marks(source, strlen(source), sources, "source", e) < 0 ||
        check_marks(target, strlen(target), targets, "target", e) < 0)
        return lines_where(file, e);
    pair->source = source;
    pair->target = target;
    return 0;
}

int gold_next(struct gold *g, uint64_t sources, uint64_t targets, struct gold_pair *pair, struct err *e)
{
    *pair = (struct gold_pair){&g->links, NULL, NULL};
    g->links.n = 0;
    if ((g->format == LINKS_WPT ? read_wpt(g, e) : read_pharaoh(g, e)) < 0)
        return -1;
    links_sort(&g->links);
    for (size_t i = 0; i < g->links.n; i++) {
        const struct link *link = &g->links.at[i];
        if (link->source < sources && link->target < targets)
            continue;
        unsigned base = g->format == LINKS_WPT ? 1 : g->base;
        err_fail(e, STATUS_DATA, "the link %lu-%lu lies beyond pair %llu's %llu source and %llu target words%s",
                 (unsigned long)link->source + base, (unsigned long)link->target + base,
                 (unsigned long long)g->pairs + 1, (unsigned long long)sources, (unsigned long long)targets,
                 base ? "" : " (words count from 0 here; --gold-base 1 if the file counts from 1)");
        return g->format == LINKS_WPT ? err_where(e, "%s", g->links_file.label) : lines_where(&g->links_file, e);
    }
    if (g->judged_file.fd >= 0 && read_judged(g, sources, targets, pair, e) < 0)
        return -1;
    g->pairs++;
    return 0;
}

int gold_end(struct gold *g, struct err *e)
{
    struct lines *files[] = {&g->links_file, &g->judged_file};
    bool more = g->waiting;
    for (int f = 0; f < 2; f++) {
        if (files[f]->fd < 0)
            continue;
        int got = more ? 1 : lines_next(files[f], e);
        if (got < 0)
            return -1;
        if (got)
            return err_fail(e, STATUS_DATA, "%s:%llu: there are only %llu pairs", files[f]->label,
                            (unsigned long long)files[f]->number, (unsigned long long)g->pairs);
    }
    return 0;
}

void gold_close(struct gold *g)
{
    if (!g)
        return;
    lines_close(&g->links_file);
    lines_close(&g->judged_file);
    links_free(&g->links);
    links_free(&g->waiting_links);
    buf_free(&g->judged);
    free(g);
}
