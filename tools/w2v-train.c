/* w2v-train: tokens to word vectors. */
#include <string.h>

#include "app/cli.h"
#include "app/log.h"
#include "net/w2v.h"
#include "net/w2v_input.h"

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

/* ---- Pairs as text ----------------------------------------------------------------------------------------------- */

static void show_word(const struct vocab *vocab, uint32_t id, struct buf *line)
{
    size_t length;
    const char *word = vocab_word(vocab, id, &length);
    cli_escape(word, length, line);
}

static void show_sentence(const struct vocab *vocab, const struct buf *sentence)
{
    const uint32_t *ids = (const uint32_t *)sentence->data;
    size_t n = sentence->len / sizeof *ids, window = (size_t)config.window;
    struct buf line = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t j = i < window ? 0 : i - window; j < n && j <= i + window; j++) {
            if (j == i)
                continue;
            buf_clear(&line);
            show_word(vocab, ids[i], &line);
            buf_char(&line, '\t');
            show_word(vocab, ids[j], &line);
            cli_print("%s\n", line.data);
        }
    buf_free(&line);
}

static int show_pairs(struct w2v_input *in, struct err *e)
{
    struct buf sentence = {0};
    const uint32_t *ids;
    size_t n, most = w2v_sentence_words(&config) * sizeof *ids;
    bool continued;
    int got;
    while ((got = w2v_input_next(in, &ids, &n, &continued, e)) == 1) {
        if (!continued) {
            show_sentence(&in->vocab, &sentence);
            buf_clear(&sentence);
        }
        for (size_t i = 0; i < n; i++) {
            if (ids[i] != VOCAB_PAD && ids[i] != VOCAB_UNKNOWN)
                buf_add(&sentence, &ids[i], sizeof ids[i]);
            if (sentence.len == most) {
                show_sentence(&in->vocab, &sentence);
                buf_clear(&sentence);
            }
        }
    }
    show_sentence(&in->vocab, &sentence);
    buf_free(&sentence);
    return got;
}

/* ---- Training ---------------------------------------------------------------------------------------------------- */

struct training {
    struct progress progress;
    struct log log;
    double start;
};

static int report(void *context, const struct w2v_report *r, struct err *e)
{
    struct training *t = context;
    double seconds = cli_seconds() - t->start;
    const struct log_field row[] = {{"step", (double)r->words, NULL},
                                    {"epoch", (double)r->epoch, NULL},
                                    {"loss", r->loss, NULL},
                                    {"lr", r->rate, NULL},
                                    {"tokens_per_second", seconds > 0 ? (double)r->words / seconds : 0, NULL},
                                    {"seconds", seconds, NULL},
                                    {0}};
    if (r->epoch_ended && r->epoch == config.epochs)
        progress_end(&t->progress, (double)r->words, "loss %.4f", r->loss);
    else
        progress_show(&t->progress, (double)r->words, "epoch %lld, loss %.4f", (long long)r->epoch, r->loss);
    return log_row(&t->log, row, e);
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
    if (got < 0 || w2v_corpus_finish(corpus, e) < 0)
        return -1;
    if (!corpus->words)
        return err_fail(e, STATUS_DATA, "%s: holds no words to learn from (is it empty, or all unknown?)",
                        source_label(in->source));
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
    uint64_t dims[] = {w->v, w->d};
    w2v_pack(w);
    struct tensor input = tensor_view("w.in", REAL_DTYPE, 2, dims, w->in);
    struct tensor output = tensor_view("w.out", REAL_DTYPE, 2, dims, w->out);
    head_make(&head, "model/w2v", &in->head, cli_hop());
    cli_options_meta(&head);
    meta_setf(&head, "pos.epochs", "%lld", (long long)config.epochs);
    meta_setf(&head, "pos.words", "%llu", (unsigned long long)corpus->words * (unsigned long long)config.epochs);
    int result = sink_head(sink, &head, e) < 0 || vocab_write(&in->vocab, "", sink, e) < 0 ||
                         sink_tensor(sink, &input, e) < 0 || sink_tensor(sink, &output, e) < 0 ||
                         sink_end(sink, "complete", source_digests(in->source), e) < 0
                     ? -1
                     : 0;
    tensor_free(&input);
    tensor_free(&output);
    meta_free(&head);
    return result;
}

static int train(struct w2v_input *in, struct training *t, struct err *e)
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
        t->start = cli_seconds();
        progress_start(&t->progress, "words", (double)corpus.words * (double)config.epochs);
        result = w2v_train(&w, &config, &corpus, seed, report, t, e);
    }
    if (log_close(&t->log, result < 0 ? &(struct err){0} : e) < 0 && result == 0)
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
    struct training t = {.log.fd = -1};
    const char *input = cli.n_operands ? cli.operands[0] : "-";
    w2v_config_settle(&config);
    if (run.show_pairs ? !cli_output(false, e)
                       : cli_apart("log", run.log, &input, 1, e) < 0 || !cli_sink("model/w2v", e) ||
                             log_open(&t.log, run.log, false, e) < 0)
        return -1;
    struct source *source = source_open_path(cli.n_operands ? cli.operands[0] : NULL, e);
    if (!source)
        return -1;
    int result = w2v_input_open(&in, source, e);
    if (result == 0)
        result = run.show_pairs ? show_pairs(&in, e) : train(&in, &t, e);
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
