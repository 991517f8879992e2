/* vectors_notes: what is odd about the words of vector files, each kind named a few times and counted to the end. */
#ifndef DATA_VECTORS_NOTES_H
#define DATA_VECTORS_NOTES_H

#include "data/format.h"

enum vectors_odd { ODD_TWICE, ODD_BROKEN, ODD_BLANK, ODD_RAW, ODD_LOST, ODD_KINDS };

struct vectors_notes {
    const struct format_want *want; /* note and strict */
    /* Where one is: label:line; or, with line 0, label and the word's number and first byte; number 0: the label
     * alone. */
    const char *label;
    uint64_t line, number, byte;
    uint64_t found[ODD_KINDS]; /* so far */
};

/* Notes that this word is odd. With want->strict most kinds are STATUS_DATA. */
int vectors_odd(struct vectors_notes *n, enum vectors_odd kind, const char *word, size_t length, struct err *e);

/* At the end: how many there were, of kinds with more than were named. */
void vectors_notes_sum(const struct vectors_notes *n);

/* Puts where it is in front of the sentence. Returns -1. */
int vectors_where(const struct vectors_notes *n, struct err *e);

#endif
