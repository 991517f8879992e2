/* meta: the key=value lines of a frame, sorted by key, keys unique (stream(5), "Meta"). Zero-initialize; meta_free. */
#ifndef DATA_META_H
#define DATA_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { META_MAX = 1 << 20 }; /* bytes as encoded */

struct meta {
    struct meta_pair {
        char *key, *value; /* decoded; owned */
    } * pairs;
    size_t n;
};

/* The value of a key, or NULL. Owned by the meta. */
const char *meta_get(const struct meta *m, const char *key);

/* Sets a key, replacing what it was. Key and value are copied; they may hold any bytes but NUL. */
void meta_set(struct meta *m, const char *key, const char *value);
void meta_setf(struct meta *m, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the encoded lines to `out`. */
void meta_encode(const struct meta *m, struct buf *out);

/* Reads encoded lines into an empty meta. Anything but the one right spelling is refused. */
int meta_decode(struct meta *m, const char *bytes, size_t length, struct err *e);

void meta_copy(struct meta *to, const struct meta *from); /* `to` is freed first */
bool meta_same(const struct meta *a, const struct meta *b);
void meta_free(struct meta *m);

#endif
