/* vectors: word vectors as other programs write them, to and from a stream of profile model/w2v.
 *
 *     word2vec, vec   V D LF, then V lines: word, blank, D numbers with blanks between    (word2vec.c, fastText's .vec)
 *     glove           the same lines without the first
 *     word2vec-bin    V D LF, then V times: word, blank, D f32 little-endian, LF or none  (word2vec.c -binary, gensim)
 *     projector       lines of D numbers with TABs between, and a second file with the words' lines
 *
 * Words keep the file's order behind the four special tokens, which get the vectors of rows that are called like them
 * (word2vec.c writes </s>). The files hold no counts: vocab.count is zeros. A word that stands twice keeps its first
 * row, bytes that are not UTF-8 become U+FFFD as in tokenize; both are noted, or refused with want->strict. */
#ifndef DATA_VECTORS_H
#define DATA_VECTORS_H

#include "data/format.h"

enum {
    VECTORS_MAX_DIM = 1 << 20,  /* numbers a word */
    VECTORS_MAX_WORD = 1 << 16, /* bytes, of word2vec-bin */
};

/* One file (none: standard input) becomes vocab.* and w.in f32[V,D]. A word is what stands before the last D fields of
 * its line, blanks and all (noted); of word2vec-bin what stands before the first blank. Refused as STATUS_DATA with the
 * line, or the word's number and first byte: a first line that is not two such numbers; more or fewer words than it
 * says; too few or too many numbers, such that are not finite; empty words. Memory grows as bytes arrive. */
int word2vec_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);
int glove_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);
int word2vec_binary_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);

/* The words come from the lines of want->metadata, up to their first TAB; where the first line holds a TAB, it is a
 * header. */
int projector_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);

/* The rows of want->name (w.in), a matrix with a row for each word of the segment's vocabulary: as f32, with the fewest
 * digits that give them back. Special tokens with a row of zeros are left out; so are, noted or with want->strict
 * refused, words that the format cannot carry; a file without words is STATUS_DATA. */
int word2vec_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);
int glove_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);
int word2vec_binary_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

/* The words go to the file want->metadata. */
int projector_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

#endif
