/* tns: the verbs of the command tns, each over whole streams (tns(1)). */
#ifndef APP_TNS_H
#define APP_TNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"
#include "data/format.h"

/* What the options say. */
struct tns {
    bool words;        /* text */
    int64_t items;     /* head */
    double rtol, atol; /* cmp */
    const char *input; /* drop */
    int format;        /* import, export: index into formats[] */
    struct format_want want;
};
extern struct tns tns;
extern const struct opt tns_text_options[], tns_head_options[], tns_cmp_options[], tns_drop_options[],
    tns_format_options[], tns_import_options[];

/* Each verb gets its operands. 0; -1 with the failure in *e; cmp: 1 when the streams differ. */
typedef int tns_run(char **operands, int n, struct err *e);
tns_run tns_ls, tns_text, tns_verify, tns_digest, tns_cat, tns_head, tns_slice, tns_drop, tns_paste, tns_cmp,
    tns_import, tns_export;

/* The tokens of a stream as text, a line an item; of pairs both sides, a TAB between them. */
struct source;
int tns_put_words(struct source *s, struct err *e);

/* The HEAD of an input with one more hop: what a verb that makes a stream of streams begins a segment with. */
struct sink;
struct meta;
int tns_put_head(struct sink *k, const struct meta *input, const char *hop, struct err *e);

#endif
