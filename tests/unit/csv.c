/* csv: tables of numbers as steps and as items, what is refused and where, and back to text; .npy as a series. */
#include "base/mem.h"
#include "data/csv.h"
#include "data/npy.h"
#include "foreign.h"

/* A table becomes these words of a stream's text, or fails in these. */
static void table(const char *text, struct format_want want, enum status status, const char *words)
{
    struct err e;
    struct buf file = {0}, stream, shown = {0};
    want.hop = "test 1";
    buf_text(&file, text);
    stream = import(csv_import, &want, &file, 1, &e);
    if (!e.status)
        shown = export(text_out, &want, &stream, &e);
    if (e.status != status || !strstr(status ? e.text : shown.data, words))
        fail_msg("'%s': status %d, '%s' does not say '%s'", text, e.status, e.status ? e.text : shown.data, words);
    buf_free(&file);
    buf_free(&stream);
    buf_free(&shown);
}

static void tables(void **state)
{
    (void)state;
    static const char *units[] = {"unit=m"};
    static const struct {
        const char *text;
        struct format_want want;
        const char *says;
    } tables[] = {
        {"1,2\n3,4\n",
         {0},
         "profile=vectors\nbatch 1\ncolumn vec.offsets u64 [2]\n0 2\ncolumn vec f32 [2,2]\n1 2\n3 4\n"
         "column continued bool [1]\n0\nend"},
        {"a;b\n1,5;2\n", {.columns = "b"}, "f32 [1,1]\n2\n"},
        {"\xef\xbb\xbf 1\t-2e-3 \r\n\"3\"\t.5", {0}, "f32 [2,2]\n1 -0.002\n3 0.5\n"},
        {"\n\n1\n2\n\n \n3\n\n",
         {0},
         "offsets u64 [3]\n0 2 3\ncolumn vec f32 [3,1]\n1\n2\n3\ncolumn continued bool [2]\n0 0"},
        {"1,2\n", {.header = HEADER_YES}, "profile=vectors\nend"},
        {"", {0}, "profile=vectors\nend"},
        {"a,1\nb,2\n", {.columns = "2", .header = HEADER_NO}, "f32 [2,1]\n1\n2\n"},
        {"id,x,y,z\nu,1,2,3\nu,4,5,6\nv,7,8,9\n",
         {.item_column = "id", .target_columns = "z", .name = "x"},
         "column x.offsets u64 [3]\n0 2 3\ncolumn x f32 [3,2]\n1 2\n4 5\n7 8\ncolumn continued bool [2]\n0 0\n"
         "column target f32 [3,1] over=x\n3\n6\n9\n"},
        {"id,x,y,z\nu,1,2,3\n", {.columns = "z,2-4,x"}, "f32 [1,5]\n3 1 2 3 1\n"},
        {"1,2,3\n4,5,6\n",
         {.column = true, .target_columns = "1", .meta = {units, 1}},
         "batch 2\ncolumn vec f32 [2,2] unit=m\n2 3\n5 6\ncolumn target f32 [2,1]\n1\n4\nend"},
        {"\"a \"\"b\"\"\",c\n1,2\n", {.columns = "a \"b\""}, "f32 [1,1]\n1\n"},
        {"1 2,3\n", {.separator = SEPARATOR_COMMA, .columns = "2"}, "f32 [1,1]\n3\n"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        table(tables[i].text, tables[i].want, STATUS_DONE, tables[i].says);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct format_want want;
        const char *says;
    } tables[] = {
        {"a,b\n1,2\n3,\n", {0}, ":3:3: field 2 ('b') is empty"},
        {"1,2\n3,four\n", {0}, ":2:3: field 2: 'four' is not a finite number"},
        {"1,NaN\n", {0}, "is not a finite number"},
        {"1,nan\n", {0}, ":1:3: field 2: 'nan'"},
        {"1,2\n-inf,2\n", {0}, ":2:1: field 1: '-inf'"},
        {"1e39\n", {0}, "'1e39' is not a finite"},
        {"1,2\n3\n", {0}, ":2:2: the line has 1 field where the first has 2"},
        {"1,2\n3,4, 5\n", {0}, ":2:6: the line has 3 fields where the first has 2"},
        {"1,\"2\n", {0}, ":1:3: the quote is not closed"},
        {"1,\"2\"3\n", {0}, ":1:6: something follows the closing quote"},
        {"a,b\n1,2\n", {.columns = "c"}, ":1: --columns: there is no column 'c' (there are a, b)"},
        {"1,2\n", {.columns = "3"}, "no column '3'"},
        {"1,2\n", {.columns = "1-3"}, "no column"},
        {"1,2\n", {.columns = "2-1"}, "no column"},
        {"1,2\n", {.columns = "1,"}, "no column ''"},
        {"a,a\n1,2\n", {.target_columns = "a"}, "two columns are called 'a'"},
        {"1,2\n", {.target_columns = "1-2"}, "no column is left for 'vec'"},
        {"1,2\n", {.item_column = "id"}, "--item-column: there is no column 'id'"},
    };
    struct err e;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        table(tables[i].text, tables[i].want, STATUS_DATA, tables[i].says);
    table("1\n", (struct format_want){.column = true, .item_column = "1"}, STATUS_MISUSED, "leave --item-column out");

    /* each file begins an item; all have the columns of the first */
    struct buf files[] = {{0}, {0}, {0}};
    buf_text(&files[0], "a,b\n1,2\n3,4\n");
    buf_text(&files[1], "a,b\n5,6\n");
    buf_text(&files[2], "a,c\n5,6\n");
    struct buf stream = import(csv_import, &(struct format_want){.hop = "x"}, files, 2, &e), text;
    text = export(text_out, NULL, &stream, &e);
    assert_non_null(strstr(text.data, "offsets u64 [3]\n0 2 3\n"));
    buf_free(&text);
    buf_free(&stream);
    stream = import(csv_import, &(struct format_want){.hop = "x"}, files, 3, &e);
    assert_failed(e, STATUS_DATA, ":1:3: the column is called 'c', in the first file 'b'");
    for (size_t i = 0; i < 3; i++)
        buf_free(&files[i]);
}

/* A long item goes on in parts, and comes back as one. */
static void long_items(void **state)
{
    (void)state;
    struct buf file = {0}, stream, text;
    struct err e;
    for (int i = 0; i < 70000; i++)
        buf_printf(&file, "%d\n", i);
    buf_text(&file, "\n1\n");
    stream = import(csv_import, &(struct format_want){.hop = "x"}, &file, 1, &e);
    assert_int_equal(e.status, 0);
    text = export(text_out, NULL, &stream, &e);
    assert_non_null(strstr(text.data, "offsets u64 [4]\n0 65536 70000 70001\n"));
    assert_non_null(strstr(text.data, "continued bool [3]\n0 1 0\n"));
    buf_free(&text);
    text = export(csv_export, &(struct format_want){.name = "vec"}, &stream, &e);
    assert_int_equal(text.len, file.len);
    assert_memory_equal(text.data, file.data, file.len);
    buf_free(&text);
    buf_free(&file);
    buf_free(&stream);
}

static void exported(void **state)
{
    (void)state;
    static const char typed[] = "segment profile=x\ntensor w f64 [2,2]\n0.1 nan\n1e300 -0\ntensor s u8 []\n7\n"
                                "tensor deep f32 [1,1,1]\n0\ntensor words utf8 [2]\n\"ab\"\n"
                                "batch\ncolumn x.offsets u64 [4]\n0 1 1 3\ncolumn x u32 [3]\n1 2 3\n"
                                "column y f32 [3,2] over=x\n1 2\n3 4\n5 6\ncolumn z i8 [3]\n-1 -2 -3\n"
                                "batch\ncolumn x.offsets u64 [2]\n0 1\ncolumn x u32 [1]\n4\n"
                                "column y f32 [1,2] over=x\n7 8\ncolumn z i8 [1]\n-4\nend\n";
    static const struct {
        struct format_want want;
        const char *text;
    } tables[] = {
        {{.name = "w"}, "0.1,nan\n1e+300,-0\n"},
        {{.name = "s", .header = HEADER_YES}, "s\n7\n"},
        {{.name = "x"}, "1\n\n2\n3\n\n4\n"},
        {{.name = "y", .separator = SEPARATOR_TAB, .header = HEADER_YES}, "y.1\ty.2\n1\t2\n\n3\t4\n5\t6\n\n7\t8\n"},
        {{.name = "z"}, "-1\n-2\n-3\n-4\n"},
    };
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    assert_int_equal(tnstext_import(memory_file(typed, strlen(typed)), "t", "x", k, &e), 0);
    struct buf stream = file_bytes(out.fd);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        struct buf text = export(csv_export, &tables[i].want, &stream, &e);
        assert_string_equal(buf_string(&text), tables[i].text);
        buf_free(&text);
    }
    export(csv_export, &(struct format_want){.name = "words"}, &stream, &e);
    assert_failed(e, STATUS_DATA, "'words' holds text");
    export(csv_export, &(struct format_want){.name = "deep"}, &stream, &e);
    assert_failed(e, STATUS_DATA, "rank 3");
    export(csv_export, &(struct format_want){.name = "none"}, &stream, &e);
    assert_failed(e, STATUS_DATA, "no tensor or column 'none'");
    export(csv_export, &(struct format_want){0}, &stream, &e);
    assert_failed(e, STATUS_MISUSED, "--name");
    buf_free(&stream);
    sink_close(k);
    close(out.fd);
}

static void arrays(void **state)
{
    (void)state;
    static const struct {
        const char *header, *data;
        size_t length;
        struct format_want want;
        const char *says;
    } arrays[] = {
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), }",
         "\1\0\2\0\3\0\4\0",
         8,
         {0},
         "profile=vectors\nbatch 1\ncolumn vec.offsets u64 [2]\n0 2\ncolumn vec f32 [2,2]\n1 2\n3 4\n"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }",
         "\1\2\3",
         3,
         {.name = "x"},
         "column x f32 [3,1]\n1\n2\n3\ncolumn continued"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2,2,2), }",
         "\1\2\3\4\5\6\7\10",
         8,
         {.target_columns = "2"},
         "offsets u64 [3]\n0 2 4\ncolumn vec f32 [4,1]\n1\n3\n5\n7\ncolumn continued bool [2]\n0 0\n"
         "column target f32 [4,1] over=vec\n2\n4\n6\n8\n"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (2,2,2), }",
         "\1\2\3\4\5\6\7\10",
         8,
         {0},
         "0 2 4\ncolumn vec f32 [4,2]\n1 5\n3 7\n2 6\n4 8\n"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,2), }",
         "\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\xf8\x7f",
         16,
         {.columns = "1"},
         "f32 [1,1]\n1.5\n"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,2), }",
         "\0\0\0\0\0\0\xf8\x3f\0\0\0\0\0\0\xf8\x7f",
         16,
         {0},
         "row 0, column 1 (from 0): nan is not a finite f32"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,1), }",
         "\0\0\0\0\0\0\0\x7f",
         8,
         {0},
         "not a finite f32"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0,2), }", "", 0, {0}, "empty"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,0,1), }", "", 0, {0}, "empty"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1099511627776), }", "1", 1, {0}, "ends after 1 of"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1), }", "1", 1, {0}, "rank 4 is no series"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "123", 3, {0}, "something follows"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "12", 2, {.column = true}, "which of the two"},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        struct buf file = {0}, stream, text = {0};
        struct format_want want = arrays[i].want;
        struct err e;
        uint16_t length = (uint16_t)strlen(arrays[i].header);
        want.series = true;
        want.hop = "x";
        buf_add(&file, "\x93NUMPY\1\0", 8);
        buf_add(&file, &length, 2);
        buf_text(&file, arrays[i].header);
        buf_add(&file, arrays[i].data, arrays[i].length);
        stream = import(npy_import, &want, &file, 1, &e);
        if (!e.status)
            text = export(text_out, NULL, &stream, &e);
        if (!strstr(e.status ? e.text : text.data, arrays[i].says))
            fail_msg("array %zu: '%s' does not say '%s'", i, e.status ? e.text : text.data, arrays[i].says);
        buf_free(&file);
        buf_free(&stream);
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),   cmocka_unit_test(refused), cmocka_unit_test(long_items),
        cmocka_unit_test(exported), cmocka_unit_test(arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
