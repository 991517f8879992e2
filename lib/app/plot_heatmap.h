/* heatmap: a matrix as a field of cells from white to dark, with words along its sides. */
#ifndef APP_PLOT_HEATMAP_H
#define APP_PLOT_HEATMAP_H

#include "app/plot.h"

struct heatmap {
    size_t rows, columns;
    double *values;                     /* [rows, columns] */
    char **row_labels, **column_labels; /* NULL: numbers from 0 */
    const char *row_name, *column_name; /* what they are: "target" */
    uint32_t *links;                    /* [n_links,2] column, row: cells to be marked */
    size_t n_links;
};

/* The pair `item`, from 0, of an alignment stream (NULL or "-": standard input), with its words and links. The stream
 * is read to its end. */
int heatmap_read_item(struct heatmap *h, const char *path, uint64_t item, struct err *e);

/* The tensor of that name, of rank 1 (a row) or 2. */
int heatmap_read_tensor(struct heatmap *h, const char *path, const char *name, struct err *e);

/* Draws it into a new canvas. */
int heatmap_draw(const struct heatmap *h, const struct plot_config *c, struct plot *p, struct err *e);

void heatmap_free(struct heatmap *h);

#endif
