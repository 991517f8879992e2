/* safetensors: what is read, what is refused, and networks under PyTorch's names. */
#include "unit.h"

#include <stdio.h>

#include "base/mem.h"
#include "data/safetensors.h"
#include "data/tnstext.h"

/* A file of a header and data. */
static struct buf file_of(const char *header, const void *data, size_t length)
{
    struct buf file = {0};
    uint64_t n = strlen(header);
    buf_add(&file, &n, sizeof n);
    buf_text(&file, header);
    buf_add(&file, data, length);
    return file;
}

static struct buf text_of(const struct buf *stream)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct source *s = source_open(memory_file(stream->data, stream->len), "x");
    struct err e;
    if (tnstext_export(s, &out, &e) < 0)
        fail_msg("%s", e.text);
    struct buf text = file_bytes(out.fd);
    close(out.fd);
    source_close(s);
    return text;
}

/* The stream that a file becomes, as text; or the failure's sentence. */
static struct buf import(const struct buf *file, const struct format_want *want, enum status *status)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    struct buf text = {0};
    char path[64], *paths[] = {path};
    int fd = memory_file(file->data, file->len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (safetensors_import(want, paths, 1, k, &e) < 0) {
        buf_text(&text, e.text);
    } else {
        struct buf stream = file_bytes(out.fd);
        text = text_of(&stream);
        buf_free(&stream);
    }
    *status = e.status;
    close(fd);
    close(out.fd);
    sink_close(k);
    return text;
}

static void says(const char *header, const void *data, size_t length, const struct format_want *want,
                 enum status wanted, const char *words)
{
    enum status status;
    struct buf file = file_of(header, data, length), text = import(&file, want, &status);
    if (status != wanted || !strstr(buf_string(&text), words))
        fail_msg("%s: status %d, and '%s' does not say '%s'", header, status, text.data, words);
    buf_free(&file);
    buf_free(&text);
}

static void plain_names(void **state)
{
    (void)state;
    static const struct {
        const char *header, *data;
        size_t length;
        const char *says;
    } files[] = {
        {"{}", "", 0, "segment hop.0000=\"test 1\" profile=tensors\nend"},
        {"{\"a\":{\"dtype\":\"U16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}   ", "\1\0\2\0\3\0\4\0", 8,
         "tensor a u16 [2,2]\n1 2\n3 4\n"},
        {"{\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[2,4]},\"a\":{\"dtype\":\"BOOL\",\"shape\":[2],"
         "\"data_offsets\":[0,2]},\"none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[2,2]}}",
         "\1\0\377\2", 4, "tensor a bool [2]\n1 0\ntensor none f32 [0,3]\ntensor b i8 [2]\n-1 2\n"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", "\0\0\0\0\0\0\xf8\x7f", 8,
         "tensor a f64 []\nnan\n"},
        {"{\"__metadata__\":{\"profile\":\"model/"
         "x\",\"hop.0000\":\"other\",\"k\":\"v\",\"a[b]\":\"utf8\",\"a[b][k]\":\"w\"},"
         "\"a[b]\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
         "hi", 2, "segment hop.0000=\"test 1\" k=v profile=model/x\ntensor a[b] utf8 [2] k=w\n\"hi\"\n"},
    };
    struct format_want want = {.hop = "test 1"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        says(files[i].header, files[i].data, files[i].length, &want, STATUS_DONE, files[i].says);
}

#define A(dtype, shape, offsets) "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t length;
        const char *says;
    } files[] = {
        {"", 0, "header"},
        {"[]", 0, "no JSON object"},
        {"{\"a\":1}", 0, "'a' is no object"},
        {"{\"a\":[[],[],[],[],[],[],[],[],[],[],[],[]]}", 0, "more brackets"},
        {"{\"a\":{}", 0, "header, byte"},
        {"{} {}", 0, "header, byte"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[],"
         "\"data_offsets\":[1,2]}}",
         2, "header, byte"},
        {A("\"F8_E4M3\"", "[1]", "[0,1]"), 1, "'a': the dtype 'F8_E4M3' has no counterpart"},
        {A("7", "[1]", "[0,1]"), 1, "no counterpart"},
        {A("\"U8\"", "3", "[0,3]"), 3, "its shape is no list"},
        {A("\"U8\"", "[-1]", "[0,1]"), 1, "whole numbers"},
        {A("\"U8\"", "[1.0]", "[0,1]"), 1, "whole numbers"},
        {A("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "more than 8 dimensions"},
        {A("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0, "too large"},
        {A("\"U8\"", "[99999999999999999999]", "[0,0]"), 0, "header, byte"},
        {A("\"U8\"", "[1]", "[0]"), 1, "not two rising"},
        {A("\"U8\"", "[1]", "[1,0]"), 1, "not two rising"},
        {A("\"U8\"", "[1]", "[-1,0]"), 1, "not two rising"},
        {A("\"F32\"", "[2]", "[0,4]"), 4, "take 8 bytes, its data_offsets 4"},
        {A("\"U8\"", "[2]", "[1,3]"), 3, "bytes 0 to 1 of the data, before 'a', belong to no tensor"},
        {A("\"U8\"", "[4]", "[0,4]"), 3, "'a': the file ends after 3 of 4 bytes"},
        {A("\"U8\"", "[1099511627776]", "[0,1099511627776]"), 3, "ends after 3 of 1099511627776 bytes"},
        {A("\"U8\"", "[4]", "[0,4]"), 5, "something follows"},
        {A("\"BOOL\"", "[4]", "[0,4]"), 4, "element 2 is a bool"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
         "\"data_offsets\":[1,3]}}",
         3, "'a' and 'b' overlap"},
        {"{\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "is empty"},
        {"{\"a\\nb\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "control bytes"},
        {"{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, "header, byte"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "'k' in it is no text"},
        {"{\"__metadata__\":[]}", 0, "no object"},
    };
    struct format_want want = {.hop = "test 1"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        says(files[i].header, "\1\0\2\3\4\5\6\7", files[i].length, &want, STATUS_DATA, files[i].says);

    /* the first eight bytes alone */
    static const struct {
        const char *bytes, *says;
        size_t length;
    } lengths[] = {
        {"\1\0\0", "ends after 3 of 8", 3},
        {"\100\0\0\0\0\0\0\0{}", "header: the file ends after 2 of 64", 10},
        {"\377\377\377\377\377\377\377\377{}", "more than 100000000", 10},
        {"\0\341\365\5\0\0\0\0{}", "ends after 2 of 100000000", 10},
        {"\1\341\365\5\0\0\0\0{}", "more than 100000000", 10},
    };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        enum status status;
        struct buf file = {0};
        buf_add(&file, lengths[i].bytes, lengths[i].length);
        struct buf text = import(&file, &want, &status);
        if (status != STATUS_DATA || !strstr(text.data, lengths[i].says))
            fail_msg("length %zu: '%s' does not say '%s'", i, text.data, lengths[i].says);
        buf_free(&file);
        buf_free(&text);
    }
}

/* ---- Networks ---- */

/* A file whose tensors are f32 and hold 1, 2, 3, ... in the order given, with -0 for 13 and 16. */
struct layer {
    const char *name;
    uint64_t rows, columns; /* columns 0: a vector */
};

static struct buf network(const struct layer *layers, size_t n, const char *metadata)
{
    struct buf header = {0}, data = {0}, file;
    float value = 1;
    buf_printf(&header, "{\"__metadata__\":{%s}", metadata);
    for (size_t i = 0; i < n; i++) {
        uint64_t count = layers[i].rows * (layers[i].columns ? layers[i].columns : 1);
        buf_printf(&header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%d", layers[i].name, (int)layers[i].rows);
        if (layers[i].columns)
            buf_printf(&header, ",%d", (int)layers[i].columns);
        buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", data.len, data.len + 4 * count);
        for (; count--; value++) {
            float put = value == 13 || value == 16 ? -0.0f : value;
            buf_add(&data, &put, sizeof put);
        }
    }
    buf_char(&header, '}');
    file = file_of(buf_string(&header), data.data, data.len);
    buf_free(&header);
    buf_free(&data);
    return file;
}

/* Import, export, import: the same text; which is returned. */
static struct buf there_and_back(const struct layer *layers, size_t n, const struct format_want *want)
{
    struct buf file = network(layers, n, "");
    enum status status;
    struct buf text = import(&file, want, &status), again = {0};
    if (status)
        fail_msg("%s", text.data);
    struct outfile stream = {.fd = memory_file("", 0), .inplace = true},
                   out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&stream);
    struct err e = {0};
    struct format_want plain = {.prefix = "model"};
    assert_int_equal(tnstext_import(memory_file(text.data, text.len), "text", "x", k, &e), 0);
    sink_close(k);
    lseek(stream.fd, 0, SEEK_SET);
    struct source *s = source_open(stream.fd, "x");
    if (safetensors_export(&plain, s, &out, &e) < 0)
        fail_msg("%s", e.text);
    source_close(s);
    buf_free(&file);
    file = file_bytes(out.fd);
    again = import(&file, &(struct format_want){.hop = want->hop}, &status);
    assert_string_equal(text.data, again.data);
    close(out.fd);
    buf_free(&file);
    buf_free(&again);
    return text;
}

#define LAYERS(...)                                                                                                    \
    (const struct layer[]){__VA_ARGS__}, sizeof((const struct layer[]){__VA_ARGS__}) / sizeof(struct layer)

static void networks(void **state)
{
    (void)state;
    struct format_want want = {.hop = "test 1"};
    struct buf text = there_and_back(LAYERS({"l.weight_ih_l0", 4, 3}, {"l.weight_hh_l0", 4, 1}, {"l.bias_ih_l0", 4, 0},
                                            {"l.bias_hh_l0", 4, 0}, {"fc.weight", 2, 1}, {"fc.bias", 2, 0}),
                                     &want);
    assert_string_equal(text.data,
                        "segment hop.0000=\"test 1\" inputs=vectors option.bidirectional=no option.cell=lstm "
                        "option.hidden=1 option.layers=1 option.target=tags option.task=tag profile=model/rnn "
                        "targets=step-class\n"
                        "tensor rnn.0.input f32 [4,3]\n1 2 3\n4 5 6\n7 8 9\n10 11 12\n"
                        "tensor rnn.0.recurrent f32 [4,1]\n-0\n14\n15\n-0\n"
                        "tensor rnn.0.bias f32 [4]\n38 40 42 44\n" /* 17 + 21, 18 + 22, ... */
                        "tensor out.weight f32 [2,1]\n25\n26\n"
                        "tensor out.bias f32 [2]\n27 28\n"
                        "end status=complete\n");
    buf_free(&text);

    /* a GRU: r, u summed, n and m apart; -0 stays -0 */
    text = there_and_back(LAYERS({"weight_ih_l0", 6, 1}, {"weight_hh_l0", 6, 2}, {"bias_ih_l0", 6, 0},
                                 {"bias_hh_l0", 6, 0}),
                          &want);
    assert_non_null(strstr(text.data, "option.cell=gru-reset-after"));
    assert_non_null(strstr(text.data, "tensor rnn.0.bias f32 [8]\n44 46 48 50 23 24 29 30\n"));
    buf_free(&text);
    text = there_and_back(LAYERS({"weight_ih_l0", 3, 3}, {"weight_hh_l0", 3, 1}, {"bias_ih_l0", 3, 0},
                                 {"bias_hh_l0", 3, 0}),
                          &want);
    assert_non_null(strstr(text.data, "tensor rnn.0.bias f32 [4]\n-0 31 15 18\n")); /* ih -0, 14, 15; hh -0, 17, 18 */
    buf_free(&text);

    /* two layers, two directions, no biases; a network without a head */
    text = there_and_back(LAYERS({"weight_ih_l0", 2, 3}, {"weight_hh_l0", 2, 2}, {"weight_ih_l0_reverse", 2, 3},
                                 {"weight_hh_l0_reverse", 2, 2}, {"weight_ih_l1", 2, 4}, {"weight_hh_l1", 2, 2},
                                 {"weight_ih_l1_reverse", 2, 4}, {"weight_hh_l1_reverse", 2, 2}),
                          &want);
    assert_non_null(strstr(text.data,
                           "option.activation=tanh option.bidirectional=yes option.cell=elman option.hidden=2 "
                           "option.layers=2 option.task=tag profile=model/rnn\n"));
    assert_non_null(strstr(text.data, "tensor rnn.1.reverse.input f32 [2,4]\n33 34 35 36\n37 38 39 40\n"
                                      "tensor rnn.1.reverse.recurrent f32 [2,2]\n41 42\n43 44\n"
                                      "tensor rnn.1.reverse.bias f32 [2]\n0 0\n"));
    buf_free(&text);
}

static void not_networks(void **state)
{
    (void)state;
    static const char *const keep[] = {"a.weight=out.weight", "a.bias=out.bias"}, *const drop[] = {"b.*"};
    static const struct layer weights[] = {{"weight_ih_l0", 4, 3}, {"weight_hh_l0", 4, 1}};
    static const struct {
        struct layer more[5];
        const char *says;
    } files[] = {
        {{{"bias_ih_l0", 4, 0}}, "there is no 'bias_hh_l0'"},
        {{{"bias_hh_l0", 4, 0}}, "there is no 'bias_ih_l0'"},
        {{{"bias_ih_l0", 4, 0}, {"bias_hh_l0", 3, 0}}, "'bias_hh_l0' is f32[3] where reals [4] are due"},
        {{{"weight_ih_l1", 4, 1}}, "there is no 'weight_hh_l1'"},
        {{{"weight_ih_l1", 4, 2}, {"weight_hh_l1", 4, 1}}, "'weight_ih_l1' is f32[4,2] where reals [4,1] are due"},
        {{{"weight_ih_l2", 4, 1}, {"weight_hh_l2", 4, 1}}, "have no place in the network: weight_ih_l2, weight_hh_l2"},
        {{{"weight_ih_l0_reverse", 4, 3}}, "there is no 'weight_hh_l0_reverse'"},
        {{{"weight_hr_l0", 1, 1}}, "proj_size"},
        {{{"x.weight_ih_l0", 4, 1}}, "more than one recurrent network: weight_ih_l0, x.weight_ih_l0"},
        {{{"embedding.weight", 9, 2}}, "'embedding.weight' is f32[9,2] where reals [9,3] are due"},
        {{{"out.weight", 9, 2}}, "'out.weight' is f32[9,2] where reals [9,1] are due"},
        {{{"norm.weight", 9, 0}}, "a tensor has no place in the network: norm.weight (--drop"},
        {{{"a.weight", 2, 1}, {"a.bias", 2, 0}, {"b.weight", 2, 1}, {"b.bias", 2, 0}},
         "several tensors could be the out.weight: a.weight, b.weight"},
    };
    enum status status;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct layer all[7] = {weights[0], weights[1]};
        size_t n = 2;
        while (n < 7 && files[i].more[n - 2].name) {
            all[n] = files[i].more[n - 2];
            n++;
        }
        struct buf file = network(all, n, ""), text = import(&file, &(struct format_want){.hop = "x"}, &status);
        if (status != STATUS_DATA || !strstr(text.data, files[i].says))
            fail_msg("network %zu: '%s' does not say '%s'", i, text.data, files[i].says);
        buf_free(&file);
        buf_free(&text);
    }
    struct buf file = network(LAYERS({"weight_ih_l0", 5, 3}, {"weight_hh_l0", 5, 2}), ""), text;
    text = import(&file, &(struct format_want){.hop = "x"}, &status);
    assert_non_null(strstr(text.data, "'weight_hh_l0' is [5,2]: its rows are not 4"));
    buf_free(&text);
    text = import(&file, &(struct format_want){.hop = "x", .naming = NAMING_PLAIN}, &status);
    assert_non_null(strstr(text.data, "profile=tensors\ntensor weight_ih_l0"));
    buf_free(&text);
    buf_free(&file);

    /* told which head, and what to leave out */
    file = network(LAYERS({"weight_ih_l0", 4, 3}, {"weight_hh_l0", 4, 1}, {"a.weight", 2, 1}, {"a.bias", 2, 0},
                          {"b.weight", 2, 1}, {"b.bias", 2, 0}),
                   "");
    text =
        import(&file,
               &(struct format_want){.hop = "x", .rename = {(const char **)keep, 2}, .drop = {(const char **)drop, 1}},
               &status);
    if (status)
        fail_msg("%s", text.data);
    assert_non_null(strstr(text.data, "tensor out.weight f32 [2,1]\n17\n18\ntensor out.bias f32 [2]\n19 20\nend"));
    buf_free(&text);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names),
        cmocka_unit_test(refused),
        cmocka_unit_test(networks),
        cmocka_unit_test(not_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
