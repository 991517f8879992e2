/* rnn-train: tokens or vectors to a recurrent network. */
#include <string.h>

#include "app/cli.h"
#include "app/recording.h"
#include "app/watching.h"
#include "base/stop.h"
#include "net/train.h"

enum { LM_BPTT = 50 }; /* --bptt of a language model when it is not given */

static struct model_config model;
static struct train_config training;
static struct optim_config optimizer;

static struct opt_group groups[] = {{"Network", model_options, &model, 0},
                                    {"Training", train_options, &training, 0},
                                    {"Optimizer", optim_options, &optimizer, 0},
                                    CLI_CHANCE,
                                    CLI_GROUP,
                                    {0}};

static const struct tool tool = {
    .name = "rnn-train",
    .purpose = "train a recurrent network on a stream of tokens or vectors",
    .usage = "[OPTION...] [FILE]",
    .examples =
        "  tokenize --level grapheme --item file play.txt | rnn-train --cell lstm --layers 2 --valid 0.05 -o play.tns\n"
        "  rnn-predict --model play.tns --generate 500 --text\n",
    .groups = groups,
    .profile = "model/rnn",
    .numeric = true,
    .operands_high = 1,
};

/* ---- Parts of the work ------------------------------------------------------------------------------------------- */

static int check_options(struct err *e)
{
    if (training.valid > 0 && training.valid_file)
        return err_fail(e, STATUS_MISUSED, "--valid and --valid-file both say what to validate with (give one)");
    if (training.patience && !(training.valid > 0) && !training.valid_file)
        return err_fail(e, STATUS_MISUSED,
                        "--patience wants something to validate with (give --valid or --valid-file)");
    if (training.resume && !training.checkpoint)
        return err_fail(e, STATUS_MISUSED, "--resume wants to know from where (give --checkpoint FILE)");
    if (opt_given(groups, "checkpoint-every") && !training.checkpoint)
        return err_fail(e, STATUS_MISUSED, "--checkpoint-every wants to know where to (give --checkpoint FILE)");
    if (training.gradients && (training.checkpoint || training.gradflow || cli.output))
        return err_fail(e, STATUS_MISUSED,
                        "--gradients trains nothing: there is no use for --checkpoint, --gradflow or --output");
    return 0;
}

static int choose_precision(struct err *e)
{
    const char *note;
    if (precision_choose((enum precision)training.precision, &note, e) < 0)
        return -1;
    if (note)
        cli_note("%s", note);
    return 0;
}

/* Outputs are tried before anything is read. */
static int open_outputs(struct watching *w, struct recording *r, struct err *e)
{
    if (training.gradients)
        cli.output = training.gradients;
    const char *others[] = {cli.n_operands ? cli.operands[0] : "-",
                            training.valid_file,
                            training.checkpoint,
                            training.init,
                            training.embedding,
                            training.log};
    if (cli_apart("checkpoint", training.checkpoint, others, 2, e) < 0 ||
        cli_apart("log", training.log, others, 5, e) < 0 ||
        cli_apart("gradflow", training.gradflow, others, 6, e) < 0 || recording_open(r, training.gradflow, e) < 0 ||
        !cli_sink(training.gradients ? "tensors" : "model/rnn", e))
        return -1;
    if (training.checkpoint) {
        if (checkpoint_probe(training.checkpoint, e) < 0)
            return -1;
        stop_catch();
    }
    return watching_open(w, training.log, training.resume, e);
}

/* Options of the network that are not given are those of the model that training starts from. */
static int take_options(const struct rnnfile *init, struct err *e)
{
    for (const struct opt *row = model_options; row->name; row++) {
        struct buf text = {0};
        int result = 0;
        if (!opt_given(groups, row->name) && opt_value(row, &init->model.config, &text))
            result = opt_set(groups, row->name, buf_string(&text), e);
        buf_free(&text);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int read_corpus(struct corpus *c, const char *path, const struct corpus *like, const struct rnnfile *init,
                       struct err *e)
{
    struct corpus_want want = {.task = &tasks[model.task],
                               .target = training.target,
                               .by = (enum corpus_by)training.by,
                               .spell = model.spell > 0,
                               .like = like,
                               .labels = init ? &init->words.labels : NULL,
                               .characters = init ? &init->words.characters : NULL};
    struct source *s = source_open_path(path, e);
    int result = s ? corpus_read(c, s, &want, e) : -1;
    source_close(s);
    if (result == 0 && c->unknown)
        cli_note("%s: %llu words are not in the vocabulary and count as <unk>", infile_label(path),
                 (unsigned long long)c->unknown);
    if (result == 0 && c->unseen)
        cli_note("%s: %llu targets are of classes that the model does not know", infile_label(path),
                 (unsigned long long)c->unseen);
    if (result == 0 && c->skipped)
        cli_note("%s: %llu items are too short to learn from and are passed over", infile_label(path),
                 (unsigned long long)c->skipped);
    return result;
}

static int write_gradients(struct trainer *t, struct err *e)
{
    struct sink *k = cli_sink("tensors", e);
    double loss;
    if (train_gradients(t, &loss, e) < 0 || cli_head(&t->corpus.head, e) < 0)
        return -1;
    struct tensor tensor = tensor_view("loss", DTYPE_F64, 0, NULL, &loss);
    int result = sink_tensor(k, &tensor, e);
    tensor_free(&tensor);
    if (result < 0 || rnnfile_put(&t->model.params, t->model.params.gradient, "grad.", k, e) < 0)
        return -1;
    return sink_end(k, "complete", t->corpus.parents, e);
}

static int write_model(struct trainer *t, struct err *e)
{
    struct sink *k = cli_sink("model/rnn", e);
    if (train_write(t, k, e) < 0)
        return -1;
    return sink_end(k, "complete", t->corpus.parents, e);
}

static int train(struct trainer *t, struct watching *w, struct recording *r, struct err *e)
{
    int resumed = training.resume ? checkpoint_read(t, e) : 0;
    if (resumed < 0)
        return -1;
    if (resumed)
        cli_note("going on from %s: epoch %llu, step %llu", training.checkpoint, (unsigned long long)t->at.epoch + 1,
                 (unsigned long long)t->at.step);
    if (*t->other_isa)
        cli_note("%s was written with --isa %s: the model will not be that of an uninterrupted run, byte for byte",
                 training.checkpoint, t->other_isa);
    watching_begin(w, t);
    if (train_run(t, e) < 0)
        return -1;
    watching_end(w, t);
    if (write_model(t, e) < 0)
        return -1;
    return recording_write(r, &t->gradflow, &t->corpus.head, t->corpus.parents, e);
}

static int build(struct trainer *t, const struct rnnfile *init, struct err *e)
{
    if (init && take_options(init, e) < 0)
        return -1;
    if (!opt_given(groups, "bptt") && model.task == TASK_LM)
        training.bptt = LM_BPTT;
    if (model_check(&model, e) < 0)
        return -1;
    if (read_corpus(&t->corpus, cli.n_operands ? cli.operands[0] : NULL, NULL, init, e) < 0 ||
        (training.valid_file && read_corpus(&t->valid_corpus, training.valid_file, &t->corpus, NULL, e) < 0))
        return -1;
    head_make(&t->head, "model/rnn", &t->corpus.head, cli_hop());
    cli_options_meta(&t->head);
    t->config = training;
    if (train_make(t, &model, &optimizer, rng_seed((uint64_t)cli.seed), init, e) < 0 || cli_threads(e) < 0)
        return -1;
    if (t->train.rows < (size_t)training.batch && !t->corpus.by_item)
        cli_note("the text is short: %zu columns instead of --batch %lld", t->train.rows, (long long)training.batch);
    if (training.embedding)
        cli_note("%llu of %zu words have a vector in %s", (unsigned long long)t->embedded, t->corpus.vocab.n,
                 training.embedding);
    cli_note("%llu tokens, %llu parameters", (unsigned long long)t->train.tokens,
             (unsigned long long)model_parameters(&t->model));
    return 0;
}

static int work(struct err *e)
{
    struct trainer t = {0};
    struct rnnfile init = {0};
    struct watching w = WATCHING_NONE;
    struct recording r = RECORDING_NONE;
    int result = -1;
    if (check_options(e) == 0 && choose_precision(e) == 0 && open_outputs(&w, &r, e) == 0 &&
        (!training.init || rnnfile_load(&init, training.init, e) == 0) &&
        build(&t, training.init ? &init : NULL, e) == 0)
        result = training.gradients ? write_gradients(&t, e) : train(&t, &w, &r, e);
    result = watching_close(&w, result, e);
    recording_close(&r);
    train_free(&t);
    if (training.init)
        rnnfile_free(&init);
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(work(&e), &e);
}
