/* format: the foreign formats of `tns import` and `tns export`. Adding one is a row here and its two functions. */
#ifndef DATA_FORMAT_H
#define DATA_FORMAT_H

#include <stdbool.h>

#include "base/opt.h"
#include "data/stream.h"

#define NAMING_CHOICES "auto|torch|plain"
enum naming { NAMING_AUTO, NAMING_TORCH, NAMING_PLAIN };

#define HEADER_CHOICES "auto|yes|no"
enum header { HEADER_AUTO, HEADER_YES, HEADER_NO };

#define SEPARATOR_CHOICES "auto|comma|semicolon|tab"
enum separator { SEPARATOR_AUTO, SEPARATOR_COMMA, SEPARATOR_SEMICOLON, SEPARATOR_TAB };

#define NONLINEARITY_CHOICES "auto|tanh|relu"
enum nonlinearity { NONLINEARITY_AUTO, NONLINEARITY_TANH, NONLINEARITY_RELU };

/* What the head of a network from elsewhere is for. */
#define PURPOSE_CHOICES "auto|lm|tag|classify|regress"
enum purpose { PURPOSE_AUTO, PURPOSE_LM, PURPOSE_TAG, PURPOSE_CLASSIFY, PURPOSE_REGRESS };

/* What the user asked for. A format is only given what its row below says that it takes. */
struct format_want {
    const char *name;     /* of the tensor or column; NULL: not given */
    const char *profile;  /* import: of the segment; NULL: not given */
    struct opt_list meta; /* import: key=value for the tensor or HEAD */
    const char *hop;      /* import: the segment's history */

    bool column, series;                                /* import: rows are items; are steps of items */
    const char *columns, *target_columns, *item_column; /* import of tables: "close,3,5-7"; NULL: not given */
    int separator, header;

    int naming, nonlinearity, purpose;
    const char *prefix;           /* in front of the recurrent weights' names; NULL: not given */
    struct opt_list rename, drop; /* import: OLD=NEW; patterns of names */
    const char *vocab;            /* import: a stream whose vocabulary the model gets; NULL: not given */

    const char *metadata;           /* the file of the words beside that of the vectors; NULL: not given */
    bool strict;                    /* refuse what would be noted */
    void (*note)(const char *text); /* what the user should know; NULL: nobody asks */
};

struct format {
    const char *name;
    bool binary; /* what export writes is not for a terminal */
    /* Reads files (none: standard input) into the sink, all segments from HEAD to END. */
    int (*import)(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);
    const char *import_takes; /* the options that it has a use for, joined by '|' */
    int (*export)(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);
    const char *export_takes;
};

/* clang-format off */
/*             name         binary import              the options it takes, export and those it takes */
#define FORMATS(ROW)                                                                                                   \
    ROW(text,        false, format_text_in,            "",                                                             \
                            format_text_out,           "")                                                             \
    ROW(npy,         true,  npy_import,                "name|column|series|columns|target-columns|meta|profile",       \
                            npy_export,                "name")                                                         \
    ROW(csv,         false, csv_import,                "name|column|columns|target-columns|item-column|separator|"     \
                                                       "header|meta|profile",                                          \
                            csv_export,                "name|separator|header")                                        \
    ROW(safetensors, true,  safetensors_import,        "naming|prefix|task|nonlinearity|rename|drop|vocab|meta|"       \
                                                       "profile",                                                      \
                            safetensors_export,        "naming|prefix")                                                \
    ROW(word2vec,    false, word2vec_import,           "strict",                                                       \
                            word2vec_export,           "name|strict")                                                  \
    ROW(word2vec-bin, true, word2vec_binary_import,    "strict",                                                       \
                            word2vec_binary_export,    "name|strict")                                                  \
    ROW(glove,       false, glove_import,              "strict",                                                       \
                            glove_export,              "name|strict")                                                  \
    ROW(vec,         false, word2vec_import,           "strict",                                                       \
                            word2vec_export,           "name|strict")                                                  \
    ROW(projector,   false, projector_import,          "metadata|strict",                                              \
                            projector_export,          "name|metadata|strict")
/* clang-format on */

#define FORMAT_CHOICE(name, ...) "|" #name
#define FORMAT_CHOICES           (&(FORMATS(FORMAT_CHOICE))[1]) /* "text|npy" */

extern const struct format formats[]; /* in the order of FORMAT_CHOICES */

/* Sets what --meta said; a word without = is STATUS_MISUSED. */
int format_meta(const struct format_want *want, struct meta *meta, struct err *e);

#endif
