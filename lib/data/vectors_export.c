/* Vectors for other programs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/tnstext.h"
#include "data/vectors.h"
#include "data/vectors_model.h"

enum layout { TEXT, BINARY, NUMBERS, WORDS };

/* What is exported: the rows of words whose `kept` is set. */
struct writer {
    const struct format_want *want;
    struct segment segment;
    struct vocab vocab;
    struct tensor matrix; /* f32[V,D]; its data the segment's or its own */
    size_t d, n_kept;
    bool *kept;
    struct vectors_notes notes;
    struct buf text;
};

static bool is_zeros(const float *row, size_t d)
{
    for (size_t j = 0; j < d; j++)
        if (row[j] != 0 || signbit(row[j]))
            return false;
    return true;
}

static const float *row_of(const struct writer *w, size_t id)
{
    return (const float *)w->matrix.data + id * w->d;
}

/* The matrix as f32. */
static int take_matrix(struct writer *w, const struct tensor *t, struct err *e)
{
    if (t->rank != 2 || t->dims[0] != w->vocab.n || !t->dims[1] || !dtype_is_real(t->dtype))
        return err_fail(e, STATUS_DATA, "'%s' is no matrix with a row of real numbers for each of %zu words", t->name,
                        w->vocab.n);
    if (tensor_finite(t, e) < 0)
        return -1;
    w->d = t->dims[1];
    if (t->dtype == DTYPE_F32) {
        w->matrix = tensor_view("", DTYPE_F32, 2, t->dims, t->data);
        return 0;
    }
    w->matrix = tensor_make("", DTYPE_F32, 2, t->dims);
    for (size_t i = 0; i < tensor_count(t); i++)
        if (tensor_put(&w->matrix, i, tensor_at(t, i)), !isfinite(tensor_at(&w->matrix, i)))
            return err_fail(e, STATUS_DATA, "'%s': %g is too large a number for f32", t->name, tensor_at(t, i));
    return 0;
}

static int writer_open(struct writer *w, const struct format_want *want, struct source *s, struct err *e)
{
    const struct tensor *t;
    *w = (struct writer){.want = want, .notes = {.want = want, .label = source_label(s)}};
    if (segment_only(s, &w->segment, NULL, e) < 0)
        return -1;
    if (vocab_read(&w->vocab, "", &w->segment, e) < 0 ||
        !(t = segment_need(&w->segment, want->name ? want->name : "w.in", e)) || take_matrix(w, t, e) < 0)
        return err_where(e, "%s", source_label(s));
    w->kept = mem_get(w->vocab.n, sizeof *w->kept);
    return 0;
}

static void writer_close(struct writer *w)
{
    segment_free(&w->segment);
    vocab_free(&w->vocab);
    tensor_free(&w->matrix);
    free(w->kept);
    buf_free(&w->text);
}

/* Which words have a row and can be carried; `carries` knows the format. Without a header the first line tells by its
 * fields how many numbers there are: no blanks in its word. */
static int choose(struct writer *w, bool (*carries)(const char *word, size_t length), enum layout layout, bool header,
                  struct err *e)
{
    for (size_t id = 0; id < w->vocab.n; id++) {
        size_t length, sound = 0, n;
        const char *word = vocab_word(&w->vocab, (uint32_t)id, &length);
        if (vocab_is_special(&w->vocab, (uint32_t)id) && is_zeros(row_of(w, id), w->d))
            continue;
        bool blank = layout == TEXT && (memchr(word, ' ', length) || memchr(word, '\t', length));
        w->kept[id] = length && carries(word, length) && (!blank || header || w->n_kept);
        w->n_kept += w->kept[id];
        if (!w->kept[id] && vectors_odd(&w->notes, ODD_LOST, word, length, e) < 0)
            return -1;
        if (w->kept[id] && blank && vectors_odd(&w->notes, ODD_BLANK, word, length, e) < 0)
            return -1;
        while (w->kept[id] && sound < length && (n = utf8_length(word + sound, length - sound)))
            sound += n;
        if (w->kept[id] && sound < length && vectors_odd(&w->notes, ODD_RAW, word, length, e) < 0)
            return -1;
    }
    vectors_notes_sum(&w->notes);
    return w->n_kept ? 0 : err_fail(e, STATUS_DATA, "%s: there is no word to write", w->notes.label);
}

/* ---- What stands where ---- */

/* Line ends cannot stand in it, blanks at its ends are lost, and one whose later parts are numbers looks like more
 * numbers. */
static bool text_carries(const char *word, size_t length)
{
    const char *blank = " \t";
    if (memchr(word, '\n', length) || memchr(word, 0, length) || strchr(blank, *word) ||
        strchr(blank, word[length - 1]))
        return false;
    char *copy = mem_copy_bytes(word, length), *first = strpbrk(copy, blank);
    bool carries = !first || !vectors_numbers(first, copy + length);
    free(copy);
    return carries;
}

static bool binary_carries(const char *word, size_t length)
{
    return length <= VECTORS_MAX_WORD && *word != '\n' && !memchr(word, 0, length) && !memchr(word, ' ', length);
}

static bool projector_carries(const char *word, size_t length)
{
    return !memchr(word, '\n', length) && !memchr(word, 0, length) && !memchr(word, '\t', length) &&
           word[length - 1] != '\r';
}

/* ---- Writing ---- */

static int flush(struct writer *w, size_t least, struct outfile *out, struct err *e)
{
    if (w->text.len < least || !w->text.len)
        return 0;
    int result = outfile_write(out, w->text.data, w->text.len, e);
    buf_clear(&w->text);
    return result;
}

static void put_numbers(struct writer *w, size_t id, char separator)
{
    for (size_t j = 0; j < w->d; j++) {
        if (j)
            buf_char(&w->text, separator);
        element_text(&w->matrix, id * w->d + j, &w->text);
    }
    buf_char(&w->text, '\n');
}

static void put_row(struct writer *w, size_t id, enum layout layout)
{
    size_t length;
    const char *word = vocab_word(&w->vocab, (uint32_t)id, &length);
    if (layout != NUMBERS)
        buf_add(&w->text, word, length);
    if (layout == WORDS)
        buf_char(&w->text, '\n');
    if (layout == TEXT || layout == BINARY)
        buf_char(&w->text, ' ');
    if (layout == TEXT)
        put_numbers(w, id, ' ');
    if (layout == NUMBERS)
        put_numbers(w, id, '\t');
    if (layout == BINARY) {
        buf_add(&w->text, row_of(w, id), w->d * sizeof(float));
        buf_char(&w->text, '\n');
    }
}

static int put_rows(struct writer *w, enum layout layout, struct outfile *out, struct err *e)
{
    for (size_t id = 0; id < w->vocab.n; id++) {
        if (w->kept[id])
            put_row(w, id, layout);
        if (flush(w, STREAM_BATCH_BYTES, out, e) < 0)
            return -1;
    }
    return flush(w, 0, out, e);
}

static int export(const struct format_want *want, struct source *s, struct outfile *out, bool header,
                  enum layout layout, struct err *e)
{
    struct writer w;
    int result = writer_open(&w, want, s, e);
    if (result == 0)
        result = choose(&w, layout == TEXT ? text_carries : binary_carries, layout, header, e);
    if (result == 0) {
        if (header)
            buf_printf(&w.text, "%zu %zu\n", w.n_kept, w.d);
        result = put_rows(&w, layout, out, e);
    }
    writer_close(&w);
    return result;
}

int word2vec_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    return export(want, s, out, true, TEXT, e);
}

int glove_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    return export(want, s, out, false, TEXT, e);
}

int word2vec_binary_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    return export(want, s, out, true, BINARY, e);
}

int projector_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    struct writer w = {0};
    struct outfile words = {.fd = -1};
    if (!want->metadata)
        return err_fail(e, STATUS_MISUSED, "where do the words go? (--metadata FILE)");
    int result = outfile_open(&words, want->metadata, e);
    if (result == 0 && (result = writer_open(&w, want, s, e)) == 0)
        result = choose(&w, projector_carries, WORDS, true, e);
    if (result == 0)
        result = put_rows(&w, WORDS, &words, e);
    if (result == 0)
        result = put_rows(&w, NUMBERS, out, e);
    if (result == 0)
        result = outfile_commit(&words, e);
    outfile_drop(&words);
    writer_close(&w);
    return result;
}
