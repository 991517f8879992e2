/* pipeline: stages, what joins them, and in which order they run. The file format is pipeline(5).
 *
 * pipeline_load reads and checks a file and collects everything that is wrong with it; plan_make orders its stages
 * into components; pipeline_run.h runs a plan, pipeline_show.c prints one. Nothing here prints or starts a
 * program. */
#ifndef APP_PIPELINE_H
#define APP_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "data/yaml.h"

enum {
    PIPELINE_VERSION = 1,
    PIPELINE_MAX_STAGES = 256,
    PIPELINE_MAX_FDS = 6, /* second streams of a stage; with 0, 1, 2 what a POSIX shell can redirect beside its own */
    PIPELINE_FIRST_FD = 3,
    PIPELINE_MAX_NAME = 64,
};

/* Where a stage reads something from. */
enum origin_kind { ORIGIN_NONE, ORIGIN_INPUT, ORIGIN_STREAM, ORIGIN_FILE };

struct origin {
    enum origin_kind kind;
    size_t index; /* of the input or the stage */
    size_t file;  /* ORIGIN_FILE: which of the stage's files */
};

/* A word of a command is text and references, end to end. */
enum part_kind {
    PART_TEXT,
    PART_FILE, /* the path of an input or of another stage's file */
    PART_FD,   /* /dev/fd/N: second stream `index` */
    PART_OUT,  /* the path of this stage's own file `index` */
    PART_KEEP, /* the path of a file `index` that this stage keeps from try to try */
};

struct part {
    enum part_kind kind;
    char *text;           /* PART_TEXT */
    struct origin origin; /* PART_FILE */
    size_t index;
};

struct word {
    struct part *parts;
    size_t n;
};

/* A param, an input, or a file of a stage: a name and what stands behind it. */
struct named {
    char *name, *value;
    unsigned line, column;
    bool given; /* set on the command line */
};

struct stage {
    char *name;
    unsigned line, column;
    struct word *words; /* the command */
    size_t n_words;
    struct origin in;                    /* standard input */
    struct origin fds[PIPELINE_MAX_FDS]; /* ${fd:...}, in the order of the command */
    size_t n_fds;
    struct named *files; /* what it makes: `out` is called "out" and stands first, then those of `files` */
    size_t n_files;
    struct named *keeps; /* what it keeps for itself from try to try, until it has succeeded */
    size_t n_keeps;
    bool has_out;    /* files[0] is `out` */
    bool writes_out; /* the command names ${out}: standard output is not captured into it */
    bool whole;      /* `early: no`: ending before the input was read to its end is a failure */
};

struct pipeline {
    char *path;      /* of the YAML file, as given: for messages */
    char *base;      /* its directory, absolute: where the stages run */
    char *name;      /* the file's name without directory and suffix */
    char *directory; /* where relative outputs and the state go instead, absolute; NULL: base */
    struct named *params, *inputs;
    size_t n_params, n_inputs;
    struct stage *stages;
    size_t n_stages;
};

/* Reads and checks the file at `path`. `settings` are `key=value` texts that replace params and inputs; a relative
 * path set so is one of the present working directory, for which it is rewritten. `directory` NULL: outputs and
 * state lie beside the file. Returns NULL either with faults in `faults` (they belong to the file; sorted) or with
 * *e set and no fault. */
struct pipeline *pipeline_load(const char *path, char **settings, size_t n_settings, const char *directory,
                               struct faults *faults, struct err *e);

/* The same from bytes in memory, with nothing looked up in the file system: base and directory stay NULL. */
struct pipeline *pipeline_parse(const char *bytes, size_t length, char **settings, size_t n_settings,
                                struct faults *faults, struct err *e);
void pipeline_free(struct pipeline *p);

/* Index of a stage, or SIZE_MAX. */
size_t pipeline_stage(const struct pipeline *p, const char *name);

/* Is the stage's standard output what becomes `out`? */
static inline bool stage_captures(const struct stage *s)
{
    return s->has_out && !s->writes_out;
}

/* Adds the path of a file as the runner and the stages use it (both work in `base`). */
void pipeline_output_path(const struct pipeline *p, const char *path, struct buf *out);

/* Adds a path as a user should see it: as written, behind the directory the pipeline was named with. */
void pipeline_shown_path(const struct pipeline *p, const char *path, struct buf *out);

/* The path of a PART_FILE's origin (ORIGIN_INPUT or ORIGIN_FILE); adds to out. */
void pipeline_origin_path(const struct pipeline *p, const struct origin *o, struct buf *out);

/* "tok", "rnn.log", "text": how the file calls an origin; adds to out. */
void pipeline_origin_name(const struct pipeline *p, const struct origin *o, struct buf *out);

/* ---- Words (pipeline_words.c) ---------------------------------------------------------------------------------- */

/* Resolves the name in ${name} to a part; returns -1 after adding a fault. */
typedef int (*word_resolver)(void *context, const char *name, struct part *part);

/* Splits text into words by the shell's quoting rules, with no shell: ${name} outside single quotes goes to
 * `resolve`, `$${` is `${`, and what a shell would act on (| > < ; & `...` $(...)) is a fault at line:column
 * unless it is quoted. */
int words_split(const char *text, unsigned line, unsigned column, word_resolver resolve, void *context,
                struct word **words, size_t *n, struct faults *faults);

/* The same for a text that is one word already: only ${name} and $${ mean something. */
int words_one(const char *text, unsigned line, unsigned column, word_resolver resolve, void *context,
              struct word **words, size_t *n, struct faults *faults);
void words_free(struct word *words, size_t n);

/* Adds text quoted for a POSIX shell where it needs to be. */
void words_quote(const char *text, struct buf *out);

/* Adds a word as the stage gets it. `outs` are the paths its own files have for now; NULL: their final ones. */
void word_text(const struct pipeline *p, const struct stage *s, const struct word *w, char *const *outs,
               struct buf *text);

/* Adds a stage's command as a user would type it, files by their paths. */
void stage_command(const struct pipeline *p, const struct stage *s, struct buf *out);

/* ---- The plan (pipeline_plan.c) -------------------------------------------------------------------------------- */

/* What one stage takes from another. */
struct edge {
    size_t from, to;
    bool stream;      /* standard output into standard input or a second stream; else a file */
    int slot;         /* stream: -1 standard input, else the number of the second stream */
    bool spooled;     /* a stream that is kept in a temporary file until `to` can start */
    size_t why_stage; /* spooled: the stage that cannot start earlier: `to`, or one that runs together with it */
    size_t why_edge;  /* the file edge it waits for, or SIZE_MAX: why_stage reads `why_from` by two ways */
    size_t why_from;
};

struct plan {
    const struct pipeline *pipeline;
    bool *wanted;  /* [stages] */
    bool *reports; /* [stages]: what it writes to standard output is for the user: nobody reads it, it is no file */
    struct edge *edges; /* between wanted stages */
    size_t n_edges;
    size_t *order; /* wanted stages as they run: by component, each after what it reads */
    size_t n_order;
    size_t *component; /* [stages], of wanted stages */
    size_t *start;     /* [n_components + 1] into order */
    size_t *group;     /* [n_components]: those of one group make their files appear together */
    size_t n_components;
};

/* Plans all stages, or those named and what they need. A name that is no stage is STATUS_MISUSED. Without `tees` a
 * stream that several stages read is spooled, which cuts components further; each of those is still one group. */
struct plan *plan_make(const struct pipeline *p, char **stages, size_t n_stages, bool tees, struct err *e);
void plan_free(struct plan *plan);

/* Adds the sentence why an edge is spooled. */
void plan_why(const struct plan *plan, const struct edge *edge, struct buf *out);

/* ---- Showing it (pipeline_show.c, pipeline_script.c) ----------------------------------------------------------- */

void plan_text(const struct plan *plan, struct buf *out);
void plan_dot(const struct plan *plan, struct buf *out);
/* A POSIX script that does the same without the runner, of a plan made without tees; `tools` is put first on PATH
 * (NULL: nothing is). */
void plan_script(const struct plan *plan, const char *tools, struct buf *out);

#endif
