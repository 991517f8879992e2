/* The text form and .npy: what is written reads back to the same bits, and what is wrong is refused where it stands. */
#include "typed.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/npy.h"

/* Text of an element back to its bits. */
static void element_back(enum dtype dtype, uint64_t bits)
{
    struct tensor t = {.dtype = dtype, .data = &bits};
    struct buf text = {0};
    unsigned char back[8] = {0};
    element_text(&t, 0, &text);
    if (!element_parse(dtype, buf_string(&text), back) || memcmp(back, &bits, dtype_size(dtype)))
        fail_msg("%s %llx -> '%s' -> other bits", dtype_name(dtype), (unsigned long long)bits, text.data);
    buf_free(&text);
}

static void elements(void **state)
{
    (void)state;
    struct rng r = rng_seed(1);
    for (uint64_t bits = 0; bits < 1 << 16; bits++) {
        element_back(DTYPE_F16, bits);
        element_back(DTYPE_BF16, bits);
        element_back(DTYPE_U16, bits);
        element_back(DTYPE_I16, bits);
    }
    for (uint64_t bits = 0; bits < 256; bits++) {
        element_back(DTYPE_U8, bits);
        element_back(DTYPE_I8, bits);
    }
    static const enum dtype wide[] = {DTYPE_F32, DTYPE_F64, DTYPE_U32, DTYPE_I32, DTYPE_U64, DTYPE_I64};
    for (size_t d = 0; d < sizeof wide / sizeof *wide; d++) {
        uint64_t mask = dtype_size(wide[d]) == 8 ? UINT64_MAX : UINT32_MAX;
        for (int i = 0; i < 20000; i++)
            element_back(wide[d], rng_next(&r) & mask);
        element_back(wide[d], 0);
        element_back(wide[d], mask);
        element_back(wide[d], 1ull << (8 * dtype_size(wide[d]) - 1)); /* -0.0, the lowest number */
    }
    struct buf text = {0};
    float tenth = 0.1f;
    struct tensor t = {.dtype = DTYPE_F32, .data = &tenth};
    element_text(&t, 0, &text);
    assert_string_equal(text.data, "0.1");
    buf_free(&text);
}

/* The fewest digits that read back, written as printf writes them: floats of all sizes, many of those of word vectors,
 * and those beside powers of ten. */
static void shortest(void **state)
{
    (void)state;
    static const float powers[] = {1e-5F, 1e-4F, 1e-3F, 1e-2F, .1F, 1, 10, 100, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
    uint32_t draw = 1;
    struct buf text = {0};
    for (size_t i = 0; i < 300000; i++) {
        float value = 0;
        char wanted[40];
        draw = draw * 69069 + 12345;
        if (i % 3 == 0)
            memcpy(&value, &draw, sizeof value);
        else if (i % 3 == 1)
            value = (float)((double)draw / 0x1p31 - 1);
        else
            value = powers[(draw >> 8) % 13] * (float)(1 + ((int)(draw >> 16 & 255) - 128) * 0x1p-23);
        if (value != value)
            continue;
        struct tensor t = {.dtype = DTYPE_F32, .data = &value};
        int digits = value >= FLT_MIN || value <= -FLT_MIN ? FLT_DIG : 1;
        do
            snprintf(wanted, sizeof wanted, "%.*g", digits++, (double)value);
        while (strtof(wanted, NULL) != value);
        buf_clear(&text);
        element_text(&t, 0, &text);
        assert_string_equal(text.data, wanted);
    }
    buf_free(&text);
}

static void no_elements(void **state)
{
    (void)state;
    static const struct {
        enum dtype dtype;
        const char *word;
    } bad[] = {
        {DTYPE_U8, "256"},
        {DTYPE_U8, "-1"},
        {DTYPE_U8, "1.0"},
        {DTYPE_U8, "0x1"},
        {DTYPE_U8, " 1"},
        {DTYPE_U8, "+1"},
        {DTYPE_U8, ""},
        {DTYPE_U8, "-"},
        {DTYPE_BOOL, "2"},
        {DTYPE_BOOL, "true"},
        {DTYPE_I8, "128"},
        {DTYPE_I8, "-129"},
        {DTYPE_U64, "18446744073709551616"},
        {DTYPE_I64, "9223372036854775808"},
        {DTYPE_I64, "-9223372036854775809"},
        {DTYPE_F32, "1e39"},
        {DTYPE_F32, "0x1p3"},
        {DTYPE_F32, "1,5"},
        {DTYPE_F32, "infinity"},
        {DTYPE_F32, "NAN"},
        {DTYPE_F32, "nan:3f800000"},
        {DTYPE_F32, "nan:1ffffffff"},
        {DTYPE_F32, "nan:"},
        {DTYPE_F32, "1e"},
        {DTYPE_F32, "."},
        {DTYPE_F32, "+inf"},
        {DTYPE_F64, "1e999"},
        {DTYPE_F16, "65520"},
        {DTYPE_BF16, "1e39"},
        {DTYPE_F16, "nan:ffff0000"},
    };
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (element_parse(bad[i].dtype, bad[i].word, bytes))
            fail_msg("'%s' was taken as %s", bad[i].word, dtype_name(bad[i].dtype));
    assert_true(element_parse(DTYPE_F32, "1e-50", bytes)); /* rounds to 0 */
    assert_true(element_parse(DTYPE_I64, "-9223372036854775808", bytes));
}

static struct buf export(const struct buf *stream)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct err e = {0};
    struct source *s = source_open(memory_file(stream->data, stream->len), "x");
    if (tnstext_export(s, &out, &e) < 0)
        fail_msg("%s", e.text);
    struct buf bytes = file_bytes(out.fd);
    source_close(s);
    close(out.fd);
    return bytes;
}

static const char everything[] = "# all of it\n"
                                 "segment profile=tensors hop.0000=\"x 1 --a=b\" \"note=a%0Ab # c\"\n"
                                 "tensor w f32 [2,3] key=value \"more=of it\"\n"
                                 "0.1 0.2 0.3 # a row\n"
                                 "-0 inf nan\n"
                                 "tensor \"a name\" utf8 [*]\n"
                                 "\"one\\n\" \"two\\x00\\xff\\\"\\\\\\t\" # joined\n"
                                 "tensor scalar f64 []\n"
                                 "3.25\n"
                                 "tensor empty i8 [0,4]\n"
                                 "tensor open u16 [*,2]\n"
                                 "1 2 3\n"
                                 "4\n"
                                 "tensor bools bool [3]\r\n"
                                 "1 0 1\n"
                                 "\n"
                                 "tensor big u64 [2]\n"
                                 "18446744073709551615 0\n"
                                 "batch 2\n"
                                 "column x.offsets u64 [3]\n"
                                 "0 1 4\n"
                                 "column x utf8 [4]\n"
                                 "\"a\" \"bc\" \"d\"\n"
                                 "column y f16 [4] over=x\n"
                                 "1 2 3 4\n"
                                 "batch\n"
                                 "column x.offsets u64 [*]\n"
                                 "0 2\n"
                                 "column x utf8 [2]\n"
                                 "\"\xe7\" \"\xc2\"\n"
                                 "column y f16 [*] over=x\n"
                                 "0.5 0.25\n"
                                 "end parent=00112233445566778899aabbccddeeff\n"
                                 "segment profile=tokens\n"
                                 "end status=partial";

/* As export writes it. */
static const char canonical[] = "segment hop.0000=\"x 1 --a=b\" note=\"a%0Ab # c\" profile=tensors\n"
                                "tensor w f32 [2,3] key=value more=\"of it\"\n"
                                "0.1 0.2 0.3\n"
                                "-0 inf nan\n"
                                "tensor \"a name\" utf8 [12]\n"
                                "\"one\\n\"\n"
                                "\"two\\x00\\xff\\\"\\\\\\t\"\n"
                                "tensor scalar f64 []\n"
                                "3.25\n"
                                "tensor empty i8 [0,4]\n"
                                "tensor open u16 [2,2]\n"
                                "1 2\n"
                                "3 4\n"
                                "tensor bools bool [3]\n"
                                "1 0 1\n"
                                "tensor big u64 [2]\n"
                                "18446744073709551615 0\n"
                                "batch 2\n"
                                "column x.offsets u64 [3]\n"
                                "0 1 4\n"
                                "column x utf8 [4]\n"
                                "\"a\"\n"
                                "\"bcd\"\n"
                                "column y f16 [4] over=x\n"
                                "1 2 3 4\n"
                                "batch 1\n"
                                "column x.offsets u64 [2]\n"
                                "0 2\n"
                                "column x utf8 [2]\n"
                                "\"\\xe7\\xc2\"\n"
                                "column y f16 [2] over=x\n"
                                "0.5 0.25\n"
                                "end parent=00112233445566778899aabbccddeeff status=complete\n"
                                "segment hop.0000=\"test 1\" profile=tokens\n"
                                "end status=partial\n";

static void text_both_ways(void **state)
{
    (void)state;
    struct err e;
    struct buf stream = import(everything, &e);
    if (e.status)
        fail_msg("%s", e.text);
    struct buf text = export(&stream);
    assert_string_equal(text.data, canonical);
    struct buf again = import(text.data, &e);
    assert_int_equal(again.len, stream.len);
    assert_memory_equal(again.data, stream.data, stream.len);
    buf_free(&stream);
    buf_free(&text);
    buf_free(&again);
}

static void text_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "1:1: the text holds no segment"},
        {"# nothing\n\n", "3:1: the text holds no segment"},
        {"tensor w f32 [1]\n1\n", "1:1: 'tensor' where 'segment"},
        {"segment\nend\n", "no profile="},
        {"segment profile=x profile=y\nend\n", "1:19: the key 'profile' stands twice"},
        {"segment profile=x a\nend\n", "1:19: is not key=value"},
        {"segment profile=50%\nend\n", "is not key=value"},
        {"segment profile=x\n", "2:1: the text ends before 'end'"},
        {"segment profile=x\nend\nmore\n", "3:1: 'more' where 'segment"},
        {"segment profile=x\nend digest=0\n", "status= and parent= alone"},
        {"segment profile=x\nend status=done\n", "complete or partial"},
        {"segment profile=x\ntensor\nend\n", "2:7: a name is due"},
        {"segment profile=x\ntensor w\nend\n", "is not a type"},
        {"segment profile=x\ntensor w f31 [1]\n1\nend\n", "2:10: 'f31' is not a type"},
        {"segment profile=x\ntensor w f32\n1\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 2,3\nend\n", "2:14: a shape such as"},
        {"segment profile=x\ntensor w f32 [2,]\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 [2,*]\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 [-1]\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 [1k]\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 [2\nend\n", "a shape such as"},
        {"segment profile=x\ntensor w f32 [2]3\nend\n", "follows the shape"},
        {"segment profile=x\ntensor w f32 [1,1,1,1,1,1,1,1,1]\nend\n", "at most 8"},
        {"segment profile=x\ntensor w f32 [4194305,4194305,211106198978564]\nend\n", "too large"},
        {"segment profile=x\ntensor w u8 [1099511627776]\n1\nend\n", "4:1: 'w' ends here with 1 values"},
        {"segment profile=x\ntensor w f32 [*,0]\nend\n", "cannot be counted"},
        {"segment profile=x\ntensor w f32 [3]\n1 2\nend\n", "4:1: 'w' ends here with 2 values where its shape holds 3"},
        {"segment profile=x\ntensor w f32 [3]\n1 2 3 4\nend\n", "3:7: 'w' has more values"},
        {"segment profile=x\ntensor w f32 [0,3]\n1\nend\n", "3:1: 'w' has more values"},
        {"segment profile=x\ntensor w f32 [2,0]\n1\nend\n", "3:1: 'w' has more values"},
        {"segment profile=x\ntensor w f32 [*,3]\n1 2 3\n4 5\nend\n", "a multiple of 3"},
        {"segment profile=x\ntensor w f32 [2,3]\n1 2\n3 4 5 6\nend\n", "4:3: a line that begins within a row"},
        {"segment profile=x\ntensor w f32 [1]\nx\nend\n", "3:1: 'x' is not a value of type f32"},
        {"segment profile=x\ntensor w f32 [1]\n\"1\"\nend\n", "is not a value"},
        {"segment profile=x\ntensor w u8 [1]\n256\nend\n", "'256' is not a value of type u8"},
        {"segment profile=x\ntensor w utf8 [1]\na\nend\n", "\"quoted string\""},
        {"segment profile=x\ntensor w utf8 [1]\n\"a\nend\n", "3:1: the string has no closing quote"},
        {"segment profile=x\ntensor w utf8 [1]\n\"\\q\"\nend\n", "backslash"},
        {"segment profile=x\ntensor w utf8 [1]\n\"\\x4\"\nend\n", "hexadecimal"},
        {"segment profile=x\ntensor w\\x f32 [1]\n1\nend\n", "byte 5C in a word"},
        {"segment profile=x\ntensor w\1 f32 [1]\n1\nend\n", "byte 01 in a word"},
        {"segment profile=x\ntensor \"w\\x00\" u8 [1]\n1\nend\n", "a name is due"},
        {"segment profile=x\ntensor \"\" u8 [1]\n1\nend\n", "2:1: a tensor or column has no name"},
        {"segment profile=x\ntensor \"\\xff\" u8 [1]\n1\nend\n", "UTF-8"},
        {"segment profile=x\ntensor w u8 [1]\n1\ntensor w u8 [1]\n1\nend\n", "4:1: the tensor 'w' stands twice"},
        {"segment profile=x\ncolumn w u8 [1]\n1\nend\n", "2:1: a column stands in no batch"},
        {"segment profile=x\nbatch\nend\n", "2:1: the batch has no columns"},
        {"segment profile=x\nbatch x\nend\n", "2:7: 'x' is not a number of items"},
        {"segment profile=x\nbatch 2 3\nend\n", "follows the number"},
        {"segment profile=x\nbatch\ncolumn c u8 [0]\nend\n", "2:1: the batch is empty"},
        {"segment profile=x\nbatch\ncolumn c u8 []\n1\nend\n", "empty"},
        {"segment profile=x\nbatch 2\ncolumn c u8 [1]\n1\nend\n", "says 2 items, its columns 1"},
        {"segment profile=x\nbatch\ncolumn c u8 [1]\n1\ncolumn c u8 [1]\n1\nend\n", "5:1: the column 'c' stands twice"},
        {"segment profile=x\nbatch\ncolumn c u8 [1]\n1\ntensor w u8 [1]\n1\nend\n",
         "5:1: a tensor stands behind a batch"},
        {"segment profile=x\nbatch\ncolumn c.offsets u64 [2]\n0 2\ncolumn c u8 [1]\n1\nend\n",
         "2:1: column 'c' to be written"},
        {"segment profile=x\nbatch\ncolumn c.offsets u64 [0]\nend\n", "empty"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e;
        struct buf stream = import(bad[i].text, &e);
        if (e.status != STATUS_DATA || !strstr(e.text, bad[i].says) || strncmp(e.text, "t:", 2))
            fail_msg("text %zu: status %d, '%s' does not say '%s'", i, e.status, e.text, bad[i].says);
        buf_free(&stream);
    }
}

/* A text cut anywhere before its segment's `end` is refused. */
static void text_cut(void **state)
{
    (void)state;
    size_t begin = 0, cuts = 0;
    for (const char *end = canonical; (end = strstr(end, "\nend")); end++) {
        for (size_t n = begin ? begin + 1 : 0; n <= (size_t)(end - canonical) + 3; n++, cuts++) {
            char *prefix = mem_copy_bytes(canonical, n);
            struct err e;
            struct buf stream = import(prefix, &e);
            if (e.status != STATUS_DATA)
                fail_msg("the first %zu bytes were taken", n);
            buf_free(&stream);
            free(prefix);
        }
        begin = (size_t)(strchr(end + 1, '\n') - canonical) + 1;
    }
    assert_true(cuts > 500);
}

static struct buf npy(const char *header, const void *data, size_t length)
{
    struct buf file = {0};
    uint16_t n = (uint16_t)(strlen(header) + 1);
    buf_add(&file, "\x93NUMPY\1\0", 8);
    buf_add(&file, &n, 2);
    buf_printf(&file, "%s\n", header);
    buf_add(&file, data, length);
    return file;
}

/* Imports a .npy file; its text form, or the failure's sentence. */
static struct buf npy_text(const struct buf *file, const struct format_want *want)
{
    char path[] = "/tmp/runnel-unit-XXXXXX", *paths[] = {path};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct buf text = {0};
    struct err e = {0};
    int fd = mkstemp(path);
    assert_int_equal(write(fd, file->data, file->len), file->len);
    close(fd);
    if (npy_import(want, paths, 1, k, &e) < 0) {
        buf_text(&text, e.text);
    } else {
        struct buf stream = file_bytes(out.fd);
        text = export(&stream);
        buf_free(&stream);
    }
    unlink(path);
    close(out.fd);
    sink_close(k);
    return text;
}

static void npy_in(void **state)
{
    (void)state;
    static const struct {
        const char *header, *data;
        size_t length;
        bool column;
        const char *says;
    } files[] = {
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\2\0\3\0\4\0", 8, false,
         "u16 [2,2] k=v\n1 2\n3 4\n"},
        {"{'descr': '>u2', 'fortran_order': False, 'shape': (2, 2), }", "\0\1\0\2\0\3\0\4", 8, false,
         "u16 [2,2] k=v\n1 2\n3 4\n"},
        {"{'descr': '<u2', 'fortran_order': True, 'shape': (2, 2), }", "\1\0\2\0\3\0\4\0", 8, false,
         "u16 [2,2] k=v\n1 3\n2 4\n"},
        {"{'shape':(1,2,3),'fortran_order':True,'descr':'|u1'}   ", "\1\2\3\4\5\6", 6, false,
         "u8 [1,2,3] k=v\n1 3 5\n2 4 6\n"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (), }", "\0\0\0\0\0\0\xf8\x3f", 8, false,
         "f64 [] k=v\n1.5\n"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (0, 3), }", "", 0, false, "f16 [0,3] k=v\n"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\1\0\1", 3, true,
         "batch 3\ncolumn a bool [3] k=v\n1 0 1\n"},
        {"{'descr': '<u2', 'fortran_order': True, 'shape': (2, 2), }", "\1\0\2\0\3\0\4\0", 8, true,
         "batch 2\ncolumn a u16 [2,2] k=v\n1 3\n2 4\n"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (5, 0), }", "", 0, true,
         "batch 5\ncolumn a u8 [5,0] k=v\n"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\1\2\1", 3, false, "neither 0 nor 1"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "\1\2", 2, false, "ends after 2 of 3 bytes"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "\1\2\3\4", 4, false, "something follows"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "\1\2\3\4", 4, true, "something follows"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "\1", 1, true, "no rows"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "", 0, false, "'<c8' has no counterpart"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "", 0, false, "no type"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "", 0, false, "structured"},
        {"{'descr': '|u1', 'shape': (3,), }", "123", 3, false, "lacks a key"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", "", 0, false, "keys"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), 'more': 1}", "", 0, false, "keys"},
        {"{'descr': '|u1', 'fortran_order': Maybe, 'shape': (3,), }", "", 0, false, "neither True"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), } x", "", 0, false, "follows it"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-3,), }", "", 0, false, "shape"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3 4), }", "", 0, false, "tuple"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "", 0, false, "at most 8"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }", "1", 1, false, "ends after 1 of"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4194305,4194305,211106198978564), }", "", 0, false,
         "too large"},
        {"", "", 0, false, "no dict"},
    };
    const char *pairs[] = {"k=v"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct format_want want = {.name = "a", .column = files[i].column, .meta = {pairs, 1}, .hop = "test 1"};
        struct buf file = npy(files[i].header, files[i].data, files[i].length), text = npy_text(&file, &want);
        if (!strstr(text.data, files[i].says))
            fail_msg("file %zu: '%s' does not say '%s'", i, text.data, files[i].says);
        buf_free(&file);
        buf_free(&text);
    }
    struct format_want want = {.name = "a", .hop = "test 1"};
    struct buf file = {0}, text;
    buf_add(&file, "\x93NUMPY\2\0\x3c\0\0\0", 12); /* version 2: four bytes of length */
    buf_printf(&file, "%-59s\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }");
    buf_add(&file, "\5\6", 2);
    text = npy_text(&file, &want);
    assert_non_null(strstr(text.data, "u8 [2]\n5 6\n"));
    buf_free(&text);
    file.data[6] = 4;
    text = npy_text(&file, &want);
    assert_non_null(strstr(text.data, "version 4"));
    buf_free(&text);
    file.data[0] = 'x';
    text = npy_text(&file, &want);
    assert_non_null(strstr(text.data, "not a NumPy array"));
    buf_free(&text);
    buf_free(&file);
}

/* A column over batches, offsets and all, as one array. */
static void npy_out(void **state)
{
    (void)state;
    static const struct {
        const char *name, *header, *data;
        size_t length;
    } arrays[] = {
        {"w", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", NULL, 24},
        {"open", "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }", "\1\0\2\0\3\0\4\0", 8},
        {"scalar", "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", "\0\0\0\0\0\0\x0a\x40", 8},
        {"x", "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", "abcd\xe7\xc2", 6},
        {"x.offsets", "{'descr': '<u8', 'fortran_order': False, 'shape': (4,), }",
         "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 32},
        {"y", "{'descr': '<f2', 'fortran_order': False, 'shape': (6,), }", "\0\x3c\0\x40\0\x42\0\x44\0\x38\0\x34", 12},
    };
    struct err e;
    struct buf stream = import(everything, &e);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        struct format_want want = {.name = arrays[i].name};
        struct outfile out = {.fd = memory_file("", 0), .inplace = true};
        struct source *s = source_open(memory_file(stream.data, stream.len), "x");
        if (npy_export(&want, s, &out, &e) < 0)
            fail_msg("%s", e.text);
        struct buf file = file_bytes(out.fd);
        assert_memory_equal(file.data, "\x93NUMPY\1\0", 8);
        assert_int_equal((file.len - arrays[i].length) % 64, 0);
        assert_memory_equal(file.data + 10, arrays[i].header, strlen(arrays[i].header));
        assert_int_equal(file.data[file.len - arrays[i].length - 1], '\n');
        if (arrays[i].data)
            assert_memory_equal(file.data + file.len - arrays[i].length, arrays[i].data, arrays[i].length);
        buf_free(&file);
        source_close(s);
        close(out.fd);
    }
    struct format_want want = {.name = "z"};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct source *s = source_open(memory_file(stream.data, stream.len), "x");
    assert_int_equal(npy_export(&want, s, &out, &e), -1);
    assert_failed(e, STATUS_DATA, "there is w, a name, scalar");
    source_close(s);
    close(out.fd);
    buf_free(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements),       cmocka_unit_test(no_elements),  cmocka_unit_test(shortest),
        cmocka_unit_test(text_both_ways), cmocka_unit_test(text_refused), cmocka_unit_test(text_cut),
        cmocka_unit_test(npy_in),         cmocka_unit_test(npy_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
