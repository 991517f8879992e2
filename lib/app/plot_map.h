/* map: words as points in a plane: that in which their vectors spread most, or one on which neighbours stay
 * neighbours. */
#ifndef APP_PLOT_MAP_H
#define APP_PLOT_MAP_H

#include "app/plot.h"
#include "base/opt.h"

enum { MAP_MOST = 2000 }; /* words */

enum map_projection { MAP_PCA, MAP_TSNE };

struct map {
    size_t n;
    char **words;
    double *places; /* [n,2] */
    enum map_projection projection;
    double share[2];   /* MAP_PCA: of the variance that each axis explains */
    double perplexity; /* MAP_TSNE */
};

/* Which words: those of `words` (separated by commas) and of the file `path` (one a line), or without either the
 * `top` most frequent ones; and how they get into the plane. */
struct map_choice {
    const char *words, *file;
    int64_t top;
    int projection;
    double perplexity;
    int64_t iterations;
};
extern const struct opt map_options[];

/* Reads a model/w2v (NULL or "-": standard input) and projects the chosen words' vectors: as they are onto their first
 * two principal components, or scaled to length 1 by t-SNE. A word that is not in the vocabulary is named, with the one
 * spelled most like it. */
int map_read(struct map *m, const char *path, const struct map_choice *choice, struct err *e);

/* Draws it into a new canvas. Labels avoid each other; those for which there is no room are left out, and *hidden
 * counts them. */
int map_draw(const struct map *m, const struct plot_config *c, struct plot *p, size_t *hidden, struct err *e);

void map_free(struct map *m);

#endif
