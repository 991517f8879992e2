/* tnstext: the text form of a stream, to be read, typed and compared by line.
 *
 *     # a comment
 *     segment profile=tensors
 *     tensor w f32 [2,3] activation=tanh
 *     0.1 0.2 0.3
 *     0.4 0.5 0.6
 *     batch 2
 *     column label u32 [2]
 *     0 1
 *     end
 *
 * It loses nothing: import of what export wrote gives the same bytes (ancillary frames apart). Words are separated by
 * blanks; blanks, `#` and quotes stand in "quoted parts" of a word, with \" \\ \n \t \r \xHH. utf8 data are such quoted
 * strings, joined. Reals are written with the fewest digits that read back as the same bits; a NaN other than the usual
 * one as nan:BITS (hexadecimal). `*` as first dimension stands for as many rows as follow. A line break may stand
 * within a row of a matrix, but a line that begins within a row may not go on into the next one. The grammar for users
 * stands in tns(1). */
#ifndef DATA_TNSTEXT_H
#define DATA_TNSTEXT_H

#include "base/buf.h"
#include "data/stream.h"

/* Writes every segment of the source, its END included; on failure what was read so far has been written. */
int tnstext_export(struct source *s, struct outfile *out, struct err *e);

/* Reads text into the sink, checking as it goes: errors are STATUS_DATA and begin with label:line:column. A segment
 * without history gets `hop` as its first. Memory grows with the largest tensor or batch, as values arrive. */
int tnstext_import(int fd, const char *label, const char *hop, struct sink *k, struct err *e);

/* One element of a tensor as above; utf8 as the number of its byte. */
void element_text(const struct tensor *t, size_t index, struct buf *out);

/* The element of a type that a word spells, into bytes[8]; false when it spells none or is out of range. */
bool element_parse(enum dtype dtype, const char *word, unsigned char *bytes);

/* Bytes as a word, quoted when they must be; as a quoted string in any case. */
void word_put(const char *bytes, size_t length, struct buf *out);
void string_put(const char *bytes, size_t length, struct buf *out);

/* The pairs of a meta, each behind a blank and as a word. */
void meta_words(const struct meta *m, struct buf *out);

#endif
