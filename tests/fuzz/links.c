/* Links as text: the first byte chooses the form; what is taken lies in order and can be scored. */
#include <stdio.h>

#include "data/links.h"
#include "memory.h"

static void read_lines(const uint8_t *data, size_t size, enum links_format format, unsigned base)
{
    struct err e = {0};
    struct link_tally tally = {0};
    char path[64];
    int fd = memory_file(data, size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct gold *g = gold_open(path, format, base, NULL, &e);
    if (!g)
        abort();
    for (int pair = 0; pair < 20; pair++) {
        struct gold_pair given;
        if (gold_next(g, 50, 40, &given, &e) < 0) {
            if (e.status != STATUS_DATA || !*e.text)
                abort();
            break;
        }
        for (size_t k = 0; k < given.links->n; k++) {
            const struct link *link = &given.links->at[k];
            if (link->source >= 50 || link->target >= 40 || (k && link[-1].target > link->target))
                abort();
        }
        link_tally_add(&tally, given.links, &given);
    }
    if (tally.found != tally.found_possible || tally.sure != tally.found_sure)
        abort(); /* compared with themselves, all are right */
    gold_close(g);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        read_lines(data + 1, size - 1, data[0] & 1 ? LINKS_WPT : LINKS_PHARAOH, data[0] >> 1 & 1);
    return 0;
}
