/* w2vfile: models of words on disk.
 *
 * A model/w2v is HEAD, the vocabulary, then a TENSOR for each matrix of the table in w2vfile.c. */
#ifndef NET_W2VFILE_H
#define NET_W2VFILE_H

#include "data/stream.h"
#include "data/vocab.h"
#include "net/w2v.h"

/* A model, a checkpoint, or imported vectors. */
struct w2vfile {
    struct segment segment;
    char digest[33];
    struct vocab vocab;
    size_t d; /* D */
};

/* Reads one. STATUS_DATA: another profile; no `w.in`, or not [V, D]; another matrix with rows not of D numbers; numbers
 * that are not finite. */
int w2vfile_load(struct w2vfile *f, const char *path, struct err *e);
void w2vfile_free(struct w2vfile *f);

/* Does the file hold this matrix? */
bool w2vfile_has(const struct w2vfile *f, const char *name);

/* Copies the matrix over the first rows of w's own, whose other rows stay. More rows than w has, another D or numbers
 * that are not finite are STATUS_DATA, and so is a file without the matrix. */
int w2vfile_take(struct w2v *w, const char *name, const struct segment *segment, struct err *e);
/* The same with `w.word` and `w.sub`; STATUS_DATA, too, where rows of w.sub belong to other n-grams. */
int w2vfile_take_subwords(struct w2v *w, const struct segment *segment, struct err *e);
/* The same with every matrix that w has; each must be whole. */
int w2vfile_take_all(struct w2v *w, const struct segment *segment, struct err *e);

/* Takes the padding out of a matrix of w's rows, in place: [rows, D]; and puts it back, as zeros. */
void w2vfile_pack(real *values, size_t rows, const struct w2v *w);
void w2vfile_unpack(real *values, size_t rows, const struct w2v *w);

/* HEAD and TENSORs of a model, without END. The matrices lose their padding while they are written, and get it back:
 * nobody may read them meanwhile. */
int w2vfile_write(struct sink *k, const struct meta *head, const struct vocab *vocab, struct w2v *w, struct err *e);

#endif
