/* Streams as text (tnstext.h): what unit tests read them from. */
#ifndef TESTS_TYPED_H
#define TESTS_TYPED_H

#include "unit.h"

#include "data/tnstext.h"

/* Imports text into memory; the stream's bytes, or none with the failure in *e. */
static inline struct buf import(const char *text, struct err *e)
{
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct buf bytes = {0};
    int fd = memory_file(text, strlen(text));
    *e = (struct err){0};
    if (tnstext_import(fd, "t", "test 1", k, e) == 0)
        bytes = file_bytes(out.fd);
    close(fd);
    close(out.fd);
    sink_close(k);
    return bytes;
}

/* A source that reads what the text says. */
static inline struct source *typed(const char *text)
{
    struct err e;
    struct buf bytes = import(text, &e);
    if (!bytes.data)
        fail_msg("%s", e.text);
    struct source *s = source_open(memory_file(bytes.data, bytes.len), "typed");
    buf_free(&bytes);
    return s;
}

/* Adds a vocabulary: words with one blank between them. */
static inline void type_vocab(struct buf *text, const char *prefix, const char *words)
{
    struct buf offsets = {0}, all = {0};
    size_t n = 0, at = 0;
    for (; *words; n++) {
        size_t length = strcspn(words, " ");
        buf_printf(&offsets, " %zu", at += length);
        buf_add(&all, words, length);
        words += length + (words[length] == ' ');
    }
    buf_printf(text, "tensor %svocab.text.offsets u64 [*]\n0%s\n", prefix, buf_string(&offsets));
    buf_printf(text, "tensor %svocab.text utf8 [*]\n\"%s\"\n", prefix, buf_string(&all));
    buf_printf(text, "tensor %svocab.count u64 [%zu]\n", prefix, n);
    for (size_t i = 0; i < n; i++)
        buf_text(text, "1 ");
    buf_text(text, "\n");
    buf_free(&offsets);
    buf_free(&all);
}

#endif
