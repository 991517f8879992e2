/* yaml: a YAML file as a small tree whose nodes know where they stood.
 *
 * Built on libyaml's events alone: its document loader is quadratic in anchors, and its scanner in depth, so that
 * a file is bounded here, in bytes, depth and nodes, before it costs anything. Every value is text. Anchors,
 * aliases, tags, directives and second documents are refused, duplicate keys as well. What is wrong is collected,
 * so that a user sees all of it at once. */
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include <stddef.h>

enum { YAML_MAX_BYTES = 1 << 20, YAML_MAX_DEPTH = 32, YAML_MAX_NODES = 10000, FAULTS_MAX = 100 };

/* What is wrong with a text, by line and column (from 1; 0: the text as a whole). Zero-initialize; faults_free. */
struct faults {
    struct fault {
        unsigned line, column;
        char *text; /* one sentence, owned */
    } * items;
    size_t n;
    size_t more; /* how many came after FAULTS_MAX and were only counted */
};

void faults_add(struct faults *f, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void faults_sort(struct faults *f); /* by place, each once */
void faults_free(struct faults *f);

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    unsigned line, column;
    char *text;          /* YAML_SCALAR: no NUL within; "" for an empty value */
    struct yaml *key;    /* of a map's item; NULL elsewhere */
    struct yaml **items; /* YAML_LIST, YAML_MAP */
    size_t n;
};

/* The tree, or NULL when none could be made; either way `faults` may have grown. Owned by the caller. */
struct yaml *yaml_parse(const char *bytes, size_t length, struct faults *faults);
void yaml_release(struct yaml *node); /* (yaml_free is libyaml's) */

/* A map's item of that key, or NULL (also when the node is NULL or no map). */
struct yaml *yaml_get(const struct yaml *map, const char *key);

/* "text", "a list", "a map" */
const char *yaml_kind_name(enum yaml_kind kind);

#endif
