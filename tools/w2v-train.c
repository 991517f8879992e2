/* w2v-train: tokens to word vectors. */
#include "app/cli.h"
#include "app/w2v_pairs.h"
#include "app/w2v_watching.h"
#include "net/w2vfile.h"

static struct {
    const char *log;
    bool show_pairs;
} run;

static struct w2v_config config;

static const struct opt run_options[] = {
    {"log", 0, OPT_TEXT, offsetof(__typeof__(run), log), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write how training goes to FILE, one JSON object a line"},
    {"show-pairs", 0, OPT_SWITCH, offsetof(__typeof__(run), show_pairs), 0, NULL, NULL, 0, 0, NULL,
     "print the pairs of words that windows hold, centre TAB context, and train nothing"},
    {0},
};

static struct opt_group groups[] = {{"Training", w2v_options, &config, 0},
                                    CLI_CHANCE,
                                    {"Running", run_options, &run, 0},
                                    CLI_GROUP,
                                    {0}};

static const struct tool tool = {
    .name = "w2v-train",
    .purpose = "train word vectors on a stream of tokens",
    .usage = "[OPTION...] [FILE]",
    .examples = "  tokenize --min-count 5 < text.txt | w2v-train --dim 100 -o words.tns\n"
                "  embed --model words.tns --neighbors water\n",
    .groups = groups,
    .numeric = true,
    .operands_high = 1,
};

/* Are there words to learn from? One alone is noted: there is nothing to tell it from. */
static int check_words(const struct w2v_input *in, const struct w2v_corpus *corpus, struct err *e)
{
    size_t different = 0, length;
    uint32_t last = 0;
    for (uint32_t id = 0; id < corpus->n_vocab && different < 2; id++)
        if (corpus->counts[id]) {
            last = id;
            different++;
        }
    if (!different)
        return err_fail(e, STATUS_DATA, "%s: holds no words to learn from (is it empty, or all unknown?)",
                        source_label(in->source));
    const char *word = vocab_word(&in->vocab, last, &length);
    if (different == 1)
        cli_note("%s: '%.*s' is the only word, and there is nothing to tell it from: its vector means nothing",
                 source_label(in->source), (int)(length < 60 ? length : 60), word);
    return 0;
}

static int read_words(struct w2v_input *in, struct w2v_corpus *corpus, struct err *e)
{
    struct progress progress;
    const uint32_t *ids;
    size_t n;
    bool continued;
    int got;
    progress_start(&progress, "words", 0);
    while ((got = w2v_input_next(in, &ids, &n, &continued, e)) == 1) {
        if (w2v_corpus_add(corpus, ids, n, continued, e) < 0)
            return -1;
        progress_show(&progress, (double)corpus->words, "reading");
    }
    if (got < 0 || w2v_corpus_finish(corpus, e) < 0 || check_words(in, corpus, e) < 0)
        return -1;
    cli_note("%llu words in %llu sentences, %zu in the vocabulary%s", (unsigned long long)corpus->words,
             (unsigned long long)corpus->sentences, in->vocab.n, corpus->unknown ? "" : ", none unknown");
    if (corpus->unknown)
        cli_note("%llu unknown words left out", (unsigned long long)corpus->unknown);
    return 0;
}

static int write_model(struct w2v *w, const struct w2v_input *in, const struct w2v_corpus *corpus, struct err *e)
{
    struct sink *sink = cli_sink("model/w2v", e);
    struct meta head = {0};
    head_make(&head, "model/w2v", &in->head, cli_hop());
    cli_options_meta(&head);
    meta_setf(&head, "pos.epochs", "%lld", (long long)config.epochs);
    meta_setf(&head, "pos.words", "%llu", (unsigned long long)corpus->words * (unsigned long long)config.epochs);
    int result = w2vfile_write(sink, &head, &in->vocab, w, e);
    meta_free(&head);
    return result < 0 ? -1 : sink_end(sink, "complete", source_digests(in->source), e);
}

static int train(struct w2v_input *in, struct w2v_watching *watching, struct err *e)
{
    struct w2v_corpus corpus;
    struct w2v w = {0};
    struct rng seed = rng_seed((uint64_t)cli.seed);
    int result = -1;
    if (!config.lock_free && cli.threads > W2V_STREAMS)
        cli.threads = W2V_STREAMS;
    w2v_corpus_open(&corpus, in->vocab.n);
    if (read_words(in, &corpus, e) == 0 && cli_threads(e) == 0 &&
        w2v_make(&w, in->vocab.n, (size_t)config.dim, corpus.counts, seed, e) == 0) {
        w2v_prepare(&w, &config, in->vocab.counts);
        w2v_watching_begin(watching, corpus.words, config.epochs);
        result = w2v_train(&w, &config, &corpus, seed, w2v_watching_report, watching, e);
    }
    if (w2v_watching_close(watching, result, e) < 0)
        result = -1;
    if (result == 0)
        result = write_model(&w, in, &corpus, e);
    w2v_free(&w);
    w2v_corpus_close(&corpus);
    return result;
}

static int work(struct err *e)
{
    struct w2v_input in = {0};
    struct w2v_watching watching = W2V_WATCHING_NONE;
    const char *input = cli.n_operands ? cli.operands[0] : "-";
    w2v_config_settle(&config);
    if (w2v_config_check(&config, groups, e) < 0)
        return -1;
    if (run.show_pairs ? !cli_output(false, e)
                       : cli_apart("log", run.log, &input, 1, e) < 0 || !cli_sink("model/w2v", e) ||
                             log_open(&watching.log, run.log, false, e) < 0)
        return -1;
    struct source *source = source_open_path(cli.n_operands ? cli.operands[0] : NULL, e);
    if (!source)
        return -1;
    int result = w2v_input_open(&in, source, e);
    if (result == 0)
        result = run.show_pairs ? w2v_pairs_show(&in, &config, e) : train(&in, &watching, e);
    w2v_input_close(&in);
    source_close(source);
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(work(&e), &e);
}
