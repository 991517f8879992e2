/* embed_relay: a stream's words get their vectors. */
#ifndef APP_EMBED_RELAY_H
#define APP_EMBED_RELAY_H

#include "net/embed.h"

/* Reads tokens, vectors or pairs (`path`; NULL: standard input) and writes them with their vectors (embed_add) to the
 * tool's output. How many tokens got none is noted. */
int embed_relay(const struct embed *m, const char *path, struct err *e);

#endif
