/* attn-align: pairs of sentences to soft alignments and links; links as text; links scored. */
#include <math.h>
#include <string.h>

#include "app/cli.h"
#include "app/relay.h"
#include "data/alignment.h"
#include "data/links.h"
#include "net/attn.h"

static struct attn_config align;

/* What is written: the stream, one of the forms of text, or nothing but the score. */
enum format { FORMAT_STREAM, FORMAT_TEXT, FORMAT_SCORE = FORMAT_TEXT + ALIGNMENT_NEMATUS + 1 };

static struct {
    int format, gold_format;
    const char *gold, *judged;
    int64_t base;
} run;

#define AT(field) offsetof(__typeof__(run), field)

static const struct opt gold_options[] = {
    {"gold", 0, OPT_TEXT, AT(gold), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "compare the links with those in FILE: precision, recall and alignment error rate (AER), beside the diagonal's"},
    {"gold-format", 0, OPT_CHOICE, AT(gold_format), 0, NULL, "pharaoh", 0, 0, LINKS_FORMAT_CHOICES,
     "the form of the given links: a line a pair of 3-4 (sure) and 3?4 or 3p4 (possible); or a line a link, "
     "'pair source target S|P', from 1"},
    {"gold-base", 0, OPT_INT, AT(base), 0, "0|1", "0", 0, 1, NULL, "what the first word is called in a pharaoh file"},
    {"gold-words", 0, OPT_TEXT, AT(judged), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "judge only the words that FILE marks with 1: a line a pair, '0110 101' for source and target"},
    {0},
};

static const struct opt output_options[] = {
    {"format", 0, OPT_CHOICE, AT(format), 0, NULL, "stream", 0, 0, "stream|pharaoh|marian|nematus|score",
     "write a stream of profile alignment; links or weights as text; or the score alone"},
    {0},
};

static struct opt_group groups[] = {{"Aligning", attn_options, &align, 0},
                                    {"Scoring", gold_options, &run, 0},
                                    {"Output", output_options, &run, 0},
                                    CLI_GROUP,
                                    {0}};

static const struct tool tool = {
    .name = "attn-align",
    .purpose = "align the words of sentence pairs",
    .usage = "[OPTION...] [FILE]",
    .examples = "  embed --model words.tns < pairs.tns | attn-align --gold gold.txt -o alignment.tns\n"
                "  attn-align --format pharaoh alignment.tns > links.txt\n",
    .groups = groups,
    .profile = "alignment",
    .numeric = true,
    .operands_high = 1,
};

/* ---- Scoring ----------------------------------------------------------------------------------------------------- */

static struct gold *gold;
static struct link_tally found, diagonal;

static int score_pair(const struct alignment *a, struct err *e)
{
    struct gold_pair given;
    struct links links = {0};
    if (gold_next(gold, a->sources, a->targets, &given, e) < 0)
        return -1;
    for (uint64_t l = 0; l < a->n_links; l++)
        links_add(&links, a->links[2 * l], a->links[2 * l + 1], true);
    links_sort(&links);
    link_tally_add(&found, &links, &given);
    links.n = 0;
    links_diagonal(&links, a->sources, a->targets);
    link_tally_add(&diagonal, &links, &given);
    links_free(&links);
    return 0;
}

static void report(void)
{
    if (run.format == FORMAT_SCORE)
        cli_print("links\tprecision\trecall\taer\tfound\tsure\n"
                  "found\t%.4f\t%.4f\t%.4f\t%llu\t%llu\ndiagonal\t%.4f\t%.4f\t%.4f\t%llu\t%llu\n",
                  link_precision(&found), link_recall(&found), link_error_rate(&found), (unsigned long long)found.found,
                  (unsigned long long)found.sure, link_precision(&diagonal), link_recall(&diagonal),
                  link_error_rate(&diagonal), (unsigned long long)diagonal.found, (unsigned long long)diagonal.sure);
    else
        cli_note("precision %.3f, recall %.3f, AER %.3f (the diagonal: %.3f, %.3f, %.3f)", link_precision(&found),
                 link_recall(&found), link_error_rate(&found), link_precision(&diagonal), link_recall(&diagonal),
                 link_error_rate(&diagonal));
}

static int score_batch(const struct batch *batch, struct err *e)
{
    struct alignment a;
    for (uint64_t k = 0; gold && k < batch->n; k++)
        if (alignment_item(batch, k, &a, e) < 0 || score_pair(&a, e) < 0)
            return -1;
    return 0;
}

/* ---- A stream ---------------------------------------------------------------------------------------------------- */

static const char *profile_for(const char *input)
{
    (void)input;
    return "alignment";
}

static int align_batch(void *context, struct batch *batch, struct err *e)
{
    (void)context;
    return attn_align(&align, batch, e) < 0 ? -1 : score_batch(batch, e);
}

/* ---- Text: pairs are aligned, alignments taken as they are ------------------------------------------------------- */

static struct item_words sides[2];

static int print_batch(const struct batch *batch, uint64_t *number, struct err *e)
{
    enum alignment_format format = (enum alignment_format)(run.format - FORMAT_TEXT);
    struct alignment a;
    struct buf text = {0};
    if (alignment_wants_words(format) &&
        (item_words_batch(&sides[0], batch, e) < 0 || item_words_batch(&sides[1], batch, e) < 0))
        return -1;
    for (uint64_t k = 0; k < batch->n; k++) {
        if (alignment_item(batch, k, &a, e) < 0 || alignment_text(format, &a, (*number)++, sides, &text, e) < 0)
            break;
        cli_print("%s", buf_string(&text));
        buf_clear(&text);
    }
    buf_free(&text);
    return e->status ? -1 : 0;
}

static int print_segment(struct source *s, const struct segment *segment, uint64_t *number, struct err *e)
{
    struct batch batch = {0};
    bool pairs = !strcmp(segment_profile(segment), "pairs");
    int got;
    if (segment_wants(segment, "pairs or alignment", e) < 0)
        return -1;
    if (item_words_begin(&sides[0], "src.", segment, e) < 0 || item_words_begin(&sides[1], "tgt.", segment, e) < 0)
        return -1;
    while ((got = source_batch(s, &batch, e)) == 1)
        if ((pairs && attn_align(&align, &batch, e) < 0) || score_batch(&batch, e) < 0 ||
            (run.format != FORMAT_SCORE && print_batch(&batch, number, e) < 0)) {
            got = err_where(e, "items from %llu", (unsigned long long)batch.row0);
            break;
        }
    batch_free(&batch);
    return got;
}

static int print_all(const char *path, struct err *e)
{
    struct segment segment = {0};
    uint64_t number = 0;
    int got;
    struct source *s = source_open_path(path, e);
    if (!s || !cli_output(false, e)) {
        source_close(s);
        return -1;
    }
    while ((got = source_segment(s, &segment, e)) == 1)
        if (print_segment(s, &segment, &number, e) < 0) {
            got = err_where(e, "%s", source_label(s));
            break;
        }
    segment_free(&segment);
    source_close(s);
    return got;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

static int check_options(struct err *e)
{
    const struct opt_group *scoring = &groups[1];
    if (!run.gold && scoring->given)
        return err_fail(e, STATUS_MISUSED, "the --gold-... options say how to read --gold FILE, which is missing");
    if (!run.gold && run.format == FORMAT_SCORE)
        return err_fail(e, STATUS_MISUSED, "--format score wants links to compare with (--gold FILE)");
    if (run.gold_format == LINKS_WPT && opt_given(scoring, "gold-base") && run.base != 1)
        return err_fail(e, STATUS_MISUSED, "words count from 1 in the wpt format (leave --gold-base out)");
    if (run.gold &&
        !(gold = gold_open(run.gold, (enum links_format)run.gold_format, (unsigned)run.base, run.judged, e)))
        return -1;
    return 0;
}

static int work(struct err *e)
{
    const char *path = cli.n_operands ? cli.operands[0] : NULL;
    const struct relay relay = {.profile = profile_for, .wants = "pairs", .batch = align_batch};
    attn_config_settle(&align);
    if (run.format != FORMAT_STREAM)
        cli_text();
    if (check_options(e) < 0 || cli_threads(e) < 0)
        return -1;
    int result = run.format == FORMAT_STREAM ? relay_run(&relay, path, NULL, e) : print_all(path, e);
    if (result == 0 && gold && (result = gold_end(gold, e)) == 0)
        report();
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    int result = work(&e);
    gold_close(gold);
    item_words_free(&sides[0]);
    item_words_free(&sides[1]);
    return cli_finish(result, &e);
}
