/* log: --log FILE, one JSON object a line, each written at once and whole, so that several programs may append. */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdbool.h>

#include "base/err.h"

struct log {
    int fd; /* -1: no log wanted */
    const char *path;
};

struct log_field {
    const char *name;
    double value;     /* NaN and infinity are written as null */
    const char *text; /* a string in place of the number when not NULL */
};

/* path NULL: log_row does nothing. The file is begun anew unless `append`. */
int log_open(struct log *l, const char *path, bool append, struct err *e);
/* Fields end with a NULL name. */
int log_row(struct log *l, const struct log_field *fields, struct err *e);
int log_close(struct log *l, struct err *e);

#endif
