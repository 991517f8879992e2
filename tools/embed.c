/* embed: word vectors put beside the words of a stream, or asked about. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/relay.h"
#include "base/mem.h"
#include "net/embed_eval.h"

static struct {
    const char *model, *eval;
    struct opt_list neighbors;
    bool analogy;
    int64_t top, most_frequent;
} want;

#define AT(field) offsetof(__typeof__(want), field)

static const struct opt embed_options[] = {
    {"model", 'm', OPT_TEXT, AT(model), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "use the word vectors in FILE, as w2v-train wrote them (needed)"},
    {"neighbors", 'n', OPT_LIST, AT(neighbors), 0, "WORD", NULL, 0, 0, NULL,
     "print the words nearest to WORD; may be given several times"},
    {"analogy", 'a', OPT_SWITCH, AT(analogy), 0, NULL, NULL, 0, 0, NULL,
     "print what is to C as B is to A, for the operands A B C"},
    {"eval", 'e', OPT_TEXT, AT(eval), OPT_FILE, "FILE", NULL, 0, 0, NULL,
     "print how well analogy questions or judged pairs of words are met"},
    {"top", 't', OPT_INT, AT(top), 0, "N", "10", 1, 1e6, NULL, "print N words for a question"},
    {"most-frequent", 0, OPT_INT, AT(most_frequent), 0, "N", NULL, 1, 1e9, NULL,
     "look among the N most frequent words alone (default: 30000 for analogy questions of --eval, else all)"},
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
                "  embed --model words.tns --eval questions-words.txt\n",
    .groups = groups,
    .operands_high = 3,
};

static struct embed model;

/* ---- A stream's words -------------------------------------------------------------------------------------------- */

/* The columns of ids there may be, by profile, and the map of each from the stream's vocabulary to the model's. */
static const char *const of_tokens[] = {"", NULL}, *const of_pairs[] = {"src.", "tgt.", NULL};
static struct relayed {
    const char *const *prefixes;
    uint32_t *maps[2];
    size_t sizes[2];
    uint64_t unknown;
} relayed;

static const char *profile(const char *input)
{
    return !strcmp(input, "pairs") ? input : "vectors";
}

static int begin(void *context, struct segment *segment, struct err *e)
{
    (void)context;
    relayed.prefixes = !strcmp(segment_profile(segment), "pairs") ? of_pairs : of_tokens;
    for (size_t i = 0; relayed.prefixes[i]; i++) {
        struct vocab vocab = {0};
        char name[32];
        const char *prefix = relayed.prefixes[i];
        snprintf(name, sizeof name, "%svocab.text", prefix);
        if (!segment_find(segment, name) && segment_find(segment, "vocab.text")) /* both sides share one */
            prefix = "";
        free(relayed.maps[i]);
        relayed.maps[i] = NULL;
        if (vocab_read(&vocab, prefix, segment, e) < 0) {
            vocab_free(&vocab);
            return -1;
        }
        relayed.maps[i] = vocab_map(&vocab, &model.vocab);
        relayed.sizes[i] = vocab.n;
        vocab_free(&vocab);
    }
    return 0;
}

static uint64_t items(void *context, const struct batch *batch, uint64_t low)
{
    (void)context;
    return embed_items(&model, batch, relayed.prefixes, low);
}

static int batch_vectors(void *context, struct batch *batch, struct err *e)
{
    (void)context;
    for (size_t i = 0; relayed.prefixes[i]; i++)
        if (embed_add(&model, relayed.maps[i], relayed.sizes[i], relayed.prefixes[i], batch, &relayed.unknown, e) < 0)
            return -1;
    return 0;
}

static int add_vectors(const char *path, struct err *e)
{
    const struct relay relay = {.profile = profile,
                                .wants = "tokens, vectors or pairs",
                                .begin = begin,
                                .items = items,
                                .batch = batch_vectors,
                                .parents = model.digest};
    int result = relay_run(&relay, path, NULL, e);
    free(relayed.maps[0]);
    free(relayed.maps[1]);
    if (result == 0 && relayed.unknown)
        cli_note("%llu tokens have no vector in the model and got zeros", (unsigned long long)relayed.unknown);
    return result;
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

static void put_word(const char *word, size_t length)
{
    struct buf text = {0};
    cli_escape(word, length, &text);
    cli_print("%s\t", buf_string(&text));
    buf_free(&text);
}

/* `n` questions of `size` words each: neighbours for one, analogies for three. Lines of the words, an answer, its cosine. */
static int answer(char *const *words, size_t n, size_t size, struct err *e)
{
    size_t top = (size_t)want.top < model.v ? (size_t)want.top : model.v;
    uint32_t *ids = mem_get(n * size, sizeof *ids);
    struct embed_hit *hits = mem_get(n * top, sizeof *hits);
    int result = 0;
    for (size_t i = 0; i < n * size && result == 0; i++)
        result = embed_need(&model, words[i], &ids[i], e);
    if (result == 0)
        embed_ask(&model, ids, n, size, (size_t)want.most_frequent, top, hits);
    for (size_t i = 0; i < n * top && result == 0; i++) {
        size_t length;
        if (hits[i].id == VOCAB_NONE)
            continue;
        for (size_t w = i / top * size; w < (i / top + 1) * size; w++)
            put_word(words[w], strlen(words[w]));
        const char *word = vocab_word(&model.vocab, hits[i].id, &length);
        put_word(word, length);
        cli_print("%.4f\n", (double)hits[i].score);
    }
    free(ids);
    free(hits);
    return result;
}

static void print_analogies(const struct embed_eval *v)
{
    cli_print("section\tright\tanswered\tasked\tpercent\n");
    for (size_t i = 0; i < v->n; i++) {
        const struct embed_section *s = &v->sections[i];
        put_word(s->name, strlen(s->name));
        cli_print("%zu\t%zu\t%zu\t", s->right, s->answered, s->asked);
        cli_print(s->answered ? "%.2f\n" : "-\n", s->answered ? 100 * (double)s->right / (double)s->answered : 0);
    }
}

static int evaluate(struct err *e)
{
    struct embed_eval v;
    int result = embed_evaluate(&model, want.eval, (size_t)want.most_frequent, &v, e);
    if (result == 0 && v.analogies) {
        print_analogies(&v);
    } else if (result == 0) {
        cli_print("spearman\tanswered\tasked\n");
        cli_print(isnan(v.spearman) ? "-" : "%.4f", v.spearman);
        cli_print("\t%zu\t%zu\n", v.answered, v.asked);
    }
    embed_eval_free(&v);
    return result;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static int check_usage(struct err *e)
{
    int asked = (want.neighbors.n > 0) + want.analogy + (want.eval != NULL);
    if (!want.model)
        return err_fail(e, STATUS_MISUSED, "--model FILE is needed (w2v-train makes one)");
    if (asked > 1)
        return err_fail(e, STATUS_MISUSED, "--neighbors, --analogy and --eval exclude each other (give one)");
    if (want.analogy && cli.n_operands != 3)
        return err_fail(e, STATUS_MISUSED, "--analogy: wants three words A B C, got %d", cli.n_operands);
    int most = want.analogy ? 3 : asked ? 0 : 1;
    if (cli.n_operands > most)
        return err_fail(e, STATUS_MISUSED, "'%s' is one operand too many", cli.operands[most]);
    return 0;
}

static int work(struct err *e)
{
    bool stream = !want.neighbors.n && !want.analogy && !want.eval;
    if (check_usage(e) < 0 || (stream && !cli_sink("vectors", e)) || (!stream && !cli_output(false, e)) ||
        embed_load(&model, want.model, e) < 0 || cli_threads(e) < 0)
        return -1;
    int result = stream         ? add_vectors(cli.n_operands ? cli.operands[0] : NULL, e)
                 : want.eval    ? evaluate(e)
                 : want.analogy ? answer(cli.operands, 1, 3, e)
                                : answer((char *const *)want.neighbors.items, want.neighbors.n, 1, e);
    embed_free(&model);
    return result;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    cli_start(&tool, argc, argv);
    return cli_finish(work(&e), &e);
}
