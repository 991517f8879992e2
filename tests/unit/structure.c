/* The house as its plan says: floors, pages, tests. Reads the source tree it runs in. */
#include "unit.h"

#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>

/* What each floor may include besides itself. */
static const struct {
    const char *name, *below;
} floors[] = {
    {"base", ""},
    {"math", "base"},
    {"data", "base"},
    {"net", "base math data"},
    {"app", "base math data net"},
    {"tools", "base math data net app"},
};

static bool may_include(size_t floor, const char *other)
{
    const char *at = strstr(floors[floor].below, other);
    return !strcmp(floors[floor].name, other) ||
           (at && (at == floors[floor].below || at[-1] == ' ') && (at[strlen(other)] == ' ' || !at[strlen(other)]));
}

/* Includes of one file that climb; says each. */
static int climbs(size_t floor, const char *path)
{
    char line[1024], other[64];
    int found = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, " # include \"%63[^/\"]/", other) == 1 && strcmp(other, ".") && strcmp(other, "..")) {
            if (strchr(other, '.') || !may_include(floor, other)) {
                print_error("%s: %s", path, line);
                found++;
            }
        }
    fclose(f);
    return found;
}

static void no_floor_is_climbed(void **state)
{
    (void)state;
    int found = 0;
    size_t files = 0;
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        char pattern[64];
        glob_t paths;
        bool tools = !strcmp(floors[i].name, "tools");
        snprintf(pattern, sizeof pattern, tools ? "tools/*.c" : "lib/%s/*.[ch]", floors[i].name);
        assert_int_equal(glob(pattern, 0, NULL, &paths), 0);
        for (size_t p = 0; p < paths.gl_pathc; p++)
            found += climbs(i, paths.gl_pathv[p]);
        files += paths.gl_pathc;
        globfree(&paths);
    }
    assert_int_equal(found, 0);
    assert_true(files > 40); /* it has read something */
    assert_false(may_include(1, "data") || may_include(2, "math") || may_include(0, "app"));
}

/* Nothing lies in lib but the five floors. */
static void five_floors(void **state)
{
    (void)state;
    DIR *lib = opendir("lib");
    assert_non_null(lib);
    for (struct dirent *entry; (entry = readdir(lib));) {
        bool known = entry->d_name[0] == '.';
        for (size_t i = 0; i + 1 < sizeof floors / sizeof *floors; i++)
            known |= !strcmp(entry->d_name, floors[i].name);
        if (!known)
            fail_msg("lib/%s is no floor", entry->d_name);
    }
    closedir(lib);
}

static void tools_have_pages_and_tests(void **state)
{
    (void)state;
    glob_t paths;
    int missing = 0;
    assert_int_equal(glob("tools/*.c", 0, NULL, &paths), 0);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char name[64], other[128];
        assert_int_equal(sscanf(paths.gl_pathv[i], "tools/%63[^.].c", name), 1);
        for (int form = 0; form < 2; form++) {
            snprintf(other, sizeof other, form ? "tests/cli/%s.bats" : "tools/%s.1", name);
            if (access(other, R_OK)) {
                print_error("%s has no %s\n", paths.gl_pathv[i], other);
                missing++;
            }
        }
    }
    globfree(&paths);
    assert_int_equal(missing, 0);
}

/* Functions that this house does without: no bound, no error, or a shell. */
static void forbidden_calls(void **state)
{
    (void)state;
    static const char *const names[] = {"system", "popen", "strcpy", "strcat", "sprintf", "vsprintf",
                                        "gets",   "atoi",  "atol",   "atof",   "strtok",  "setlocale"};
    static const char *const patterns[] = {"lib/*/*.[ch]", "tools/*.c"};
    int found = 0;
    for (size_t p = 0; p < 2; p++) {
        glob_t paths;
        assert_int_equal(glob(patterns[p], 0, NULL, &paths), 0);
        for (size_t i = 0; i < paths.gl_pathc; i++) {
            char line[1024];
            FILE *f = fopen(paths.gl_pathv[i], "r");
            assert_non_null(f);
            while (fgets(line, sizeof line, f))
                for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
                    const char *at = strstr(line, names[n]);
                    bool word = at && (at == line || (!isalnum((unsigned char)at[-1]) && at[-1] != '_'));
                    if (word && at[strlen(names[n])] == '(') {
                        print_error("%s: %s", paths.gl_pathv[i], line);
                        found++;
                    }
                }
            fclose(f);
        }
        globfree(&paths);
    }
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_floor_is_climbed),
        cmocka_unit_test(five_floors),
        cmocka_unit_test(tools_have_pages_and_tests),
        cmocka_unit_test(forbidden_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
