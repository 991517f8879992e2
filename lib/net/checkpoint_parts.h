/* checkpoint_parts: what the checkpoints of all trainers have in common: a file that is replaced as a whole, numbers
 * that say where a run stands, and the question whether a checkpoint is one of this very run. */
#ifndef NET_CHECKPOINT_PARTS_H
#define NET_CHECKPOINT_PARTS_H

#include "base/opt.h"
#include "data/stream.h"
#include "data/vocab.h"

/* The options of a trainer that keeps checkpoints: rows for a struct that has these fields. */
/* clang-format off */
#define CHECKPOINT_OPTIONS(type)                                                                                       \
    {"checkpoint", 0, OPT_TEXT, offsetof(type, checkpoint), OPT_FILE, "FILE", NULL, 0, 0, NULL,                        \
     "keep the state of the run in FILE: behind each epoch, on SIGUSR1, and on SIGTERM or SIGINT before ending with "  \
     "status 75"},                                                                                                     \
    {"checkpoint-every", 0, OPT_REAL, offsetof(type, checkpoint_every), OPT_LOW_OPEN, "SECONDS", "600", 0, 1e9, NULL,  \
     "keep it at least so often"},                                                                                     \
    {"resume", 0, OPT_SWITCH, offsetof(type, resume), 0, NULL, NULL, 0, 0, NULL,                                       \
     "go on from the checkpoint where there is one; the model becomes that of a run without a break"}
/* clang-format on */

/* Could a checkpoint be written to `path`, again and again? As outfile_probe; what is there and no regular file (a pipe
 * would wait for a reader) is STATUS_MISUSED. */
int checkpoint_probe(const char *path, struct err *e);

/* Replaces a checkpoint by what `put` writes: one whole segment, with its END. */
int checkpoint_replace(const char *path, int (*put)(void *run, struct sink *k, struct err *e), void *run,
                       struct err *e);

/* Gives `take` the segment of a checkpoint, if there is such a file: what `take` returns, 0 or -1, as 1 or -1; 0: no
 * file. */
int checkpoint_load(const char *path, int (*take)(void *run, const struct segment *segment, struct err *e), void *run,
                    struct err *e);

/* Fails with STATUS_STOPPED: a signal has asked for it, and the checkpoint is written. */
int checkpoint_stopped(const char *path, struct err *e);

/* A TENSOR of rank 0, or of rank 1 and n elements; and the one of that name, dtype and count: NULL where it is not
 * so. */
int checkpoint_put(struct sink *k, const char *name, enum dtype dtype, unsigned rank, uint64_t n, const void *data,
                   struct err *e);
const struct tensor *checkpoint_need(const struct segment *segment, const char *name, enum dtype dtype, uint64_t count,
                                     struct err *e);

/* Where a run stands, as TENSORs of one number each. A table ends with a NULL name. */
struct checkpoint_number {
    const char *name;
    enum dtype dtype; /* u64 or f64 */
    size_t at;        /* in the struct that says where */
};
#define CHECKPOINT_WHOLE(type, field) "pos." #field, DTYPE_U64, offsetof(type, field)
#define CHECKPOINT_REAL(type, field)  "pos." #field, DTYPE_F64, offsetof(type, field)

int checkpoint_put_numbers(const struct checkpoint_number *numbers, const void *at, struct sink *k, struct err *e);
int checkpoint_take_numbers(const struct checkpoint_number *numbers, void *at, const struct segment *segment,
                            struct err *e);

/* The kernels in use (kern_name), as TENSOR pos.isa; and, in other[CHECKPOINT_KERNELS], those of the checkpoint where
 * they are others, so that the run does not end in the bytes of one that was never interrupted; else "". */
enum { CHECKPOINT_KERNELS = 16 };
int checkpoint_put_kernels(struct sink *k, struct err *e);
int checkpoint_take_kernels(const struct segment *segment, char *other, struct err *e);

/* Adds to `out` every option, or kind of data, in which two HEADs differ; keys of `may_change` (ended by NULL) may. */
void checkpoint_compare(const struct meta *there, const struct meta *here, const char *const *may_change,
                        struct buf *out);
/* Adds `what` where the checkpoint's vocabulary, if it has one, is not this one. */
int checkpoint_compare_words(const struct vocab *here, const char *prefix, const char *what,
                             const struct segment *segment, struct buf *out, struct err *e);
/* Refuses, as STATUS_DATA, a checkpoint of which `out` says anything. */
int checkpoint_judge(struct buf *out, struct err *e);

/* Refuses one whose tensor `name` is not this digest: "the training data differ". */
int checkpoint_same(const struct segment *segment, const char *name, const char *digest, const char *what,
                    struct err *e);

#endif
