#include "app/w2v_reading.h"

#include "app/cli.h"
#include "base/mem.h"
#include "base/stop.h"

/* Are there words to learn from? One alone is noted: there is nothing to tell it from. */
static int check_words(const struct w2v_run *r, const struct w2v_input *in, struct err *e)
{
    const struct w2v_corpus *corpus = &r->corpus;
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
    const char *word = vocab_word(r->vocab, last, &length);
    if (different == 1)
        cli_note("%s: '%.*s' is the only word, and there is nothing to tell it from: its vector means nothing",
                 source_label(in->source), (int)(length < 60 ? length : 60), word);
    return 0;
}

/* The digests of the segments, and that of the model they are learned on top of. */
static char *parents(const struct w2v_run *r, const struct w2v_input *in)
{
    const char *digests = source_digests(in->source);
    return *r->init_digest ? mem_printf("%s %s", digests, r->init_digest) : mem_copy(digests);
}

int w2v_reading_all(struct w2v_run *r, struct w2v_input *in, struct err *e)
{
    struct w2v_corpus *corpus = &r->corpus;
    struct progress progress;
    const uint32_t *ids;
    size_t n;
    bool continued;
    int got;
    w2v_corpus_open(corpus, r->vocab->n);
    progress_start(&progress, "words", 0);
    while ((got = w2v_input_next(in, &ids, &n, &continued, e)) == 1) {
        if (stop_pending() || w2v_run_add(r, ids, n, continued, e) < 0)
            return stop_outranks(e);
        progress_show(&progress, (double)corpus->words, "reading");
    }
    if (got < 0 || w2v_corpus_finish(corpus, e) < 0 || check_words(r, in, e) < 0)
        return -1;
    r->parents = parents(r, in);
    cli_note("%llu words in %llu sentences, %zu in the vocabulary%s", (unsigned long long)corpus->words,
             (unsigned long long)corpus->sentences, r->vocab->n, corpus->unknown ? "" : ", none unknown");
    if (corpus->unknown)
        cli_note("%llu unknown words left out", (unsigned long long)corpus->unknown);
    return 0;
}
