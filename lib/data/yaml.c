#include "data/yaml.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

void faults_add(struct faults *f, unsigned line, unsigned column, const char *format, ...)
{
    char text[512];
    va_list args;
    if (f->n == FAULTS_MAX) {
        f->more++;
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    f->items = mem_grow(f->items, f->n + 1, sizeof *f->items);
    f->items[f->n++] = (struct fault){line, column, mem_copy(text)};
}

static int by_place(const void *a, const void *b)
{
    const struct fault *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return strcmp(x->text, y->text);
}

void faults_sort(struct faults *f)
{
    size_t kept = f->n > 0;
    if (f->n)
        qsort(f->items, f->n, sizeof *f->items, by_place);
    for (size_t i = 1; i < f->n; i++)
        if (by_place(&f->items[i], &f->items[kept - 1]))
            f->items[kept++] = f->items[i];
        else
            free(f->items[i].text);
    f->n = kept;
}

void faults_free(struct faults *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->items[i].text);
    free(f->items);
    *f = (struct faults){0};
}

const char *yaml_kind_name(enum yaml_kind kind)
{
    return kind == YAML_SCALAR ? "text" : kind == YAML_LIST ? "a list" : "a map";
}

void yaml_release(struct yaml *node)
{
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++)
        yaml_release(node->items[i]); /* no deeper than YAML_MAX_DEPTH */
    yaml_release(node->key);
    free(node->items);
    free(node->text);
    free(node);
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (map && map->kind == YAML_MAP)
        for (size_t i = 0; i < map->n; i++)
            if (!strcmp(map->items[i]->key->text, key))
                return map->items[i];
    return NULL;
}

/* The tree under construction: open lists and maps, and the key that waits for its value. */
struct builder {
    struct faults *faults;
    struct yaml *root;
    struct yaml *open[YAML_MAX_DEPTH], *key[YAML_MAX_DEPTH];
    size_t depth, nodes;
    bool stop; /* a bound was passed: reading on would only cost */
};

static unsigned place(size_t from_zero)
{
    return from_zero < 0xffffffff ? (unsigned)from_zero + 1 : 0xffffffff;
}

/* Puts a node where it belongs; the builder owns it then. */
static void attach(struct builder *b, struct yaml *node)
{
    if (!b->depth) {
        if (b->root)
            yaml_release(node); /* a second document, which has been complained of */
        else
            b->root = node;
        return;
    }
    struct yaml *parent = b->open[b->depth - 1], **key = &b->key[b->depth - 1];
    if (parent->kind == YAML_MAP && !*key) {
        if (node->kind != YAML_SCALAR) {
            faults_add(b->faults, node->line, node->column, "a key must be text, not %s", yaml_kind_name(node->kind));
            b->stop = true;
        }
        *key = node;
        return;
    }
    node->key = *key;
    *key = NULL;
    if ((parent->n & (parent->n - 1)) == 0)
        parent->items = mem_grow(parent->items, parent->n ? 2 * parent->n : 1, sizeof *parent->items);
    parent->items[parent->n++] = node;
}

static struct yaml *node_make(struct builder *b, enum yaml_kind kind, const yaml_mark_t *mark,
                              const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct yaml *node = mem_get(1, sizeof *node);
    node->kind = kind;
    node->line = place(mark->line);
    node->column = place(mark->column);
    if (anchor)
        faults_add(b->faults, node->line, node->column, "anchors are not allowed (write the value out)");
    if (tag && strcmp((const char *)tag, "!"))
        faults_add(b->faults, node->line, node->column, "tags are not allowed (every value is text)");
    if (++b->nodes > YAML_MAX_NODES) {
        faults_add(b->faults, node->line, node->column, "more than %d values (split the file)", YAML_MAX_NODES);
        b->stop = true;
    }
    return node;
}

static void on_scalar(struct builder *b, const yaml_event_t *event)
{
    struct yaml *node =
        node_make(b, YAML_SCALAR, &event->start_mark, event->data.scalar.anchor, event->data.scalar.tag);
    const char *text = (const char *)event->data.scalar.value;
    node->text = mem_copy_bytes(text, event->data.scalar.length);
    if (strlen(node->text) != event->data.scalar.length)
        faults_add(b->faults, node->line, node->column, "a NUL character is not allowed");
    attach(b, node);
}

static void on_open(struct builder *b, enum yaml_kind kind, const yaml_mark_t *mark, const yaml_char_t *anchor,
                    const yaml_char_t *tag)
{
    struct yaml *node = node_make(b, kind, mark, anchor, tag);
    bool full = b->depth == YAML_MAX_DEPTH;
    if (full) {
        faults_add(b->faults, node->line, node->column, "nested deeper than %d levels", YAML_MAX_DEPTH);
        b->stop = true;
    }
    attach(b, node);
    if (full || (b->depth && b->key[b->depth - 1] == node)) { /* too deep, or used as a key: nothing is read into it */
        b->stop = true;
        return;
    }
    b->key[b->depth] = NULL;
    b->open[b->depth++] = node;
}

static int by_key(const void *a, const void *b)
{
    const struct yaml *x = *(struct yaml *const *)a, *y = *(struct yaml *const *)b;
    int order = strcmp(x->key->text, y->key->text);
    if (order)
        return order;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static void refuse_duplicates(const struct yaml *map, struct faults *faults)
{
    if (map->n < 2)
        return;
    struct yaml **sorted = mem_get(map->n, sizeof *sorted);
    memcpy(sorted, map->items, map->n * sizeof *sorted);
    qsort(sorted, map->n, sizeof *sorted, by_key);
    for (size_t i = 1, first = 0; i < map->n; i++) {
        const struct yaml *key = sorted[i]->key;
        if (strcmp(sorted[first]->key->text, key->text))
            first = i;
        else
            faults_add(faults, key->line, key->column, "key '%s' stands here a second time (first on line %u)",
                       key->text, sorted[first]->key->line);
    }
    free(sorted);
}

static void on_close(struct builder *b)
{
    const struct yaml *node = b->open[--b->depth];
    if (node->kind == YAML_MAP)
        refuse_duplicates(node, b->faults);
}

static void on_event(struct builder *b, const yaml_event_t *event)
{
    unsigned line = place(event->start_mark.line), column = place(event->start_mark.column);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(b, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        on_open(b, YAML_LIST, &event->start_mark, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        on_open(b, YAML_MAP, &event->start_mark, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_close(b);
        break;
    case YAML_ALIAS_EVENT:
        faults_add(b->faults, line, column, "aliases are not allowed (write the value out)");
        on_scalar(b, &(yaml_event_t){.start_mark = event->start_mark,
                                     .data.scalar = {.value = (yaml_char_t *)"", .length = 0}});
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (b->root) {
            faults_add(b->faults, line, column, "a second document is not allowed");
            b->stop = true;
        }
        break;
    default:
        break;
    }
}

/* libyaml compares each %TAG with all before it; no directive has a use here. */
static bool has_directive(const char *bytes, size_t length, struct faults *faults)
{
    unsigned line = 1;
    for (const char *at = bytes, *end = bytes + length; at < end; line++) {
        if (*at == '%') {
            faults_add(faults, line, 1, "directives (lines that start with %%) are not allowed");
            return true;
        }
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline)
            break;
        at = newline + 1;
    }
    return false;
}

static void syntax(const yaml_parser_t *parser, struct faults *faults)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR)
        faults_add(faults, 0, 0, "%s at byte %zu (the file must be UTF-8 text)", problem, parser->problem_offset);
    else
        faults_add(faults, place(parser->problem_mark.line), place(parser->problem_mark.column), "%s%s%s", problem,
                   parser->context ? " " : "", parser->context ? parser->context : "");
}

struct yaml *yaml_parse(const char *bytes, size_t length, struct faults *faults)
{
    if (length > YAML_MAX_BYTES) {
        faults_add(faults, 0, 0, "larger than %d bytes", YAML_MAX_BYTES);
        return NULL;
    }
    if (has_directive(bytes, length, faults))
        return NULL;
    struct builder b = {.faults = faults};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        mem_exhausted(sizeof parser);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
    bool done = false;
    while (!done && !b.stop && !faults->more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax(&parser, faults);
            b.stop = true;
            break;
        }
        on_event(&b, &event);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    for (size_t i = 0; i < b.depth; i++)
        yaml_release(b.key[i]);
    if (b.stop || !done) {
        yaml_release(b.root);
        return NULL;
    }
    if (!b.root)
        faults_add(faults, 0, 0, "nothing is in it");
    return b.root;
}
