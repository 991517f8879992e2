#include "data/text_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/text_level.h"
#include "data/text_rows.h"

/* The vocabulary that a side's words are looked up in. */
static struct vocab *words_of(struct text_tokens *t, int side)
{
    int i = t->shared ? 0 : side;
    return t->pieces ? &t->bpe[i].words : &t->vocab[i];
}

static struct vocab_learn *learn_of(struct text_tokens *t, int side)
{
    return &t->learn[t->shared ? 0 : side];
}

static int n_vocabs(const struct text_tokens *t)
{
    return t->pairs && !t->shared ? 2 : 1;
}

static const char *vocab_prefix(const struct text_tokens *t, int i)
{
    return n_vocabs(t) == 2 ? text_prefixes[i] : "";
}

static void open_part(struct text_tokens *t, struct text_part *part)
{
    size_t room = TEXT_LOT + TEXT_PART + 1; /* a part behind a lot; a blank may be left over */
    part->ids = mem_get(room, sizeof *part->ids);
    part->lengths = mem_get(t->keep_text ? room : 0, sizeof *part->lengths);
}

static void open_parts(struct text_tokens *t, const struct text_options *o)
{
    t->spooling = t->learning || t->extra;
    t->pieces = o->level == TEXT_BPE;
    for (int i = 0; i < text_sides(t); i++) {
        open_part(t, &t->part[i]);
        if (t->pieces)
            open_part(t, &t->row[i]);
    }
    for (int i = 0; t->pieces && i < n_vocabs(t); i++)
        bpe_forget(&t->bpe[i]);
    t->tags = mem_get(t->extra == TEXT_TAGS ? TEXT_PART : 0, sizeof *t->tags);
}

/* What labels or tags are called in a stream, before anything is done with them. */
static void name_classes(struct text_tokens *t)
{
    static const char *const names[] = {[TEXT_LABELS] = "label.", [TEXT_TAGS] = "tag."};
    t->classes.prefix = names[t->extra];
}

/* ---- The vocabulary ---- */

size_t text_tokens_bound(size_t max_words)
{
    enum { TIMES = 10, LEAST = 1000000 };
    size_t bound = max_words * TIMES;
    return !max_words ? 0 : bound < LEAST ? LEAST : bound;
}

void text_tokens_learn(struct text_tokens *t, const struct text_options *o)
{
    t->learning = true;
    name_classes(t);
    open_parts(t, o);
    for (int i = 0; i < n_vocabs(t) && !t->pieces; i++) {
        vocab_special(&t->vocab[i]);
        t->learn[i].bound = t->bound;
    }
}

static int check_special(const struct vocab *v, struct err *e)
{
    if (vocab_is_special(v, VOCAB_UNKNOWN))
        return 0;
    return err_fail(e, STATUS_DATA, "its vocabulary has no '%s' as word %d", vocab_special_words[VOCAB_UNKNOWN],
                    VOCAB_UNKNOWN);
}

/* Both vocabularies of pairs must have been made alike, since a text is split one way. */
static int check_alike(const struct meta *a, const struct meta *b, struct err *e)
{
    for (size_t i = 0; i < b->n; i++) {
        const char *other = meta_get(a, b->pairs[i].key);
        if (!other || strcmp(other, b->pairs[i].value))
            return err_fail(e, STATUS_DATA, "its two vocabularies differ in '%s' (tokenize the sides apart)",
                            b->pairs[i].key);
    }
    return 0;
}

static int read_vocabs(struct text_tokens *t, struct vocab vocab[2], const struct segment *segment, struct err *e)
{
    for (int i = 0; i < n_vocabs(t); i++)
        if (vocab_read(&vocab[i], vocab_prefix(t, i), segment, e) < 0 || check_special(&vocab[i], e) < 0)
            return -1;
    return n_vocabs(t) == 2 ? check_alike(&vocab[0].meta, &vocab[1].meta, e) : 0;
}

/* A further segment must bring the same words (and classes). */
static int same_again(struct text_tokens *t, const struct segment *segment, struct err *e)
{
    struct vocab again[2] = {0};
    int result = read_vocabs(t, again, segment, e);
    for (int i = 0; result == 0 && i < n_vocabs(t); i++)
        result = vocab_again(&t->vocab[i], &again[i], e);
    vocab_free(&again[0]);
    vocab_free(&again[1]);
    return result < 0 || !t->extra ? result : text_classes_read(&t->classes, segment, false, e);
}

/* Everything is read, the data behind a vocabulary too: what is cut off or damaged is refused. */
static int load(struct text_tokens *t, struct source *s, struct err *e)
{
    struct segment segment = {0};
    struct batch batch = {0};
    int got, result = 0;
    for (bool first = true; result == 0 && (got = source_segment(s, &segment, e)) != 0; first = false) {
        if (got < 0) {
            result = -1;
        } else if (first) {
            t->shared = t->pairs && !segment_find(&segment, "src.vocab.text");
            result = read_vocabs(t, t->vocab, &segment, e);
            if (result == 0 && t->extra)
                result = text_classes_read(&t->classes, &segment, true, e);
        } else {
            result = same_again(t, &segment, e);
        }
        while (result == 0 && (got = source_batch(s, &batch, e)) != 0)
            result = got < 0 ? -1 : 0;
    }
    if (result == 0)
        t->parents = mem_copy(source_digests(s));
    batch_free(&batch);
    segment_free(&segment);
    return result;
}

int text_tokens_load(struct text_tokens *t, const char *path, struct opt_group *groups, struct err *e)
{
    struct source *s = source_open_path(path, e);
    if (!s)
        return -1;
    name_classes(t);
    int result = load(t, s, e);
    source_close(s);
    if (result < 0 || text_options_restore(groups, &t->vocab[0].meta, e) < 0) {
        err_where(e, "%s", infile_label(path));
        return err_where(e, "reading the vocabulary");
    }
    return 0;
}

static int write_vocabs(struct text_tokens *t, const struct text_options *o, struct err *e)
{
    for (int i = 0; i < n_vocabs(t); i++) {
        text_options_keep(o, &t->vocab[i].meta);
        if (vocab_write(&t->vocab[i], vocab_prefix(t, i), t->sink, e) < 0)
            return -1;
    }
    return 0;
}

int text_tokens_apply(struct text_tokens *t, const struct text_options *o, struct sink *sink, struct err *e)
{
    t->sink = sink;
    open_parts(t, o);
    for (int i = 0; t->pieces && i < n_vocabs(t); i++) {
        if (!t->vocab[i].merges)
            return err_fail(e, STATUS_DATA,
                            "the vocabulary was made with --level=bpe, but its merges are not there ('%svocab.merges')",
                            vocab_prefix(t, i));
        bpe_open(&t->bpe[i], &t->vocab[i]);
    }
    return write_vocabs(t, o, e);
}

/* ---- The spool: for each side of some rows a word of their number and one of the number of their ids, their ends and
 * ids, and where text is kept its lengths and bytes; between them a word for each vocabulary that has forgotten words
 * ---- */

#define SPOOL_FORGOT 0x40000000u /* and which vocabulary */

static int spool_rows(struct text_tokens *t, const struct text_part parts[2], struct err *e)
{
    for (int side = 0; side < text_sides(t); side++) {
        const struct text_part *part = &parts[side];
        uint32_t numbers[2] = {(uint32_t)text_rows(part), (uint32_t)part->n};
        size_t bytes = part->n * sizeof *part->ids;
        if (spool_add(&t->spool, numbers, sizeof numbers, e) < 0 ||
            spool_add(&t->spool, part->ends.data, part->ends.len, e) < 0 ||
            spool_add(&t->spool, part->ids, bytes, e) < 0)
            return -1;
        if (t->keep_text && (spool_add(&t->spool, part->lengths, bytes, e) < 0 ||
                             spool_add(&t->spool, part->text.data, part->text.len, e) < 0))
            return -1;
    }
    return 0;
}

static int forget(struct text_tokens *t, struct err *e)
{
    for (int i = 0; i < n_vocabs(t) && !t->pieces; i++) {
        uint32_t word = SPOOL_FORGOT | (uint32_t)i;
        if (vocab_learn_forget(&t->learn[i], &t->vocab[i]) && spool_add(&t->spool, &word, sizeof word, e) < 0)
            return -1;
    }
    return 0;
}

/* Reads what must be there. */
static int fetch(struct text_tokens *t, void *to, size_t bytes, struct err *e)
{
    if (bytes && spool_next(&t->spool, to, bytes, e) <= 0)
        return e->status ? -1 : err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    return 0;
}

static int fetch_rows(struct text_tokens *t, struct text_part *part, uint32_t n_rows, struct err *e)
{
    uint32_t n = 0;
    if (fetch(t, &n, sizeof n, e) < 0)
        return -1;
    if (n > TEXT_LOT + TEXT_PART + 1 || n_rows > TEXT_LOT)
        return err_fail(e, STATUS_FAILED, "temporary file in $TMPDIR: was changed");
    part->n = n;
    buf_clear(&part->ends);
    char *ends = buf_room(&part->ends, n_rows * sizeof(uint32_t));
    part->ends.len = n_rows * sizeof(uint32_t);
    return fetch(t, ends, part->ends.len, e) < 0 ? -1 : fetch(t, part->ids, n * sizeof *part->ids, e);
}

static int fetch_text(struct text_tokens *t, struct text_part *part, struct err *e)
{
    size_t length = 0;
    if (fetch(t, part->lengths, part->n * sizeof *part->lengths, e) < 0)
        return -1;
    for (size_t i = 0; i < part->n; i++)
        length += part->lengths[i];
    char *to = buf_room(&part->text, length);
    part->text.len = length;
    return fetch(t, to, length, e);
}

/* The next rows of one side: 1; 0 at the end; -1. */
static int fetch_side(struct text_tokens *t, int side, struct err *e)
{
    struct text_part *part = &t->part[side];
    uint32_t number = 0;
    int got;
    while ((got = spool_next(&t->spool, &number, sizeof number, e)) > 0 && (number & SPOOL_FORGOT))
        vocab_learn_next(&t->learn[number & 1]);
    const uint32_t *map = vocab_learn_map(learn_of(t, side));
    if (got <= 0)
        return got;
    if (fetch_rows(t, part, number, e) < 0 || (t->keep_text && fetch_text(t, part, e) < 0))
        return -1;
    for (size_t i = 0; map && i < part->n; i++)
        part->ids[i] = map[part->ids[i]];
    return 1;
}

static int replay(struct text_tokens *t, struct err *e)
{
    if (spool_rewind(&t->spool, e) < 0)
        return -1;
    for (;;) {
        int got = 1;
        for (int side = 0; got > 0 && side < text_sides(t); side++)
            got = fetch_side(t, side, e);
        if (got <= 0)
            return got;
        bool in_words = t->pieces && t->learning;
        if ((in_words ? text_rows_pieces(t, text_rows_add, e) : text_rows_add(t, t->part, e)) < 0)
            return -1;
        text_rows_empty(t, t->part);
    }
}

/* ---- Parts ---- */

/* Looks the words up that wait for it. */
static void find_ids(struct text_tokens *t, int side)
{
    struct text_part *part = &t->part[side];
    struct vocab *v = words_of(t, side);
    uint32_t *ids = part->ids + part->n;
    size_t n = part->next.n;
    part->n += n;
    t->tokens += n;
    if (t->learning || t->pieces) { /* of pieces `v` is what was seen so far */
        vocab_learn_batch(learn_of(t, side), v, &part->next, ids);
        return;
    }
    vocab_batch_find(&part->next, v, ids);
    for (size_t i = 0; i < n; i++) {
        t->unknown += ids[i] == VOCAB_NONE;
        ids[i] = ids[i] == VOCAB_NONE ? VOCAB_UNKNOWN : ids[i];
    }
}

/* Adds a word whose text, where it is kept, has been added. */
static inline void add_word(struct text_tokens *t, int side, const char *word, size_t length, size_t written_length)
{
    struct text_part *part = &t->part[side];
    if (t->keep_text)
        part->lengths[part->n + part->next.n] = (uint32_t)written_length;
    if (vocab_batch_add(&part->next, words_of(t, side), word, length))
        find_ids(t, side);
}

/* Bytes of the last character of a text. */
static size_t last_character(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && ((unsigned char)text[length - ++n] & 0xc0) == 0x80)
        ;
    return n;
}

/* Level bpe: a segment takes the blank in front of it; a blank at its own end waits for the next one. */
static void add_segment(struct text_tokens *t, int side, const struct text_word *segment)
{
    struct text_part *part = &t->part[side];
    size_t written = segment->written_length, length = segment->length;
    bool blank = segment->word[length - 1] == ' ';
    if (!blank && !part->blank) {
        add_word(t, side, segment->word, length, written);
        return;
    }
    buf_clear(&t->word);
    if (part->blank)
        buf_char(&t->word, ' ');
    buf_add(&t->word, segment->word, length - blank);
    written += part->blank_length;
    part->blank = blank;
    part->blank_length = !blank       ? 0
                         : length > 1 ? last_character(segment->written, segment->written_length)
                                      : segment->written_length;
    if (t->word.len)
        add_word(t, side, t->word.data, t->word.len, written - part->blank_length);
}

static void add_last_blank(struct text_tokens *t, int side)
{
    struct text_part *part = &t->part[side];
    if (part->blank)
        add_word(t, side, " ", 1, part->blank_length);
    part->blank = false;
    part->blank_length = 0;
}

int text_tokens_add(void *tokens, int side, const struct text_word *words, size_t n, struct err *e)
{
    struct text_tokens *t = tokens;
    for (const struct text_word *word = words; word < words + n; word++) {
        if (t->extra == TEXT_TAGS && text_classes_add(&t->classes, word->tag, word->tag_length, e) < 0)
            return -1;
        if (t->keep_text)
            buf_add(&t->part[side].text, word->written, word->written_length);
        if (t->pieces)
            add_segment(t, side, word);
        else
            add_word(t, side, word->word, word->length, word->written_length);
    }
    return 0;
}

int text_tokens_label(void *tokens, const char *label, size_t length, struct err *e)
{
    struct text_tokens *t = tokens;
    return text_classes_add(&t->classes, label, length, e);
}

/* While applying merges: are there more words than are to be remembered, or such long ones? */
static bool many_words(const struct text_tokens *t, int i)
{
    enum { MOST_WORDS = 1 << 20, MOST_BYTES = 1 << 24 };
    return !t->learning && (t->bpe[i].words.n > MOST_WORDS || t->bpe[i].words.text.len > MOST_BYTES);
}

/* Words become pieces before they go on. */
static int take_words(struct text_tokens *t, struct err *e)
{
    for (int i = 0; i < n_vocabs(t); i++)
        bpe_encode_new(&t->bpe[i]);
    int result = text_rows_pieces(t, t->spooling ? spool_rows : text_rows_add, e);
    for (int i = 0; i < n_vocabs(t); i++)
        if (many_words(t, i))
            bpe_forget(&t->bpe[i]);
    return result;
}

/* The rows at hand go on. */
static int take_rows(struct text_tokens *t, struct err *e)
{
    int result;
    for (int side = 0; side < text_sides(t); side++)
        find_ids(t, side);
    if (t->learning)
        result = spool_rows(t, t->part, e) < 0 ? -1 : forget(t, e);
    else if (t->pieces)
        result = take_words(t, e);
    else
        result = t->spooling ? spool_rows(t, t->part, e) : text_rows_add(t, t->part, e);
    text_rows_empty(t, t->part);
    return result;
}

int text_tokens_part(void *tokens, bool continued, struct err *e)
{
    struct text_tokens *t = tokens;
    bool full = false;
    for (int side = 0; side < text_sides(t); side++) {
        add_last_blank(t, side);
        text_rows_end(&t->part[side], continued);
        full = full || text_rows_full(&t->part[side]);
    }
    for (int i = 0; i < n_vocabs(t); i++)
        full = full || many_words(t, i);
    return full ? take_rows(t, e) : 0;
}

/* ---- The end ---- */

int text_tokens_learnt(struct text_tokens *t, const struct text_options *o, uint64_t min_count, size_t max_words,
                       struct sink *sink, struct err *e)
{
    t->sink = sink;
    if (take_rows(t, e) < 0)
        return -1;
    for (int i = 0; t->pieces && i < n_vocabs(t); i++) {
        vocab_settle(&t->bpe[i].words);
        bpe_learn(&t->bpe[i].words, 1, (size_t)o->merges, min_count, &t->vocab[i]);
        bpe_open(&t->bpe[i], &t->vocab[i]);
        bpe_encode_new(&t->bpe[i]);
    }
    for (int i = 0; i < n_vocabs(t) && !t->pieces; i++) {
        vocab_settle(&t->vocab[i]);
        uint64_t literal = t->vocab[i].counts[VOCAB_UNKNOWN];
        vocab_learn_end(&t->learn[i], &t->vocab[i], min_count, max_words);
        t->unknown += t->vocab[i].counts[VOCAB_UNKNOWN] - literal;
    }
    return write_vocabs(t, o, e);
}

uint64_t text_tokens_error(const struct text_tokens *t)
{
    return t->learn[0].error > t->learn[1].error ? t->learn[0].error : t->learn[1].error;
}

bool text_tokens_classified(const struct text_tokens *t)
{
    return t->extra == TEXT_LABELS || (t->extra == TEXT_TAGS && (t->classes.annotated || !t->classes.n));
}

int text_tokens_end(struct text_tokens *t, struct err *e)
{
    if (!t->learning && take_rows(t, e) < 0)
        return -1;
    if (text_tokens_classified(t) && text_classes_write(&t->classes, t->sink, e) < 0)
        return -1;
    if ((t->spooling && replay(t, e) < 0) || (t->n && text_rows_write(t, e) < 0))
        return -1;
    return sink_end(t->sink, "complete", t->parents, e);
}

static void close_part(struct text_part *part)
{
    free(part->ids);
    free(part->lengths);
    vocab_batch_free(&part->next);
    buf_free(&part->text);
    buf_free(&part->ends);
}

void text_tokens_close(struct text_tokens *t)
{
    spool_close(&t->spool);
    for (int i = 0; i < 2; i++) {
        struct side_columns *c = &t->columns[i];
        vocab_free(&t->vocab[i]);
        vocab_learn_free(&t->learn[i]);
        close_part(&t->part[i]);
        close_part(&t->row[i]);
        bpe_close(&t->bpe[i]);
        buf_free(&c->offsets);
        buf_free(&c->ids);
        buf_free(&c->continued);
        buf_free(&c->text_offsets);
        buf_free(&c->text);
    }
    text_classes_close(&t->classes);
    buf_free(&t->class_column);
    buf_free(&t->word);
    free(t->tags);
    free(t->parents);
    *t = (struct text_tokens){0};
}
