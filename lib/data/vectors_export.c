/* Vectors for other programs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/tnstext.h"
#include "data/vectors.h"
#include "data/vectors_model.h"

/* What is exported: the rows of words whose `kept` is set. */
struct export
{
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

static const float *row_of(const struct export *x, size_t id)
{
    return (const float *)x->matrix.data + id * x->d;
}

/* The matrix as f32. */
static int take_matrix(struct export *x, const struct tensor *t, struct err *e)
{
    if (t->rank != 2 || t->dims[0] != x->vocab.n || !t->dims[1] || !dtype_is_real(t->dtype))
        return err_fail(e, STATUS_DATA, "'%s' is no matrix with a row of real numbers for each of %zu words", t->name,
                        x->vocab.n);
    if (tensor_finite(t, e) < 0)
        return -1;
    x->d = t->dims[1];
    if (t->dtype == DTYPE_F32) {
        x->matrix = tensor_view("", DTYPE_F32, 2, t->dims, t->data);
        return 0;
    }
    x->matrix = tensor_make("", DTYPE_F32, 2, t->dims);
    for (size_t i = 0; i < tensor_count(t); i++)
        if (tensor_put(&x->matrix, i, tensor_at(t, i)), !isfinite(tensor_at(&x->matrix, i)))
            return err_fail(e, STATUS_DATA, "'%s': %g is too large a number for f32", t->name, tensor_at(t, i));
    return 0;
}

static int export_open(struct export *x, const struct format_want *want, struct source *s, struct err *e)
{
    const struct tensor *t;
    *x = (struct export){.want = want, .notes = {.want = want, .label = source_label(s)}};
    if (segment_only(s, &x->segment, NULL, e) < 0)
        return -1;
    if (vocab_read(&x->vocab, "", &x->segment, e) < 0 ||
        !(t = segment_need(&x->segment, want->name ? want->name : "w.in", e)) || take_matrix(x, t, e) < 0)
        return err_where(e, "%s", source_label(s));
    x->kept = mem_get(x->vocab.n, sizeof *x->kept);
    return 0;
}

static void export_close(struct export *x)
{
    segment_free(&x->segment);
    vocab_free(&x->vocab);
    tensor_free(&x->matrix);
    free(x->kept);
    buf_free(&x->text);
}

static bool is_special(const struct vocab *v, size_t id)
{
    static const char *const words[VOCAB_SPECIAL] = {"<pad>", "<unk>", "<s>", "</s>"};
    size_t length;
    const char *word = vocab_word(v, (uint32_t)id, &length);
    return id < VOCAB_SPECIAL && length == strlen(words[id]) && !memcmp(word, words[id], length);
}

/* Which words have a row and can be carried; `carries` knows the format. */
static int choose(struct export *x, bool (*carries)(const char *word, size_t length), bool blanks, struct err *e)
{
    for (size_t id = 0; id < x->vocab.n; id++) {
        size_t length, sound = 0, n;
        const char *word = vocab_word(&x->vocab, (uint32_t)id, &length);
        if (is_special(&x->vocab, id) && is_zeros(row_of(x, id), x->d))
            continue;
        x->kept[id] = length && carries(word, length);
        x->n_kept += x->kept[id];
        if (!x->kept[id] && vectors_odd(&x->notes, ODD_LOST, word, length, e) < 0)
            return -1;
        if (x->kept[id] && blanks && memchr(word, ' ', length) &&
            vectors_odd(&x->notes, ODD_BLANK, word, length, e) < 0)
            return -1;
        while (x->kept[id] && sound < length && (n = utf8_length(word + sound, length - sound)))
            sound += n;
        if (x->kept[id] && sound < length && vectors_odd(&x->notes, ODD_RAW, word, length, e) < 0)
            return -1;
    }
    vectors_notes_sum(&x->notes);
    return 0;
}

/* ---- What stands where ---- */

/* Line ends cannot stand in it, blanks at its ends are lost, and one whose later parts are numbers looks like more numbers. */
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
    return *word != '\n' && !memchr(word, 0, length) && !memchr(word, ' ', length);
}

static bool projector_carries(const char *word, size_t length)
{
    return !memchr(word, '\n', length) && !memchr(word, 0, length) && !memchr(word, '\t', length) &&
           word[length - 1] != '\r';
}

/* ---- Writing ---- */

static int flush(struct export *x, size_t least, struct outfile *out, struct err *e)
{
    if (x->text.len < least || !x->text.len)
        return 0;
    int result = outfile_write(out, x->text.data, x->text.len, e);
    buf_clear(&x->text);
    return result;
}

static void put_numbers(struct export *x, size_t id, char separator)
{
    for (size_t j = 0; j < x->d; j++) {
        if (j)
            buf_char(&x->text, separator);
        element_text(&x->matrix, id * x->d + j, &x->text);
    }
    buf_char(&x->text, '\n');
}

enum layout { TEXT, BINARY, NUMBERS, WORDS };

static void put_row(struct export *x, size_t id, enum layout layout)
{
    size_t length;
    const char *word = vocab_word(&x->vocab, (uint32_t)id, &length);
    if (layout != NUMBERS)
        buf_add(&x->text, word, length);
    if (layout == WORDS)
        buf_char(&x->text, '\n');
    if (layout == TEXT || layout == BINARY)
        buf_char(&x->text, ' ');
    if (layout == TEXT)
        put_numbers(x, id, ' ');
    if (layout == NUMBERS)
        put_numbers(x, id, '\t');
    if (layout == BINARY) {
        buf_add(&x->text, row_of(x, id), x->d * sizeof(float));
        buf_char(&x->text, '\n');
    }
}

static int put_rows(struct export *x, enum layout layout, struct outfile *out, struct err *e)
{
    for (size_t id = 0; id < x->vocab.n; id++) {
        if (x->kept[id])
            put_row(x, id, layout);
        if (flush(x, STREAM_BATCH_BYTES, out, e) < 0)
            return -1;
    }
    return flush(x, 0, out, e);
}

static int export(const struct format_want *want, struct source *s, struct outfile *out, bool header,
                  enum layout layout, struct err *e)
{
    struct export x;
    int result = export_open(&x, want, s, e);
    if (result == 0)
        result = choose(&x, layout == TEXT ? text_carries : binary_carries, layout == TEXT, e);
    if (result == 0) {
        if (header)
            buf_printf(&x.text, "%zu %zu\n", x.n_kept, x.d);
        result = put_rows(&x, layout, out, e);
    }
    export_close(&x);
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
    struct export x = {0};
    struct outfile words = {.fd = -1};
    if (!want->metadata)
        return err_fail(e, STATUS_MISUSED, "where do the words go? (--metadata FILE)");
    int result = outfile_open(&words, want->metadata, e);
    if (result == 0 && (result = export_open(&x, want, s, e)) == 0)
        result = choose(&x, projector_carries, false, e);
    if (result == 0)
        result = put_rows(&x, WORDS, &words, e);
    if (result == 0)
        result = put_rows(&x, NUMBERS, out, e);
    if (result == 0)
        result = outfile_commit(&words, e);
    outfile_drop(&words);
    export_close(&x);
    return result;
}
