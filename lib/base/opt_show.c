/* What a table of options looks like to people: help, manual page, completion. */
#include "base/opt.h"

#include <stdio.h>
#include <string.h>

/* "--dim N", "--model a|b", "--lower" */
static void spelling(const struct opt *row, struct buf *out)
{
    if (row->kind == OPT_SWITCH)
        buf_printf(out, "--%s", row->name);
    else
        buf_printf(out, "--%s %s", row->name, row->choices ? row->choices : row->value ? row->value : "VALUE");
}

void opt_help_row(const char *left, const char *text, struct buf *out)
{
    enum { TEXT_COLUMN = 30, WIDTH = 100 };
    size_t at = TEXT_COLUMN;
    if (strlen(left) + 2 > TEXT_COLUMN)
        buf_printf(out, "%s\n%*s", left, TEXT_COLUMN, "");
    else
        buf_printf(out, "%-*s", TEXT_COLUMN, left);
    while (*text) {
        size_t n = strcspn(text, " ");
        if (at > TEXT_COLUMN && at + 1 + n > WIDTH) {
            buf_printf(out, "\n%*s", TEXT_COLUMN, "");
            at = TEXT_COLUMN;
        } else if (at > TEXT_COLUMN) {
            buf_char(out, ' ');
            at++;
        }
        buf_add(out, text, n);
        at += n;
        text += n;
        text += strspn(text, " ");
    }
    buf_char(out, '\n');
}

void opt_help(const struct opt_group *groups, struct buf *out)
{
    struct buf left = {0}, right = {0};
    for (; groups->title; groups++) {
        if (!groups->rows->name)
            continue;
        buf_printf(out, "\n%s:\n", groups->title);
        for (const struct opt *row = groups->rows; row->name; row++) {
            buf_clear(&left);
            buf_clear(&right);
            if (row->letter)
                buf_printf(&left, "  -%c, ", row->letter);
            else
                buf_text(&left, "      ");
            spelling(row, &left);
            buf_text(&right, row->help);
            if (row->fallback && row->kind != OPT_SWITCH)
                buf_printf(&right, " [%s]", row->fallback);
            if (row->fallback && row->kind == OPT_SWITCH && !strcmp(row->fallback, "yes"))
                buf_printf(&right, " [on; --no-%s]", row->name);
            opt_help_row(left.data, right.data, out);
        }
    }
    buf_free(&left);
    buf_free(&right);
}

/* Text as roff takes it: hyphens that are minus signs, backslashes escaped. */
static void roff_text(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '\\')
            buf_text(out, "\\e");
        else if (*text == '-')
            buf_text(out, "\\-");
        else
            buf_char(out, *text);
    }
}

void opt_roff(const struct opt_group *groups, struct buf *out)
{
    struct buf text = {0};
    for (; groups->title; groups++) {
        if (!groups->rows->name)
            continue;
        buf_printf(out, ".SS %s\n", groups->title);
        for (const struct opt *row = groups->rows; row->name; row++) {
            buf_clear(&text);
            if (row->letter)
                buf_printf(&text, "-%c, ", row->letter);
            buf_printf(&text, "--%s", row->name);
            buf_text(out, ".TP\n\\fB");
            roff_text(text.data, out);
            buf_text(out, "\\fR");
            if (row->kind != OPT_SWITCH) {
                buf_text(out, " \\fI");
                roff_text(row->choices ? row->choices : row->value ? row->value : "VALUE", out);
                buf_text(out, "\\fR");
            }
            buf_char(out, '\n');
            roff_text(row->help, out);
            if (row->fallback && row->kind != OPT_SWITCH) {
                buf_text(out, " (default ");
                roff_text(row->fallback, out);
                buf_char(out, ')');
            } else if (row->fallback && !strcmp(row->fallback, "yes")) {
                buf_text(out, " (on unless \\-\\-no\\-");
                roff_text(row->name, out);
                buf_char(out, ')');
            }
            buf_text(out, ".\n");
        }
    }
    buf_free(&text);
}

static void words_of(const struct opt_group *groups, struct buf *out)
{
    for (; groups->title; groups++)
        for (const struct opt *row = groups->rows; row->name; row++) {
            buf_printf(out, " --%s", row->name);
            if (row->kind == OPT_SWITCH)
                buf_printf(out, " --no-%s", row->name);
        }
}

/* "a|b" as "a b" */
static void spaced(const char *words, struct buf *out)
{
    for (; *words; words++)
        buf_char(out, *words == '|' ? ' ' : *words);
}

static void bash_completion(const struct opt_group *groups, const char *tool, const char *verbs, struct buf *out)
{
    char name[64];
    snprintf(name, sizeof name, "%s", tool);
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '_';
    buf_printf(out, "_%s() {\n    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]}\n", name);
    buf_text(out, "    case $last in\n");
    for (const struct opt_group *g = groups; g->title; g++)
        for (const struct opt *row = g->rows; row->name; row++)
            if (row->kind == OPT_CHOICE) {
                buf_printf(out, "    --%s) COMPREPLY=($(compgen -W \"", row->name);
                spaced(row->choices, out);
                buf_text(out, "\" -- \"$word\")); return ;;\n");
            }
    buf_text(out, "    esac\n    if [[ $word == -* ]]; then\n        COMPREPLY=($(compgen -W \"");
    words_of(groups, out);
    buf_text(out, "\" -- \"$word\"))\n");
    if (verbs) {
        buf_text(out, "    elif (( COMP_CWORD == 1 )); then\n        COMPREPLY=($(compgen -W \"");
        spaced(verbs, out);
        buf_text(out, "\" -- \"$word\"))\n");
    }
    buf_printf(out,
               "    else\n        COMPREPLY=($(compgen -f -- \"$word\"))\n    fi\n}\n"
               "complete -o filenames -F _%s %s\n",
               name, tool);
}

static void zsh_completion(const struct opt_group *groups, const char *tool, const char *verbs, struct buf *out)
{
    buf_printf(out, "#compdef %s\n_arguments \\\n", tool);
    for (const struct opt_group *g = groups; g->title; g++)
        for (const struct opt *row = g->rows; row->name; row++) {
            buf_printf(out, "  '--%s%s[", row->name, row->kind == OPT_SWITCH ? "" : "=");
            for (const char *c = row->help; *c; c++)
                if (*c == '\'')
                    buf_text(out, "'\\''");
                else if (strchr("[]:", *c))
                    buf_printf(out, "\\%c", *c);
                else
                    buf_char(out, *c);
            buf_char(out, ']');
            if (row->kind == OPT_CHOICE) {
                buf_printf(out, ":%s:(", row->name);
                spaced(row->choices, out);
                buf_char(out, ')');
            } else if (row->kind != OPT_SWITCH) {
                buf_printf(out, ":%s:%s", row->value ? row->value : "value", row->flags & OPT_FILE ? "_files" : "");
            }
            buf_text(out, "' \\\n");
        }
    if (verbs) {
        buf_text(out, "  '1:verb:(");
        spaced(verbs, out);
        buf_text(out, ")' \\\n");
    }
    buf_text(out, "  '*:file:_files'\n");
}

void opt_completion(const struct opt_group *groups, const char *tool, const char *verbs, bool zsh, struct buf *out)
{
    if (zsh)
        zsh_completion(groups, tool, verbs, out);
    else
        bash_completion(groups, tool, verbs, out);
}
