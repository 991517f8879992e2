/* predicted: what a network predicts, as text to the tool's output. */
#ifndef APP_PREDICTED_H
#define APP_PREDICTED_H

#include "net/score.h"

enum predicted_as { PREDICTED_TEXT, PREDICTED_REPORT };

/* Sets what the scorer must add for such a text. */
void predicted_wants(struct score_config *config, const struct rnnfile *file, enum predicted_as as);

/* Runs the scorer over a stream (NULL: standard input), and writes
 *
 *     text, with --score     a table: item, tokens, log-probability, perplexity, and their total
 *     text                   a line an item: words; word/CLASS ...; CLASS TAB probability; numbers divided by TABs (a
 *                            line a step, an empty line behind an item, where there is a value a step)
 *     report                 how good it is (report.h) */
int predicted_print(struct scorer *s, const char *path, enum predicted_as as, struct err *e);

/* Rows of numbers, divided by TABs; an empty line where the item `ends`. */
void predicted_rows(const float *values, uint64_t rows, size_t width, bool ends);

#endif
