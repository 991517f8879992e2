#include "app/watching.h"

#include <math.h>
#include <stdio.h>

#include "base/stop.h"

int watching_open(struct watching *w, const char *path, bool append, struct err *e)
{
    return log_open(&w->log, path, append, e);
}

static void show_validation(const struct train_row *row, unsigned long long epoch, double loss)
{
    char accuracy[64] = "";
    if (!isnan(row->valid_accuracy))
        snprintf(accuracy, sizeof accuracy, ", accuracy %.2f %%", 100 * row->valid_accuracy);
    cli_note("epoch %llu: loss %.4f, validation loss %.4f%s%s", epoch, loss, row->valid_loss, accuracy,
             row->at->waited ? "" : " (the best)");
}

static void show_epoch(const struct train_row *row)
{
    const struct train_at *at = row->at;
    unsigned long long epoch = at->epoch + 1;
    double loss = at->epoch_loss.loss / (double)at->epoch_loss.count;
    if (isnan(row->valid_loss))
        cli_note("epoch %llu: loss %.4f", epoch, loss);
    else
        show_validation(row, epoch, loss);
}

static int show_row(void *context, const struct train_row *row, struct err *e)
{
    struct watching *w = context;
    const struct train_at *at = row->at;
    double seconds = cli_seconds() - w->start, tokens = (double)(at->tokens - w->begun);
    const struct log_field fields[] = {{"step", (double)at->step, NULL},
                                       {"epoch", (double)(at->epoch + 1), NULL},
                                       {"loss", row->loss, NULL},
                                       {"valid_loss", row->valid_loss, NULL},
                                       {"valid_accuracy", row->valid_accuracy, NULL},
                                       {"lr", at->lr, NULL},
                                       {"tokens_per_second", seconds > 0 ? tokens / seconds : NAN, NULL},
                                       {"gradient_norm", at->norm, NULL},
                                       {"seconds", seconds, NULL},
                                       {0}};
    w->loss = row->loss;
    if (row->epoch_end && at->epoch_loss.count)
        show_epoch(row);
    return log_row(&w->log, fields, e);
}

static void show_step(void *context, const struct train_at *at)
{
    struct watching *w = context;
    progress_show(&w->progress, (double)(at->tokens - w->begun), "epoch %llu of %lld, loss %.4f",
                  (unsigned long long)at->epoch + 1, (long long)w->epochs, w->loss);
}

static void show_saved(void *context, const char *path)
{
    (void)context;
    if (stop_pending())
        cli_note("checkpoint written to %s", path);
}

void watching_begin(struct watching *w, struct trainer *t)
{
    w->start = cli_seconds();
    w->begun = t->at.tokens;
    w->epochs = t->config.epochs;
    w->loss = NAN;
    progress_start(&w->progress, "tokens", (double)t->train.tokens * (double)t->config.epochs - (double)t->at.tokens);
    t->watch = (struct train_watch){w, cli_seconds, show_row, show_step, show_saved};
}

void watching_end(struct watching *w, const struct trainer *t)
{
    double tokens = (double)(t->at.tokens - w->begun);
    if (t->at.best_epoch)
        progress_end(&w->progress, tokens, "validation loss %.4f after epoch %llu", t->at.best_loss,
                     (unsigned long long)t->at.best_epoch);
    else
        progress_end(&w->progress, tokens, "loss %.4f", w->loss);
}

int watching_close(struct watching *w, int result, struct err *e)
{
    struct err ignored;
    return log_close(&w->log, result < 0 ? &ignored : e) < 0 ? -1 : result;
}
