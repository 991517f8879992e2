/* embed: word vectors put beside the words of a stream, or asked about. */
#include "app/cli.h"
#include "app/embed_answer.h"
#include "app/embed_relay.h"

static struct {
    const char *model, *eval, *ask;
    struct opt_list neighbors;
    bool analogy, interactive;
    struct answer_config answer;
} want;

#define AT(field) offsetof(__typeof__(want), field)

static const struct opt embed_options[] = {
    {"model", 'm', OPT_TEXT, AT(model), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "use the word vectors in FILE, as w2v-train wrote them (needed)"},
    {"neighbors", 'n', OPT_LIST, AT(neighbors), 0, "WORD", NULL, 0, 0, NULL,
     "print the words nearest to WORD; may be given several times"},
    {"analogy", 'a', OPT_SWITCH, AT(analogy), 0, NULL, NULL, 0, 0, NULL,
     "print what is to C as B is to A, for the operands A B C"},
    {"ask", 0, OPT_TEXT, AT(ask), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "answer the questions of FILE (-: standard input), one a line: WORD, A B, A B C, or A - B + C"},
    {"interactive", 'i', OPT_SWITCH, AT(interactive), 0, NULL, NULL, 0, 0, NULL,
     "answer such questions from standard input at once, an empty line behind each answer"},
    {"eval", 'e', OPT_TEXT, AT(eval), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "print how well analogy questions or judged pairs of words are met"},
    {"missing", 0, OPT_SWITCH, AT(answer.missing), 0, NULL, NULL, 0, 0, NULL,
     "behind the figures of --eval print the words of its FILE that are not in the vocabulary"},
    {"top", 't', OPT_INT, AT(answer.top), 0, "N", "10", 1, 1e6, NULL, "print N words for a question"},
    {"most-frequent", 0, OPT_INT, AT(answer.most_frequent), 0, "N", NULL, 0, 1e9, NULL,
     "look among the N most frequent words alone; 0: among all (default: 30000 for analogy questions of --eval, else "
     "all)"},
    {"method", 0, OPT_CHOICE, AT(answer.method), 0, NULL, "cosadd", 0, 0, EMBED_METHODS,
     "answer analogies by the largest cosine with B - A + C, or the largest product of cosines"},
    {0},
};

static struct opt_group groups[] = {{"Vectors", embed_options, &want, 0}, CLI_GROUP, {0}};

static const struct tool tool = {
    .name = "embed",
    .purpose = "give the words of a stream their vectors, or ask about vectors",
    .usage = "--model FILE [OPTION...] [FILE | A B C]",
    .examples = "  tokenize < text.txt | embed --model words.tns | tns ls\n"
                "  embed --model words.tns --neighbors river --neighbors lake --top 5\n"
                "  embed --model words.tns --analogy man king woman\n"
                "  embed --model words.tns --interactive\n"
                "  cut -f 1 words.txt | embed --model words.tns --ask - > neighbors.tsv\n"
                "  embed --model words.tns --eval questions-words.txt\n",
    .groups = groups,
    .operands_high = 3,
};

/* A stream gets vectors and no answers; and --eval counts the first one alone. */
static int check_answers(bool stream, struct err *e)
{
    static const char *const shaping[] = {"top", "most-frequent", "method"};
    for (size_t i = 0; i < (stream ? 3 : want.eval ? 1 : 0); i++)
        if (opt_given(groups, shaping[i]))
            return err_fail(e, STATUS_MISUSED, "--%s has no use %s (leave it out)", shaping[i],
                            stream ? "where words of a stream get vectors"
                                   : "for --eval, which looks at the best answer");
    return 0;
}

static int check_usage(bool *stream, struct err *e)
{
    int asked = (want.neighbors.n > 0) + want.analogy + (want.eval != NULL) + (want.ask != NULL) + want.interactive;
    if (!want.model)
        return err_fail(e, STATUS_MISUSED, "--model FILE is needed (w2v-train makes one)");
    if (asked > 1)
        return err_fail(e, STATUS_MISUSED,
                        "--neighbors, --analogy, --ask, --interactive and --eval exclude each other (give one)");
    if (want.answer.missing && !want.eval)
        return err_fail(e, STATUS_MISUSED, "--missing is about the words of a file (give --eval FILE)");
    if (want.analogy && cli.n_operands != 3)
        return err_fail(e, STATUS_MISUSED, "--analogy: wants three words A B C, got %d", cli.n_operands);
    int most = want.analogy ? 3 : asked ? 0 : 1;
    if (cli.n_operands > most)
        return err_fail(e, STATUS_MISUSED, "'%s' is one operand too many", cli.operands[most]);
    *stream = !asked;
    want.answer.most_given = opt_given(groups, "most-frequent");
    return check_answers(*stream, e);
}

static int run(struct embed *model, bool stream, struct err *e)
{
    const struct answer_config *c = &want.answer;
    if (stream)
        return embed_relay(model, cli.n_operands ? cli.operands[0] : NULL, e);
    if (want.eval)
        return answer_evaluation(model, c, want.eval, e);
    if (want.ask || want.interactive)
        return answer_lines(model, c, want.ask, want.interactive, e);
    if (want.analogy)
        return answer_words(model, c, (const char *const *)cli.operands, 1, 3, e);
    return answer_words(model, c, want.neighbors.items, want.neighbors.n, 1, e);
}

int main(int argc, char **argv)
{
    struct embed model = {0};
    struct err e = {0};
    bool stream = false;
    cli_start(&tool, argc, argv);
    int result = check_usage(&stream, &e);
    if (result == 0 && !(stream ? cli_sink("vectors", &e) != NULL : cli_output(false, &e) != NULL))
        result = -1;
    if (result == 0 && (result = embed_load(&model, want.model, &e)) == 0 && (result = cli_threads(&e)) == 0)
        result = run(&model, stream, &e);
    embed_free(&model);
    return cli_finish(result, &e);
}
