#include "app/pipeline.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Words under construction. */
struct splitter {
    const char *at;
    unsigned line, column;
    word_resolver resolve;
    void *context;
    struct faults *faults;
    struct word *words;
    size_t n;
    struct buf text; /* of the part that is open */
    bool open;       /* a word has begun, maybe with nothing in it */
    int result;
};

static void add_part(struct splitter *s, struct part part)
{
    struct word *word = &s->words[s->n - 1];
    word->parts = mem_grow(word->parts, word->n + 1, sizeof *word->parts);
    word->parts[word->n++] = part;
}

static void begin_word(struct splitter *s)
{
    if (s->open)
        return;
    s->words = mem_grow(s->words, s->n + 1, sizeof *s->words);
    s->words[s->n++] = (struct word){0};
    s->open = true;
}

static void end_text(struct splitter *s)
{
    if (s->text.len)
        add_part(s, (struct part){.kind = PART_TEXT, .text = mem_copy(buf_string(&s->text))});
    buf_clear(&s->text);
}

static void end_word(struct splitter *s)
{
    if (!s->open)
        return;
    end_text(s);
    if (!s->words[s->n - 1].n)
        add_part(s, (struct part){.kind = PART_TEXT, .text = mem_copy("")});
    s->open = false;
}

static void fault(struct splitter *s, const char *what)
{
    faults_add(s->faults, s->line, s->column, "%s", what);
    s->result = -1;
}

/* At a `$`: takes a reference or the escape of one; false when it is a plain dollar. */
static bool reference(struct splitter *s)
{
    if (!strncmp(s->at, "$${", 3)) {
        begin_word(s);
        buf_text(&s->text, "${");
        s->at += 3;
        return true;
    }
    if (s->at[1] != '{')
        return false;
    const char *end = strchr(s->at, '}');
    if (!end) {
        fault(s, "'${' has no '}' (write $${ for the characters themselves)");
        s->at += strlen(s->at);
        return true;
    }
    char *name = mem_copy_bytes(s->at + 2, (size_t)(end - s->at - 2));
    struct part part = {0};
    begin_word(s);
    if (s->resolve(s->context, name, &part) < 0) {
        s->result = -1;
    } else if (part.kind == PART_TEXT) {
        buf_text(&s->text, part.text);
        free(part.text);
    } else {
        end_text(s);
        add_part(s, part);
    }
    free(name);
    s->at = end + 1;
    return true;
}

static void single_quoted(struct splitter *s)
{
    const char *end = strchr(++s->at, '\'');
    begin_word(s);
    if (!end) {
        fault(s, "a ' has no partner");
        s->at += strlen(s->at);
        return;
    }
    buf_add(&s->text, s->at, (size_t)(end - s->at));
    s->at = end + 1;
}

static void double_quoted(struct splitter *s)
{
    begin_word(s);
    for (s->at++; *s->at != '"';) {
        if (!*s->at) {
            fault(s, "a \" has no partner");
            return;
        }
        if (*s->at == '$' && reference(s))
            continue;
        if (*s->at == '\\' && s->at[1] && strchr("$`\"\\", s->at[1]))
            s->at++;
        else if (*s->at == '\\' && s->at[1] == '\n') {
            s->at += 2;
            continue;
        }
        buf_char(&s->text, *s->at++);
    }
    s->at++;
}

static void backslash(struct splitter *s)
{
    s->at++;
    if (*s->at == '\n') {
        s->at++;
        return;
    }
    begin_word(s);
    if (*s->at)
        buf_char(&s->text, *s->at++);
    else
        fault(s, "a \\ stands at the end");
}

/* What a shell would act on and nobody here does. */
static bool for_a_shell(struct splitter *s)
{
    static const char *const acts[] = {"|", ">", "<", ";", "&", "`", "$("};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strncmp(s->at, acts[i], strlen(acts[i]))) {
            faults_add(s->faults, s->line, s->column,
                       "'%s' in the command: no shell is started (quote it, or make another stage)", acts[i]);
            s->result = -1;
            s->at += strlen(acts[i]);
            while (*s->at == *acts[i]) /* once for || and >> */
                s->at++;
            return true;
        }
    return false;
}

static struct splitter splitter(const char *text, unsigned line, unsigned column, word_resolver resolve, void *context,
                                struct faults *faults, struct word *words, size_t n)
{
    return (struct splitter){.at = text,
                             .line = line,
                             .column = column,
                             .resolve = resolve,
                             .context = context,
                             .faults = faults,
                             .words = words,
                             .n = n};
}

static int finish(struct splitter *s, struct word **words, size_t *n)
{
    end_word(s);
    buf_free(&s->text);
    *words = s->words;
    *n = s->n;
    return s->result;
}

int words_split(const char *text, unsigned line, unsigned column, word_resolver resolve, void *context,
                struct word **words, size_t *n, struct faults *faults)
{
    struct splitter s = splitter(text, line, column, resolve, context, faults, *words, *n);
    while (*s.at) {
        if (strchr(" \t\n\r", *s.at)) {
            end_word(&s);
            s.at++;
        } else if (*s.at == '\'') {
            single_quoted(&s);
        } else if (*s.at == '"') {
            double_quoted(&s);
        } else if (*s.at == '\\') {
            backslash(&s);
        } else if ((*s.at == '$' && reference(&s)) || for_a_shell(&s)) {
            continue;
        } else {
            begin_word(&s);
            buf_char(&s.text, *s.at++);
        }
    }
    return finish(&s, words, n);
}

int words_one(const char *text, unsigned line, unsigned column, word_resolver resolve, void *context,
              struct word **words, size_t *n, struct faults *faults)
{
    struct splitter s = splitter(text, line, column, resolve, context, faults, *words, *n);
    begin_word(&s);
    while (*s.at)
        if (*s.at != '$' || !reference(&s))
            buf_char(&s.text, *s.at++);
    return finish(&s, words, n);
}

void words_free(struct word *words, size_t n)
{
    for (size_t w = 0; w < n; w++) {
        for (size_t i = 0; i < words[w].n; i++)
            free(words[w].parts[i].text);
        free(words[w].parts);
    }
    free(words);
}

void words_quote(const char *text, struct buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (*text && *text != '=' && !text[strspn(text, plain)]) {
        buf_text(out, text);
        return;
    }
    buf_char(out, '\'');
    for (; *text; text++)
        if (*text == '\'')
            buf_text(out, "'\\''");
        else
            buf_char(out, *text);
    buf_char(out, '\'');
}

void word_text(const struct pipeline *p, const struct stage *s, const struct word *w, char *const *outs,
               struct buf *text)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct part *part = &w->parts[i];
        switch (part->kind) {
        case PART_TEXT:
            buf_text(text, part->text);
            break;
        case PART_FILE:
            pipeline_origin_path(p, &part->origin, text);
            break;
        case PART_FD:
            buf_printf(text, "/dev/fd/%zu", PIPELINE_FIRST_FD + part->index);
            break;
        case PART_OUT:
            if (outs)
                buf_text(text, outs[part->index]);
            else
                pipeline_output_path(p, s->files[part->index].value, text);
            break;
        case PART_KEEP:
            pipeline_output_path(p, s->keeps[part->index].value, text);
            break;
        }
    }
}

void stage_command(const struct pipeline *p, const struct stage *s, struct buf *out)
{
    struct buf text = {0};
    for (size_t w = 0; w < s->n_words; w++) {
        buf_clear(&text);
        word_text(p, s, &s->words[w], NULL, &text);
        if (w)
            buf_char(out, ' ');
        words_quote(buf_string(&text), out);
    }
    buf_free(&text);
}
