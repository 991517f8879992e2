/* tensor: a named array with its type, shape and metadata; what TENSOR and COLUMN frames carry. */
#ifndef DATA_TENSOR_H
#define DATA_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/real.h"
#include "data/meta.h"

/* clang-format off */
enum dtype { /* the numbers of stream(5) */
    DTYPE_BOOL, DTYPE_U8, DTYPE_I8, DTYPE_U16, DTYPE_I16, DTYPE_U32, DTYPE_I32,
    DTYPE_U64, DTYPE_I64, DTYPE_F16, DTYPE_BF16, DTYPE_F32, DTYPE_F64, DTYPE_UTF8,
    DTYPE_COUNT
};
/* clang-format on */

enum { TENSOR_MAX_RANK = 8, TENSOR_MAX_NAME = 255 };

struct tensor {
    char *name;
    struct meta meta;
    enum dtype dtype;
    unsigned rank;
    uint64_t dims[TENSOR_MAX_RANK];
    size_t bytes;  /* product of dims times size */
    void *data;    /* row-major, little-endian, aligned to MEM_ALIGN */
    bool borrowed; /* data belongs to somebody else: tensor_free leaves it */
};

size_t dtype_size(enum dtype d);
const char *dtype_name(enum dtype d); /* "f32" */
bool dtype_find(const char *name, enum dtype *d);
bool dtype_is_real(enum dtype d); /* f16, bf16, f32, f64 */

/* Elements of a shape in *count and bytes in *bytes; false when they do not fit below 2^46. */
bool shape_size(enum dtype dtype, unsigned rank, const uint64_t *dims, uint64_t *count, uint64_t *bytes);

/* "[3,128]" */
void shape_text(unsigned rank, const uint64_t *dims, struct buf *out);

/* A new zeroed tensor; dims are trusted (they come from the program). Owned by the caller. */
struct tensor tensor_make(const char *name, enum dtype dtype, unsigned rank, const uint64_t *dims);

/* A view of the caller's data: nothing is copied but the name. */
struct tensor tensor_view(const char *name, enum dtype dtype, unsigned rank, const uint64_t *dims, const void *data);

size_t tensor_count(const struct tensor *t); /* elements */
size_t tensor_row(const struct tensor *t);   /* elements of one row: count over dims[0]; 1 for rank 0 and 1 */

/* All elements as reals; the dtype must be real, or a whole-number type whose values convert. */
int tensor_reals(const struct tensor *t, real *out, struct err *e);

/* One element as a double, whatever the type. */
double tensor_at(const struct tensor *t, size_t index);

/* Stores a double as element `index`, rounded to the type; false when it does not fit. */
bool tensor_put(struct tensor *t, size_t index, double value);

/* Fails (STATUS_DATA, naming row and column) when a real tensor holds NaN or infinity. */
int tensor_finite(const struct tensor *t, struct err *e);

/* Fails unless dtype and rank are these. rank < 0: any. */
int tensor_expect(const struct tensor *t, enum dtype dtype, int rank, struct err *e);

void tensor_free(struct tensor *t);

#endif
