/* w2v_reading: the text of w2v-train, from its stream into the run, and what there is to say about it. */
#ifndef APP_W2V_READING_H
#define APP_W2V_READING_H

#include "net/w2v_input.h"
#include "net/w2v_run.h"

/* Reads all items; sets r->parents. Without a word to learn from: STATUS_DATA. */
int w2v_reading_all(struct w2v_run *r, struct w2v_input *in, struct err *e);

#endif
