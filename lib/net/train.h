/* train: the training loop of a recurrent network.
 *
 * An epoch goes once over the minibatches of a corpus. A step is
 *
 *     forward       the loss must be a number, and not be far beyond what knowing nothing would cost
 *     checkpoint    where one is due: everything as it was before this step, known to be sound by now
 *     backward, clip, update
 *
 * and behind an epoch stands validation: the best parameters so far are kept, and training ends early when `patience`
 * epochs in a row were not better. The state of a run is the parameters, the optimizer's moments, `struct train_at`,
 * the carried state and the best parameters; a checkpoint holds all of it, so that a resumed run ends in the same
 * bytes. */
#ifndef NET_TRAIN_H
#define NET_TRAIN_H

#include "net/batches.h"
#include "net/checkpoint_parts.h"
#include "net/gradflow.h"
#include "net/optim.h"
#include "net/rnnfile.h"

struct train_config {
    int by;             /* enum corpus_by */
    int best;           /* index among BEST_CHOICES */
    int precision;      /* enum precision */
    const char *target; /* column to learn; NULL: `target` where there is one, else the next id */
    int64_t batch, bptt, epochs, patience, log_every;
    int64_t lr_decay_after, lr_decay_every, lr_plateau; /* epochs */
    double lr_decay, valid;
    const char *valid_file, *init, *embedding, *gradients, *log;
    bool freeze;
    const char *gradflow; /* NULL: none is recorded */
    int64_t gradflow_rows;
    const char *checkpoint;
    double checkpoint_every; /* seconds */
    bool resume;
};

#define BEST_CHOICES "loss|accuracy"
enum best { BEST_LOSS, BEST_ACCURACY };

extern const struct opt train_options[];

/* Where a run stands: what a checkpoint keeps beside arrays. The table of its fields is in checkpoint.c. */
struct train_at {
    uint64_t epoch, minibatch, step; /* done: whole epochs, minibatches of this one, updates in all */
    uint64_t tokens;                 /* targets learned from in all */
    uint64_t waited;                 /* epochs since the best validation */
    uint64_t best_epoch;             /* 1 ..; 0: none yet */
    double best_loss, best_accuracy; /* of the best epoch: a token; NaN where there are no classes */
    double lr;                       /* of this epoch */
    double smooth, first;            /* running loss, against which divergence is judged; that of the first step */
    struct tally epoch_loss;         /* training loss of this epoch */
    struct tally row_loss;           /* since the last row of the log */
    double norm;                     /* of the last gradient, before clipping */
};

/* What a run tells while it goes on. */
struct train_row {
    const struct train_at *at;
    double loss, valid_loss, valid_accuracy; /* a token; NaN: none */
    bool epoch_end;
};
struct train_watch {
    void *context;
    double (*seconds)(void); /* a clock for checkpoint_every */
    int (*row)(void *context, const struct train_row *row,
               struct err *e);                              /* every log_every steps and behind an epoch */
    void (*step)(void *context, const struct train_at *at); /* every step, for progress */
    void (*saved)(void *context, const char *path);         /* a checkpoint was written */
};

struct trainer {
    struct train_config config;
    struct train_watch watch;
    struct corpus corpus, valid_corpus;
    struct batches train, valid; /* valid.corpus NULL: no validation */
    struct model model;
    struct optim optim;
    struct rng rng, chance; /* of the run; of the present step */
    struct meta head;       /* HEAD of the model and of checkpoints; made by the caller, completed by train_make */
    struct train_at at;
    real *state, *next;       /* [layers, states, rows, hidden] before and behind the present step */
    real *best;               /* block of parameters */
    struct gradflow gradflow; /* with config.gradflow: records before the first step and behind every epoch */
    double saved;             /* when the last checkpoint was written */
    bool due;                 /* the next step writes one */
    bool kept;                /* this run has one, written or resumed from */
    uint64_t embedded;        /* words that --embedding has a vector for */
    /* The kernels of the checkpoint it was resumed from, where they are not those in use; else "". */
    char other_isa[CHECKPOINT_KERNELS];
};

/* Builds the run for corpora that were read (valid_corpus.n 0: none): cuts minibatches, makes the model and its first
 * parameters, from `init` (NULL: none) where their names and shapes must be found. */
int train_make(struct trainer *t, const struct model_config *model, const struct optim_config *optim, struct rng rng,
               const struct rnnfile *init, struct err *e);

/* Runs until the last epoch, or until patience is at its end; the best parameters are then in the model.
 * STATUS_DIVERGED: the loss or the gradient is beyond all measure. STATUS_STOPPED: a signal asked for it and the
 * checkpoint is written. */
int train_run(struct trainer *t, struct err *e);

/* The first minibatch, items in their order: its loss (summed over steps, averaged over the batch) and, in
 * params.gradient, every gradient. Nothing is updated. */
int train_gradients(struct trainer *t, double *loss, struct err *e);

/* HEAD and TENSORs of the model as it is. */
int train_write(const struct trainer *t, struct sink *k, struct err *e);

void train_free(struct trainer *t);

/* ---- Checkpoints (checkpoint.c) ---------------------------------------------------------------------------------- */

/* Writes the run to config.checkpoint, which is replaced as a whole. */
int checkpoint_write(struct trainer *t, struct err *e);

/* Goes on from config.checkpoint: 1; 0 when there is no such file. A checkpoint of other options (but for epochs and
 * patience), another vocabulary or other data is STATUS_DATA and says what differs. */
int checkpoint_read(struct trainer *t, struct err *e);

#endif
