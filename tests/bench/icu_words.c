/* Splits files into words in small letters with ICU alone, and does nothing with them: what tokenize --level word
 * --lower has to find at the least. Prints how many pieces there were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/ustring.h>

static void check(UErrorCode status, const char *what)
{
    if (U_SUCCESS(status))
        return;
    fprintf(stderr, "icu_words: %s: %s\n", what, u_errorName(status));
    exit(1);
}

/* A line may grow: room for four times its units. */
static long count_words(UBreakIterator *words, const char *line, size_t length)
{
    static UChar *text, *small;
    static size_t room;
    UErrorCode status = U_ZERO_ERROR;
    int32_t n;
    long pieces = 0;
    if (4 * length > room) {
        room = 8 * length;
        text = realloc(text, room * sizeof *text);
        small = realloc(small, room * sizeof *small);
        if (!text || !small)
            exit(1);
    }
    u_strFromUTF8WithSub(text, (int32_t)room, &n, line, (int32_t)length, 0xfffd, NULL, &status);
    check(status, "UTF-8");
    n = u_strToLower(small, (int32_t)room, text, n, "", &status);
    check(status, "small letters");
    ubrk_setText(words, small, n, &status);
    check(status, "a line");
    while (ubrk_next(words) != UBRK_DONE)
        pieces++;
    return pieces;
}

int main(int argc, char **argv)
{
    UErrorCode status = U_ZERO_ERROR;
    UBreakIterator *words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
    char *line = NULL;
    size_t room = 0;
    long pieces = 0;
    check(status, "words");
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        for (ssize_t n; (n = getline(&line, &room, file)) > 0;)
            pieces += count_words(words, line, (size_t)n);
        fclose(file);
    }
    printf("%ld\n", pieces);
    free(line);
    ubrk_close(words);
    return 0;
}
