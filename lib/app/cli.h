/* cli: what every tool does the same way: start, messages, progress, finish.
 *
 *     static struct opt_group groups[] = {{"Training", train_options, &train, 0}, CLI_GROUP, {0}};
 *     static const struct tool tool = {.name = "w2v-train", .purpose = "...", .groups = groups, ...};
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct err e = {0};
 *         cli_start(&tool, argc, argv);
 *         return cli_finish(work(&e), &e);
 *     }
 *
 * A tool opens its output by cli_output and its stream by cli_sink; when it fails, cli_finish writes the ERROR frame,
 * drops the file, prints the one line and gives the exit status. */
#ifndef APP_CLI_H
#define APP_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/rng.h"
#include "data/stream.h"

struct tool {
    const char *name;
    const char *purpose;      /* one line */
    const char *usage;        /* "[OPTION...] [FILE...]", behind the verb if there are any */
    const char *examples;     /* lines of the shell, or NULL */
    struct opt_group *groups; /* the tool's own, then CLI_GROUP, ended by {0} */
    const struct verb *verbs; /* what the first operand may be, ended by {0}; NULL: the tool has no verbs */
    const char *profile; /* of the stream it writes when no option makes it write text: a tool that fails before its
                               * HEAD then writes HEAD and ERROR into a pipe; NULL: writes no stream */
    bool numeric;        /* the kernels in use may change its result's last bits: --isa is recorded */
    int operands_low, operands_high; /* how many operands; high < 0: any number */
};

/* The options every tool has. */
struct cli {
    const char *output;
    bool quiet;
    int64_t threads, seed;
    int isa; /* index among KERN_CHOICES */
    bool help, version;
    char **operands; /* what stands behind the options */
    int n_operands;
    const struct tool *tool;
};
extern struct cli cli;
extern const struct opt cli_options[], cli_chance_options[];
/* clang-format off */
#define CLI_GROUP  {"Common options", cli_options, &cli, 0}
#define CLI_CHANCE {"Chance", cli_chance_options, &cli, 0} /* --seed, for tools that use it */
/* clang-format on */

/* Parses the command line, chooses kernels. Prints help or version and exits 0; prints what is wrong and exits 2. */
void cli_start(const struct tool *tool, int argc, char **argv);

/* result < 0: the failure in *e is reported and becomes the exit status. Else the output is committed and checked. */
int cli_finish(int result, struct err *e);

/* The one output (-o FILE or standard output), opened at the first call; `binary` data is refused on a terminal. */
struct outfile *cli_output(bool binary, struct err *e);
/* Says that the output will be text although the tool has a profile: no ERROR frame goes into it. */
void cli_text(void);
/* The one output as a stream of a profile; to be opened before models are read, so that a failure finds it. */
struct sink *cli_sink(const char *profile, struct err *e);
/* Starts the pool of --threads, once; a tool that works alone does not call it. */
int cli_threads(struct err *e);

/* HEAD, made of the profile, the input's history (NULL: none) and this tool with its recorded options. */
int cli_head(const struct meta *input, struct err *e);
/* "tool version --option=value ..." */
const char *cli_hop(void);

/* Sets option.NAME=value in a model's HEAD for every recorded option. */
void cli_options_meta(struct meta *head);

/* Refuses the file that --`option` writes (NULL: none) where it would destroy another: the output, or one of `others`
 * (NULL: none; "-": standard input). */
int cli_apart(const char *option, const char *path, const char *const *others, size_t n, struct err *e);

/* Text to the one output; the first failure is kept and reported by cli_finish. cli_put: -1 from then on, for those who
 * would otherwise go on for ever. */
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_put(const void *bytes, size_t length);

/* "tool: ..." on stderr; silent with --quiet. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Progress: on a terminal one line rewritten at most 5 times a second; in a log a whole line a minute, and the last.
 * `total` 0: not known. `what` counts ("tokens"). */
struct progress {
    const char *what;
    double total, start, shown;
};
void progress_start(struct progress *p, const char *what, double total);
void progress_show(struct progress *p, double done, const char *format, ...) __attribute__((format(printf, 3, 4)));
void progress_end(struct progress *p, double done, const char *format, ...) __attribute__((format(printf, 3, 4)));

double cli_seconds(void); /* monotonic */

/* Escapes control bytes and broken UTF-8 for a terminal; adds to out. */
void cli_escape(const char *bytes, size_t length, struct buf *out);

#endif
