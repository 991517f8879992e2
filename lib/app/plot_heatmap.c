#include "app/plot_heatmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Distances in pixels. */
enum {
    EDGE = 18,     /* around everything */
    GAP = 8,       /* between words and cells */
    LONGEST = 170, /* of a word */
    CELL_MOST = 30,
    CELL_LEAST = 10,
    SIDE = 1500,      /* of a cell; of the field, when the width is left open */
    FIELD = 560,      /* a side of a field without words */
    SHOWN = 800,      /* cells along a side; what has more is averaged */
    SLANT_CELL = 20,  /* words above narrower cells stand upright */
    WORDS_MOST = 400, /* words along a side */
    SCALE_ROOM = 92,
    SCALE_WIDTH = 16,
    NAME_ROOM = 24,
};

struct layout {
    double left, top, cell_width, cell_height; /* of the field */
    double field_width, field_height;
    double row_room, column_room; /* for words */
    double size;                  /* of the words' letters */
    double angle;                 /* of the words above: 0 or slanting upwards */
    double slant;                 /* what slanting words need on the right */
    struct plot_scale scale;
};

static bool worded(char **list, size_t n)
{
    return list && n <= WORDS_MOST;
}

static struct plot_style word_style(const struct layout *l)
{
    return (struct plot_style){.size = l->size, .colour = plot_ink, .middle = 0.5, .longest = LONGEST};
}

static double widest(struct plot *p, const struct layout *l, char **list, size_t n)
{
    struct plot_style style = word_style(l);
    double most = 0, width, height;
    for (size_t k = 0; k < n; k++) {
        style.longest = LONGEST;
        plot_text_size(p, list[k], &style, &width, &height);
        most = fmax(most, fmin(width, LONGEST));
    }
    return most;
}

static void find_scale(const struct heatmap *h, struct plot_scale *scale)
{
    scale->low = 0;
    scale->high = 0;
    for (size_t k = 0; k < h->rows * h->columns; k++) {
        scale->low = fmin(scale->low, h->values[k]);
        scale->high = fmax(scale->high, h->values[k]);
    }
    if (scale->low == scale->high || (scale->low == 0 && scale->high > 0.5 && scale->high < 1))
        scale->high = 1; /* probabilities, as it seems */
}

/* The cells' size: as asked for, or what suits; square where words stand on both sides. */
static void size_cells(const struct heatmap *h, const struct plot_config *c, struct layout *l, double around_x,
                       double around_y)
{
    double rows = (double)(h->rows ? h->rows : 1), columns = (double)(h->columns ? h->columns : 1);
    bool square = h->row_labels && h->column_labels;
    double most = fmin(CELL_MOST, fmax(CELL_LEAST, SIDE / fmax(rows, columns)));
    double width = most * columns, height = most * rows;
    if (!square) {
        width = fmin(fmax(most * columns, FIELD / 2), SIDE / 2);
        height = fmin(fmax(most * rows, 60), SIDE / 2);
    }
    if (c->width)
        width = fmax((double)c->width - around_x, columns < 20 ? columns : 20);
    if (c->height)
        height = fmax((double)c->height - around_y, rows < 20 ? rows : 20);
    l->cell_width = width / columns;
    l->cell_height = height / rows;
    if (square)
        l->cell_width = l->cell_height = fmin(l->cell_width, l->cell_height);
    l->field_width = l->cell_width * columns;
    l->field_height = l->cell_height * rows;
}

/* Room for words depends on their size, which depends on the cells': measured with a canvas of one pixel. */
static void lay_out(const struct heatmap *h, const struct plot_config *c, struct plot *probe, struct layout *l)
{
    double title = plot_title_room(c), around_x, around_y;
    l->size = 13;
    for (int pass = 0; pass < 3; pass++) {
        double row_words = worded(h->row_labels, h->rows) ? widest(probe, l, h->row_labels, h->rows) : 34;
        double column_words =
            worded(h->column_labels, h->columns) ? widest(probe, l, h->column_labels, h->columns) : 14;
        bool flat = !worded(h->column_labels, h->columns) || (pass && column_words <= l->cell_width - 4);
        l->angle = flat ? 0 : !pass || l->cell_width >= SLANT_CELL ? -M_PI / 3 : -M_PI / 2;
        l->row_room = row_words + GAP;
        l->column_room = (flat ? 1.4 * l->size : column_words * sin(-l->angle) + 0.7 * l->size) + GAP;
        l->slant = flat ? 0 : column_words * cos(l->angle);
        around_x = 2 * EDGE + NAME_ROOM + l->row_room + fmax(SCALE_ROOM, l->slant);
        around_y = 2 * EDGE + NAME_ROOM + l->column_room + title + (h->n_links ? NAME_ROOM : 0);
        size_cells(h, c, l, around_x, around_y);
        l->size = fmin(13, fmax(0.8 * fmin(l->cell_width, l->cell_height), 6));
        if (!worded(h->row_labels, h->rows) && !worded(h->column_labels, h->columns))
            l->size = 12;
    }
    l->left = EDGE + NAME_ROOM + l->row_room;
    l->top = EDGE + NAME_ROOM + l->column_room + title;
    if (c->width)
        l->left += fmax(0, ((double)c->width - around_x - l->field_width) / 2);
    if (c->height)
        l->top += fmax(0, ((double)c->height - around_y - l->field_height) / 2);
}

/* ---- Drawing ---- */

/* The cells as an image of one pixel a cell, or fewer where there are more than SHOWN: means of blocks. */
static cairo_surface_t *cell_image(const struct heatmap *h, const struct plot_scale *scale)
{
    size_t rows = h->rows < SHOWN ? h->rows : SHOWN, columns = h->columns < SHOWN ? h->columns : SHOWN;
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    if (cairo_surface_status(image))
        return image;
    cairo_surface_flush(image);
    unsigned char *pixels = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < columns; k++) {
            size_t r0 = r * h->rows / rows, r1 = (r + 1) * h->rows / rows;
            size_t k0 = k * h->columns / columns, k1 = (k + 1) * h->columns / columns;
            double sum = 0;
            for (size_t i = r0; i < r1; i++)
                for (size_t j = k0; j < k1; j++)
                    sum += h->values[i * h->columns + j];
            struct colour c = plot_shade(scale, sum / (double)((r1 - r0) * (k1 - k0)));
            uint32_t pixel = (uint32_t)lround(255 * c.red) << 16 | (uint32_t)lround(255 * c.green) << 8 |
                             (uint32_t)lround(255 * c.blue);
            *(uint32_t *)(void *)(pixels + r * stride + 4 * k) = pixel;
        }
    cairo_surface_mark_dirty(image);
    return image;
}

static void draw_cells(struct plot *p, const struct heatmap *h, const struct layout *l)
{
    cairo_t *d = p->draw;
    if (h->rows <= SHOWN && h->columns <= SHOWN && h->rows * h->columns <= 40000) {
        for (size_t r = 0; r < h->rows; r++)
            for (size_t k = 0; k < h->columns; k++) {
                double x = l->left + (double)k * l->cell_width, y = l->top + (double)r * l->cell_height;
                plot_colour(p, plot_shade(&l->scale, h->values[r * h->columns + k]));
                cairo_rectangle(d, floor(x), floor(y), floor(x + l->cell_width) - floor(x),
                                floor(y + l->cell_height) - floor(y));
                cairo_fill(d);
            }
    } else {
        cairo_surface_t *image = cell_image(h, &l->scale);
        cairo_save(d);
        cairo_translate(d, l->left, l->top);
        cairo_scale(d, l->field_width / cairo_image_surface_get_width(image),
                    l->field_height / cairo_image_surface_get_height(image));
        cairo_set_source_surface(d, image, 0, 0);
        cairo_pattern_set_filter(cairo_get_source(d), CAIRO_FILTER_NEAREST);
        cairo_paint(d);
        cairo_restore(d);
        cairo_surface_destroy(image);
    }
}

/* Fine lines between cells that are large enough, and a frame. */
static void draw_lines(struct plot *p, const struct heatmap *h, const struct layout *l)
{
    cairo_t *d = p->draw;
    double right = floor(l->left + l->field_width), bottom = floor(l->top + l->field_height);
    cairo_set_line_width(d, 1);
    plot_colour(p, plot_grid);
    for (size_t r = 1; r < h->rows && l->cell_height >= 8 && l->cell_width >= 8; r++) {
        double y = floor(l->top + (double)r * l->cell_height) + 0.5;
        cairo_move_to(d, floor(l->left), y);
        cairo_line_to(d, right, y);
    }
    for (size_t k = 1; k < h->columns && l->cell_width >= 8 && l->cell_height >= 8; k++) {
        double x = floor(l->left + (double)k * l->cell_width) + 0.5;
        cairo_move_to(d, x, floor(l->top));
        cairo_line_to(d, x, bottom);
    }
    cairo_stroke(d);
    plot_colour(p, plot_faint);
    cairo_rectangle(d, floor(l->left) + 0.5, floor(l->top) + 0.5, right - floor(l->left), bottom - floor(l->top));
    cairo_stroke(d);
}

/* A ring, white and coloured, that shows on any shade. */
static void ring(struct plot *p, double x, double y, double radius)
{
    for (int pass = 0; pass < 2; pass++) {
        cairo_new_sub_path(p->draw);
        cairo_arc(p->draw, x, y, radius, 0, 2 * M_PI);
        cairo_set_line_width(p->draw, pass ? 2 : 4);
        plot_colour(p, pass ? plot_mark : (struct colour){1, 1, 1});
        cairo_stroke(p->draw);
    }
}

static void draw_links(struct plot *p, const struct heatmap *h, const struct layout *l)
{
    double radius = fmin(fmax(1.5, 0.28 * fmin(l->cell_width, l->cell_height)), 9);
    for (size_t k = 0; k < h->n_links; k++)
        ring(p, l->left + (h->links[2 * k] + 0.5) * l->cell_width,
             l->top + (h->links[2 * k + 1] + 0.5) * l->cell_height, radius);
    if (h->n_links) {
        struct plot_style style = {.size = 12, .colour = plot_faint, .middle = 0.5};
        double y = l->top + l->field_height + NAME_ROOM / 2 + 6;
        ring(p, l->left + 8, y, 6);
        plot_text(p, l->left + 22, y, "link", &style);
    }
}

/* Every so many numbers along a side that has no words. */
static void draw_numbers(struct plot *p, const struct layout *l, size_t n, bool rows)
{
    struct plot_style style = {.size = 11, .colour = plot_faint, .align = rows ? 1 : 0.5, .middle = rows ? 0.5 : 1};
    double cell = rows ? l->cell_height : l->cell_width;
    double step = plot_step(0, (double)n, (int)(cell * (double)n / (rows ? 24 : 48)) + 1);
    char text[32];
    for (double k = 0; k < (double)n; k += step < 1 ? 1 : step) {
        plot_number(k, 1, text);
        if (rows)
            plot_text(p, l->left - GAP, l->top + (k + 0.5) * cell, text, &style);
        else
            plot_text(p, l->left + (k + 0.5) * cell, l->top - GAP / 2, text, &style);
    }
}

static void draw_words(struct plot *p, const struct heatmap *h, const struct layout *l)
{
    struct plot_style style = word_style(l), name = {.size = 12, .colour = plot_faint, .align = 0.5};
    style.align = 1;
    for (size_t r = 0; r < h->rows && worded(h->row_labels, h->rows); r++)
        plot_text(p, l->left - GAP, l->top + ((double)r + 0.5) * l->cell_height, h->row_labels[r], &style);
    style.align = l->angle != 0 ? 0 : 0.5;
    style.angle = l->angle;
    double rise = l->angle != 0 ? GAP : GAP + 0.5 * l->size, shift = l->angle != 0 ? -0.4 * l->size * cos(l->angle) : 0;
    for (size_t k = 0; k < h->columns && worded(h->column_labels, h->columns); k++)
        plot_text(p, l->left + ((double)k + 0.5) * l->cell_width + shift, l->top - rise, h->column_labels[k], &style);
    if (!worded(h->row_labels, h->rows))
        draw_numbers(p, l, h->rows, true);
    if (!worded(h->column_labels, h->columns))
        draw_numbers(p, l, h->columns, false);
    plot_text(p, l->left + l->field_width / 2, l->top - l->column_room - 17, h->column_name, &name);
    name.angle = -M_PI / 2;
    plot_text(p, l->left - l->row_room - 20, l->top + l->field_height / 2, h->row_name, &name);
}

/* The shades and what they stand for, on the right. */
static void draw_scale(struct plot *p, const struct layout *l)
{
    struct plot_style style = {.size = 11, .colour = plot_faint, .middle = 0.5};
    double high = fmin(fmax(l->field_height, 40), 240), x = floor(l->left + l->field_width + 22), y = floor(l->top);
    double low_value = l->scale.low, high_value = l->scale.high;
    char text[32];
    for (int k = 0; k < (int)high; k++) {
        plot_colour(p, plot_shade(&l->scale, high_value - (high_value - low_value) * (k + 0.5) / high));
        cairo_rectangle(p->draw, x, y + k, SCALE_WIDTH, 1);
        cairo_fill(p->draw);
    }
    plot_colour(p, plot_faint);
    cairo_set_line_width(p->draw, 1);
    cairo_rectangle(p->draw, x + 0.5, y + 0.5, SCALE_WIDTH, floor(high));
    cairo_stroke(p->draw);
    double step = plot_step(low_value, high_value, (int)(high / 40) + 1);
    for (double k = ceil(low_value / step - 1e-9); k * step <= high_value + 1e-9 * step; k++) {
        plot_number(k * step, step, text);
        plot_text(p, x + SCALE_WIDTH + 6, y + high * (high_value - k * step) / (high_value - low_value), text, &style);
    }
}

int heatmap_draw(const struct heatmap *h, const struct plot_config *c, struct plot *p, struct err *e)
{
    struct plot_config probing = {.format = 1};
    struct plot probe;
    struct layout l = {0};
    int result = plot_open(&probe, &probing, 1, 1, e);
    if (result == 0) {
        find_scale(h, &l.scale);
        lay_out(h, c, &probe, &l);
    }
    plot_close(&probe);
    double right = l.left + l.field_width + fmax(SCALE_ROOM, l.slant) + EDGE;
    double bottom = l.top + l.field_height + (h->n_links ? NAME_ROOM : 0) + EDGE;
    double width = c->width ? (double)c->width : right, height = c->height ? (double)c->height : bottom;
    if (result == 0 && (right > width + 1 || bottom > height + 1))
        result = err_fail(e, STATUS_MISUSED, "this picture wants %.0f x %.0f pixels at least (--width, --height)",
                          right, bottom);
    if (result < 0 || plot_open(p, c, width, height, e) < 0)
        return -1;
    plot_title(p, c);
    draw_cells(p, h, &l);
    draw_lines(p, h, &l);
    draw_links(p, h, &l);
    draw_words(p, h, &l);
    draw_scale(p, &l);
    return plot_finish(p, e);
}
