/* map: words as points in the plane in which their vectors spread most. */
#ifndef APP_PLOT_MAP_H
#define APP_PLOT_MAP_H

#include "app/plot.h"

enum { MAP_MOST = 2000 }; /* words */

struct map {
    size_t n;
    char **words;
    double *places;  /* [n,2] */
    double share[2]; /* of the variance that each axis explains */
};

/* Which words: those of `words` (separated by commas) and of the file `path` (one a line), or without either the
 * `top` most frequent ones. */
struct map_choice {
    const char *words, *file;
    int64_t top;
};

/* Reads a model/w2v (NULL or "-": standard input) and projects the chosen words' vectors. A word that is not in the
 * vocabulary is named, with the one spelled most like it. */
int map_read(struct map *m, const char *path, const struct map_choice *choice, struct err *e);

/* Draws it into a new canvas. Labels avoid each other; those for which there is no room are left out, and *hidden
 * counts them. */
int map_draw(const struct map *m, const struct plot_config *c, struct plot *p, size_t *hidden, struct err *e);

void map_free(struct map *m);

#endif
