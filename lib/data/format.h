/* format: the foreign formats of `tns import` and `tns export`. Adding one is a row here and its two functions. */
#ifndef DATA_FORMAT_H
#define DATA_FORMAT_H

#include <stdbool.h>

#include "base/opt.h"
#include "data/stream.h"

/* What the user asked for; each format refuses what it has no use for. */
struct format_want {
    const char *name;     /* of the tensor or column; NULL: not given */
    bool column;          /* import: batches of a column, not a tensor */
    const char *profile;  /* import: of the segment; NULL: not given */
    struct opt_list meta; /* import: key=value for the tensor */
    const char *hop;      /* import: the segment's history */
};

struct format {
    const char *name;
    bool binary; /* what export writes is not for a terminal */
    /* Reads files (none: standard input) into the sink, all segments from HEAD to END. */
    int (*import)(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);
    int (*export)(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);
};

/*             name  binary import       export */
#define FORMATS(ROW)                                                                                                   \
    ROW(text, false, format_text_in, format_text_out)                                                                  \
    ROW(npy, true, npy_import, npy_export)

#define FORMAT_CHOICE(name, ...) "|" #name
#define FORMAT_CHOICES           (&(FORMATS(FORMAT_CHOICE))[1]) /* "text|npy" */

extern const struct format formats[]; /* in the order of FORMAT_CHOICES */

#endif
