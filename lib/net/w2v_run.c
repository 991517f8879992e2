#include "net/w2v_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"
#include "net/checkpoint_parts.h"
#include "net/w2v_subword.h"

#define AT(field) offsetof(struct w2v_run_config, field)

const struct opt w2v_run_options[] = {
    {"init", 0, OPT_TEXT, AT(init), OPT_FILE, "MODEL", NULL, 0, 0, NULL,
     "start from the vectors of MODEL, and from its --dim, --model and --loss where they are not given"},
    {"grow", 0, OPT_SWITCH, AT(grow), OPT_RECORD, NULL, NULL, 0, 0, NULL,
     "add the words of the text that the MODEL of --init lacks"},
    CHECKPOINT_OPTIONS(struct w2v_run_config),
    {0},
};

/* ---- Words ------------------------------------------------------------------------------------------------------- */

/* Ids of the stream's words that the model lacks, by falling count; owned by the caller. */
static uint32_t *missing_words(const struct vocab *stream, const struct vocab *model, size_t *n)
{
    uint32_t *ids = mem_get(stream->n + 1, sizeof *ids);
    *n = 0;
    for (uint32_t id = 0; id < stream->n; id++) {
        size_t length;
        const char *word = vocab_word(stream, id, &length);
        if (vocab_find(model, word, length) == VOCAB_NONE)
            ids[(*n)++] = id;
    }
    ids_by_count(ids, *n, stream->counts);
    return ids;
}

static int refuse_missing(const struct w2v_run *r, const struct vocab *stream, const uint32_t *ids, const char *label,
                          struct err *e)
{
    const char *model = r->files.init;
    size_t n = r->added;
    enum { SHOWN = 3, ROOM = 40 };
    struct buf names = {0};
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        size_t length;
        const char *word = vocab_word(stream, ids[i], &length);
        buf_printf(&names, "%s'%.*s'", i ? ", " : "", (int)(length < ROOM ? length : ROOM), word);
    }
    err_fail(e, STATUS_DATA,
             "%s: %zu of its %zu words are not in %s: %s%s (--grow adds them; tokenize --vocab %s makes them <unk>)",
             label, n, stream->n, model, buf_string(&names), n > SHOWN ? ", ..." : "", model);
    buf_free(&names);
    return -1;
}

static bool begins_as_it_must(const struct vocab *v)
{
    return vocab_is_special(v, VOCAB_PAD) && vocab_is_special(v, VOCAB_UNKNOWN);
}

int w2v_run_words(struct w2v_run *r, const struct vocab *stream, const char *label, struct w2vfile *init, struct err *e)
{
    r->vocab = stream;
    if (!init)
        return 0;
    if (!begins_as_it_must(&init->vocab))
        return err_fail(e, STATUS_DATA, "%s: its vocabulary does not begin with <pad> and <unk>", r->files.init);
    r->own = init->vocab;
    r->vocab = &r->own;
    init->vocab = (struct vocab){0};
    uint32_t *ids = missing_words(stream, &r->own, &r->added);
    int result = r->added && !r->files.grow ? refuse_missing(r, stream, ids, label, e) : 0;
    for (size_t i = 0; i < r->added && result == 0; i++) {
        size_t length;
        const char *word = vocab_word(stream, ids[i], &length);
        vocab_add(&r->own, word, length);
    }
    free(ids);
    r->map = vocab_map(stream, &r->own);
    r->respelled = r->own.meta.n && !meta_same(&stream->meta, &r->own.meta);
    if (!r->own.meta.n)
        meta_copy(&r->own.meta, &stream->meta);
    return result;
}

/* ---- The model --------------------------------------------------------------------------------------------------- */

/* How far a model says that it was trained. */
static int64_t told(const struct w2vfile *f, const char *key)
{
    const char *text = meta_get(&f->segment.head, key);
    int64_t n;
    return text && opt_int(text, 0, INT64_MAX / 2, &n) ? n : 0;
}

static const char *why_restarted(const struct w2v_run *r, const struct w2vfile *init)
{
    const char *there = meta_get(&init->segment.head, "option.loss"), *here = meta_get(&r->head, "option.loss");
    if (!w2vfile_has(init, "w.out"))
        return "has no output vectors (w.out)";
    return there && here && strcmp(there, here) ? "has the output vectors (w.out) of another --loss" : NULL;
}

int w2v_run_subwords(struct w2v_run *r, const struct w2vfile *init, bool given, struct err *e)
{
    struct w2v_config *config = &r->config;
    struct subword_rule wanted = {0};
    struct subwords theirs;
    if (subwords_read(&theirs, &init->segment, e) < 0)
        return err_where(e, "%s", r->files.init);
    struct subword_rule rule = theirs.rule;
    subwords_free(&theirs);
    if (config->subwords && subword_rule_read(&wanted, config->subwords, config->buckets, e) < 0)
        return err_where(e, "--subwords");
    if (given && !rule.low)
        return err_fail(e, STATUS_MISUSED, "--subwords, --buckets: %s has no subwords (leave them out)", r->files.init);
    if (given && (rule.low != wanted.low || rule.high != wanted.high || rule.buckets != wanted.buckets))
        return err_fail(e, STATUS_MISUSED,
                        "--subwords, --buckets: %s was made with %zu-%zu and %zu (give both so, or leave both out)",
                        r->files.init, rule.low, rule.high, (size_t)rule.buckets);
    if (rule.low) {
        snprintf(r->subwords, sizeof r->subwords, "%zu-%zu", rule.low, rule.high);
        config->subwords = r->subwords;
        config->buckets = rule.buckets;
    }
    return 0;
}

static int make_subwords(struct w2v_run *r, struct err *e)
{
    struct subword_rule rule;
    return subword_rule_read(&rule, r->config.subwords, r->config.buckets, e) < 0 ||
                   w2v_subwords_make(&r->model, &rule, r->vocab, r->seed, e) < 0
               ? -1
               : 0;
}

int w2v_run_make(struct w2v_run *r, const struct w2vfile *init, struct err *e)
{
    if (w2v_make(&r->model, r->vocab->n, (size_t)r->config.dim, e) < 0 ||
        (r->config.subwords && make_subwords(r, e) < 0))
        return -1;
    if (!init)
        return 0;
    memcpy(r->init_digest, init->digest, sizeof r->init_digest);
    r->epochs = told(init, "pos.epochs");
    r->words = told(init, "pos.words");
    r->restarted = why_restarted(r, init);
    if ((r->model.sub ? w2vfile_take_subwords(&r->model, &init->segment, e)
                      : w2vfile_take(&r->model, "w.in", &init->segment, e)) < 0 ||
        (!r->restarted && w2vfile_take(&r->model, "w.out", &init->segment, e) < 0))
        return err_where(e, "%s", r->files.init);
    return 0;
}

int w2v_run_add(struct w2v_run *r, const uint32_t *ids, size_t n, bool continued, struct err *e)
{
    if (!r->map)
        return w2v_corpus_add(&r->corpus, ids, n, continued, e);
    uint32_t *mapped = mem_get(n + 1, sizeof *mapped);
    for (size_t i = 0; i < n; i++)
        mapped[i] = r->map[ids[i]];
    int result = w2v_corpus_add(&r->corpus, mapped, n, continued, e);
    free(mapped);
    return result;
}

static void add_count(uint64_t *count, uint64_t more)
{
    if (__builtin_add_overflow(*count, more, count))
        *count = UINT64_MAX;
}

static void sum_counts(struct w2v_run *r)
{
    struct w2v *w = &r->model, before = {.v = r->own.n - r->added};
    w2v_prepare(&before, &r->config, r->own.counts);
    for (size_t id = 0; id < r->own.n; id++)
        add_count(&r->own.counts[id], r->corpus.counts[id]);
    add_count(&r->own.counts[VOCAB_UNKNOWN], r->corpus.unknown);
    w2v_prepare(w, &r->config, r->own.counts);
    if (!r->restarted && !huffman_same(&before.tree, &w->tree)) {
        r->restarted = "has output vectors (w.out) for another tree than it becomes with this text";
        memset(w->out, 0, w->v * w->stride * sizeof *w->out);
    }
    huffman_free(&before.tree);
}

void w2v_run_start(struct w2v_run *r)
{
    if (r->own.n)
        sum_counts(r);
    else
        w2v_prepare(&r->model, &r->config, r->vocab->counts);
    w2v_start(&r->model, r->corpus.counts, r->seed);
}

/* ---- The run ----------------------------------------------------------------------------------------------------- */

int w2v_run_resume(struct w2v_run *r, struct err *e)
{
    return w2v_checkpoint_read(r, e);
}

static int report(void *context, const struct w2v_report *now, struct err *e)
{
    struct w2v_run *r = context;
    return r->watch.report(r->watch.context, now, e);
}

static bool due(void *context, bool epoch_ended)
{
    struct w2v_run *r = context;
    bool asked = stop_wants_checkpoint();
    return asked || epoch_ended || stop_pending() || r->watch.seconds() - r->saved >= r->files.checkpoint_every;
}

static int save(void *context, struct err *e)
{
    struct w2v_run *r = context;
    if (w2v_checkpoint_write(r, e) < 0)
        return -1;
    r->saved = r->watch.seconds();
    r->watch.saved(r->watch.context, r->files.checkpoint);
    bool finished = r->at.epoch == (uint64_t)r->config.epochs;
    return stop_pending() && !finished ? checkpoint_stopped(r->files.checkpoint, e) : 0;
}

int w2v_run_train(struct w2v_run *r, struct err *e)
{
    struct w2v_watch watch = {.context = r, .report = report};
    if (r->files.checkpoint) {
        watch.due = due;
        watch.save = save;
    }
    r->saved = r->watch.seconds();
    int result = w2v_train(&r->model, &r->config, &r->corpus, r->seed, &r->at, &watch, e);
    if (result < 0 && e->status == STATUS_DIVERGED && r->kept) {
        struct err what = *e;
        err_fail(e, STATUS_DIVERGED, "%s; the last good state is in %s", what.text, r->files.checkpoint);
    }
    return result;
}

int w2v_run_write(struct w2v_run *r, struct sink *k, struct err *e)
{
    struct meta head = {0};
    meta_copy(&head, &r->head);
    meta_setf(&head, "pos.epochs", "%llu", (unsigned long long)r->epochs + r->at.epoch);
    meta_setf(&head, "pos.words", "%llu", (unsigned long long)r->words + r->at.words);
    int result = w2vfile_write(k, &head, r->vocab, &r->model, e);
    meta_free(&head);
    return result;
}

void w2v_run_free(struct w2v_run *r)
{
    meta_free(&r->head);
    vocab_free(&r->own);
    free(r->map);
    free(r->parents);
    w2v_corpus_close(&r->corpus);
    w2v_free(&r->model);
}
