/* npy: arrays of NumPy (numpy.lib.format; versions 1 to 3 are read, 1.0 is written).
 *
 * bool, u8 .. i64, f16, f32 and f64 exist on both sides. Big-endian and Fortran-ordered arrays are turned; structured
 * ones, complex numbers, strings, times and Python objects are refused. utf8 is written as u1; bf16 is refused. */
#ifndef DATA_NPY_H
#define DATA_NPY_H

#include "data/format.h"

/* Each file becomes a TENSOR called want->name or else as the file is; with want->column the one file becomes a column,
 * its first dimension counting the items, in batches of about 1 MiB. With want->series its rows are steps and become
 * f32 as series.h says: [T] and [T,D] are one item, [N,T,D] N of them. One segment, profile "tensors" ("vectors" with
 * want->series) unless told. */
int npy_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);

/* The tensor want->name, or the column of that name over all batches of all segments (offsets go on counting over
 * batches), which is kept in a temporary file until its length is known. */
int npy_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

#endif
