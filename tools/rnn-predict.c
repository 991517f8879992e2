/* rnn-predict: what a recurrent network has to say: predictions, scores, its inside, or what it makes up. */
#include <math.h>
#include <string.h>

#include "app/cli.h"
#include "app/generate.h"
#include "app/predicted.h"
#include "app/relay.h"
#include "net/score.h"

static struct {
    const char *model;
    bool text, report;
    int precision;
} run;
static struct score_config score;
static struct sample_config sample;

static const struct opt run_options[] = {
    {"model", 'm', OPT_TEXT, offsetof(__typeof__(run), model), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "use the network in FILE, as rnn-train wrote it (needed)"},
    {"text", 0, OPT_SWITCH, offsetof(__typeof__(run), text), 0, NULL, NULL, 0, 0, NULL,
     "write text: what is predicted or made up, an item a line, or a table of scores"},
    {"report", 0, OPT_SWITCH, offsetof(__typeof__(run), report), 0, NULL, NULL, 0, 0, NULL,
     "write how good the predictions are, as a table: the targets must be there"},
    {"precision", 0, OPT_CHOICE, offsetof(__typeof__(run), precision), OPT_RECORD, NULL, "float", 0, 0,
     PRECISION_CHOICES, "multiply numbers as they are, or rounded to bf16, which reads half as much memory"},
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
                "  rnn-predict --model play.tns --generate 500 --prime 'ROMEO:' --temperature 0.8 --text\n"
                "  rnn-predict --model tagger.tns --report unseen.tns\n",
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
    const struct relay relay = {.wants = scorer_wants(s),
                                .begin = begin_segment,
                                .items = batch_items,
                                .batch = score_batch,
                                .end = end_segment,
                                .parents = s->file->digest};
    return relay_run(&relay, path, s, e);
}

static void tell(const struct score_sum *sum)
{
    double tokens = (double)sum->tokens, loss = tokens > 0 ? sum->loss / tokens : 0;
    if (score.score)
        cli_note("%.0f tokens, %.4f nats a token, perplexity %.3f", tokens, loss, exp(loss));
    if (sum->unknown)
        cli_note("%llu words are not in the model's vocabulary and count as <unk>", (unsigned long long)sum->unknown);
    if (sum->unseen)
        cli_note("%llu targets are of classes that the model does not know", (unsigned long long)sum->unseen);
}

static int predict(struct rnnfile *file, struct err *e)
{
    const char *path = cli.n_operands ? cli.operands[0] : NULL;
    enum predicted_as as = run.report ? PREDICTED_REPORT : PREDICTED_TEXT;
    struct scorer s;
    score.draw = &sample;
    score.rng = rng_seed((uint64_t)cli.seed);
    if (run.text || run.report)
        predicted_wants(&score, file, as);
    int result = scorer_make(&s, file, &score, e);
    if (result == 0)
        result = run.text || run.report ? predicted_print(&s, path, as, e) : run_stream(&s, path, e);
    if (result == 0)
        tell(&s.sum);
    scorer_free(&s);
    return result;
}

/* ---- The tool ---------------------------------------------------------------------------------------------------- */

static int check_options(struct err *e)
{
    if (!run.model)
        return err_fail(e, STATUS_MISUSED, "which network? (give --model FILE)");
    if (sample.generate && (score.emit || score.score || run.report))
        return err_fail(e, STATUS_MISUSED, "--generate scores nothing: no --emit, --score or --report goes with it");
    if (run.text && score.emit)
        return err_fail(e, STATUS_MISUSED, "--text has no place for --emit (leave --text out and use tns text)");
    if (run.report && (run.text || score.emit || score.score))
        return err_fail(e, STATUS_MISUSED, "--report is a table of its own: no --text, --emit or --score goes with it");
    return 0;
}

/* What an option of generation is for, and when it is of use. */
enum use { USE_TEXT = 1, USE_CAPTION = 2, USE_MIXTURE = 4, USE_SQUARED = 8 };
static const struct {
    const char *option;
    unsigned uses;
    const char *words;
} uses[] = {
    {"prime", USE_TEXT, "text that is made up"},
    {"temperature", USE_TEXT | USE_CAPTION, "words that are made up"},
    {"greedy", USE_TEXT | USE_CAPTION | USE_MIXTURE, "what is drawn by chance"},
    {"top-k", USE_TEXT | USE_CAPTION, "words that are made up"},
    {"top-p", USE_TEXT | USE_CAPTION, "words that are made up"},
    {"max-words", USE_CAPTION, "captions, which a model starts from a feature"},
    {"bias", USE_MIXTURE, "vectors drawn from a mixture (rnn-train --head mixture)"},
    {"items", USE_MIXTURE | USE_SQUARED, "vectors that are made up"},
    {"keep-prime", USE_MIXTURE | USE_SQUARED, "vectors that are made up"},
};

/* Refuses options that have nothing to say in what this model is asked for. */
static int check_uses(const struct rnnfile *file, struct err *e)
{
    const struct model *m = &file->model;
    bool vectors = file->kind == TARGET_NEXT_VEC, mixture = m->head == head_at(HEAD_MIXTURE);
    bool given = cli.n_operands > 0, captions = m->shape.feature && !score.emit && !score.score;
    unsigned use = sample.generate ? vectors ? mixture ? USE_MIXTURE : USE_SQUARED : USE_TEXT
                   : captions      ? USE_CAPTION
                                   : 0;
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (opt_given(groups, uses[i].option) && !(use & uses[i].uses))
            return err_fail(e, STATUS_MISUSED, "--%s is for %s%s", uses[i].option, uses[i].words,
                            sample.generate ? ": this model makes up something else" : " (give --generate N)");
    if (sample.generate && !vectors && given)
        return err_fail(e, STATUS_MISUSED, "--generate of words reads no stream (--prime TEXT begins a text)");
    if (given && opt_given(groups, "items"))
        return err_fail(e, STATUS_MISUSED, "--items is for new ones: here each item of the stream is gone on with");
    if (!given && sample.keep_prime)
        return err_fail(e, STATUS_MISUSED, "--keep-prime wants a stream that items begin with");
    if (captions && !opt_given(groups, "temperature") && !opt_given(groups, "top-k") && !opt_given(groups, "top-p"))
        sample.greedy = true;
    return 0;
}

static int use(struct rnnfile *file, bool as_text, struct err *e)
{
    const char *note;
    if (check_uses(file, e) < 0 || precision_choose((enum precision)run.precision, &note, e) < 0 || cli_threads(e) < 0)
        return -1;
    if (note)
        cli_note("%s", note);
    model_precision(&file->model, (enum precision)run.precision);
    if (!sample.generate)
        return predict(file, e);
    return file->kind == TARGET_NEXT_VEC
               ? generate_vectors(file, &sample, cli.n_operands ? cli.operands[0] : NULL, as_text, e)
               : generate(file, &sample, as_text, e);
}

static int work(struct err *e)
{
    struct rnnfile file;
    bool text = run.text || run.report;
    if (text)
        cli_text();
    if (check_options(e) < 0 || (text ? !cli_output(false, e) : !cli_sink("tokens", e)) ||
        rnnfile_load(&file, run.model, e) < 0)
        return -1;
    int result = use(&file, text, e);
    rnnfile_free(&file);
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(work(&e), &e);
}
