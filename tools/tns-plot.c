/* tns-plot: streams and logs to pictures. */
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/plot_curve.h"
#include "app/plot_gradflow.h"
#include "app/plot_heatmap.h"
#include "app/plot_map.h"
#include "app/plot_series.h"
#include "app/plot_strokes.h"
#include "app/verb.h"

static struct plot_config config;

static struct {
    int64_t item;
    const char *tensor;
    const char *x, *y;
    int scale;
    const char *column;
} run;

static struct map_choice map;
static struct flow_choice flow;
static struct series_choice series;
static struct strokes_choice strokes;

#define AT(field) offsetof(__typeof__(run), field)

static const struct opt item_options[] = {
    {"item", 'n', OPT_INT, AT(item), 0, "N", "0", 0, 0x1p62, NULL,
     "draw the N-th item, from 0; heatmap: the attention of that pair; strokes: the items from it on"},
    {0},
};

static const struct opt heatmap_options[] = {
    {"tensor", 0, OPT_TEXT, AT(tensor), 0, "NAME", NULL, 0, 0, NULL, "draw the matrix NAME of any stream instead"},
    {0},
};

static const struct opt curve_options[] = {
    {"x", 'x', OPT_TEXT, AT(x), 0, "FIELD", "step", 0, 0, NULL, "the field along the bottom"},
    {"y", 'y', OPT_TEXT, AT(y), 0, "FIELD,...", "loss", 0, 0, NULL, "the fields to draw over it"},
    {"scale", 0, OPT_CHOICE, AT(scale), 0, NULL, "linear", 0, 0, "linear|log", "the scale of their axis"},
    {0},
};

static const struct opt column_options[] = {
    {"column", 0, OPT_TEXT, AT(column), 0, "NAME", NULL, 0, 0, NULL,
     "the column to draw (default: vec); series: several, with commas between (default: `target` or else `vec`, and "
     "`pred.vec`)"},
    {0},
};

/* The groups in this order; each verb takes those of its bits, and the last two. */
enum { ITEM = 1, HEATMAP = 2, MAP = 4, CURVE = 8, GRADFLOW = 16 };
enum { COLUMN = 32, SERIES = 64, STROKES = 128, N_GROUPS = 8 };

static struct opt_group groups[] = {
    {"Options of heatmap, series and strokes", item_options, &run, 0},
    {"Options of heatmap", heatmap_options, &run, 0},
    {"Options of map", map_options, &map, 0},
    {"Options of curve", curve_options, &run, 0},
    {"Options of gradflow", flow_options, &flow, 0},
    {"Options of series and strokes", column_options, &run, 0},
    {"Options of series", series_options, &series, 0},
    {"Options of strokes", strokes_options, &strokes, 0},
    {"The picture", plot_options, &config, 0},
    CLI_GROUP,
    {0},
};

/* ---- Verbs: each draws into the one picture ---- */

static struct plot picture;

static int draw_heatmap(char **paths, int n, struct err *e)
{
    struct heatmap h = {0};
    const char *path = n ? paths[0] : NULL;
    int result = -1;
    if (run.tensor && opt_given(groups, "item"))
        err_fail(e, STATUS_MISUSED,
                 "--item is a pair's number and --tensor a matrix of the whole stream (leave one out)");
    else
        result = run.tensor ? heatmap_read_tensor(&h, path, run.tensor, e)
                            : heatmap_read_item(&h, path, (uint64_t)run.item, e);
    if (result == 0)
        result = heatmap_draw(&h, &config, &picture, e);
    heatmap_free(&h);
    return result;
}

static int draw_map(char **paths, int n, struct err *e)
{
    struct map m = {0};
    size_t hidden = 0;
    int result = 0;
    if (map.projection == MAP_PCA && (opt_given(groups, "perplexity") || opt_given(groups, "iterations")))
        result = err_fail(e, STATUS_MISUSED, "--perplexity and --iterations are t-SNE's (add --projection tsne)");
    if (result == 0 && (result = cli_threads(e)) == 0)
        result = map_read(&m, n ? paths[0] : NULL, &map, e);
    if (result == 0 && (result = map_draw(&m, &config, &picture, &hidden, e)) == 0 && hidden)
        cli_note("%zu of %zu words stand there without their names for want of room (try --width, --height)", hidden,
                 m.n);
    map_free(&m);
    return result;
}

static int draw_curves(char **paths, int n, struct err *e)
{
    char *standard[] = {NULL};
    struct curves c = {.log = run.scale == 1};
    int result = curves_read(&c, n ? paths : standard, n ? n : 1, run.x, run.y, e);
    if (result == 0 && (result = curves_draw(&c, &config, &picture, e)) == 0 && c.hidden)
        cli_note("%zu values are not above 0 and not shown (--scale log)", c.hidden);
    curves_free(&c);
    return result;
}

static int draw_gradflow(char **paths, int n, struct err *e)
{
    char *standard[] = {NULL};
    struct curves c = {0};
    int result = flow_read(&c, n ? paths : standard, n ? n : 1, &flow, e);
    if (result == 0)
        result = curves_draw(&c, &config, &picture, e);
    curves_free(&c);
    return result;
}

static int draw_series(char **paths, int n, struct err *e)
{
    struct curves c = {0};
    int result = series_read(&c, n ? paths[0] : NULL, (uint64_t)run.item, run.column, &series, e);
    if (result == 0)
        result = curves_draw(&c, &config, &picture, e);
    curves_free(&c);
    return result;
}

static int draw_strokes(char **paths, int n, struct err *e)
{
    struct strokes s = {0};
    int result =
        strokes_read(&s, n ? paths[0] : NULL, (uint64_t)run.item, run.column ? run.column : "vec", &strokes, e);
    if (result == 0)
        result = strokes_draw(&s, &config, &picture, e);
    strokes_free(&s);
    return result;
}

static const struct verb verbs[] = {
    {"heatmap", "[--item N | --tensor NAME] [FILE]", "the attention of one pair, or any matrix", 0, 1, ITEM | HEATMAP,
     draw_heatmap},
    {"map", "[--words A,B,C | --top N] [FILE]", "words where their vectors put them", 0, 1, MAP, draw_map},
    {"curve", "[--x FIELD] [--y FIELD,...] [LOG...]", "the numbers of training logs", 0, -1, CURVE, draw_curves},
    {"gradflow", "[--epoch N,...] [--layer N] [FILE...]", "how far gradients reach back in time", 0, -1, GRADFLOW,
     draw_gradflow},
    {"series", "[--item N] [--column NAME,...] [FILE]", "numbers step by step, and what was predicted", 0, 1,
     ITEM | COLUMN | SERIES, draw_series},
    {"strokes", "[--column NAME] [--items N] [FILE]", "what a pen wrote", 0, 1, ITEM | COLUMN | STROKES, draw_strokes},
    {0},
};

static const struct tool tool = {
    .name = "tns-plot",
    .purpose = "draw streams and logs",
    .usage = "[OPTION...] [FILE...]",
    .examples = "  tns-plot heatmap --item 3 alignment.tns -o pair.png\n"
                "  tns-plot map --words king,queen,man,woman words.tns -o words.svg\n"
                "  tns-plot curve --y loss,valid_loss train.log -o loss.png\n"
                "  tns-plot gradflow --labels elman,lstm elman-flow.tns lstm-flow.tns -o flow.png\n"
                "  tns-plot series --item 2 predicted.tns -o series.png\n"
                "  tns-plot strokes --items 5 written.tns -o strokes.png\n",
    .groups = groups,
    .verbs = verbs,
    .operands_low = 1,
    .operands_high = -1,
};

static int work(struct err *e)
{
    struct outfile *out;
    bool binary;
    if (plot_config_settle(&config, cli.output, &binary, e) < 0)
        return -1;
    if (binary && (!cli.output || !strcmp(cli.output, "-")) && isatty(STDOUT_FILENO))
        return err_fail(e, STATUS_MISUSED, "standard output is a terminal, which cannot show a PNG (use -o FILE.png)");
    if (!(out = cli_output(binary, e)) || verb_run(N_GROUPS, e) < 0)
        return -1;
    return outfile_write(out, picture.bytes.data, picture.bytes.len, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    int result = work(&e);
    plot_close(&picture);
    return cli_finish(result, &e);
}
