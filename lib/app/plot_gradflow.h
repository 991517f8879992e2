/* gradflow: how far gradients reach back in time, as rnn-train --gradflow records it (net/gradflow.h), made into
 * curves. */
#ifndef APP_PLOT_GRADFLOW_H
#define APP_PLOT_GRADFLOW_H

#include "app/plot_curve.h"

enum { FLOW_RECORDS = 8 }; /* in a picture, about, where nobody chooses */

/* What is drawn of what there is. Lists are separated by commas. */
struct flow_choice {
    const char *epochs;     /* "0,5,last"; NULL: the first and last, and as many between as FLOW_RECORDS allows */
    const char *quantities; /* of "h,c,bound"; NULL: all there are */
    const char *labels;     /* what the files are called; NULL: their names */
    int64_t layer;          /* -1: all */
    double floor;           /* smaller norms are drawn here */
    bool saturation;        /* the share of saturated gates by epochs in place of norms by lags */
};
extern const struct opt flow_options[];

/* Adds the curves of the files (NULL or "-": standard input). Norms stand over the lag on a logarithmic axis; the bound
 * is drawn sqrt(H) times as high, where it is one for Frobenius norms. In a picture of one file a colour is a record;
 * in one of several it is a file's layer, the paler the earlier the record. STATUS_MISUSED: an epoch, layer or quantity
 * that is not there, labels that are not as many as files. */
int flow_read(struct curves *c, char **paths, int n_paths, const struct flow_choice *choice, struct err *e);

#endif
