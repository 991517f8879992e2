#include "data/vectors_model.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "data/vectors.h"

int vectors_header(const char *text, uint64_t *n, uint64_t *d, struct err *e)
{
    char *first, *second = NULL;
    const char *blank = " \t\r";
    *n = *text >= '0' && *text <= '9' ? strtoull(text, &first, 10) : ULLONG_MAX; /* what is too large gets that too */
    const char *rest = *n == ULLONG_MAX ? text : first + strspn(first, blank);
    if (rest > text && *rest >= '0' && *rest <= '9' && rest > first)
        *d = strtoull(rest, &second, 10);
    if (!second || second[strspn(second, blank)])
        return err_fail(e, STATUS_DATA,
                        "'%.40s' is no header, words and numbers a word (GloVe's files have none: --format glove)",
                        text);
    return *n ? 0 : err_fail(e, STATUS_DATA, "the header says that there are no words");
}

bool vectors_number(const char **at, float *value)
{
    const char *text = *at;
    char *end;
    while (vectors_blank(*text))
        text++;
    *at = text;
    text += *text == '-' || *text == '+';
    if (!((*text >= '0' && *text <= '9') || *text == '.') || text[1] == 'x' || text[1] == 'X')
        return false;
    *value = strtof(*at, &end);
    if (end == *at || !isfinite(*value) || (*end && !vectors_blank(*end)))
        return false;
    *at = end;
    return true;
}

bool vectors_numbers(const char *at, const char *end)
{
    float ignored;
    while (at < end && vectors_number(&at, &ignored))
        at += strspn(at, " \t");
    return at >= end;
}

int vectors_model_begin(struct vectors_model *m, uint64_t n, uint64_t d, int fd, struct err *e)
{
    struct stat st;
    uint64_t bytes = d * sizeof(float), most;
    if (!d || d > VECTORS_MAX_DIM)
        return err_fail(e, STATUS_DATA, "a word has 1 to %d numbers, not %llu", VECTORS_MAX_DIM, (unsigned long long)d);
    if (n >= VOCAB_NONE - VOCAB_SPECIAL)
        return err_fail(e, STATUS_DATA, "%llu words are more than there are ids (32 bits)", (unsigned long long)n);
    m->d = d;
    vocab_special(&m->vocab);
    memset(buf_room(&m->rows, VOCAB_SPECIAL * bytes), 0, VOCAB_SPECIAL * bytes);
    m->rows.len = VOCAB_SPECIAL * bytes;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        most = 2 * (uint64_t)st.st_size; /* a number takes two characters or more */
        buf_room(&m->rows, n < most / bytes ? (n + 1) * bytes : most);
    }
    return 0;
}

float *vectors_model_row(struct vectors_model *m)
{
    void *row = buf_room(&m->rows, m->d * sizeof(float));
    return row;
}

/* The word as UTF-8, in m->word unless it is that already. */
static int mend(struct vectors_model *m, const char **word, size_t *length, struct err *e)
{
    const char *at = *word, *end = at + *length;
    for (size_t n; at < end && (n = utf8_length(at, (size_t)(end - at)));)
        at += n;
    if (at == end)
        return 0;
    bool open;
    buf_clear(&m->word);
    for (at = *word; at < end;) {
        size_t n = utf8_length(at, (size_t)(end - at));
        buf_add(&m->word, n ? at : "\xef\xbf\xbd", n ? n : 3);
        at += n ? n : utf8_broken(at, (size_t)(end - at), &open);
    }
    *word = m->word.data;
    *length = m->word.len;
    return vectors_odd(&m->notes, ODD_BROKEN, *word, *length, e);
}

int vectors_model_add(struct vectors_model *m, const char *word, size_t length, struct err *e)
{
    size_t n = m->vocab.n, bytes = m->d * sizeof(float);
    const char *bad = !length                   ? "the word is empty"
                      : memchr(word, 0, length) ? "there is a NUL byte in the word"
                      : n == VOCAB_NONE - 1     ? "there are more words than ids (32 bits)"
                                                : NULL;
    if (bad) {
        err_fail(e, STATUS_DATA, "%s", bad);
        return vectors_where(&m->notes, e);
    }
    if (mend(m, &word, &length, e) < 0)
        return -1;
    if ((memchr(word, ' ', length) || memchr(word, '\t', length)) &&
        vectors_odd(&m->notes, ODD_BLANK, word, length, e) < 0)
        return -1;
    uint32_t id = vocab_add(&m->vocab, word, length);
    if (id == n) {
        m->rows.len += bytes;
    } else if (id < VOCAB_SPECIAL && !m->special[id]) {
        memcpy(m->rows.data + id * bytes, m->rows.data + m->rows.len, bytes);
        m->special[id] = true;
    } else {
        return vectors_odd(&m->notes, ODD_TWICE, word, length, e);
    }
    return 0;
}

int vectors_model_write(const struct vectors_model *m, struct sink *k, struct err *e)
{
    struct meta head = {0};
    uint64_t dims[] = {m->vocab.n, m->d};
    struct tensor in = tensor_view("w.in", DTYPE_F32, 2, dims, m->rows.data);
    vectors_notes_sum(&m->notes);
    head_make(&head, "model/w2v", NULL, m->notes.want->hop);
    int result = sink_head(k, &head, e);
    if (result == 0)
        result = vocab_write(&m->vocab, "", k, e);
    if (result == 0)
        result = sink_tensor(k, &in, e);
    if (result == 0)
        result = sink_end(k, "complete", NULL, e);
    tensor_free(&in);
    meta_free(&head);
    return result;
}

void vectors_model_free(struct vectors_model *m)
{
    vocab_free(&m->vocab);
    buf_free(&m->rows);
    buf_free(&m->word);
}
