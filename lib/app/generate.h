/* generate: text that a language model makes up, to the tool's output. */
#ifndef APP_GENERATE_H
#define APP_GENERATE_H

#include "net/sample.h"

/* The text to begin with and config->generate tokens behind it, as a stream of tokens (an item ends where </s> was
 * drawn; its parent is the model) or as text (joined as the vocabulary's level says; </s> ends a line). --seed decides
 * what is drawn. */
int generate(struct rnnfile *file, const struct sample_config *config, bool as_text, struct err *e);

#endif
