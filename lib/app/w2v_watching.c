#include "app/w2v_watching.h"

void w2v_watching_begin(struct w2v_watching *w, uint64_t words, int64_t epochs)
{
    w->start = cli_seconds();
    w->epochs = epochs;
    progress_start(&w->progress, "words", (double)words * (double)epochs);
}

int w2v_watching_report(void *context, const struct w2v_report *r, struct err *e)
{
    struct w2v_watching *w = context;
    double seconds = cli_seconds() - w->start;
    w->pairs += r->pairs;
    const struct log_field row[] = {{"step", (double)r->words, NULL},
                                    {"epoch", (double)r->epoch, NULL},
                                    {"loss", r->loss, NULL},
                                    {"lr", r->rate, NULL},
                                    {"tokens_per_second", seconds > 0 ? (double)r->words / seconds : 0, NULL},
                                    {"seconds", seconds, NULL},
                                    {0}};
    if (r->epoch_ended && r->epoch == w->epochs)
        progress_end(&w->progress, (double)r->words, "loss %.4f", r->loss);
    else
        progress_show(&w->progress, (double)r->words, "epoch %lld, loss %.4f", (long long)r->epoch, r->loss);
    return log_row(&w->log, row, e);
}

int w2v_watching_close(struct w2v_watching *w, int result, struct err *e)
{
    struct err ignored;
    if (result == 0 && !w->pairs)
        cli_note("no word met another: the vectors are as they began (sentences of one word? --sample 0 keeps frequent "
                 "words)");
    return log_close(&w->log, result < 0 ? &ignored : e) < 0 ? -1 : result;
}
