/* w2v_pairs: what --show-pairs prints: the pairs of words that windows hold. */
#ifndef APP_W2V_PAIRS_H
#define APP_W2V_PAIRS_H

#include "net/w2v.h"
#include "net/w2v_input.h"

/* Prints, for each word of the input and each word within the window around it, "centre TAB context". */
int w2v_pairs_show(struct w2v_input *in, const struct w2v_config *config, struct err *e);

#endif
