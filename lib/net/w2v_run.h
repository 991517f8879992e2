/* w2v_run: a run of training word vectors: the words and vectors it starts from, its checkpoints, the model it leaves.
 *
 *     w2v_run_words, w2v_run_make     the vocabulary and the matrices, from --init where it is given
 *     w2v_run_add ..., w2v_run_start  the text; then what is new gets its first vectors
 *     w2v_run_resume                  over all that, what a checkpoint holds
 *     w2v_run_train, w2v_run_write
 *
 * The state of a run is the matrices and `struct w2v_at`: all that chance decides is drawn anew from the seed. */
#ifndef NET_W2V_RUN_H
#define NET_W2V_RUN_H

#include "net/checkpoint_parts.h"
#include "net/w2v.h"
#include "net/w2vfile.h"

struct w2v_run_config {
    const char *init, *checkpoint;
    double checkpoint_every; /* seconds */
    bool grow, resume;
};

extern const struct opt w2v_run_options[];

/* What a run tells while it goes on. */
struct w2v_run_watch {
    void *context;
    double (*seconds)(void); /* a clock for checkpoint_every */
    int (*report)(void *context, const struct w2v_report *r, struct err *e);
    void (*saved)(void *context, const char *path); /* a checkpoint was written */
};

/* Begins as zeros, but for what is the caller's to set: config, files, seed, head, watch. */
struct w2v_run {
    struct w2v_config config;
    struct w2v_run_config files;
    struct rng seed;
    struct meta head; /* HEAD of the model and of checkpoints, without pos.*; freed here */
    struct w2v_run_watch watch;

    const struct vocab *vocab; /* the model's */
    struct vocab own;          /* with --init: that of the model it starts from, and behind it what is new */
    uint32_t *map;             /* the stream's ids to it; NULL: the same */
    size_t added;              /* words that the model it starts from lacks */
    bool respelled;            /* that one was tokenized with other options than the stream */
    const char *restarted;     /* "has ...": why its output vectors are no start; NULL: they are one */
    char init_digest[33];      /* "" without --init */
    int64_t epochs, words;     /* that the model it starts from had learned from */
    char subwords[16];         /* config.subwords of that one */
    struct w2v_corpus corpus;
    struct w2v model;
    struct w2v_at at;
    char *parents; /* digests of all that was read, for END; freed here */
    double saved;  /* when the last checkpoint was written */
    bool kept;     /* there is one of this run */
    /* The kernels of the checkpoint it was resumed from, where they are not those in use; else "". */
    char other_isa[CHECKPOINT_KERNELS];
};

/* The vocabulary: the stream's (called `label` in messages), which is kept; or with `init` (NULL: none), from which it
 * is taken away, that model's and, by falling count, the words of the stream that it lacks: without config.grow those
 * are STATUS_DATA, and so is a model whose vocabulary does not begin with <pad> and <unk>. */
int w2v_run_words(struct w2v_run *r, const struct vocab *stream, const char *label, struct w2vfile *init,
                  struct err *e);

/* --subwords and --buckets where they were not `given`: those of the model it starts from. Given others than its own
 * are STATUS_MISUSED. */
int w2v_run_subwords(struct w2v_run *r, const struct w2vfile *init, bool given, struct err *e);

/* The matrices: zeros, n-grams' rows at random, or what init has (NULL: none). */
int w2v_run_make(struct w2v_run *r, const struct w2vfile *init, struct err *e);

/* An item of the text, in the stream's ids. */
int w2v_run_add(struct w2v_run *r, const uint32_t *ids, size_t n, bool continued, struct err *e);

/* Behind the last item: counts are added to those of the model it starts from, words that occur and have no vector get
 * their first; the tree of hs is made, and where it is another than that model's, the output vectors begin anew. */
void w2v_run_start(struct w2v_run *r);

/* Goes on from files.checkpoint: 1; 0 when there is no such file. One of other options, another vocabulary, another
 * model it started from or another text is STATUS_DATA and says what differs. */
int w2v_run_resume(struct w2v_run *r, struct err *e);

/* To the last epoch. With files.checkpoint: writes it behind each epoch, so often as files say, and when a signal asks
 * for it; STATUS_STOPPED: that asked to stop too. Else as w2v_train. */
int w2v_run_train(struct w2v_run *r, struct err *e);

/* HEAD and TENSORs of the model as it is, without END. */
int w2v_run_write(struct w2v_run *r, struct sink *k, struct err *e);

void w2v_run_free(struct w2v_run *r);

/* ---- w2v_checkpoint.c -------------------------------------------------------------------------------------------- */

/* Replaces files.checkpoint as a whole. */
int w2v_checkpoint_write(struct w2v_run *r, struct err *e);
/* As w2v_run_resume. */
int w2v_checkpoint_read(struct w2v_run *r, struct err *e);

#endif
