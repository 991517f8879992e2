/* tokenize: text to ids, with the vocabulary in front. */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/file.h"
#include "data/text_level.h"
#include "data/text_pipe.h"
#include "data/text_tokens.h"

static struct {
    bool shared_vocab;
    int64_t min_count, max_vocab;
    const char *vocab;
} own;
static struct text_options how;
static struct text_input in;

#define AT(field) offsetof(__typeof__(own), field)

static const struct opt own_options[] = {
    {"vocab", 0, OPT_TEXT, AT(vocab), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "use the vocabulary of this stream or model, and split as its text was split; memory is then constant"},
    {"min-count", 0, OPT_INT, AT(min_count), OPT_RECORD, "N", "1", 1, 0x1p62, NULL,
     "leave words out of the vocabulary that are seen fewer than N times"},
    {"max-vocab", 0, OPT_INT, AT(max_vocab), OPT_RECORD, "N", "0", 0, 4e9, NULL,
     "keep the N most frequent words at most (besides the special tokens); 0: all"},
    {"shared-vocab", 0, OPT_SWITCH, AT(shared_vocab), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "pairs: one vocabulary for both sides"},
    {0},
};

static struct opt_group groups[] = {
    {"Splitting (kept with the vocabulary)", text_option_rows, &how, 0},
    {"Input", text_input_rows, &in, 0},
    {"Vocabulary", own_options, &own, 0},
    CLI_GROUP,
    {0},
};

static const struct tool tool = {
    .name = "tokenize",
    .purpose = "turn text into a stream of token ids, with their vocabulary in front",
    .usage = "[OPTION...] [FILE...]",
    .examples = "  tokenize verses.txt | w2v-train -o words.tns\n"
                "  tokenize --level grapheme --item file poems.txt | tns text\n"
                "  tokenize --vocab words.tns new.txt | embed --model words.tns -o new.tns\n"
                "  tokenize --input conllu --keep-text train.conllu | rnn-train --task tag -o tagger.tns\n",
    .groups = groups,
    .profile = "tokens",
    .operands_high = -1,
};

static struct text_pipe text;
static struct text_tokens tokens;
static struct progress progress;
static double bytes_read;

static bool reads_standard_input(void)
{
    bool reads = !cli.n_operands;
    for (int i = 0; i < cli.n_operands; i++)
        reads = reads || !strcmp(cli.operands[i], "-");
    return reads;
}

static int check_options(struct err *e)
{
    static const char *const learning[] = {"min-count", "max-vocab", "shared-vocab"};
    if (text_input_check(groups, &in, &how, e) < 0)
        return -1;
    if (own.shared_vocab && in.kind != TEXT_INPUT_PAIRS)
        return err_fail(e, STATUS_MISUSED,
                        "--shared-vocab: there is one vocabulary anyway (it goes with --input pairs)");
    if (!own.vocab && (text_options_check(&how, e) < 0 || text_options_check_merges(groups, &how, e) < 0))
        return -1;
    if (how.level == TEXT_BPE && own.max_vocab)
        return err_fail(e, STATUS_MISUSED, "--max-vocab: at level bpe --merges says how many pieces there are");
    for (size_t i = 0; own.vocab && i < sizeof learning / sizeof *learning; i++)
        if (opt_given(groups, learning[i]))
            return err_fail(e, STATUS_MISUSED, "--%s is for learning a vocabulary (leave it or --vocab out)",
                            learning[i]);
    if (own.vocab && !strcmp(own.vocab, "-") && reads_standard_input())
        return err_fail(e, STATUS_MISUSED, "--vocab -: standard input is the text already (name a file)");
    return 0;
}

static int read_file(const char *path, struct err *e)
{
    static char block[1 << 16];
    const char *label = infile_label(path);
    int fd = infile_open(path, e), result = 0;
    long n = 0;
    if (fd < 0)
        return -1;
    text_pipe_begin(&text, label);
    while (result == 0 && (n = file_read(fd, block, sizeof block, e)) > 0) {
        result = text_pipe_add(&text, block, (size_t)n, e);
        bytes_read += (double)n;
        progress_show(&progress, bytes_read / 1e6, "%" PRIu64 " tokens", tokens.tokens);
    }
    if (n < 0)
        result = err_where(e, "%s", label);
    if (result == 0)
        result = text_pipe_end(&text, e);
    if (fd != STDIN_FILENO)
        close(fd);
    return result;
}

/* Bytes to read, as far as that is known. */
static double bytes_to_read(void)
{
    struct stat st;
    double sum = 0;
    for (int i = 0; i < cli.n_operands; i++)
        sum += stat(cli.operands[i], &st) == 0 && S_ISREG(st.st_mode) ? (double)st.st_size : NAN;
    return sum > 0 ? sum : 0;
}

static int read_text(struct err *e)
{
    struct text_part_receiver to = {&tokens, text_tokens_add, text_tokens_part, text_tokens_label};
    if (text_pipe_open(&text, &how, &in, TEXT_WINDOW, &to, e) < 0)
        return -1;
    progress_start(&progress, "MB", bytes_to_read() / 1e6);
    if (!cli.n_operands && read_file(NULL, e) < 0)
        return -1;
    for (int i = 0; i < cli.n_operands; i++)
        if (read_file(cli.operands[i], e) < 0)
            return -1;
    if (progress.shown > progress.start)
        progress_end(&progress, bytes_read / 1e6, "%" PRIu64 " tokens", tokens.tokens);
    return 0;
}

static void note_classes(void)
{
    const struct text_classes *c = &tokens.classes;
    bool labels = tokens.extra == TEXT_LABELS;
    if (c->unknown)
        cli_note("%" PRIu64 " of %" PRIu64 " %s are not among the %zu of the vocabulary; they stand behind these, "
                 "from id %zu on",
                 c->unknown, c->n, labels ? "labels" : "tags", c->n_known, c->n_known);
    if (labels && !c->known && c->n > 20 && c->vocab.n > c->n / 2)
        cli_note("%zu different labels in %" PRIu64 " items: are lines 'label TAB text'? (%s --label-last)", c->vocab.n,
                 c->n, in.label_last ? "this is" : "otherwise");
    if (tokens.extra == TEXT_TAGS && !text_tokens_classified(&tokens))
        cli_note("the tag of every word is _: there is no column of tags (--tags chooses another)");
}

static void notes(void)
{
    uint64_t cuts = text_pipe_cuts(&text);
    if (text.clean.replaced)
        cli_note("%s:%" PRIu64 ": not UTF-8; U+FFFD was put in %" PRIu64 " times in all (--strict refuses such text)",
                 text.clean.first_file, text.clean.first_line, text.clean.replaced);
    if (cuts)
        cli_note("words longer than %d bytes were cut, %" PRIu64 " times in all (is it text?)", TEXT_WINDOW, cuts);
    if (tokens.unknown)
        cli_note("%" PRIu64 " of %" PRIu64 " tokens are not in the vocabulary and became <unk>", tokens.unknown,
                 tokens.tokens);
    uint64_t low = text_tokens_error(&tokens);
    if (low)
        cli_note("--max-vocab: rare words were forgotten while there were too many; counts may be too low, by %" PRIu64
                 " at most",
                 low);
    note_classes();
}

/* Makes the vocabulary known: reads it and writes it on, or begins to learn it. */
static int begin(struct sink *sink, struct err *e)
{
    if (!own.vocab) {
        text_tokens_learn(&tokens, &how);
        return text_input_tags(groups, &in, &tokens.classes.vocab.meta, e);
    }
    if (text_tokens_load(&tokens, own.vocab, groups, e) < 0 || text_input_check_level(&in, &how, e) < 0 ||
        text_input_tags(groups, &in, &tokens.classes.vocab.meta, e) < 0 || cli_head(NULL, e) < 0)
        return -1;
    return text_tokens_apply(&tokens, &how, sink, e);
}

static int work(struct err *e)
{
    static const enum text_extra extra[TEXT_N_INPUTS] =
        {[TEXT_INPUT_LABELED] = TEXT_LABELS, [TEXT_INPUT_CONLLU] = TEXT_TAGS};
    tokens.pairs = in.kind == TEXT_INPUT_PAIRS;
    tokens.shared = own.shared_vocab;
    tokens.keep_text = in.keep_text;
    tokens.bound = text_tokens_bound((size_t)own.max_vocab);
    tokens.extra = extra[in.kind];
    if (check_options(e) < 0)
        return -1;
    struct sink *sink = cli_sink(tokens.pairs ? "pairs" : "tokens", e);
    if (!sink || begin(sink, e) < 0 || read_text(e) < 0)
        return -1;
    if (!own.vocab && (cli_head(NULL, e) < 0 ||
                       text_tokens_learnt(&tokens, &how, (uint64_t)own.min_count, (size_t)own.max_vocab, sink, e) < 0))
        return -1;
    if (text_tokens_end(&tokens, e) < 0)
        return -1;
    notes();
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    int result = cli_finish(work(&e), &e);
    text_pipe_close(&text);
    text_tokens_close(&tokens);
    return result;
}
