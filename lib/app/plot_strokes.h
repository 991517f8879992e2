/* strokes: what a pen wrote, item below item. */
#ifndef APP_PLOT_STROKES_H
#define APP_PLOT_STROKES_H

#include "app/plot.h"

struct strokes {
    struct stroke_item {
        uint64_t number; /* in the stream, from 0 */
        size_t n;
        double (*at)[2]; /* [n] where the pen was, x to the right, y downwards */
        bool *begins;    /* [n] is it the first point of a stroke? */
    } * items;
    size_t n, room;
};

struct strokes_choice {
    int64_t items; /* at most so many */
    bool down;     /* dy grows downwards; else upwards */
};
extern const struct opt strokes_options[];

/* Reads rows (dx, dy, end) of a column of the items from `first` on, from 0: where the pen moved to from the row
 * before, and whether (end >= 0.5) it is lifted then. It is up before the first row. Rows of another length, NaN and
 * places beyond all paper are STATUS_DATA. */
int strokes_read(struct strokes *s, const char *path, uint64_t first, const char *column,
                 const struct strokes_choice *choice, struct err *e);

/* Draws them into a new canvas, all at one scale. */
int strokes_draw(const struct strokes *s, const struct plot_config *config, struct plot *p, struct err *e);

void strokes_free(struct strokes *s);

#endif
