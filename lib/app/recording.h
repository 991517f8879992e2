/* recording: the stream that --gradflow writes beside a model. */
#ifndef APP_RECORDING_H
#define APP_RECORDING_H

#include "base/file.h"
#include "data/meta.h"
#include "net/gradflow.h"

struct recording {
    struct outfile out;
    const char *path;
};
#define RECORDING_NONE                                                                                                 \
    {                                                                                                                  \
        .out = {.fd = -1 }                                                                                             \
    }

/* Opens the file (path NULL: none is wanted), which appears when it has been written. */
int recording_open(struct recording *r, const char *path, struct err *e);

/* Writes the records, if a file is wanted, behind the history of `input`, and lets it appear. `parents` as for
 * sink_end. */
int recording_write(struct recording *r, const struct gradflow *g, const struct meta *input, const char *parents,
                    struct err *e);

/* Gives up what has not been written. */
void recording_close(struct recording *r);

#endif
