#include "app/w2v_watching.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"

int w2v_watching_open(struct w2v_watching *w, const char *log, bool append, const struct opt_list *evals, struct err *e)
{
    return log_open(&w->log, log, append, e) < 0 ? -1 : w2v_evals_open(&w->evals, evals, e);
}

/* ---- Evaluation -------------------------------------------------------------------------------------------------- */

/* How good the vectors are by now. That a file cannot be read any more ends no training. */
static void evaluate(struct w2v_watching *w)
{
    struct err e;
    double start = cli_seconds();
    if (w2v_evals_measure(&w->evals, &w->run->model, w->run->vocab, &e) < 0)
        cli_note("%s: no evaluation", e.text);
    w->aside += cli_seconds() - start;
}

/* The mean loss since the report before, for people; where no word met another there is none. */
static const char *loss_text(const struct w2v_report *r, char *text, size_t size)
{
    r->pairs ? snprintf(text, size, "loss %.4f", r->loss) : snprintf(text, size, "no loss");
    return text;
}

static void show_epoch(const struct w2v_watching *w, const struct w2v_report *r)
{
    struct buf line = {0};
    char loss[32];
    buf_printf(&line, "epoch %lld: %s", (long long)r->epoch, loss_text(r, loss, sizeof loss));
    for (const struct w2v_eval *one = w->evals.of; one < w->evals.of + w->evals.n; one++)
        if (isnan(one->value))
            buf_printf(&line, ", %s: no answer", one->name);
        else
            buf_printf(&line, one->analogies ? ", %s %.2f %%" : ", %s %.4f", one->name, one->value);
    cli_note("%s", buf_string(&line));
    buf_free(&line);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static int write_row(struct w2v_watching *w, const struct w2v_report *r, struct err *e)
{
    double seconds = cli_seconds() - w->start, learning = seconds - w->aside;
    const struct log_field common[] = {
        {"step", (double)r->words, NULL},
        {"epoch", (double)r->epoch, NULL},
        {"loss", r->pairs ? r->loss : (double)NAN, NULL},
        {"lr", r->rate, NULL},
        {"tokens_per_second", learning > 0 ? (double)(r->words - w->begun) / learning : 0, NULL},
        {"pairs", (double)r->pairs, NULL},
        {"seconds", seconds, NULL},
    };
    enum { COMMON = sizeof common / sizeof *common };
    struct log_field *row = mem_get(COMMON + w->evals.n + 1, sizeof *row);
    memcpy(row, common, sizeof common);
    for (size_t i = 0; i < w->evals.n; i++) {
        const struct w2v_eval *one = &w->evals.of[i];
        row[COMMON + i] =
            (struct log_field){mem_printf("eval.%s", one->name), r->epoch_ended ? one->value : (double)NAN, NULL};
    }
    int result = log_row(&w->log, row, e);
    for (size_t i = 0; i < w->evals.n; i++)
        free((char *)row[COMMON + i].name);
    free(row);
    return result;
}

static int report(void *context, const struct w2v_report *r, struct err *e)
{
    struct w2v_watching *w = context;
    double words = (double)(r->words - w->begun);
    char text[32];
    const char *loss = loss_text(r, text, sizeof text);
    w->pairs += r->pairs;
    if (r->epoch_ended && w->evals.n) {
        evaluate(w);
        show_epoch(w, r);
    }
    if (r->epoch_ended && r->epoch == w->run->config.epochs)
        progress_end(&w->progress, words, "%s", loss);
    else
        progress_show(&w->progress, words, "epoch %lld, %s", (long long)r->epoch, loss);
    return write_row(w, r, e);
}

static void show_saved(void *context, const char *path)
{
    (void)context;
    if (stop_pending())
        cli_note("checkpoint written to %s", path);
}

void w2v_watching_begin(struct w2v_watching *w, struct w2v_run *r)
{
    w->run = r;
    w->start = cli_seconds();
    w->begun = r->at.words;
    progress_start(&w->progress, "words", (double)r->corpus.words * (double)r->config.epochs - (double)w->begun);
    r->watch = (struct w2v_run_watch){w, cli_seconds, report, show_saved};
}

int w2v_watching_close(struct w2v_watching *w, int result, struct err *e)
{
    struct err ignored;
    if (result == 0 && w->run && !w->begun && !w->pairs)
        cli_note("no word met another: the vectors are as they began (sentences of one word? --sample 0 keeps frequent "
                 "words)");
    w2v_evals_free(&w->evals);
    return log_close(&w->log, result < 0 ? &ignored : e) < 0 ? -1 : result;
}
