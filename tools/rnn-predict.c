/* rnn-predict: what a recurrent network has to say: predictions, scores, its inside, or text it makes up. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "app/cli.h"
#include "app/generate.h"
#include "app/relay.h"
#include "data/text_level.h"
#include "net/score.h"

static struct {
    const char *model;
    bool text;
} run;
static struct score_config score;
static struct sample_config sample;

static const struct opt run_options[] = {
    {"model", 'm', OPT_TEXT, offsetof(__typeof__(run), model), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "use the network in FILE, as rnn-train wrote it (needed)"},
    {"text", 0, OPT_SWITCH, offsetof(__typeof__(run), text), 0, NULL, NULL, 0, 0, NULL,
     "write text: what was generated, a table of scores, or the predicted words, an item a line"},
    {0},
};

static struct opt_group groups[] = {{"Input and output", run_options, &run, 0},
                                    {"Prediction", score_options, &score, 0},
                                    {"Generation", sample_options, &sample, 0},
                                    CLI_CHANCE,
                                    CLI_GROUP,
                                    {0}};

static const struct tool tool = {
    .name = "rnn-predict",
    .purpose = "predict, score or generate with a recurrent network",
    .usage = "--model FILE [OPTION...] [FILE]",
    .examples = "  tokenize --vocab play.tns other.txt | rnn-predict --model play.tns --score --text\n"
                "  rnn-predict --model play.tns --generate 500 --prime 'ROMEO:' --temperature 0.8 --text\n",
    .groups = groups,
    .profile = "tokens",
    .numeric = true,
    .operands_high = 1,
};

/* ---- Prediction -------------------------------------------------------------------------------------------------- */

static int begin_segment(void *context, struct segment *segment, struct err *e)
{
    return scorer_segment(context, segment, e);
}

static uint64_t batch_items(void *context, const struct batch *batch, uint64_t low)
{
    return scorer_items(context, batch, low);
}

static int score_batch(void *context, struct batch *batch, struct err *e)
{
    return scorer_batch(context, batch, e);
}

static int end_segment(void *context, struct sink *sink, struct err *e)
{
    (void)sink, (void)e;
    scorer_end(context);
    return 0;
}

static int run_stream(struct scorer *s, const char *path, struct err *e)
{
    const struct relay relay = {.wants = "tokens or vectors",
                                .begin = begin_segment,
                                .items = batch_items,
                                .batch = score_batch,
                                .end = end_segment,
                                .parents = s->file->digest};
    return relay_run(&relay, path, s, e);
}

/* The same as text: a line for each item, and the sum of them. */
static void print_items(const struct scorer *s, const struct batch *batch, const struct vocab *words)
{
    struct err ignored;
    struct buf line = {0};
    const struct tensor *score_column = batch_find(batch, "score"), *perplexity = batch_find(batch, "perplexity");
    const struct tensor *predicted = score_column ? NULL : &batch->columns[batch->n_columns - 1];
    const uint64_t *offsets = batch_offsets(batch, s->file->model.shape.ids ? "ids" : "vec", &ignored);
    for (uint64_t i = 0; i < batch->n; i++) {
        struct text_join join = {.level = text_level_of(words)};
        buf_clear(&line);
        if (score_column)
            buf_printf(&line, "%" PRIu64 "\t%" PRIu64 "\t%.6f\t%.6f", batch->row0 + i, offsets[i + 1] - offsets[i],
                       tensor_at(score_column, i), tensor_at(perplexity, i));
        for (uint64_t row = offsets[i]; !score_column && row < offsets[i + 1]; row++)
            if (s->file->target)
                buf_printf(&line, "%s%.0f", row > offsets[i] ? " " : "", tensor_at(predicted, row));
            else
                text_join_id(&join, words, ((const uint32_t *)predicted->data)[row], &line);
        cli_print("%s\n", buf_string(&line));
    }
    buf_free(&line);
}

static int print_segment(struct scorer *s, struct source *source, const struct segment *segment, struct err *e)
{
    struct vocab words = {0};
    struct batch batch = {0};
    int more;
    if (segment_wants(segment, "tokens or vectors", e) < 0)
        return -1;
    if (scorer_segment(s, segment, e) < 0 ||
        (segment_find(segment, "vocab.text") && vocab_read(&words, "", segment, e) < 0))
        more = -1;
    else
        while ((more = source_batch(source, &batch, e)) > 0 && (more = scorer_batch(s, &batch, e)) == 0)
            print_items(s, &batch, &words);
    scorer_end(s);
    batch_free(&batch);
    vocab_free(&words);
    return more;
}

static int print_stream(struct scorer *s, const char *path, struct err *e)
{
    struct segment segment = {0};
    struct source *source = source_open_path(path, e);
    int more = -1;
    if (score.score)
        cli_print("item\ttokens\tlogprob\tperplexity\n");
    while (source && (more = source_segment(source, &segment, e)) > 0)
        if ((more = print_segment(s, source, &segment, e)) < 0) {
            err_where(e, "%s", infile_label(path));
            break;
        }
    segment_free(&segment);
    source_close(source);
    return more;
}

static int predict(struct rnnfile *file, struct err *e)
{
    const char *path = cli.n_operands ? cli.operands[0] : NULL;
    struct scorer s;
    if (scorer_make(&s, file, &score, e) < 0)
        return -1;
    int result = run.text ? print_stream(&s, path, e) : run_stream(&s, path, e);
    double tokens = (double)s.sum.tokens, loss = tokens > 0 ? s.sum.loss / tokens : 0;
    if (result == 0 && score.score && run.text)
        cli_print("total\t%.0f\t%.6f\t%.6f\n", tokens, 0 - s.sum.loss, exp(loss));
    if (result == 0 && score.score)
        cli_note("%.0f tokens, %.4f nats a token, perplexity %.3f", tokens, loss, exp(loss));
    if (result == 0 && s.sum.unknown)
        cli_note("%llu words are not in the model's vocabulary and count as <unk>", (unsigned long long)s.sum.unknown);
    scorer_free(&s);
    return result;
}

/* ---- The tool ---------------------------------------------------------------------------------------------------- */

static int check_options(struct err *e)
{
    static const char *const only_generation[] = {"prime", "temperature", "greedy", "top-k", "top-p", NULL};
    if (!run.model)
        return err_fail(e, STATUS_MISUSED, "which network? (give --model FILE)");
    for (const char *const *name = only_generation; *name && !sample.generate; name++)
        if (opt_given(groups, *name))
            return err_fail(e, STATUS_MISUSED, "--%s is for text that is made up (give --generate N)", *name);
    if (sample.generate && (score.emit || score.score || cli.n_operands))
        return err_fail(e, STATUS_MISUSED, "--generate reads no stream: no input, --emit or --score goes with it");
    if (run.text && score.emit)
        return err_fail(e, STATUS_MISUSED, "--text has no place for --emit (leave --text out and use tns text)");
    return 0;
}

static int work(struct err *e)
{
    struct rnnfile file;
    if (run.text)
        cli_text();
    if (check_options(e) < 0 || (run.text ? !cli_output(false, e) : !cli_sink("tokens", e)) ||
        rnnfile_load(&file, run.model, e) < 0)
        return -1;
    int result = cli_threads(e);
    if (result == 0)
        result = sample.generate ? generate(&file, &sample, run.text, e) : predict(&file, e);
    rnnfile_free(&file);
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(work(&e), &e);
}
