#include "app/plot.h"

#include <cairo-svg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/cli.h"
#include "base/mem.h"

#define AT(field) offsetof(struct plot_config, field)

const struct opt plot_options[] = {
    {"width", 0, OPT_INT, AT(width), 0, "PIXELS", NULL, 100, 20000, NULL,
     "the picture's width (default: what suits it)"},
    {"height", 0, OPT_INT, AT(height), 0, "PIXELS", NULL, 100, 20000, NULL, "its height"},
    {"title", 0, OPT_TEXT, AT(title), 0, "TEXT", NULL, 0, 0, NULL, "write TEXT above it"},
    {"format", 0, OPT_CHOICE, AT(format), 0, NULL, "auto", 0, 0, "auto|png|svg",
     "the format; auto goes by the suffix of the output, and is png without one"},
    {0},
};

/* ---- Formats ---- */

static cairo_status_t take(void *context, const unsigned char *bytes, unsigned length)
{
    buf_add(context, bytes, length);
    return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *png_open(struct plot *p)
{
    return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)p->width, (int)p->height);
}

static cairo_status_t png_finish(struct plot *p)
{
    return cairo_surface_write_to_png_stream(p->surface, take, &p->bytes);
}

static cairo_surface_t *svg_open(struct plot *p)
{
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(take, &p->bytes, p->width, p->height);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    return surface;
}

static cairo_status_t svg_finish(struct plot *p)
{
    cairo_surface_finish(p->surface);
    return cairo_surface_status(p->surface);
}

static const struct plot_format {
    const char *suffix;
    bool binary;
    cairo_surface_t *(*open)(struct plot *p);
    cairo_status_t (*finish)(struct plot *p);
} formats[] = {
    /* in the order of --format, behind auto */
    {"png", true, png_open, png_finish},
    {"svg", false, svg_open, svg_finish},
};

enum { N_FORMATS = sizeof formats / sizeof *formats };

int plot_config_settle(struct plot_config *c, const char *output, bool *binary, struct err *e)
{
    const char *name = output ? strrchr(output, '/') : NULL, *dot = output ? strrchr(name ? name : output, '.') : NULL;
    if (!c->format && dot && dot[1]) {
        for (int f = 0; f < N_FORMATS; f++)
            if (!strcasecmp(dot + 1, formats[f].suffix))
                c->format = f + 1;
        if (!c->format)
            return err_fail(e, STATUS_MISUSED,
                            "%s: '%s' is no format of a picture (name it .png or .svg, or say --format)", output, dot);
    }
    if (!c->format)
        c->format = 1;
    *binary = formats[c->format - 1].binary;
    return 0;
}

static int refuse(cairo_status_t status, struct err *e)
{
    return err_fail(e, STATUS_FAILED, "cannot draw: %s", cairo_status_to_string(status));
}

int plot_open(struct plot *p, const struct plot_config *c, double width, double height, struct err *e)
{
    *p = (struct plot){.width = ceil(width), .height = ceil(height), .format = &formats[c->format - 1]};
    if (p->width > 32000 || p->height > 32000)
        return err_fail(e, STATUS_DATA, "the picture would be %.0f x %.0f pixels (set --width and --height)", p->width,
                        p->height);
    p->surface = p->format->open(p);
    p->draw = cairo_create(p->surface);
    if (cairo_status(p->draw))
        return refuse(cairo_status(p->draw), e);
    plot_colour(p, (struct colour){1, 1, 1});
    cairo_paint(p->draw);
    /* The same letters whatever the desktop has been told about its screen. */
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    p->text = pango_cairo_create_layout(p->draw);
    pango_cairo_context_set_font_options(pango_layout_get_context(p->text), options);
    cairo_font_options_destroy(options);
    pango_layout_set_single_paragraph_mode(p->text, TRUE);
    return 0;
}

int plot_finish(struct plot *p, struct err *e)
{
    cairo_status_t status = cairo_status(p->draw);
    if (!status) {
        cairo_surface_flush(p->surface);
        status = p->format->finish(p);
    }
    return status ? refuse(status, e) : 0;
}

#ifdef __SANITIZE_ADDRESS__
/* Fonts stay in the libraries' caches until the process ends; that is no leak of ours. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:libpango\nleak:libcairo\nleak:libglib\nleak:libgobject\n";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
/* NOLINTEND(bugprone-reserved-identifier) */
#endif

void plot_close(struct plot *p)
{
    if (p->text)
        g_object_unref(p->text);
    if (p->draw)
        cairo_destroy(p->draw);
    if (p->surface)
        cairo_surface_destroy(p->surface);
    buf_free(&p->bytes);
    *p = (struct plot){0};
}

/* ---- Colours ---- */

const struct colour plot_ink = {0.13, 0.15, 0.18}, plot_faint = {0.42, 0.45, 0.50}, plot_grid = {0.90, 0.91, 0.92},
                    plot_mark = {0.90, 0.35, 0.05};

void plot_colour(struct plot *p, struct colour c)
{
    cairo_set_source_rgb(p->draw, c.red, c.green, c.blue);
}

struct colour plot_series(size_t index)
{
    static const struct colour colours[] = {
        {0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45}, {0.80, 0.47, 0.65},
        {0.34, 0.71, 0.91}, {0.90, 0.62, 0.00}, {0.45, 0.45, 0.45}, {0.10, 0.10, 0.10},
    };
    return colours[index % (sizeof colours / sizeof *colours)];
}

struct colour plot_pale(struct colour c, double share)
{
    return (struct colour){c.red + share * (1 - c.red), c.green + share * (1 - c.green), c.blue + share * (1 - c.blue)};
}

/* Between the stops of a ramp, linear; at 0 .. 1. */
static struct colour ramp(const struct colour *stops, int n, double at)
{
    double place = fmin(fmax(at, 0), 1) * (n - 1);
    int i = (int)place < n - 1 ? (int)place : n - 2;
    double f = place - i;
    return (struct colour){stops[i].red + f * (stops[i + 1].red - stops[i].red),
                           stops[i].green + f * (stops[i + 1].green - stops[i].green),
                           stops[i].blue + f * (stops[i + 1].blue - stops[i].blue)};
}

struct colour plot_shade(const struct plot_scale *s, double value)
{
    static const struct colour blue[] = {{1, 1, 1},          {0.84, 0.91, 0.96}, {0.58, 0.77, 0.88},
                                         {0.26, 0.57, 0.77}, {0.10, 0.37, 0.62}, {0.03, 0.16, 0.34}};
    static const struct colour red[] = {{1, 1, 1},          {0.99, 0.88, 0.84}, {0.98, 0.66, 0.54},
                                        {0.90, 0.37, 0.27}, {0.70, 0.11, 0.13}, {0.38, 0.02, 0.07}};
    if (s->low >= 0)
        return ramp(blue, 6, s->high > s->low ? (value - s->low) / (s->high - s->low) : 0);
    double most = fmax(-s->low, s->high);
    return value < 0 ? ramp(red, 6, -value / most) : ramp(blue, 6, value / most);
}

/* ---- Text ---- */

static void set_text(struct plot *p, const char *text, const struct plot_style *style)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, "sans");
    pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
    pango_font_description_set_weight(font, style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(p->text, font);
    pango_font_description_free(font);
    pango_layout_set_width(p->text, style->longest > 0 ? (int)(style->longest * PANGO_SCALE) : -1);
    pango_layout_set_ellipsize(p->text, style->longest > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_text(p->text, text, -1);
}

void plot_text_size(struct plot *p, const char *text, const struct plot_style *style, double *width, double *height)
{
    PangoRectangle box;
    set_text(p, text, style);
    pango_layout_get_extents(p->text, NULL, &box);
    *width = (double)box.width / PANGO_SCALE;
    *height = (double)box.height / PANGO_SCALE;
}

void plot_text(struct plot *p, double x, double y, const char *text, const struct plot_style *style)
{
    PangoRectangle box;
    set_text(p, text, style);
    pango_layout_get_extents(p->text, NULL, &box);
    cairo_save(p->draw);
    cairo_translate(p->draw, x, y);
    cairo_rotate(p->draw, style->angle);
    /* A layout of fixed width begins where its alignment says; box.x takes that back. */
    cairo_move_to(p->draw, -(box.x + style->align * box.width) / PANGO_SCALE,
                  -style->middle * box.height / PANGO_SCALE);
    if (style->halo) {
        plot_colour(p, (struct colour){1, 1, 1});
        cairo_set_line_width(p->draw, 3);
        cairo_set_line_join(p->draw, CAIRO_LINE_JOIN_ROUND);
        cairo_save(p->draw);
        pango_cairo_layout_path(p->draw, p->text);
        cairo_stroke(p->draw);
        cairo_restore(p->draw);
        cairo_move_to(p->draw, -(box.x + style->align * box.width) / PANGO_SCALE,
                      -style->middle * box.height / PANGO_SCALE);
    }
    plot_colour(p, style->colour);
    pango_cairo_show_layout(p->draw, p->text);
    cairo_restore(p->draw);
}

char *plot_shown(const char *text)
{
    struct buf shown = {0};
    cli_escape(text, strlen(text), &shown);
    char *made = mem_copy(buf_string(&shown));
    buf_free(&shown);
    return made;
}

char *plot_file_name(const char *path)
{
    const char *label = infile_label(path), *slash = strrchr(label, '/');
    return plot_shown(slash ? slash + 1 : label);
}

size_t plot_list(const char *text, char ***list)
{
    char *copy = mem_copy(text), *word, *rest = copy;
    size_t n = 0;
    *list = mem_get(strlen(text) + 1, sizeof **list);
    while ((word = strsep(&rest, ",")))
        if (*word || !n) /* the first one stays, for it holds the memory */
            (*list)[n++] = word;
    return n;
}

enum { TITLE_SIZE = 17, TITLE_ROOM = 44 };

double plot_title_room(const struct plot_config *c)
{
    return c->title && *c->title ? TITLE_ROOM : 0;
}

void plot_title(struct plot *p, const struct plot_config *c)
{
    struct plot_style style =
        {.size = TITLE_SIZE, .colour = plot_ink, .align = 0.5, .middle = 0.5, .bold = true, .longest = p->width - 32};
    if (!c->title || !*c->title)
        return;
    char *title = plot_shown(c->title); /* a command line may hold any bytes, pango wants UTF-8 */
    plot_text(p, p->width / 2, TITLE_ROOM / 2 + 4, title, &style);
    free(title);
}
