/* The stream beside its page: bytes made here by the page alone, not by the library, and what a reader must say to
 * them. */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <xxhash.h>

#include "base/mem.h"
#include "data/slice.h"
#include "data/stream.h"

/* ---- A writer of its own ---- */

enum { HEAD = 1, TENSOR, COLUMN, INDEX, END, ERROR };
enum { MAX_FRAMES = 64 };

struct made {
    struct buf bytes;
    size_t starts[MAX_FRAMES]; /* of each frame */
    size_t n, segment;         /* frames; where the segment starts */
    uint64_t seq, items, marks[MAX_FRAMES], n_marks;
    uint32_t id;
};

static uint32_t crc(const void *bytes, size_t length) /* bit by bit, from the page */
{
    const unsigned char *b = bytes;
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        c ^= b[i];
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
    }
    return ~c;
}

static void store(void *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)to)[i] = (unsigned char)(value >> 8 * i);
}

static void pad(struct buf *b, size_t start)
{
    while ((b->len - start) % 64)
        buf_char(b, 0);
}

static size_t up64(size_t n)
{
    return (n + 63) / 64 * 64;
}

/* Bytes of a frame before its payload. */
static size_t head_length(const unsigned char *frame)
{
    return up64(64u + 8u * frame[13] + frame[14] + 256u * frame[15] + frame[16] + 256u * frame[17] +
                65536u * frame[18]);
}

/* The two checksums of a frame, after its bytes were changed. */
static void seal(unsigned char *frame, bool payload)
{
    uint64_t length = 0;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)frame[24 + i] << 8 * i;
    if (payload)
        store(frame + 40, crc(frame + head_length(frame), length), 4);
    store(frame + 20, 0, 4);
    store(frame + 20, crc(frame, head_length(frame)), 4);
}

struct shape {
    unsigned dtype, rank;
    uint64_t dims[8];
};

static void put(struct made *m, int kind, int flags, struct shape shape, const char *name, const char *meta,
                const void *payload, size_t length, uint64_t raw, uint64_t row0)
{
    unsigned char header[64] = {0x89, 'R', 'N', 'L', 13, 10, 26, 10, 1};
    size_t start = m->bytes.len;
    header[10] = (unsigned char)kind;
    header[11] = (unsigned char)flags;
    header[12] = (unsigned char)shape.dtype;
    header[13] = (unsigned char)shape.rank;
    store(header + 14, strlen(name), 2);
    store(header + 16, strlen(meta), 4);
    store(header + 24, length, 8);
    store(header + 32, raw, 8);
    if (kind == HEAD) {
        m->id = crc(meta, strlen(meta));
        m->segment = start;
        m->seq = m->items = m->n_marks = 0;
    }
    store(header + 44, m->id, 4);
    store(header + 48, m->seq++, 8);
    store(header + 56, row0, 8);
    buf_add(&m->bytes, header, 64);
    for (unsigned i = 0; i < shape.rank; i++) {
        store(header, shape.dims[i], 8);
        buf_add(&m->bytes, header, 8);
    }
    buf_text(&m->bytes, name);
    buf_text(&m->bytes, meta);
    pad(&m->bytes, start);
    buf_add(&m->bytes, payload, length);
    pad(&m->bytes, start);
    seal((unsigned char *)m->bytes.data + start, length > 0);
    m->starts[m->n++] = start;
}

static void head(struct made *m, const char *meta)
{
    put(m, HEAD, 0, (struct shape){0}, "", meta, "", 0, 0, 0);
}

static void tensor(struct made *m, const char *name, struct shape shape, const char *meta, const void *data,
                   size_t length)
{
    m->marks[m->n_marks++] = m->bytes.len;
    put(m, TENSOR, 0, shape, name, meta, data, length, length, 0);
}

static void column(struct made *m, const char *name, struct shape shape, const char *meta, const void *data,
                   size_t length, bool first, bool last)
{
    if (first)
        m->marks[m->n_marks++] = m->bytes.len;
    put(m, COLUMN, last ? 4 : 0, shape, name, meta, data, length, length, m->items);
}

static void end_frame(struct made *m, const char *more)
{
    unsigned char back[8 * MAX_FRAMES];
    char meta[256];
    size_t at = m->bytes.len;
    for (size_t i = 0; i < m->n_marks; i++)
        store(back + 8 * i, at - m->marks[i], 8);
    put(m, INDEX, 0, (struct shape){7, 1, {m->n_marks}}, "", "", back, 8 * m->n_marks, 8 * m->n_marks, 0);
    XXH128_hash_t hash = XXH3_128bits(m->bytes.data + m->segment, m->bytes.len - m->segment);
    snprintf(meta, sizeof meta,
             "digest=%016" PRIx64 "%016" PRIx64 "\nframes=%" PRIu64 "\nitems=%" PRIu64 "\n%sstatus=complete\n",
             (uint64_t)hash.high64, (uint64_t)hash.low64, m->seq + 1, m->items, more);
    put(m, END, 0, (struct shape){0}, "", meta, "", 0, m->bytes.len - at,
        m->bytes.len - m->segment + up64(64 + strlen(meta)));
}

/* A segment that holds every dtype, ranks 0, 1, 2 and 8, an empty array, and two batches with every sort of column. */
static void everything(struct made *m)
{
    static const unsigned char data[64] = {1, 0, 1, 0x3c, 0, 0x42, 0x80, 0x3f, 7, 9, 11, 13, 17, 19, 23, 29};
    static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8, 1};
    static const char *const names[] = {"bool", "u8",  "i8",  "u16",  "i16", "u32", "i32",
                                        "u64",  "i64", "f16", "bf16", "f32", "f64", "utf8"};
    const uint64_t offsets[] = {0, 2, 2, 3}, inner[] = {0, 1, 3, 4};
    const uint32_t ids[] = {4, 5, 6, 7}, shapes[] = {1, 2, 0, 5, 1, 1};
    const float vec[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    head(m, "profile=tensors\nx%25=50%25%0A\n");
    for (unsigned d = 0; d < 14; d++)
        tensor(m, names[d], (struct shape){d, 1, {2}}, "", data, 2 * sizes[d]);
    tensor(m, "scalar \xe7\x88\xb1", (struct shape){12, 0, {0}}, "a=\nb=2\n", data, 8);
    tensor(m, "deep", (struct shape){1, 8, {1, 2, 1, 1, 3, 1, 1, 1}}, "", data + 8, 6);
    tensor(m, "empty", (struct shape){11, 3, {4, 0, 1ull << 60}}, "", "", 0);
    for (int i = 0; i < 2; i++) {
        column(m, "tok.offsets", (struct shape){7, 1, {4}}, "", offsets, 32, true, false);
        column(m, "tok.text.offsets", (struct shape){7, 1, {4}}, "over=tok\n", inner, 32, false, false);
        column(m, "tok.text", (struct shape){13, 1, {4}}, "", "abcd", 4, false, false);
        column(m, "ids", (struct shape){5, 1, {3}}, "over=tok\n", ids, 12, false, false);
        column(m, "vec", (struct shape){11, 2, {3, 2}}, "over=tok\n", vec, 24, false, false);
        column(m, "attn.offsets", (struct shape){7, 1, {4}}, "", offsets, 32, false, false);
        column(m, "attn.shape", (struct shape){5, 2, {3, 2}}, "", shapes, 24, false, false);
        column(m, "attn", (struct shape){11, 1, {3}}, "", vec, 12, false, false);
        column(m, "label", (struct shape){5, 1, {3}}, "", ids, 12, false, true);
        m->items += 3;
    }
    end_frame(m, "parent=00112233445566778899aabbccddeeff\n");
}

static const char chain[] = "1\tw2v-train\tout.tns: No space left on device\n69\tembed\tstandard input: failed\n";

/* A segment that fails inside a batch. */
static void failing(struct made *m)
{
    const uint64_t offsets[] = {0, 1};
    head(m, "profile=tokens\n");
    tensor(m, "w", (struct shape){1, 1, {3}}, "", "\1\2\3", 3);
    column(m, "ids.offsets", (struct shape){7, 1, {2}}, "", offsets, 16, true, false);
    put(m, ERROR, 0, (struct shape){13, 1, {sizeof chain - 1}}, "", "", chain, sizeof chain - 1, sizeof chain - 1, 0);
}

static void made_free(struct made *m)
{
    buf_free(&m->bytes);
}

/* ---- Readers ---- */

/* Frame by frame, to the end or the first failure. Returns 0 or the failure's status. */
static int read_frames(int fd, size_t *n, struct err *e)
{
    struct source *s = source_open(fd, "x");
    struct frame f;
    int got;
    *e = (struct err){0};
    *n = 0;
    while ((got = source_frame(s, &f, e)) > 0)
        ++*n;
    source_close(s);
    return got < 0 ? (int)e->status : 0;
}

/* By segments and batches, as filters read. */
static int read_batches(int fd, struct err *e)
{
    struct source *s = source_open(fd, "x");
    struct segment segment = {0};
    struct batch batch = {0};
    int got = 1;
    *e = (struct err){0};
    while (got > 0 && (got = source_segment(s, &segment, e)) > 0) {
        while ((got = source_batch(s, &batch, e)) > 0)
            ;
        got = got < 0 ? -1 : 1;
    }
    segment_free(&segment);
    batch_free(&batch);
    source_close(s);
    return got < 0 ? (int)e->status : 0;
}

static int read_made(const struct made *m, struct err *e)
{
    size_t n;
    int status = read_frames(memory_file(m->bytes.data, m->bytes.len), &n, e);
    struct err other;
    assert_int_equal(read_batches(memory_file(m->bytes.data, m->bytes.len), &other), status);
    return status;
}

/* ---- Tests ---- */

/* The example of the page, read out of the page: the test's writer makes it, the reader reads it, the sink writes
 * it. */
static void page_example(void **state)
{
    (void)state;
    struct buf page = {0};
    struct made m = {0};
    char line[256], last[16] = "";
    size_t at, next = 0;
    FILE *f = fopen("lib/data/stream.5", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *end, *byte = line + 6;
        at = strtoul(line, &end, 16);
        if (line[0] == '*' && page.len)
            next = 1; /* the line before goes on */
        if (end != line + 6 || (line[6] != ' ' && line[6] != '\n'))
            continue;
        for (; next && page.len < at;)
            buf_add(&page, last, 16);
        next = 0;
        for (int i = 0; i < 16 && *byte == ' '; i++, byte += 3)
            last[i] = (char)strtoul(byte, NULL, 16);
        if (line[6] == ' ')
            buf_add(&page, last, 16);
    }
    fclose(f);
    head(&m, "profile=tensors\n");
    tensor(&m, "w", (struct shape){1, 1, {3}}, "", "\1\2\3", 3);
    column(&m, "label", (struct shape){5, 1, {2}}, "", "\7\0\0\0\2\1\0\0", 8, true, true);
    m.items = 2;
    end_frame(&m, "");
    assert_int_equal(page.len, m.bytes.len);
    assert_memory_equal(page.data, m.bytes.data, page.len);

    struct err e = {0};
    struct source *s = source_open(memory_file(page.data, page.len), "page");
    struct segment segment = {0};
    struct batch batch = {0};
    assert_int_equal(source_segment(s, &segment, &e), 1);
    assert_string_equal(segment_profile(&segment), "tensors");
    assert_int_equal(segment.n, 1);
    assert_string_equal(segment.tensors[0].name, "w");
    assert_memory_equal(segment.tensors[0].data, "\1\2\3", 3);
    assert_int_equal(source_batch(s, &batch, &e), 1);
    assert_int_equal(batch.n, 2);
    assert_int_equal(((uint32_t *)batch.columns[0].data)[1], 258);

    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    assert_int_equal(sink_head(k, &segment.head, &e), 0);
    assert_int_equal(sink_tensor(k, &segment.tensors[0], &e), 0);
    assert_int_equal(sink_batch(k, &batch, &e), 0);
    assert_int_equal(sink_end(k, "complete", NULL, &e), 0);
    struct buf written = file_bytes(out.fd);
    assert_int_equal(written.len, page.len);
    assert_memory_equal(written.data, page.data, page.len);
    assert_int_equal(source_batch(s, &batch, &e), 0);
    assert_string_equal(source_digests(s), meta_get(source_end(s), "digest"));
    sink_close(k);
    close(out.fd);
    batch_free(&batch);
    segment_free(&segment);
    source_close(s);
    buf_free(&written);
    buf_free(&page);
    made_free(&m);
}

static void reads_everything(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e = {0};
    struct segment segment = {0};
    struct batch batch = {0};
    everything(&m);
    assert_int_equal(read_made(&m, &e), 0);
    struct source *s = source_open(memory_file(m.bytes.data, m.bytes.len), "x");
    assert_int_equal(source_segment(s, &segment, &e), 1);
    assert_string_equal(meta_get(&segment.head, "x%"), "50%\n");
    assert_int_equal(segment.n, 17);
    for (unsigned d = 0; d < 14; d++) {
        assert_string_equal(segment.tensors[d].name, dtype_name((enum dtype)d));
        assert_int_equal(segment.tensors[d].dtype, d);
        assert_int_equal(segment.tensors[d].bytes, 2 * dtype_size((enum dtype)d));
    }
    const struct tensor *t = segment_need(&segment, "deep", &e);
    assert_int_equal(t->rank, 8);
    assert_int_equal(t->dims[4], 3);
    assert_int_equal(segment_need(&segment, "empty", &e)->dims[2], 1ull << 60);
    assert_int_equal(segment_need(&segment, "empty", &e)->bytes, 0);
    t = segment_need(&segment, "scalar \xe7\x88\xb1", &e);
    assert_string_equal(meta_get(&t->meta, "a"), "");
    assert_string_equal(meta_get(&t->meta, "b"), "2");
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(source_batch(s, &batch, &e), 1);
        assert_int_equal(batch.row0, 3 * i);
        assert_int_equal(batch.n, 3);
        assert_int_equal(batch.n_columns, 9);
        assert_int_equal(batch_offsets(&batch, "vec", &e)[1], 2);
        assert_memory_equal(batch_find(&batch, "tok.text")->data, "abcd", 4);
    }
    assert_int_equal(source_batch(s, &batch, &e), 0);
    assert_string_equal(meta_get(source_end(s), "parent"), "00112233445566778899aabbccddeeff");
    assert_int_equal(source_segment(s, &segment, &e), 0);
    assert_int_equal(source_position(s), m.bytes.len);
    source_close(s);
    segment_free(&segment);
    batch_free(&batch);
    made_free(&m);
}

static void error_frame(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e;
    failing(&m);
    assert_int_equal(read_made(&m, &e), 69);
    assert_string_equal(e.chain, chain);
    assert_failed(e, STATUS_UPSTREAM, "w2v-train: out.tns: No space left on device");
    buf_char(&m.bytes, 0);
    assert_int_equal(read_made(&m, &e), 65);
    assert_failed(e, STATUS_DATA, "follow");
    made_free(&m);

    m = (struct made){0}; /* a filter that failed before it wrote anything */
    head(&m, "profile=tokens\n");
    put(&m, ERROR, 0, (struct shape){13, 1, {9}}, "", "", "65\tx\tmsg\n", 9, 9, 0);
    assert_int_equal(read_made(&m, &e), 69);
    made_free(&m);
}

static void sink_fails_in_turn(void **state)
{
    (void)state;
    struct err failure = {0}, e;
    struct made m = {0};
    failing(&m);
    size_t n;
    assert_int_equal(read_frames(memory_file(m.bytes.data, m.bytes.len), &n, &failure), 69);
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    sink_fail(k, "vectors", "rnn-train", &failure);
    sink_close(k);
    assert_int_equal(lseek(out.fd, 0, SEEK_SET), 0);
    assert_int_equal(read_frames(out.fd, &n, &e), 69);
    assert_int_equal(n, 1);
    assert_memory_equal(e.chain, chain, sizeof chain - 1);
    assert_non_null(strstr(e.chain + sizeof chain - 1, "69\trnn-train\t"));
    made_free(&m);
}

/* Under AddressSanitizer, which makes opening a source slow, one bit of each byte is enough. */
#ifdef __SANITIZE_ADDRESS__
enum { FLIPS_A_BYTE = 1 };
#else
enum { FLIPS_A_BYTE = 8 };
#endif

/* Every single-bit flip and every cut. Two segments: the cut between them is the one that is legal. */
static void flips_and_cuts(void **state)
{
    (void)state;
    struct err e;
    size_t n;
    for (int which = 0; which < 2; which++) {
        struct made m = {0};
        size_t join = 0;
        if (which == 0)
            everything(&m);
        else
            failing(&m);
        if (which == 1) { /* a small whole segment in front */
            struct made two = {0};
            head(&two, "profile=tokens\n");
            end_frame(&two, "");
            join = two.bytes.len;
            buf_add(&two.bytes, m.bytes.data, m.bytes.len);
            made_free(&m);
            m = two;
        }
        int fd = memory_file(m.bytes.data, m.bytes.len);
        for (size_t i = 0; i < FLIPS_A_BYTE * m.bytes.len; i++) {
            size_t bit = FLIPS_A_BYTE == 8 ? i : 8 * i + i % 8;
            char flipped = (char)(m.bytes.data[bit / 8] ^ 1 << bit % 8);
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
            lseek(fd, 0, SEEK_SET);
            if (read_frames(dup(fd), &n, &e) != 65 || !*e.text)
                fail_msg("flip of bit %zu of byte %zu: status %d %s", bit % 8, bit / 8, e.status, e.text);
            lseek(fd, 0, SEEK_SET);
            if (bit % 8 == bit / 8 % 8 && read_batches(dup(fd), &e) != 65)
                fail_msg("flip of bit %zu of byte %zu in batches: status %d %s", bit % 8, bit / 8, e.status, e.text);
            assert_int_equal(pwrite(fd, &m.bytes.data[bit / 8], 1, (off_t)(bit / 8)), 1);
        }
        for (size_t cut = m.bytes.len; cut-- > 0;) {
            assert_int_equal(ftruncate(fd, (off_t)cut), 0);
            lseek(fd, 0, SEEK_SET);
            int wanted = join && cut == join ? 0 : 65, status = read_frames(dup(fd), &n, &e);
            if (status != wanted)
                fail_msg("cut at byte %zu: status %d %s", cut, status, e.text);
            lseek(fd, 0, SEEK_SET);
            assert_int_equal(read_batches(dup(fd), &e), wanted);
        }
        close(fd);
        made_free(&m);
    }
}

/* One field of one frame written wrong, its checksums right: who reads it must say what is wrong. Frames of
 * everything(): 0 HEAD, 1-14 dtypes, 15 scalar, 16 deep, 17 empty, 18-26 and 27-35 batches, 36 INDEX, 37 END; payloads
 * begin at 128. */
static void wrong_fields(void **state)
{
    (void)state;
    static const struct {
        size_t frame, at, size;
        uint64_t value;
        const char *says;
    } wrongs[] = {
        {0, 8, 1, 2, "version 2"},
        {1, 8, 1, 0, "version 0"},
        {1, 10, 1, 7, "kind 7"},
        {1, 10, 1, 0, "kind 0"},
        {1, 11, 1, 8, "flag"},
        {1, 11, 1, 4, "flag"},
        {1, 11, 1, 2, "compressed"},
        {0, 11, 1, 1, "flag"},
        {36, 11, 1, 4, "flag"},
        {37, 11, 1, 4, "flag"},
        {17, 11, 1, 1, "compressed"},
        {1, 12, 1, 14, "type"},
        {0, 12, 1, 3, "payload or a shape"},
        {37, 12, 1, 3, "payload or a shape"},
        {1, 13, 1, 9, "rank 9"},
        {1, 13, 1, 255, "rank 255"},
        {1, 14, 2, 300, "name of 300"},
        {1, 16, 4, (1 << 20) + 1, "1048577"},
        {1, 24, 8, 1ull << 46, "payload"},
        {1, 24, 8, 3, "length"},
        {1, 32, 8, 3, "length"},
        {0, 32, 8, 1, "payload or a shape"},
        {17, 40, 4, 1, "checksum"},
        {37, 40, 4, 1, "payload or a shape"},
        {0, 44, 4, 1, "stream id"},
        {1, 44, 4, 1, "another stream"},
        {37, 44, 4, 1, "another stream"},
        {0, 48, 8, 1, "numbered 1"},
        {1, 48, 8, 2, "numbered 2"},
        {2, 48, 8, 1, "numbered 1"},
        {0, 56, 8, 1, "row0"},
        {1, 56, 8, 1, "row0"},
        {36, 56, 8, 1, "row0"},
        {18, 56, 8, 1, "begins at item 1"},
        {19, 56, 8, 1, "begins at item 1"},
        {27, 56, 8, 0, "begins at item 0"},
        {27, 56, 8, 4, "begins at item 4"},
        {26, 11, 1, 0, ""},                    /* no column of the batch says that it is the last */
        {29, 11, 1, 4, "not as many columns"}, /* the second batch ends early */
        {1, 64, 8, 3, "length"},
        {16, 64, 8, 1ull << 63, "large"},
        {16, 64, 8, 0x8000000000000001, "large"},
        {16, 64, 8, 0, "length"},
        {1, 72, 1, 7, "plain UTF-8"},
        {1, 72, 1, 0xff, "plain UTF-8"},
        {1, 72, 1, 0, "plain UTF-8"},
        {2, 72, 2, 0x3869, "twice"}, /* u8 becomes i8; the next one is i8 */
        {1, 127, 1, 1, "padding"},
        {1, 129, 1, 2, "bool"},
        {1, 191, 1, 1, "padding behind the payload"},
        {18, 128, 8, 1, "begin with 0"},
        {18, 136, 8, 9, "smaller"},
        {18, 152, 8, 4, "rows"}, /* another token than tok.text.offsets has */
        {19, 72, 2, 0x3131, "4 rows where 3"},
        {24, 128, 4, 2, "as its shape says"},
        {36, 128, 8, 64, "INDEX entry 0"},
        {36, 64, 8, 18, "length"},
        {37, 32, 8, 0, "INDEX"},
        {37, 32, 8, 64, "INDEX"},
        {37, 56, 8, 64, "END says"},
        {37, 71, 1, 'f', "digest"},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        struct made m = {0};
        struct err e;
        everything(&m);
        assert_int_equal(m.n, 38);
        unsigned char *frame = (unsigned char *)m.bytes.data + m.starts[wrongs[i].frame];
        size_t at = wrongs[i].at, length = head_length(frame);
        store(frame + at, wrongs[i].value, wrongs[i].size);
        if (at < 13 || at >= 17) /* where the head's own length is wrong it is refused before any checksum */
            if (at != 24 && at != 40)
                seal(frame, at >= length && at != 191);
        if (at == 24 || at == 40) {
            store(frame + 20, 0, 4);
            store(frame + 20, crc(frame, length), 4);
        }
        if (read_made(&m, &e) != 65 || !strstr(e.text, wrongs[i].says))
            fail_msg("wrong field %zu (frame %zu, byte %zu): status %d, '%s' does not say '%s'", i, wrongs[i].frame,
                     wrongs[i].at, e.status, e.text, wrongs[i].says);
        made_free(&m);
    }
}

/* Streams whose every frame is right by itself. `says` NULL: it must be read. */
static void order(void **state)
{
    (void)state;
    static const char *const says[] = {
        "TENSOR stands where",       /* 0 a tensor behind a batch */
        "twice",                     /* 1 two tensors of a name */
        "END stands where",          /* 2 no INDEX */
        "numbered 0",                /* 3 no END */
        "twice",                     /* 4 a column twice in a batch */
        "where the first batch has", /* 5 another column in the second batch */
        "another type",              /* 6 another dtype in the second batch */
        "has no name",               /* 7 */
        "rank 0",                    /* 8 */
        "empty",                     /* 9 a batch of no items */
        "runs over",                 /* 10 over= what is not there */
        "rows",                      /* 11 ragged, with too few rows */
        "not a tensor stream|HEAD",  /* 12 no HEAD */
        "INDEX stands where",        /* 13 in the middle of a batch */
        "out of order",              /* 14 meta */
        "doubled",                   /* 15 meta */
        "key=value",                 /* 16 meta without LF */
        "key=value",                 /* 17 meta with %0a */
        "key=value",                 /* 18 meta with %41, which needs no escape */
        "key=value",                 /* 19 meta without a key */
        "large",                     /* 20 dims whose product wraps */
        "length",                    /* 21 dims that claim what is not there */
        NULL,                        /* 22 an unknown ancillary frame */
        NULL,                        /* 23 a newer minor version */
        "no frame begins here",      /* 24 bytes behind END */
        "lines",                     /* 25 ERROR without LF */
        "lines",                     /* 26 ERROR that is no line of three fields */
        "lines",                     /* 27 ERROR with an escape for terminals */
        "two programs",              /* 28 frames of another stream */
        "without its END",           /* 29 HEAD alone */
        NULL,                        /* 30 HEAD, INDEX, END: nothing in it */
        "u64",                       /* 31 offsets of another type */
        "END says items=",           /* 32 */
        "INDEX has a name",          /* 33 */
        "INDEX has metadata",        /* 34 */
    };
    const struct shape three = {1, 1, {3}}, offsets = {7, 1, {2}};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct made m = {0};
        struct err e;
        static const char *const metas[] = {"b=1\na=1\n", "a=1\na=1\n", "a=1", "a=%0a\n", "a=%41\n", "=1\n"};
        if (i != 12)
            head(&m, "profile=tensors\n");
        switch (i) {
        case 0:
            column(&m, "c", three, "", "abc", 3, true, true);
            tensor(&m, "t", three, "", "abc", 3);
            break;
        case 1:
            tensor(&m, "t", three, "", "abc", 3);
            tensor(&m, "t", three, "", "abc", 3);
            break;
        case 2:
            put(&m, END, 0, (struct shape){0}, "", "", "", 0, 0, 0);
            break;
        case 3:
            tensor(&m, "t", three, "", "abc", 3);
            head(&m, "profile=tensors\n");
            break;
        case 4:
            column(&m, "c", three, "", "abc", 3, true, false);
            column(&m, "c", three, "", "abc", 3, false, true);
            break;
        case 5:
        case 6:
            column(&m, "c", three, "", "abc", 3, true, true);
            m.items = 3;
            column(&m, i == 5 ? "d" : "c", (struct shape){i == 5 ? 1 : 2, 1, {3}}, "", "abc", 3, true, true);
            break;
        case 7:
            tensor(&m, "", three, "", "abc", 3);
            break;
        case 8:
            column(&m, "c", (struct shape){1, 0, {0}}, "", "a", 1, true, true);
            break;
        case 9:
            column(&m, "c", (struct shape){1, 1, {0}}, "", "", 0, true, true);
            break;
        case 10:
            column(&m, "c", three, "over=d\n", "abc", 3, true, true);
            break;
        case 11:
            column(&m, "c.offsets", offsets, "", "\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16, true, false);
            column(&m, "c", three, "", "abc", 3, false, true);
            break;
        case 12:
            tensor(&m, "t", three, "", "abc", 3);
            break;
        case 13:
            column(&m, "c", three, "", "abc", 3, true, false);
            break;
        case 20:
            tensor(&m, "t", (struct shape){1, 3, {4194305, 4194305, 211106198978564}}, "", "abc", 3);
            break;
        case 21:
            tensor(&m, "t", (struct shape){1, 2, {1ull << 20, 1 << 20}}, "", "abc", 3);
            break;
        case 22:
            put(&m, 0x80 + 9, 0, three, "note", "k=v\n", "abc", 3, 3, 0);
            break;
        case 23:
            m.bytes.data[9] = 7;
            seal((unsigned char *)m.bytes.data, false);
            break;
        case 25:
            put(&m, ERROR, 0, (struct shape){13, 1, {7}}, "", "", "1\tx\tmsg", 7, 7, 0);
            break;
        case 26:
            put(&m, ERROR, 0, (struct shape){13, 1, {6}}, "", "", "1\tmsg\n", 6, 6, 0);
            break;
        case 27:
            put(&m, ERROR, 0, (struct shape){13, 1, {9}}, "", "", "1\tx\t\33[31\n", 9, 9, 0);
            break;
        case 28:
            m.id++;
            tensor(&m, "t", three, "", "abc", 3);
            break;
        case 31:
            column(&m, "c.offsets", (struct shape){5, 1, {2}}, "", "\0\0\0\0\0\0\0\0", 8, true, true);
            break;
        case 32:
            m.items = 1;
            break;
        case 33:
        case 34:
            put(&m, INDEX, 0, (struct shape){7, 1, {0}}, i == 33 ? "i" : "", i == 34 ? "a=\n" : "", "", 0, 0, 0);
            break;
        default:
            if (i >= 14 && i <= 19)
                tensor(&m, "t", three, metas[i - 14], "abc", 3);
        }
        if (i != 29)
            end_frame(&m, "");
        if (i == 24)
            buf_text(&m.bytes, "more");
        int status = read_made(&m, &e);
        const char * or = says[i] ? strchr(says[i], '|') : NULL;
        char first[64] = "";
        if (or)
            snprintf(first, sizeof first, "%.*s", (int)(or -says[i]), says[i]);
        bool said = !says[i] || strstr(e.text, says[i]) || (or &&(strstr(e.text, first) || strstr(e.text, or +1)));
        if (status != (says[i] ? 65 : 0) || !said)
            fail_msg("stream %zu: status %d, '%s' does not say '%s'", i, status, e.text, says[i] ? says[i] : "");
        made_free(&m);
    }
}

/* Frames lost, doubled, swapped; halves of two streams put together. */
static void frames_mixed(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e;
    everything(&m);
    for (size_t i = 0; i < m.n; i++) {
        size_t start = m.starts[i], next = i + 1 < m.n ? m.starts[i + 1] : m.bytes.len;
        struct made lost = {0}, doubled = {0}, swapped = {0}, halves = {0};
        buf_add(&lost.bytes, m.bytes.data, start);
        buf_add(&lost.bytes, m.bytes.data + next, m.bytes.len - next);
        assert_int_equal(read_made(&lost, &e), 65);
        buf_add(&doubled.bytes, m.bytes.data, next);
        buf_add(&doubled.bytes, m.bytes.data + start, m.bytes.len - start);
        assert_int_equal(read_made(&doubled, &e), 65);
        if (i + 1 < m.n) {
            size_t end = i + 2 < m.n ? m.starts[i + 2] : m.bytes.len;
            buf_add(&swapped.bytes, m.bytes.data, start);
            buf_add(&swapped.bytes, m.bytes.data + next, end - next);
            buf_add(&swapped.bytes, m.bytes.data + start, next - start);
            buf_add(&swapped.bytes, m.bytes.data + end, m.bytes.len - end);
            assert_int_equal(read_made(&swapped, &e), 65);
        }
        if (i) {
            buf_add(&halves.bytes, m.bytes.data, start);
            buf_add(&halves.bytes, m.bytes.data, m.bytes.len);
            assert_int_equal(read_made(&halves, &e), 65);
        }
        made_free(&lost);
        made_free(&doubled);
        made_free(&swapped);
        made_free(&halves);
    }
    buf_add(&m.bytes, m.bytes.data, 0);
    struct buf once = {0};
    buf_add(&once, m.bytes.data, m.bytes.len);
    buf_add(&m.bytes, once.data, once.len); /* cat of two whole streams */
    assert_int_equal(read_made(&m, &e), 0);
    buf_free(&once);
    made_free(&m);
}

/* A header that declares 1 TiB, its checksum right: memory grows as bytes arrive. */
static void huge_claim(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e;
    struct rusage before, after;
    head(&m, "profile=tensors\n");
    tensor(&m, "w", (struct shape){1, 1, {1ull << 40}}, "", "abc", 3);
    unsigned char *frame = (unsigned char *)m.bytes.data + m.starts[1];
    store(frame + 24, 1ull << 40, 8);
    store(frame + 32, 1ull << 40, 8);
    store(frame + 20, 0, 4);
    store(frame + 20, crc(frame, head_length(frame)), 4);
    getrusage(RUSAGE_SELF, &before);
    assert_int_equal(read_made(&m, &e), 65);
    getrusage(RUSAGE_SELF, &after);
    assert_failed(e, STATUS_DATA, "without its END");
    assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
    made_free(&m);
}

/* Reads are short and of odd sizes on pipes. */
static void byte_by_byte(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e;
    int ends[2];
    everything(&m);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < m.bytes.len; i++)
            if (write(ends[1], m.bytes.data + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read_batches(ends[0], &e), 0);
    made_free(&m);
}

/* The sink holds the rules too: what a source would refuse is not written. */
static void sink_refuses(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {0, 2, 1};
    struct outfile out = {.fd = memory_file("", 0), .inplace = true};
    struct sink *k = sink_open(&out);
    struct meta headmeta = {0};
    struct err e = {0};
    uint64_t three = 3, two = 2;
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    meta_set(&headmeta, "profile", "tensors");
    assert_int_equal(sink_head(k, &headmeta, &e), 0);
    struct tensor t = tensor_view("w", DTYPE_U8, 1, &three, "abc");
    assert_int_equal(sink_tensor(k, &t, &e), 0);
    assert_int_equal(sink_tensor(k, &t, &e), -1);
    assert_failed(e, STATUS_DATA, "'w' stands twice");
    tensor_free(&t);
    const struct {
        const char *name, *says;
    } names[] = {{"", "no name"}, {"a\nb", "control"}, {"\xc0\x80", "UTF-8"}, {name, "longer"}};
    for (size_t i = 0; i < 4; i++) {
        t = tensor_view(names[i].name, DTYPE_U8, 1, &three, "abc");
        assert_int_equal(sink_tensor(k, &t, &e), -1);
        assert_failed(e, STATUS_DATA, names[i].says);
        tensor_free(&t);
    }
    struct batch batch = {.n = 2};
    batch_add(&batch, tensor_view("x.offsets", DTYPE_U64, 1, &three, offsets), &e);
    batch_add(&batch, tensor_view("x", DTYPE_U8, 1, &two, "ab"), &e);
    assert_int_equal(sink_batch(k, &batch, &e), -1);
    assert_failed(e, STATUS_DATA, "smaller");
    assert_int_equal(batch_add(&batch, tensor_view("x", DTYPE_U8, 1, &two, "ab"), &e), -1);
    assert_failed(e, STATUS_DATA, "'x' already");
    batch_free(&batch);
    assert_int_equal(sink_end(k, "complete", "", &e), 0);
    lseek(out.fd, 0, SEEK_SET);
    assert_int_equal(read_batches(dup(out.fd), &e), 0); /* what was refused left no trace */
    sink_close(k);
    close(out.fd);
    meta_free(&headmeta);
}

/* Items cut out of a batch, columns within columns, against the same items typed out. */
static void slices(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e = {0};
    struct segment segment = {0};
    struct batch batch = {0}, part = {0};
    everything(&m);
    struct source *s = source_open(memory_file(m.bytes.data, m.bytes.len), "x");
    assert_int_equal(source_segment(s, &segment, &e), 1);
    assert_int_equal(source_batch(s, &batch, &e), 1);
    assert_int_equal(source_batch(s, &batch, &e), 1);
    batch_slice(&batch, 1, 3, &part);
    assert_int_equal(part.n, 2);
    assert_int_equal(part.row0, 4);
    assert_int_equal(batch_items(&part), 2);
    const uint64_t offsets[] = {0, 0, 1};
    assert_int_equal(part.columns[0].dims[0], 3);
    assert_memory_equal(batch_find(&part, "tok.offsets")->data, offsets, 24);
    assert_int_equal(batch_find(&part, "tok.text.offsets")->dims[0], 2);
    assert_int_equal(((uint64_t *)batch_find(&part, "tok.text.offsets")->data)[1], 1);
    assert_int_equal(batch_find(&part, "tok.text")->bytes, 1);
    assert_memory_equal(batch_find(&part, "tok.text")->data, "d", 1);
    assert_int_equal(((uint32_t *)batch_find(&part, "ids")->data)[0], 6);
    assert_true(((float *)batch_find(&part, "vec")->data)[0] == 5);
    assert_int_equal(batch_find(&part, "vec")->dims[0], 1);
    assert_int_equal(batch_find(&part, "attn.shape")->dims[0], 2);
    assert_true(((float *)batch_find(&part, "attn")->data)[0] == 3);
    assert_int_equal(((uint32_t *)batch_find(&part, "label")->data)[0], 5);
    assert_string_equal(meta_get(&batch_find(&part, "vec")->meta, "over"), "tok");
    batch_slice(&batch, 1, 2, &part); /* an item without tokens */
    assert_int_equal(batch_find(&part, "tok.text")->dims[0], 0);
    assert_int_equal(batch_find(&part, "vec")->dims[0], 0);
    batch_free(&part);
    batch_free(&batch);
    segment_free(&segment);
    source_close(s);
    made_free(&m);
}

static void loads_models(void **state)
{
    (void)state;
    struct made m = {0};
    struct err e = {0};
    struct segment segment = {0};
    char path[] = "/tmp/runnel-unit-XXXXXX", digest[33];
    int fd = mkstemp(path);
    head(&m, "profile=model/rnn\n");
    tensor(&m, "w", (struct shape){1, 1, {3}}, "", "\1\2\3", 3);
    end_frame(&m, "");
    size_t whole = m.bytes.len;
    assert_int_equal(write(fd, m.bytes.data, whole), whole);
    assert_int_equal(segment_load(path, &segment, digest, &e), 0);
    assert_int_equal(strlen(digest), 32);
    assert_non_null(segment_need(&segment, "w", &e));
    assert_null(segment_need(&segment, "v", &e));
    assert_failed(e, STATUS_DATA, "there is w");
    segment_free(&segment);
    assert_int_equal(write(fd, m.bytes.data, whole), whole); /* two segments */
    assert_int_equal(segment_load(path, &segment, digest, &e), -1);
    assert_failed(e, STATUS_DATA, "second segment");
    segment_free(&segment);
    made_free(&m);
    everything(&m);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, m.bytes.data, m.bytes.len, 0), m.bytes.len);
    assert_int_equal(segment_load(path, &segment, NULL, &e), -1);
    assert_failed(e, STATUS_DATA, "batches");
    segment_free(&segment);
    assert_int_equal(segment_load("/tmp", &segment, NULL, &e), -1);
    assert_failed(e, STATUS_FAILED, "directory");
    assert_int_equal(segment_load("/tmp/not/there", &segment, NULL, &e), -1);
    assert_failed(e, STATUS_FAILED, "/tmp/not/there");
    unlink(path);
    close(fd);
    made_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_claim), /* first: it looks at the peak of memory */
        cmocka_unit_test(page_example),   cmocka_unit_test(reads_everything),
        cmocka_unit_test(error_frame),    cmocka_unit_test(sink_fails_in_turn),
        cmocka_unit_test(flips_and_cuts), cmocka_unit_test(wrong_fields),
        cmocka_unit_test(order),          cmocka_unit_test(frames_mixed),
        cmocka_unit_test(byte_by_byte),   cmocka_unit_test(sink_refuses),
        cmocka_unit_test(slices),         cmocka_unit_test(loads_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
