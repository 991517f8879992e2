#include "data/tensor.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[DTYPE_COUNT] = {
    [DTYPE_BOOL] = {"bool", 1}, [DTYPE_U8] = {"u8", 1},     [DTYPE_I8] = {"i8", 1},     [DTYPE_U16] = {"u16", 2},
    [DTYPE_I16] = {"i16", 2},   [DTYPE_U32] = {"u32", 4},   [DTYPE_I32] = {"i32", 4},   [DTYPE_U64] = {"u64", 8},
    [DTYPE_I64] = {"i64", 8},   [DTYPE_F16] = {"f16", 2},   [DTYPE_BF16] = {"bf16", 2}, [DTYPE_F32] = {"f32", 4},
    [DTYPE_F64] = {"f64", 8},   [DTYPE_UTF8] = {"utf8", 1},
};

size_t dtype_size(enum dtype d)
{
    return types[d].size;
}

const char *dtype_name(enum dtype d)
{
    return (unsigned)d < DTYPE_COUNT ? types[d].name : "?";
}

bool dtype_find(const char *name, enum dtype *d)
{
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (!strcmp(types[i].name, name)) {
            *d = (enum dtype)i;
            return true;
        }
    return false;
}

bool dtype_is_real(enum dtype d)
{
    return d == DTYPE_F16 || d == DTYPE_BF16 || d == DTYPE_F32 || d == DTYPE_F64;
}

bool shape_size(enum dtype dtype, unsigned rank, const uint64_t *dims, uint64_t *count, uint64_t *bytes)
{
    bool zero = false;
    for (unsigned i = 0; i < rank; i++)
        zero |= dims[i] == 0;
    *count = zero ? 0 : 1;
    for (unsigned i = 0; i < rank && !zero; i++)
        if (!mem_product(*count, dims[i], count))
            return false;
    return mem_product(*count, dtype_size(dtype), bytes) && *bytes < 1ull << 46;
}

void shape_text(unsigned rank, const uint64_t *dims, struct buf *out)
{
    buf_char(out, '[');
    for (unsigned i = 0; i < rank; i++)
        buf_printf(out, "%s%llu", i ? "," : "", (unsigned long long)dims[i]);
    buf_char(out, ']');
}

static struct tensor shaped(const char *name, enum dtype dtype, unsigned rank, const uint64_t *dims)
{
    struct tensor t = {.name = mem_copy(name), .dtype = dtype, .rank = rank};
    uint64_t count, bytes;
    if (rank)
        memcpy(t.dims, dims, rank * sizeof *dims);
    if (!shape_size(dtype, rank, dims, &count, &bytes))
        mem_exhausted(SIZE_MAX);
    t.bytes = bytes;
    return t;
}

struct tensor tensor_make(const char *name, enum dtype dtype, unsigned rank, const uint64_t *dims)
{
    struct tensor t = shaped(name, dtype, rank, dims);
    t.data = mem_aligned(t.bytes, 1);
    return t;
}

struct tensor tensor_view(const char *name, enum dtype dtype, unsigned rank, const uint64_t *dims, const void *data)
{
    struct tensor t = shaped(name, dtype, rank, dims);
    t.data = (void *)data;
    t.borrowed = true;
    return t;
}

size_t tensor_count(const struct tensor *t)
{
    return t->bytes / dtype_size(t->dtype);
}

size_t tensor_row(const struct tensor *t)
{
    size_t row = 1;
    for (unsigned i = 1; i < t->rank; i++)
        row *= t->dims[i];
    return row;
}

static float half_value(uint16_t h)
{
    float sign = h >> 15 ? -1.0f : 1.0f;
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    if (exponent == 31)
        return mantissa ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf((float)(1024 + mantissa), exponent - 25) : ldexpf((float)mantissa, -24));
}

static uint16_t half_bits(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double size = fabs(value);
    if (isnan(value))
        return 0x7e00;
    if (size >= 65520)
        return sign | 0x7c00;
    int exponent;
    frexp(size, &exponent); /* size = m * 2^exponent, m in [0.5, 1) */
    if (exponent < -13 || size == 0)
        exponent = -13; /* subnormal: steps of 2^-24 */
    double steps = nearbyint(ldexp(size, 11 - exponent));
    uint32_t bits = (uint32_t)steps + ((uint32_t)(exponent + 13) << 10);
    return sign | (uint16_t)bits;
}

static float bf16_value(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint16_t bf16_bits(double value)
{
    float rounded = (float)value;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    if (isnan(rounded))
        return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#define ELEMENT(type) (((const type *)t->data)[index])

double tensor_at(const struct tensor *t, size_t index)
{
    switch (t->dtype) {
    case DTYPE_BOOL:
    case DTYPE_U8:
    case DTYPE_UTF8:
        return ELEMENT(uint8_t);
    case DTYPE_I8:
        return ELEMENT(int8_t);
    case DTYPE_U16:
        return ELEMENT(uint16_t);
    case DTYPE_I16:
        return ELEMENT(int16_t);
    case DTYPE_U32:
        return ELEMENT(uint32_t);
    case DTYPE_I32:
        return ELEMENT(int32_t);
    case DTYPE_U64:
        return (double)ELEMENT(uint64_t);
    case DTYPE_I64:
        return (double)ELEMENT(int64_t);
    case DTYPE_F16:
        return half_value(ELEMENT(uint16_t));
    case DTYPE_BF16:
        return bf16_value(ELEMENT(uint16_t));
    case DTYPE_F32:
        return ELEMENT(float);
    case DTYPE_F64:
        return ELEMENT(double);
    case DTYPE_COUNT:
        break;
    }
    return 0;
}

#define STORE(type, low, high)                                                                                         \
    do {                                                                                                               \
        if (!(value >= (low) && value <= (high)) || value != nearbyint(value))                                         \
            return false;                                                                                              \
        ((type *)t->data)[index] = (type)value;                                                                        \
        return true;                                                                                                   \
    } while (0)

bool tensor_put(struct tensor *t, size_t index, double value)
{
    switch (t->dtype) {
    case DTYPE_BOOL:
        STORE(uint8_t, 0, 1);
    case DTYPE_U8:
    case DTYPE_UTF8:
        STORE(uint8_t, 0, UINT8_MAX);
    case DTYPE_I8:
        STORE(int8_t, INT8_MIN, INT8_MAX);
    case DTYPE_U16:
        STORE(uint16_t, 0, UINT16_MAX);
    case DTYPE_I16:
        STORE(int16_t, INT16_MIN, INT16_MAX);
    case DTYPE_U32:
        STORE(uint32_t, 0, UINT32_MAX);
    case DTYPE_I32:
        STORE(int32_t, INT32_MIN, INT32_MAX);
    case DTYPE_U64:
        STORE(uint64_t, 0, 0x1p64 - 2048);
    case DTYPE_I64:
        STORE(int64_t, -0x1p63, 0x1p63 - 1024);
    case DTYPE_F16:
        ((uint16_t *)t->data)[index] = half_bits(value);
        return true;
    case DTYPE_BF16:
        ((uint16_t *)t->data)[index] = bf16_bits(value);
        return true;
    case DTYPE_F32:
        ((float *)t->data)[index] = (float)value;
        return true;
    case DTYPE_F64:
        ((double *)t->data)[index] = value;
        return true;
    case DTYPE_COUNT:
        break;
    }
    return false;
}

int tensor_reals(const struct tensor *t, real *out, struct err *e)
{
    size_t count = tensor_count(t);
    if (t->dtype == DTYPE_UTF8)
        return err_fail(e, STATUS_DATA, "'%s' holds text, not numbers", t->name);
    if (t->dtype == REAL_DTYPE) {
        if (count)
            memcpy(out, t->data, t->bytes);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = (real)tensor_at(t, i);
    return 0;
}

int tensor_finite(const struct tensor *t, struct err *e)
{
    if (!dtype_is_real(t->dtype))
        return 0;
    size_t count = tensor_count(t), width = t->rank ? tensor_row(t) : 1, i = 0;
    if (t->dtype == DTYPE_F32) { /* the usual case, fast: x - x is 0 unless x is NaN or infinite */
        const float *x = t->data;
        float sum = 0;
        for (; i < count; i++)
            sum += x[i] - x[i];
        if (sum == 0)
            return 0;
        i = 0;
    }
    for (; i < count; i++) {
        double value = tensor_at(t, i);
        if (!isfinite(value))
            return err_fail(e, STATUS_DATA, "'%s' holds %s in row %zu, column %zu (from 0)", t->name,
                            isnan(value) ? "NaN" : "infinity", i / width, i % width);
    }
    return 0;
}

int tensor_expect(const struct tensor *t, enum dtype dtype, int rank, struct err *e)
{
    if (t->dtype == dtype && (rank < 0 || t->rank == (unsigned)rank))
        return 0;
    struct buf shape = {0};
    shape_text(t->rank, t->dims, &shape);
    if (rank < 0)
        err_fail(e, STATUS_DATA, "'%s' is %s%s where %s is wanted", t->name, dtype_name(t->dtype), shape.data,
                 dtype_name(dtype));
    else
        err_fail(e, STATUS_DATA, "'%s' is %s%s where %s of rank %d is wanted", t->name, dtype_name(t->dtype),
                 shape.data, dtype_name(dtype), rank);
    buf_free(&shape);
    return -1;
}

void tensor_free(struct tensor *t)
{
    free(t->name);
    meta_free(&t->meta);
    if (!t->borrowed)
        free(t->data);
    *t = (struct tensor){0};
}
