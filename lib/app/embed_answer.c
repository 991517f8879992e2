#include "app/embed_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/lines.h"
#include "base/mem.h"
#include "net/embed_eval.h"
#include "net/embed_line.h"

/* ---- Questions gathered and their answers ------------------------------------------------------------------------ */

enum { LOT_QUESTIONS = 4096, LOT_HITS = 4 << 20 };

/* One line of questions: what its answers begin with and, where it asks how alike two words are, the answer. */
struct entry {
    size_t head, head_end; /* in `heads` */
    enum embed_asked kind;
    double cosine;
};

struct lot {
    struct embed *m;
    struct embed_index index;
    struct embed_questions sums, analogies;
    struct entry *entries; /* [most] */
    size_t n, most, top;
    struct buf heads, out;
};

static void lot_open(struct lot *l, struct embed *m, const struct answer_config *c, size_t most)
{
    *l = (struct lot){.m = m, .analogies.method = (enum embed_method)c->method};
    embed_index_make(&l->index, m, (size_t)c->most_frequent);
    l->top = (size_t)c->top < l->index.n ? (size_t)c->top : l->index.n;
    l->most = l->top * most > LOT_HITS ? LOT_HITS / l->top + 1 : most;
    l->entries = mem_get(l->most, sizeof *l->entries);
}

static void lot_close(struct lot *l)
{
    embed_index_free(&l->index);
    embed_questions_free(&l->sums);
    embed_questions_free(&l->analogies);
    buf_free(&l->heads);
    buf_free(&l->out);
    free(l->entries);
}

/* Says of words that the model lacks that it was asked by what they are made of. */
static void tell_composed(const struct lot *l, const struct embed_line *q)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->ids[i] >= l->m->v)
            cli_note("'%s' is not a word of the model; its vector is made of its subwords", q->words[i]);
}

static void lot_add(struct lot *l, const struct embed_line *q)
{
    tell_composed(l, q);
    struct entry *entry = &l->entries[l->n++];
    *entry = (struct entry){.kind = q->kind, .head = l->heads.len};
    for (size_t i = 0; i < q->n; i++) {
        if (i && q->kind == EMBED_SUM)
            buf_text(&l->heads, q->minus[i] ? " - " : " + ");
        cli_escape(q->words[i], strlen(q->words[i]), &l->heads);
        if (i + 1 == q->n || q->kind != EMBED_SUM)
            buf_char(&l->heads, '\t');
    }
    entry->head_end = l->heads.len;
    if (q->kind == EMBED_SIMILARITY)
        entry->cosine = embed_cosine(l->m, q->ids[0], q->ids[1]);
    else if (q->kind == EMBED_ANALOGY)
        embed_ask_analogy(&l->analogies, l->m, q->ids);
    else
        embed_ask_sum(&l->sums, l->m, q->ids, q->minus, q->n);
}

static void print_hits(struct lot *l, const struct entry *entry, const struct embed_hit *hits)
{
    for (size_t i = 0; i < l->top && hits[i].id != VOCAB_NONE; i++) {
        size_t length;
        const char *word = vocab_word(&l->m->vocab, hits[i].id, &length);
        buf_add(&l->out, l->heads.data + entry->head, entry->head_end - entry->head);
        cli_escape(word, length, &l->out);
        buf_printf(&l->out, "\t%.4f\n", (double)hits[i].score);
    }
}

/* Answers what was gathered, in its order, and begins anew. -1: nobody takes answers any more (see cli_put). */
static int lot_answer(struct lot *l)
{
    struct embed_hit *hits = mem_get((l->sums.n + l->analogies.n) * l->top, sizeof *hits);
    struct embed_hit *sum = hits, *analogy = hits + l->sums.n * l->top;
    if (l->top) {
        embed_search(&l->index, &l->sums, l->top, sum);
        embed_search(&l->index, &l->analogies, l->top, analogy);
    }
    for (size_t i = 0; i < l->n; i++) {
        const struct entry *entry = &l->entries[i];
        if (entry->kind == EMBED_SIMILARITY) {
            buf_add(&l->out, l->heads.data + entry->head, entry->head_end - entry->head);
            buf_printf(&l->out, "%.4f\n", entry->cosine);
            continue;
        }
        struct embed_hit **next = entry->kind == EMBED_ANALOGY ? &analogy : &sum;
        print_hits(l, entry, *next);
        *next += l->top;
    }
    free(hits);
    int result = cli_put(l->out.data, l->out.len);
    buf_clear(&l->out);
    buf_clear(&l->heads);
    embed_questions_clear(&l->sums);
    embed_questions_clear(&l->analogies);
    l->n = 0;
    return result;
}

/* ---- Words of the command line ----------------------------------------------------------------------------------- */

int answer_words(struct embed *m, const struct answer_config *c, const char *const *words, size_t n, size_t size,
                 struct err *e)
{
    struct lot lot;
    uint32_t id;
    for (size_t i = 0; i < n * size; i++) /* before anything is printed */
        if (embed_need(m, words[i], &id, e) < 0)
            return -1;
    lot_open(&lot, m, c, LOT_QUESTIONS);
    for (size_t i = 0; i < n; i++) {
        struct embed_line q = {.kind = size == 1 ? EMBED_NEIGHBORS : EMBED_ANALOGY, .n = size};
        for (size_t w = 0; w < size; w++) {
            q.words[w] = words[i * size + w];
            embed_need(m, q.words[w], &q.ids[w], e); /* as before */
        }
        lot_add(&lot, &q);
        if (lot.n == lot.most || i + 1 == n)
            lot_answer(&lot);
    }
    lot_close(&lot);
    return 0;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* On a terminal: what may be asked, and that it is one's turn. */
static bool on_terminal(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void prompt(void)
{
    if (on_terminal())
        cli_put("> ", 2);
}

/* A line that cannot be answered is told about and passed over. */
static void answer_line(struct lot *lot, const struct lines *lines, bool each, uint64_t *refused)
{
    struct embed_line q;
    struct err e;
    bool nul = memchr(lines->text, 0, lines->length);
    if (nul)
        err_fail(&e, STATUS_DATA, "there is a NUL byte in the line (is it text?)");
    if (!nul && embed_line_read(&q, lot->m, lines->text, &e) == 0) {
        if (q.kind != EMBED_NOTHING)
            lot_add(lot, &q);
        return;
    }
    ++*refused;
    if (each)
        cli_note("%s", e.text);
    else
        cli_note("%s:%llu: %s", lines->label, (unsigned long long)lines->number, e.text);
}

int answer_lines(struct embed *m, const struct answer_config *c, const char *path, bool each, struct err *e)
{
    struct lines lines;
    struct lot lot;
    uint64_t refused = 0;
    int got;
    if (lines_open(&lines, path, e) < 0)
        return -1;
    lines.nuls = true;
    lot_open(&lot, m, c, each ? 1 : LOT_QUESTIONS);
    if (each && on_terminal())
        cli_note("ask WORD, A B, A B C, or A - B + C; Ctrl-D ends");
    for (each ? prompt() : (void)0; (got = lines_next(&lines, e)) == 1; each ? prompt() : (void)0) {
        answer_line(&lot, &lines, each, &refused);
        if ((lot.n && lot.n == lot.most && lot_answer(&lot) < 0) || (each && cli_put("\n", 1) < 0))
            break;
    }
    if (lot.n)
        lot_answer(&lot);
    if (got == 0 && refused && !each)
        cli_note("%llu of %llu lines were not answered", (unsigned long long)refused, (unsigned long long)lines.number);
    lot_close(&lot);
    lines_close(&lines);
    return got < 0 ? -1 : 0;
}

/* ---- Figures ----------------------------------------------------------------------------------------------------- */

/* Percent, with what stands behind it. */
static void print_share(size_t part, size_t whole, const char *end)
{
    if (whole)
        cli_print("%.2f", 100 * (double)part / (double)whole);
    cli_print("%s%s", whole ? "" : "-", end);
}

static void print_word(const char *word, size_t length)
{
    struct buf text = {0};
    cli_escape(word, length, &text);
    cli_print("%s\t", buf_string(&text));
    buf_free(&text);
}

static void print_sections(const struct embed_eval *v)
{
    cli_print("section\tright\tanswered\tasked\tpercent\tpercent_asked\toutside\n");
    for (size_t i = 0; i < v->n; i++) {
        const struct embed_section *s = &v->sections[i];
        print_word(s->name, strlen(s->name));
        cli_print("%zu\t%zu\t%zu\t", s->right, s->answered, s->asked);
        print_share(s->right, s->answered, "\t");
        print_share(s->right, s->asked, "\t");
        cli_print("%zu\n", s->asked - s->answered);
    }
}

static void print_pairs(const struct embed_eval *v)
{
    cli_print("spearman\tanswered\tasked\tpercent\toutside\n");
    cli_print(isnan(v->spearman) ? "-" : "%.4f", v->spearman);
    cli_print("\t%zu\t%zu\t", v->answered, v->asked);
    print_share(v->answered, v->asked, "\t");
    cli_print("%zu\n", v->asked - v->answered);
}

static void print_missing(const struct vocab *missing)
{
    cli_print("\nmissing\tlines\n");
    for (uint32_t id = 0; id < missing->n; id++) {
        size_t length;
        const char *word = vocab_word(missing, id, &length);
        print_word(word, length);
        cli_print("%llu\n", (unsigned long long)missing->counts[id]);
    }
}

int answer_evaluation(struct embed *m, const struct answer_config *c, const char *path, struct err *e)
{
    const struct embed_eval_config config = {.most = (size_t)c->most_frequent,
                                             .all = c->most_given && !c->most_frequent,
                                             .method = (enum embed_method)c->method};
    struct embed_eval v;
    int result = embed_evaluate(m, path, &config, &v, e);
    if (result == 0 && v.composed)
        cli_note("%zu of the lines answered have words that the model lacks, with vectors made of their subwords",
                 v.composed);
    if (result == 0) {
        v.analogies ? print_sections(&v) : print_pairs(&v);
        if (c->missing)
            print_missing(&v.missing);
    }
    embed_eval_free(&v);
    return result;
}
