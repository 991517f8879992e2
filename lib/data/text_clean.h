/* text_clean: bytes as they come, made into sound text.
 *
 * What comes out is UTF-8, whatever went in: a byte order mark at the start of a file is dropped, the end of a line
 * is LF (also where it was CR LF), and what is not UTF-8 becomes U+FFFD, one for each maximal part of a character as
 * the Unicode Standard advises (section 3.9, "U+FFFD Substitution of Maximal Subparts"). NUL is a character like
 * others. How the bytes are cut into calls changes nothing. */
#ifndef DATA_TEXT_CLEAN_H
#define DATA_TEXT_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Zero-initialize; set `strict` to have broken text refused (STATUS_DATA, label:line). Nothing to free. */
struct text_clean {
    bool strict;
    const char *hint;       /* in the refusal, what to do; NULL: leave --strict out */
    uint64_t replaced;      /* U+FFFD put in, in all files */
    const char *first_file; /* where the first of them stands */
    uint64_t first_line;
    /* private: the file at hand */
    const char *label;
    uint64_t line;    /* counted up to the first break; from 1 */
    bool begun;       /* no byte order mark can come any more */
    uint64_t returns; /* CRs held back: part of a line end when LF comes next */
    char held[4];     /* the start of a character whose end has not come */
    size_t n_held;
};

/* A file begins, which messages call `label` (kept, not copied). */
void text_clean_begin(struct text_clean *c, const char *label);
/* Adds the sound text to `out`: at most 3 * length + 65536 bytes. */
int text_clean_add(struct text_clean *c, const char *bytes, size_t length, struct buf *out, struct err *e);
/* The file ends: adds what was held back. */
int text_clean_end(struct text_clean *c, struct buf *out, struct err *e);

#endif
