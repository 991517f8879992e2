/* Byte-pair encoding: merges against a learner that counts everything anew each time, and words put back together. */
#include "unit.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/bpe.h"
#include "data/text_level.h"

static void add(struct vocab *v, const char *word, size_t length, uint64_t count)
{
    uint32_t id = vocab_add(v, word, length); /* counts may move */
    v->counts[id] += count;
}

/* ---- A plain learner, for words of a few ASCII letters ---- */

enum { MOST_WORDS = 64, LONGEST = 24, MOST_SYMBOLS = 400 };

struct plain {
    uint32_t words[MOST_WORDS][LONGEST];
    size_t lengths[MOST_WORDS], n_words;
    uint64_t counts[MOST_WORDS];
    char symbols[MOST_SYMBOLS][LONGEST + 1];
    size_t n_symbols;
    char merges[MOST_SYMBOLS][2][LONGEST + 1];
    size_t n_merges;
};

static void plain_add(struct plain *p, const char *word, uint64_t count)
{
    for (size_t i = 0; word[i]; i++)
        p->words[p->n_words][i] = (unsigned char)word[i];
    p->lengths[p->n_words] = strlen(word);
    p->counts[p->n_words++] = count;
}

/* The pair that stands together most often; of several the one of the oldest symbols. Returns how often. */
static uint64_t plain_best(const struct plain *p, uint32_t best[2])
{
    static uint64_t counts[MOST_SYMBOLS][MOST_SYMBOLS];
    memset(counts, 0, sizeof counts);
    for (size_t w = 0; w < p->n_words; w++)
        for (size_t i = 0; i + 1 < p->lengths[w]; i++)
            counts[p->words[w][i]][p->words[w][i + 1]] += p->counts[w];
    uint64_t most = 0;
    for (uint32_t i = 0; i < p->n_symbols; i++)
        for (uint32_t j = 0; j < p->n_symbols; j++)
            if (counts[i][j] > most) {
                most = counts[i][j];
                best[0] = i;
                best[1] = j;
            }
    return most;
}

static uint32_t plain_symbol(struct plain *p, const char *text)
{
    for (uint32_t i = 128; i < p->n_symbols; i++)
        if (!strcmp(p->symbols[i], text))
            return i;
    memcpy(p->symbols[p->n_symbols], text, strlen(text) + 1);
    return (uint32_t)p->n_symbols++;
}

static void plain_learn(struct plain *p, size_t n_merges, uint64_t least)
{
    bool done[MOST_SYMBOLS][MOST_SYMBOLS] = {{false}};
    uint32_t best[2];
    for (p->n_symbols = 0; p->n_symbols < 128; p->n_symbols++)
        p->symbols[p->n_symbols][0] = (char)p->n_symbols;
    while (p->n_merges < n_merges && plain_best(p, best) >= least) {
        char text[2 * LONGEST + 2];
        snprintf(text, sizeof text, "%s%s", p->symbols[best[0]], p->symbols[best[1]]);
        uint32_t symbol = plain_symbol(p, text);
        for (int k = 0; k < 2 && !done[best[0]][best[1]]; k++)
            memcpy(p->merges[p->n_merges][k], p->symbols[best[k]], LONGEST + 1);
        p->n_merges += !done[best[0]][best[1]];
        done[best[0]][best[1]] = true;
        for (size_t w = 0; w < p->n_words; w++)
            for (size_t i = 0; i + 1 < p->lengths[w]; i++)
                if (p->words[w][i] == best[0] && p->words[w][i + 1] == best[1]) {
                    p->words[w][i] = symbol;
                    p->lengths[w]--;
                    memmove(&p->words[w][i + 1], &p->words[w][i + 2], (p->lengths[w] - i - 1) * sizeof(uint32_t));
                }
    }
}

static void compare(const struct plain *p, const struct vocab *symbols)
{
    assert_int_equal(symbols->n_merges, p->n_merges);
    for (size_t i = 0; i < 2 * p->n_merges; i++) {
        size_t length;
        const char *text = vocab_word(symbols, symbols->merges[i], &length);
        assert_int_equal(length, strlen(p->merges[i / 2][i % 2]));
        assert_memory_equal(text, p->merges[i / 2][i % 2], length);
    }
}

static void learns_as_a_plain_learner_does(void **state)
{
    struct rng rng = rng_seed(3);
    (void)state;
    for (int round = 0; round < 60; round++) {
        struct plain *p = mem_get(1, sizeof *p);
        struct vocab words = {0}, symbols = {0};
        uint64_t min_count = 1 + rng_below(&rng, 4);
        vocab_add(&words, "not this", 8);
        for (size_t i = 0; i < 1 + rng_below(&rng, MOST_WORDS); i++) {
            char word[LONGEST] = {0};
            for (size_t k = 0, n = rng_below(&rng, LONGEST); k < n; k++)
                word[k] = (char)('a' + rng_below(&rng, 1 + (uint64_t)round % 4));
            if (vocab_find(&words, word, strlen(word)) != VOCAB_NONE)
                continue;
            uint64_t count = 1 + rng_below(&rng, 3) * rng_below(&rng, 3);
            add(&words, word, strlen(word), count);
            plain_add(p, word, count);
        }
        plain_learn(p, 50, min_count < 2 ? 2 : min_count);
        bpe_learn(&words, 1, 50, min_count, &symbols);
        compare(p, &symbols);
        vocab_free(&words);
        vocab_free(&symbols);
        free(p);
    }
}

/* ---- Encoding ---- */

static size_t encode(const struct vocab *symbols, const char *word, size_t length, struct buf *ids)
{
    struct bpe b = {0};
    bpe_open(&b, symbols);
    buf_clear(ids);
    bpe_encode(&b, word, length, ids);
    bpe_close(&b);
    return ids->len / sizeof(uint32_t);
}

/* The example of the paper (section 3.2): four words, whose most frequent pairs are e s, es t, l o, lo w. */
static void low_and_lower(void **state)
{
    struct vocab words = {0}, symbols = {0};
    struct buf ids = {0};
    size_t length;
    (void)state;
    add(&words, "low", 3, 5);
    add(&words, "lower", 5, 2);
    add(&words, "newest", 6, 6);
    add(&words, "widest", 6, 3);
    bpe_learn(&words, 0, 4, 1, &symbols);
    static const char *const made[] = {"es", "est", "lo", "low"};
    assert_int_equal(symbols.n_merges, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(vocab_find(&symbols, made[i], strlen(made[i])) != VOCAB_NONE);
    assert_int_equal(encode(&symbols, "lowest", 6, &ids), 2);
    const uint32_t *id = (const uint32_t *)ids.data;
    assert_memory_equal(vocab_word(&symbols, id[0], &length), "low", 3);
    assert_memory_equal(vocab_word(&symbols, id[1], &length), "est", 3);
    assert_int_equal(symbols.counts[vocab_find(&symbols, "est", 3)], 9);
    assert_int_equal(symbols.counts[vocab_find(&symbols, "low", 3)], 7);
    assert_int_equal(symbols.counts[vocab_find(&symbols, "es", 2)], 0);
    assert_int_equal(symbols.n, VOCAB_SPECIAL + 256 + 4);
    vocab_free(&words);
    vocab_free(&symbols);
    buf_free(&ids);
}

/* Characters, and things that look like the names of bytes and special tokens. */
static size_t some_text(struct rng *rng, char *to, size_t parts)
{
    static const char *const some[] =
        {"a",    "b",  "<",  ">",        "0x",           "E6",           "<0xE6>",    "<unk>",
         "<s>",  " ",  "\n", "\xc3\xa9", "\xe6\x88\x91", "\xe7\x88\xb1", "e\xcc\x81", "\xf0\x9f\x98\x80",
         "\xe6", "unk"};
    size_t length = 0;
    for (size_t i = rng_below(rng, parts); i > 0; i--) {
        size_t k = rng_below(rng, sizeof some / sizeof *some);
        memcpy(to + length, some[k], strlen(some[k]));
        length += strlen(some[k]);
        if (rng_below(rng, 20) == 0)
            to[length++] = 0;
    }
    return length;
}

/* Whatever was learnt from whatever words: pieces put together are the word, and none is <unk> or a special token. */
static void comes_back(void **state)
{
    struct rng rng = rng_seed(4);
    (void)state;
    for (int round = 0; round < 30; round++) {
        struct vocab words = {0}, symbols = {0};
        struct bpe b = {0};
        struct buf ids = {0}, text = {0};
        char word[4096];
        for (int i = 0; i < 200; i++) {
            size_t length = some_text(&rng, word, 12);
            add(&words, word, length, 1 + rng_below(&rng, 5));
        }
        bpe_learn(&words, 0, 300, 1 + (uint64_t)round % 3 * 20, &symbols);
        bpe_open(&b, &symbols);
        for (int i = 0; i < 200; i++) {
            struct text_join join = {.level = TEXT_BPE};
            size_t length = some_text(&rng, word, i % 10 ? 20 : 400);
            buf_clear(&ids);
            buf_clear(&text);
            bpe_encode(&b, word, length, &ids);
            for (size_t k = 0; k < ids.len / sizeof(uint32_t); k++) {
                uint32_t id = ((const uint32_t *)ids.data)[k];
                assert_true(id >= VOCAB_SPECIAL && id < symbols.n);
                text_join_id(&join, &symbols, id, &text);
            }
            assert_int_equal(text.len, length);
            assert_true(!length || !memcmp(text.data, word, length));
        }
        bpe_close(&b);
        vocab_free(&words);
        vocab_free(&symbols);
        buf_free(&ids);
        buf_free(&text);
    }
}

/* The words as the tokenizer keeps them. */
static void remembers_words(void **state)
{
    struct vocab words = {0}, symbols = {0};
    struct bpe b = {0};
    size_t n;
    (void)state;
    add(&words, " again", 6, 3);
    add(&words, " against", 8, 3);
    bpe_learn(&words, 0, 100, 1, &symbols);
    for (int round = 0; round < 2; round++) {
        bpe_forget(&b);
        if (!round)
            bpe_open(&b, &symbols);
        uint32_t first = vocab_add(&b.words, " again", 6);
        bpe_encode_new(&b);
        uint32_t second = vocab_add(&b.words, " agains", 7);
        bpe_encode_new(&b);
        assert_int_equal(*bpe_pieces(&b, first, &n), vocab_find(&symbols, " again", 6));
        assert_int_equal(n, 1);
        assert_int_equal(bpe_pieces(&b, second, &n)[1], vocab_find(&symbols, "s", 1));
        assert_int_equal(n, 2);
    }
    bpe_close(&b);
    vocab_free(&words);
    vocab_free(&symbols);
}

/* Characters that are too rare are bytes, and pairs that are too rare stay two. */
static void min_count(void **state)
{
    struct vocab words = {0}, symbols = {0};
    struct buf ids = {0};
    (void)state;
    add(&words, "\xc3\xa9\xc3\xa9", 4, 2);
    add(&words, "\xc3\xa8", 2, 3);
    add(&words, "xy", 2, 4);
    add(&words, "vw", 2, 5);
    bpe_learn(&words, 0, 100, 5, &symbols);
    assert_int_equal(symbols.n_merges, 1);
    assert_int_equal(encode(&symbols, "vwxy", 4, &ids), 3);
    assert_int_equal(encode(&symbols, "\xc3\xa8", 2, &ids), 2);
    assert_int_equal(((const uint32_t *)ids.data)[0], vocab_find(&symbols, "<0xC3>", 6));
    vocab_free(&symbols);
    bpe_learn(&words, 0, 100, 4, &symbols);
    assert_int_equal(encode(&symbols, "\xc3\xa9", 2, &ids), 1);
    assert_int_equal(encode(&symbols, "\xc3\xa8", 2, &ids), 2);
    buf_free(&ids);
    vocab_free(&words);
    vocab_free(&symbols);
}

/* Merges go with the vocabulary, and wrong ones are refused. */
static void travels(void **state)
{
    struct vocab words = {0}, symbols = {0}, back = {0};
    struct err e = {0};
    struct meta head = {0};
    struct segment segment = {0};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    (void)state;
    add(&words, "abab", 4, 9);
    bpe_learn(&words, 0, 2, 1, &symbols);
    struct sink *k = sink_open(&out);
    meta_set(&head, "profile", "tokens");
    assert_int_equal(sink_head(k, &head, &e), 0);
    assert_int_equal(vocab_write(&symbols, "tgt.", k, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    sink_close(k);
    lseek(out.fd, 0, SEEK_SET);
    struct source *s = source_open(out.fd, "x");
    assert_int_equal(source_segment(s, &segment, &e), 1);
    assert_int_equal(vocab_read(&back, "tgt.", &segment, &e), 0);
    assert_true(vocab_same(&symbols, &back));
    assert_int_equal(back.n_merges, 2);
    back.merges[0] ^= 1;
    assert_false(vocab_same(&symbols, &back));
    struct tensor *merges = segment_find(&segment, "tgt.vocab.merges");
    uint32_t *merge = merges->data, was = merge[1];
    merge[1] = (uint32_t)symbols.n;
    assert_int_equal(vocab_read(&back, "tgt.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "merge 0 is of word");
    merge[1] = VOCAB_BEGIN;
    assert_int_equal(vocab_read(&back, "tgt.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "no word of it");
    merge[1] = was;
    merges->dims[0] = 4, merges->dims[1] = 1;
    assert_int_equal(vocab_read(&back, "tgt.", &segment, &e), -1);
    assert_failed(e, STATUS_DATA, "not pairs");
    source_close(s);
    segment_free(&segment);
    meta_free(&head);
    vocab_free(&words);
    vocab_free(&symbols);
    vocab_free(&back);
}

/* Nothing in a vocabulary makes its words UTF-8. Stretches of such bytes are the shortest there are. */
static void learns_from_broken_words(void **state)
{
    (void)state;
    enum { STRETCHES = 300, LENGTH = STRETCHES * BPE_SHORTEST };
    struct vocab words = {0}, symbols = {0};
    char *word = mem_get(LENGTH, 1);
    memset(word, 0x80, LENGTH);
    assert_int_equal(bpe_stretch(word, LENGTH), BPE_SHORTEST);
    add(&words, word, LENGTH, 2);
    bpe_learn(&words, 0, 10, 1, &symbols);
    assert_int_equal(symbols.n_merges, 0);
    assert_int_equal(symbols.counts[vocab_find(&symbols, "<0x80>", 6)], 2 * LENGTH);
    vocab_free(&words);
    vocab_free(&symbols);
    free(word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_as_a_plain_learner_does),
        cmocka_unit_test(low_and_lower),
        cmocka_unit_test(comes_back),
        cmocka_unit_test(remembers_words),
        cmocka_unit_test(min_count),
        cmocka_unit_test(travels),
        cmocka_unit_test(learns_from_broken_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
