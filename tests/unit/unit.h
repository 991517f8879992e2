/* unit: what the unit tests share. Tests run in the root of the source tree. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

/* A file in memory that holds these bytes, to be read from its start. */
static inline int memory_file(const void *bytes, size_t length)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* All bytes of a descriptor that can seek. */
static inline struct buf file_bytes(int fd)
{
    struct buf out = {0};
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    for (ssize_t n; (n = read(fd, buf_room(&out, 1 << 16), 1 << 16)) > 0;)
        out.len += (size_t)n;
    out.data[out.len] = 0;
    return out;
}

/* The failure is of this status, and its sentence holds these words. */
#define assert_failed(e, wanted, words)                                                                                \
    do {                                                                                                               \
        assert_int_equal((e).status, wanted);                                                                          \
        if (!strstr((e).text, words))                                                                                  \
            fail_msg("'%s' does not say '%s'", (e).text, words);                                                       \
    } while (0)

#endif
