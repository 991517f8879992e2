/* w2v-train: tokens to word vectors. */
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/w2v_pairs.h"
#include "app/w2v_reading.h"
#include "app/w2v_watching.h"
#include "base/stop.h"

static struct w2v_run run;

static struct {
    const char *log;
    struct opt_list evals;
    bool show_pairs;
} ask;

#define AT(field) offsetof(__typeof__(ask), field)

static const struct opt ask_options[] = {
    {"eval", 0, OPT_LIST, AT(evals), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "tell behind each epoch how well the questions or judged pairs in FILE are met; may be given several times"},
    {"log", 0, OPT_TEXT, AT(log), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "write how training goes to FILE, one JSON object a line"},
    {"show-pairs", 0, OPT_SWITCH, AT(show_pairs), 0, NULL, NULL, 0, 0, NULL,
     "print the pairs of words that windows hold, centre TAB context, and train nothing"},
    {0},
};

static struct opt_group groups[] = {{"Training", w2v_options, &run.config, 0},
                                    {"Start and checkpoints", w2v_run_options, &run.files, 0},
                                    CLI_CHANCE,
                                    {"Running", ask_options, &ask, 0},
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

/* ---- Options ----------------------------------------------------------------------------------------------------- */

static int check_options(struct err *e)
{
    const struct w2v_run_config *files = &run.files;
    if (ask.show_pairs && (files->init || files->checkpoint || ask.evals.n || ask.log))
        return err_fail(e, STATUS_MISUSED,
                        "--show-pairs trains nothing: there is no use for --init, --checkpoint, --eval or --log");
    for (size_t i = 0; i < ask.evals.n; i++)
        if (!strcmp(ask.evals.items[i], "-"))
            return err_fail(e, STATUS_MISUSED, "--eval -: it is read again behind each epoch (name a file)");
    if (files->grow && !files->init)
        return err_fail(e, STATUS_MISUSED, "--grow wants to know what should grow (give --init MODEL)");
    if (files->resume && !files->checkpoint)
        return err_fail(e, STATUS_MISUSED, "--resume wants to know from where (give --checkpoint FILE)");
    if (opt_given(groups, "checkpoint-every") && !files->checkpoint)
        return err_fail(e, STATUS_MISUSED, "--checkpoint-every wants to know where to (give --checkpoint FILE)");
    return w2v_config_check(&run.config, groups, e);
}

/* What the vectors of --init are, where the command line does not say it. */
static int take_options(const struct w2vfile *init, struct err *e)
{
    static const char *const taken[] = {"model", "loss"};
    char dim[32];
    snprintf(dim, sizeof dim, "%zu", init->d);
    if (opt_given(groups, "dim") && (size_t)run.config.dim != init->d)
        return err_fail(e, STATUS_MISUSED, "--dim: the vectors of %s have %s numbers (leave it out)", run.files.init,
                        dim);
    int result = opt_set(groups, "dim", dim, e);
    for (size_t i = 0; i < sizeof taken / sizeof *taken && result == 0; i++) {
        char key[32];
        snprintf(key, sizeof key, "option.%s", taken[i]);
        const char *text = meta_get(&init->segment.head, key);
        if (text && !opt_given(groups, taken[i]))
            result = opt_set(groups, taken[i], text, e);
    }
    if (result < 0) {
        e->status = STATUS_DATA;
        return err_where(e, "%s", run.files.init);
    }
    bool given = opt_given(groups, "subwords") || opt_given(groups, "buckets");
    return w2v_run_subwords(&run, init, given, e) < 0 ? -1 : w2v_config_check(&run.config, groups, e);
}

/* Outputs are tried before anything is read. */
static int open_outputs(struct w2v_watching *w, struct err *e)
{
    const struct w2v_run_config *files = &run.files;
    const char *others[] = {cli.n_operands ? cli.operands[0] : "-", files->init, files->checkpoint, ask.log};
    if (ask.show_pairs)
        return cli_output(false, e) ? 0 : -1;
    if (cli_apart("checkpoint", files->checkpoint, others, 2, e) < 0 || cli_apart("log", ask.log, others, 3, e) < 0)
        return -1;
    for (size_t i = 0; i < ask.evals.n; i++)
        if (cli_apart("eval", ask.evals.items[i], others + 2, 2, e) < 0)
            return -1;
    if (!cli_sink("model/w2v", e))
        return -1;
    if (files->checkpoint) {
        if (checkpoint_probe(files->checkpoint, e) < 0)
            return -1;
        stop_catch();
    }
    return w2v_watching_open(w, ask.log, files->resume, &ask.evals, e);
}

/* ---- Training ---------------------------------------------------------------------------------------------------- */

/* The words and vectors that training starts from. */
static int begin(struct w2v_input *in, struct w2vfile *init, struct err *e)
{
    run.seed = rng_seed((uint64_t)cli.seed);
    head_make(&run.head, "model/w2v", &in->head, cli_hop());
    cli_options_meta(&run.head);
    if (w2v_run_words(&run, &in->vocab, source_label(in->source), init, e) < 0 || w2v_run_make(&run, init, e) < 0)
        return -1;
    if (run.added)
        cli_note("%zu words are new to %s", run.added, run.files.init);
    else if (run.files.grow)
        cli_note("no word is new to %s (was the text tokenized with --vocab? It must not be)", run.files.init);
    if (run.respelled)
        cli_note("the text was tokenized with other options than that of %s, which the model keeps", run.files.init);
    return 0;
}

static int train(struct w2v_input *in, struct w2vfile *init, struct w2v_watching *watching, struct err *e)
{
    if (!run.config.lock_free && run.config.loss != W2V_SOFTMAX && cli.threads > W2V_STREAMS)
        cli.threads = W2V_STREAMS;
    if (begin(in, init, e) < 0)
        return -1;
    if (init)
        w2vfile_free(init);
    if (w2v_reading_all(&run, in, e) < 0 || cli_threads(e) < 0)
        return -1;
    w2v_run_start(&run);
    if (run.restarted)
        cli_note("%s %s: they begin as zeros", run.files.init, run.restarted);
    int resumed = run.files.resume ? w2v_run_resume(&run, e) : 0;
    if (resumed < 0)
        return -1;
    if (resumed && run.at.epoch == (uint64_t)run.config.epochs)
        cli_note("the run in %s has ended: this is its model once more", run.files.checkpoint);
    else if (resumed)
        cli_note("going on from %s: epoch %llu, %llu words", run.files.checkpoint, (unsigned long long)run.at.epoch + 1,
                 (unsigned long long)run.at.words);
    if (*run.other_isa)
        cli_note("%s was written with --isa %s: the model will not be that of an uninterrupted run, byte for byte",
                 run.files.checkpoint, run.other_isa);
    w2v_watching_begin(watching, &run);
    return w2v_run_train(&run, e);
}

static int write_model(struct err *e)
{
    struct sink *k = cli_sink("model/w2v", e);
    return w2v_run_write(&run, k, e) < 0 ? -1 : sink_end(k, "complete", run.parents, e);
}

static int work(struct err *e)
{
    struct w2v_input in = {0};
    struct w2vfile init = {0};
    struct w2v_watching watching = W2V_WATCHING_NONE;
    struct source *source = NULL;
    int result = -1;
    if (check_options(e) == 0 && open_outputs(&watching, e) == 0 &&
        (!run.files.init || (w2vfile_load(&init, run.files.init, e) == 0 && take_options(&init, e) == 0)) &&
        (source = source_open_path(cli.n_operands ? cli.operands[0] : NULL, e)) &&
        w2v_input_open(&in, source, e) == 0) {
        w2v_config_settle(&run.config);
        result = ask.show_pairs ? w2v_pairs_show(&in, &run.config, e)
                                : train(&in, run.files.init ? &init : NULL, &watching, e);
    }
    result = w2v_watching_close(&watching, result, e);
    if (result == 0 && !ask.show_pairs)
        result = write_model(e);
    w2vfile_free(&init);
    w2v_run_free(&run);
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
