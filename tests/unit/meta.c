/* Metadata: one right spelling, everything else refused. */
#include "unit.h"

#include "data/meta.h"

static void both_ways(void **state)
{
    (void)state;
    struct meta m = {0}, back = {0};
    struct buf text = {0};
    struct err e = {0};
    meta_set(&m, "b", "2");
    meta_set(&m, "a=%", "x=y 100%\n\t\x7f");
    meta_set(&m, "\xe7\x88\xb1", "");
    meta_set(&m, "b", "3");
    meta_setf(&m, "n", "%d", 42);
    meta_encode(&m, &text);
    assert_string_equal(text.data, "a%3D%25=x=y 100%25%0A%09%7F\nb=3\nn=42\n\xe7\x88\xb1=\n");
    assert_int_equal(meta_decode(&back, text.data, text.len, &e), 0);
    assert_int_equal(back.n, 4);
    assert_string_equal(meta_get(&back, "a=%"), "x=y 100%\n\t\x7f");
    assert_string_equal(meta_get(&back, "\xe7\x88\xb1"), "");
    assert_null(meta_get(&back, "a"));
    meta_set(&back, "more", "");
    assert_int_equal(back.n, 5);
    meta_copy(&back, &m);
    buf_clear(&text);
    meta_encode(&back, &text);
    assert_int_equal(back.n, 4);
    meta_free(&m);
    meta_free(&back);
    buf_free(&text);
    assert_int_equal(meta_decode(&back, "", 0, &e), 0);
    assert_int_equal(back.n, 0);
}

static void refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "a",       "a\n",    "=1\n",     "a=1", "b=1\na=1\n", "a=1\na=2\n", "a=%\n",    "a=%0\n",  "a=%0a\n", "a=%41\n",
        "a=%00\n", "a=\t\n", "a=\x7f\n", "\n",  "a=1\n\n",    "a=%3D\n",    "a%3d=1\n", "a=1\r\n", "a=%G0\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct meta m = {0};
        struct err e = {0};
        if (meta_decode(&m, bad[i], strlen(bad[i]), &e) == 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.status, STATUS_DATA);
        meta_free(&m);
    }
    struct meta m = {0};
    struct err e = {0};
    assert_int_equal(meta_decode(&m, "a=\0b\n", 5, &e), -1); /* NUL */
    meta_free(&m);
    assert_int_equal(meta_decode(&m, "a%3D=1\nb%25=\n", 13, &e), 0);
    assert_string_equal(meta_get(&m, "a="), "1");
    meta_free(&m);
}

/* The order is that of decoded keys, by bytes: '%' (25) comes before 'a', as does 0x01, though "%01" would come
 * first. */
static void sorted_by_bytes(void **state)
{
    (void)state;
    struct meta m = {0}, back = {0};
    struct buf text = {0};
    struct err e = {0};
    for (int c = 255; c > 0; c--)
        meta_set(&m, (char[]){(char)c, 0}, "v");
    assert_int_equal(m.n, 255);
    for (size_t i = 0; i < m.n; i++)
        assert_int_equal((unsigned char)m.pairs[i].key[0], i + 1);
    meta_encode(&m, &text);
    assert_int_equal(meta_decode(&back, text.data, text.len, &e), 0);
    assert_int_equal(back.n, 255);
    meta_free(&m);
    meta_free(&back);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(refused),
        cmocka_unit_test(sorted_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
