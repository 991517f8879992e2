/* vectors_model: word vectors on their way from a foreign file to a stream. */
#ifndef DATA_VECTORS_MODEL_H
#define DATA_VECTORS_MODEL_H

#include "data/vectors_notes.h"
#include "data/vocab.h"

struct vectors_model {
    size_t d;
    struct vectors_notes notes; /* its place is the reader's to set */
    /* private */
    struct vocab vocab;
    struct buf rows; /* f32[vocab.n, D], a row of room behind */
    bool special[VOCAB_SPECIAL];
    struct buf word;
};

/* What stands between the fields of a line. */
static inline bool vectors_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A first line, "V D": STATUS_DATA when it is not two whole numbers, or V is 0. */
int vectors_header(const char *text, uint64_t *n, uint64_t *d, struct err *e);

/* The number at *at, behind blanks, as far as a blank or the end of the text; false where there is none or it is not
 * finite. *at is then where it should be, else behind it. */
bool vectors_number(const char **at, float *value);
/* Are there numbers and blanks alone from `at` to `end`, a NUL or the start of a number? */
bool vectors_numbers(const char *at, const char *end);

/* Zero-initialize, set notes.want and notes.label; this begins with the special tokens. `n` words are expected, as far
 * as the open file, a regular one, can hold them (0: not known). Too many or too few numbers a word are STATUS_DATA. */
int vectors_model_begin(struct vectors_model *m, uint64_t n, uint64_t d, int fd, struct err *e);

/* Room for the D numbers of the next word. */
float *vectors_model_row(struct vectors_model *m);
/* The next word, its numbers being there: STATUS_DATA when it is empty, or odd and that is refused. */
int vectors_model_add(struct vectors_model *m, const char *word, size_t length, struct err *e);

/* Writes the segment. */
int vectors_model_write(const struct vectors_model *m, struct sink *k, struct err *e);
void vectors_model_free(struct vectors_model *m);

#endif
