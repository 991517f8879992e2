/* generate: what a network makes up, to the tool's output. */
#ifndef APP_GENERATE_H
#define APP_GENERATE_H

#include "net/sample.h"

/* The text to begin with and config->generate tokens behind it, as a stream of tokens (an item ends where </s> was
 * drawn; its parent is the model) or as text (joined as the vocabulary's level says; </s> ends a line). --seed decides
 * what is drawn. */
int generate(struct rnnfile *file, const struct sample_config *config, bool as_text, struct err *e);

/* config->items series of config->generate vectors, or, with `path` ("-": standard input), so many vectors behind
 * each item of a stream of vectors, what it began with in front of them when config->keep_prime: a stream of vectors
 * with the columns vec and continued, or as text (a line a vector, numbers divided by TABs, an empty line behind an
 * item). */
int generate_vectors(struct rnnfile *file, const struct sample_config *config, const char *path, bool as_text,
                     struct err *e);

#endif
