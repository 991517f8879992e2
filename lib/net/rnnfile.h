/* rnnfile: a recurrent network as a stream of profile model/rnn, and a training run as a checkpoint.
 *
 * HEAD's meta holds every recorded option as option.NAME, what the inputs are as inputs=ids|vectors, what the targets
 * are as targets= (task.h), and option.target where a target column was learned. TENSORs: the vocabularies (those there
 * are: of words, of the target's classes under the prefix of its column, of characters under char.), then the
 * parameters under the names and shapes of params.h. A checkpoint has further TENSORs under opt.*, rng.* and pos.*,
 * which loading a model passes over. A file that was written by hand needs only what cannot be told from shapes:
 * option.cell, option.activation; one without out.weight has states, but predicts nothing. */
#ifndef NET_RNNFILE_H
#define NET_RNNFILE_H

#include "data/stream.h"
#include "data/vocab.h"
#include "net/model.h"

/* The words a model knows: each may be empty. */
struct rnnfile_words {
    struct vocab vocab, labels, characters;
};

/* A model file in use. */
struct rnnfile {
    struct segment segment;
    char digest[33];
    struct rnnfile_words words;
    struct model model;
    bool by_item; /* trained item by item, each from a zero state and <s> */
    enum target_kind kind;
    const char *target; /* the target column it was trained on; NULL: the next id or vector */
};

/* Reads model or checkpoint. Refused as STATUS_DATA: another profile, missing parameters, shapes that do not fit each
 * other, values that are not finite. */
int rnnfile_load(struct rnnfile *f, const char *path, struct err *e);
void rnnfile_free(struct rnnfile *f);

/* Fills the block of values, gradients or moments from the tensors PREFIX + name of every view. Missing ones, other
 * shapes and values that are not finite are STATUS_DATA. */
int rnnfile_take(const struct params *p, real *block, const char *prefix, const struct segment *segment, struct err *e);

/* Writes a block as one tensor for each view, named PREFIX + name. */
int rnnfile_put(const struct params *p, const real *block, const char *prefix, struct sink *k, struct err *e);

/* HEAD and TENSORs of a model, without END. `target`: the column whose classes have `labels`; `values`: a block, for
 * example the best so far. */
int rnnfile_write(struct sink *k, const struct meta *head, const struct rnnfile_words *words, const char *target,
                  const struct params *p, const real *values, struct err *e);

#endif
