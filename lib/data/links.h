/* links: which word of one sentence goes with which word of the other; reading such links as text, and counting
 * how well found links agree with given ones. Words are counted from 0, source first.
 *
 * Two forms of text are read:
 *
 *   pharaoh  a line a pair, its links separated by blanks: `3-4` is sure, `3?4` and `3p4` are possible (the
 *            latter is how talp writes it). An empty line is a pair without links.
 *   wpt      a line a link, of the shared tasks WPT 2003 and 2005: `pair source target [S|P [confidence]]`, sure when
 *            nothing is said. Pairs and words count from 1, pairs in rising order; word 0 is "no word", and such a line
 *            links nothing. */
#ifndef DATA_LINKS_H
#define DATA_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct link {
    uint32_t source, target;
    bool sure;
};

/* Zero-initialize; links_free. */
struct links {
    struct link *at;
    size_t n, room;
};

void links_add(struct links *l, uint32_t source, uint32_t target, bool sure);
/* Sorts by target, then source, and drops what stands there twice; of a sure and a possible one the sure stays. */
void links_sort(struct links *l);
void links_free(struct links *l);

enum links_format { LINKS_PHARAOH, LINKS_WPT };
#define LINKS_FORMAT_CHOICES "pharaoh|wpt"

/* One line of text, without its end, as links added to `l`. `base` (0 or 1) is what the first word is called. On
 * failure the sentence begins with the column, from 1. */
int links_parse_pharaoh(const char *line, size_t length, unsigned base, struct links *l, struct err *e);

/* One line of wpt: the pair it is about, from 0, in *pair. Adds a link or, for word 0, none. */
int links_parse_wpt(const char *line, size_t length, uint64_t *pair, struct links *l, struct err *e);

/* ---- Given links beside a stream of pairs ---- */

struct gold;

/* Opens a file of links, and beside it, unless NULL, one that says which words they judge: a line a pair, for each
 * word of the source 0 or 1, a blank, the same for the target. */
struct gold *gold_open(const char *path, enum links_format format, unsigned base, const char *judged, struct err *e);

/* What is given for a pair. */
struct gold_pair {
    const struct links *links;   /* sorted */
    const char *source, *target; /* for each word whether it is judged, '0' or '1'; NULL: all are */
};

/* The next pair, which has so many words a side. A link beyond them, or no line left, is STATUS_DATA and says where.
 * What *pair points to belongs to the gold until the next call. */
int gold_next(struct gold *g, uint64_t sources, uint64_t targets, struct gold_pair *pair, struct err *e);

/* That nothing is left when the pairs have ended. */
int gold_end(struct gold *g, struct err *e);
void gold_close(struct gold *g);

/* ---- Counting ---- */

/* Sums over pairs of the sizes that Och and Ney, "A systematic comparison of various statistical alignment
 * models", 2003, name: A the links found, S the sure ones given, P the possible ones given, S among them. */
struct link_tally {
    uint64_t found, sure;                /* |A|, |S| */
    uint64_t found_sure, found_possible; /* |A and S|, |A and P| */
};

/* Adds a pair. Both lists are sorted; of those found, only links both of whose words are judged count. */
void link_tally_add(struct link_tally *t, const struct links *found, const struct gold_pair *gold);

/* |A and P| / |A|, |A and S| / |S|, 1 - (|A and S| + |A and P|) / (|A| + |S|); NaN where there is nothing to
 * divide by. */
double link_precision(const struct link_tally *t);
double link_recall(const struct link_tally *t);
double link_error_rate(const struct link_tally *t);

/* What every aligner has to beat, the diagonal: each target word j of J with source word round(j I / J) of I. */
void links_diagonal(struct links *l, uint64_t sources, uint64_t targets);

#endif
