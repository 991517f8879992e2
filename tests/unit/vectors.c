/* vectors: others' word vectors as a model, what is refused and where, and back to bytes. */
#include "base/mem.h"
#include "data/vectors.h"
#include "foreign.h"

static struct buf notes;

static void note(const char *text)
{
    buf_printf(&notes, "%s\n", text);
}

struct given {
    import_function *import;
    const char *bytes;
    size_t length; /* 0: a text's */
    bool strict;
    const char *says, *notes; /* of the stream's text or the failure; parts of the notes, NULL: there are none */
};

static void try(const struct given *g, enum status status)
{
    struct format_want want = {.hop = "test 1", .strict = g->strict, .note = note};
    struct buf file = {0}, shown = {0};
    struct err e;
    buf_clear(&notes);
    buf_add(&file, g->bytes, g->length ? g->length : strlen(g->bytes));
    struct buf stream = import(g->import, &want, &file, 1, &e);
    if (!e.status)
        shown = export(text_out, &want, &stream, &e);
    const char *said = e.status ? e.text : shown.data;
    if (e.status != status || !strstr(said, g->says))
        fail_msg("'%s': status %d, '%s' does not say '%s'", g->bytes, e.status, said, g->says);
    if (g->notes ? !strstr(buf_string(&notes), g->notes) : notes.len != 0)
        fail_msg("'%s': the notes '%s' are not '%s'", g->bytes, notes.data, g->notes ? g->notes : "");
    buf_free(&file);
    buf_free(&stream);
    buf_free(&shown);
}

static void taken(void **state)
{
    (void)state;
    static const struct given files[] = {
        {word2vec_import, "2 3\nthe 1 2 3\nof .5 -1e-3 +7 \n", 0, true,
         "segment hop.0000=\"test 1\" profile=model/w2v\ntensor vocab.text.offsets u64 [7]\n0 5 10 13 17 20 22\n"
         "tensor vocab.text utf8 [22]\n\"<pad>\"\n\"<unk>\"\n\"<s>\"\n\"</s>\"\n\"the\"\n\"of\"\n"
         "tensor vocab.count u64 [6]\n0 0 0 0 0 0\n"
         "tensor w.in f32 [6,3]\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n1 2 3\n0.5 -0.001 7\nend",
         NULL},
        {word2vec_import, "2 1\r\n</s> 1\r\na\t2\r\n\r\n\n", 0, true, "w.in f32 [5,1]\n0\n0\n0\n1\n2\nend", NULL},
        {word2vec_import, "1 1\na 1e-60\n", 0, true, "w.in f32 [5,1]\n0\n0\n0\n0\n0\nend", NULL},
        {glove_import, "a 1 2\n<unk> 3 4\nb 5 6\n", 0, true, "w.in f32 [6,2]\n0 0\n3 4\n0 0\n0 0\n1 2\n5 6\nend", NULL},
        {glove_import, "a 1\nb 2.5", 0, false, "f32 [6,1]\n0\n0\n0\n0\n1\n2.5\nend",
         ":2: the last line has no line end (was the file cut?)\n"},
        {glove_import, "b 1 2\nat b@c . 3 4\n", 0, true, "\"b\"\n\"at b@c .\"\n",
         ":2: the word 'at b@c .' holds a blank (other programs may read that otherwise)\n"},
        {glove_import, "b 1 2\nnew  york  3 4\n", 0, true, "\"b\"\n\"new  york\"\n", ":2: the word 'new  york' holds"},
        {glove_import, "a\u00a0b 1 2\n", 0, true, "\"a\u00a0b\"", NULL},
        {glove_import, "a 1 2\nb 3 4\na 5 6\n</s> 7 8\n</s> 9 9\n", 0, false,
         "w.in f32 [6,2]\n0 0\n0 0\n0 0\n7 8\n1 2\n3 4\nend", ":3: the word 'a' stands twice (the first is kept)\n"},
        /* one U+FFFD for each longest start of a character, as the Unicode Standard, Python and tokenize have it */
        {glove_import, "a\xff\xe4\xb8z\xf0\x9f\x98 1\nb\xe0\x80\xed\xa0\xf5\x80 2\n", 0, false,
         "\"a\ufffd\ufffdz\ufffd\"\n\"b\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\"\n", ":1: the word 'a\ufffd"},
        {glove_import, "a\xff 1\na\xfe 2\n", 0, false, "f32 [5,1]\n0\n0\n0\n0\n1\nend",
         ":2: the word 'a\ufffd' stands twice"},
        {glove_import, "a 1\na 1\na 1\na 1\na 1\na 1\na 1\na 1\n", 0, false, "f32 [5,1]\n",
         ": 7 words stood twice in all"},
        {word2vec_binary_import, "2 1\n</s> \0\0\200\077\n\nb\tc \0\0\0\300", 23, false,
         "\"b\\tc\"\ntensor vocab.count u64 [5]\n0 0 0 0 0\ntensor w.in f32 [5,1]\n0\n0\n0\n1\n-2\nend",
         ": word 2, at byte 15: the word 'b\tc' holds a blank"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        try(&files[i], STATUS_DONE);
}

static void refused(void **state)
{
    (void)state;
    static const struct given files[] = {
        {word2vec_import, "", 0, false, ": there is no header", NULL},
        {word2vec_import, "the 1 2\n", 0, false, ":1: 'the 1 2' is no header", NULL},
        {word2vec_import, "2\n", 0, false, ":1: '2' is no header", NULL},
        {word2vec_import, "2 3 4\n", 0, false, ":1: '2 3 4' is no header", NULL},
        {word2vec_import, "-2 3\n", 0, false, ":1: '-2 3' is no header", NULL},
        {word2vec_import, "2 -3\n", 0, false, "is no header", NULL},
        {word2vec_import, "2 0\n", 0, false, ":1: a word has 1 to 1048576 numbers, not 0", NULL},
        {word2vec_import, "0 3\n", 0, false, ":1: the header says that there are no words", NULL},
        {word2vec_import, "1 1000000000000000\n", 0, false, "numbers, not 1000000000000000", NULL},
        {word2vec_import, "1000000000000000 1\n", 0, false, ":1: 1000000000000000 words are more than there are ids",
         NULL},
        {word2vec_import, "9999999999999999999999 1\n", 0, false, "is no header", NULL},
        {word2vec_import, "4000000000 1000000\na 1\n", 0, false,
         ":2: the line has 1 number where the header says 1000000", NULL},
        {word2vec_import, "3 1\na 1\nb 2\n", 0, false, ":3: the file ends behind 2 of the 3 words", NULL},
        {word2vec_import, "1 1\na 1\nb 2\n", 0, false, ":3: there are more words than the 1 that", NULL},
        {word2vec_import, "2 2\na 1 2\nb 1\n", 0, false, ":3: the line has 1 number where the header says 2", NULL},
        {word2vec_import, "2 2\na 1 2\nb\n", 0, false, ":3: the line has 0 numbers where", NULL},
        {word2vec_import, "1 2\na 1 2 3\n", 0, false,
         ":2: the line has 3 numbers where the header says 2 (numbers cannot", NULL},
        {word2vec_import, "1 2\nnew york 1\n", 0, false, ":2:5: 'york' is not a finite number", NULL},
        {word2vec_import, "1 2\nnew york 1 x\n", 0, false, ":2:12: 'x' is not a finite", NULL},
        {word2vec_import, "1 2\na 1 nan\n", 0, false, ":2:5: 'nan' is not a finite number", NULL},
        {word2vec_import, "1 2\na -inf 1\n", 0, false, ":2:3: '-inf'", NULL},
        {word2vec_import, "1 2\na 1e400 1\n", 0, false, ":2:3: '1e400'", NULL},
        {word2vec_import, "1 2\na 1 0x1p3\n", 0, false, ":2:5: '0x1p3'", NULL},
        {word2vec_import, "1 2\na 1,5 2\n", 0, false, ":2:3: '1,5'", NULL},
        {word2vec_import, "1 2\n 1 2\n", 0, false, ":2: the word is empty", NULL},
        {word2vec_import, "2 1\na 1\n\nb 2\n", 0, false, ":3: the line is empty", NULL},
        {word2vec_import, "1 1\na\0b 1\n", 11, false, ":2: there is a NUL", NULL},
        {glove_import, "a 1\nb 2", 0, true, ":2: the last line has no line end", NULL},
        {word2vec_import, "2 1\na 1\na 2\n", 0, true,
         ":3: the word 'a' stands twice (without --strict the first is kept)", NULL},
        {glove_import, "a\xff 1\n", 0, true, ":1: the word 'a\ufffd' was not UTF-8 (without --strict U+FFFD is put in)",
         NULL},
        {glove_import, "", 0, false, ": there is no vector in it", NULL},
        {glove_import, "a\n", 0, false, ":1: the line has no numbers", NULL},
        {glove_import, "2 2\na 1 2\nb 1 2\n", 0, false, ":2: the line has 2 numbers where the first has 1", NULL},
        {word2vec_binary_import, "", 0, false, ":1: there is no line of two numbers", NULL},
        {word2vec_binary_import, "x y\n", 0, false, ":1: 'x y' is no header", NULL},
        {word2vec_binary_import, "1 9999999\n", 0, false, ":1: a word has 1 to", NULL},
        {word2vec_binary_import, "2 1\na \0\0\200\077\n", 11, false, ": word 2, at byte 11: the file ends within it",
         NULL},
        {word2vec_binary_import, "2 1\na \0\0\200\077\nb \0\0", 15, false, ": word 2, at byte 11: the file ends", NULL},
        {word2vec_binary_import, "1 1\na \0\0\200\077\nb", 12, false,
         ": at byte 11: something follows the last of the 1", NULL},
        {word2vec_binary_import, "1 2\na \0\0\200\077\0\0\300\177", 14, false,
         ": word 1, at byte 4: number 2 of 'a' is NaN", NULL},
        {word2vec_binary_import, "1 1\na \0\0\200\377", 10, false, ": number 1 of 'a' is infinite", NULL},
        {word2vec_binary_import, "1 1\n\n \0\0\200\077", 10, false, ": word 1, at byte 5: the word is empty", NULL},
        {word2vec_binary_import, "1 1\na\0b \0\0\200\077", 12, false, "NUL byte in the word", NULL},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        try(&files[i], STATUS_DATA);

    struct buf file = {0};
    buf_text(&file, "1 1\n");
    for (size_t i = 0; i <= VECTORS_MAX_WORD; i++)
        buf_char(&file, 'a');
    try(&(struct given){word2vec_binary_import, file.data, file.len, false, "it is longer than 65536 bytes", NULL},
        STATUS_DATA);
    file.len--;
    buf_add(&file, " \0\0\200\077", 5);
    try(&(struct given){word2vec_binary_import, file.data, file.len, false, "w.in f32 [5,1]\n", NULL}, STATUS_DONE);
    buf_free(&file);
}

/* Vectors and words in two files. */
static void projector(void **state)
{
    (void)state;
    static const struct {
        const char *vectors, *words, *says;
        enum status status;
    } pairs[] = {
        {"1\t2\n3\t4\n", "new york\n of\n", "\"new york\"\n\" of\"\n", STATUS_DONE},
        {"1\t2\n3\t4\n", "word\tcount\nthe\t5\nof\t3\n", "\"the\"\n\"of\"\n", STATUS_DONE},
        {"1 2\n", "a\n", "f32 [5,2]\n0 0\n0 0\n0 0\n0 0\n1 2\n", STATUS_DONE},
        {"1\t2\n3\t4\n", "a\n", ":2: it has a vector more than", STATUS_DATA},
        {"1\t2\n", "a\nb\n", ":2: it has a word more than", STATUS_DATA},
        {"1\t2\n3\n", "a\nb\n", ":2: the line has 1 number where the first has 2", STATUS_DATA},
        {"1\t2\n3\t4\t5\n", "a\nb\n", ":2: the line has 3 numbers where the first has 2", STATUS_DATA},
        {"1\tx\n", "a\n", ":1:3: 'x' is not a finite number", STATUS_DATA},
        {"1\n2\n", "a\n\n", ":2: the word is empty", STATUS_DATA},
        {"", "", "there is no vector in it", STATUS_DATA},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int words = memory_file(pairs[i].words, strlen(pairs[i].words));
        struct format_want want = {.hop = "test 1", .metadata = mem_printf("/proc/self/fd/%d", words)};
        struct buf file = {0}, shown = {0};
        struct err e;
        buf_text(&file, pairs[i].vectors);
        struct buf stream = import(projector_import, &want, &file, 1, &e);
        if (!e.status)
            shown = export(text_out, &want, &stream, &e);
        const char *said = e.status ? e.text : shown.data;
        if (e.status != pairs[i].status || !strstr(said, pairs[i].says))
            fail_msg("pair %zu: status %d, '%s' does not say '%s'", i, e.status, said, pairs[i].says);
        close(words);
        free((char *)want.metadata);
        buf_free(&file);
        buf_free(&stream);
        buf_free(&shown);
    }
}

static struct buf typed(const char *text)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct err e = {0};
    if (tnstext_import(memory_file(text, strlen(text)), "t", "x", k, &e) < 0)
        fail_msg("%s", e.text);
    struct buf stream = file_bytes(out.fd);
    sink_close(k);
    close(out.fd);
    return stream;
}

static void written(void **state)
{
    (void)state;
    static const char model[] =
        "segment profile=model/w2v\ntensor vocab.text.offsets u64 [9]\n0 5 10 13 17 18 21 25 26\n"
        "tensor vocab.text utf8 [26]\n\"<pad><unk><s></s>\"\n\"a\"\n\"b c\"\n\"d\\t66\"\n\"\\xff\"\n"
        "tensor vocab.count u64 [8]\n0 0 0 0 9 9 9 9\n"
        "tensor w.in f32 [8,2]\n0 0\n0 0\n0 0\n0 -0\n0.1 1e-45\n0 0\n1 2\n3.4028235e38 -16777216\n"
        "tensor w.out f64 [8,2]\n0 0\n1 2\n0 0\n0 0\n0.1 1\n2 2\n3 3\n4 4\n"
        "tensor huge f64 [8,1]\n0 0 0 0 0 1e39 0 0\ntensor nan f32 [8,1]\n0 0 0 0 0 nan 0 0\n"
        "tensor few f32 [1,1]\n0\ntensor ids u32 [8,1]\n1 1 1 1 1 1 1 1\nend\n";
    static const struct {
        export_function *export;
        const char *name;
        bool strict;
        const char *says;
        size_t length; /* 0: a text's */
        const char *notes;
    } files[] = {
        {word2vec_export, NULL, false, "4 2\n</s> 0 -0\na 0.1 1e-45\nb c 0 0\n\xff 3.4028235e+38 -16777216\n", 0,
         "x: the word 'd\t66' cannot stand in this format (it is left out)\n"},
        {glove_export, "w.out", false, "<unk> 1 2\na 0.1 1\nb c 2 2\n\xff 4 4\n", 0, "x: the word 'b c' holds a blank"},
        {word2vec_binary_export, "w.out", false,
         "4 2\n<unk> \0\0\200\077\0\0\0\100\na \315\314\314\075\0\0\200\077\nd\t66 \0\0\100\100\0\0\100\100\n"
         "\xff \0\0\200\100\0\0\200\100\n",
         55, "x: the word 'b c' cannot stand"},
        {word2vec_export, NULL, true,
         "x: the word 'd\t66' cannot stand in this format (without --strict it is left out)", 0, ""},
        {word2vec_export, "huge", false, "x: 'huge': 1e+39 is too large a number for f32", 0, ""},
        {word2vec_export, "nan", false, "x: 'nan' holds NaN in row 5", 0, ""},
        {word2vec_export, "few", false, "'few' is no matrix with a row of real numbers for each of 8 words", 0, ""},
        {word2vec_export, "ids", false, "'ids' is no matrix", 0, ""},
        {word2vec_export, "none", false, "none", 0, ""},
        {projector_export, NULL, false, "--metadata FILE", 0, ""},
    };
    struct buf stream = typed(model);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct format_want want = {.name = files[i].name, .strict = files[i].strict, .note = note};
        struct err e;
        buf_clear(&notes);
        struct buf file = export(files[i].export, &want, &stream, &e);
        if (e.status) {
            if (!strstr(e.text, files[i].says))
                fail_msg("%zu: '%s' does not say '%s'", i, e.text, files[i].says);
        } else {
            if (file.len != (files[i].length ? files[i].length : strlen(files[i].says)))
                fail_msg("%zu: %zu bytes: %s", i, file.len, buf_string(&file));
            assert_memory_equal(file.data, files[i].says, file.len);
        }
        if (!strstr(buf_string(&notes), files[i].notes))
            fail_msg("%zu: the notes '%s' do not say '%s'", i, notes.data, files[i].notes);
        buf_free(&file);
    }
    buf_free(&stream);
    buf_free(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken),
        cmocka_unit_test(refused),
        cmocka_unit_test(projector),
        cmocka_unit_test(written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
