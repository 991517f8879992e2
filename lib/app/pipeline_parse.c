/* pipeline_parse: from the YAML tree to a checked pipeline (pipeline(5)). Everything that is wrong is collected. */
#include "app/pipeline.h"

#include "base/mem.h"
#include "base/opt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct pipeline *p;
    struct faults *faults;
    struct stage *stage; /* whose words are being read */
    unsigned line, column;
    size_t references, expanded; /* so far, and the bytes that params have grown to: both are bounded */
};

enum { MAX_REFERENCES = 10000, MAX_EXPANDED = 4 << 20, MAX_NAMED = 256 };

static void add_choice(struct buf *list, const char *word)
{
    buf_printf(list, "%s%s", list->len ? "|" : "", word);
}

/* " (did you mean 'x'?)" when something in the list is near, else `otherwise`; lasts until the next call. */
static const char *hint(struct buf *list, const char *word, const char *otherwise)
{
    static _Thread_local char text[160];
    char near[PIPELINE_MAX_NAME * 2];
    if (strlen(word) > PIPELINE_MAX_NAME || !opt_nearest(word, buf_string(list), near, sizeof near))
        return otherwise;
    char *whole = mem_printf(" (did you mean '%s'?)", near);
    size_t n = strlen(whole) < sizeof text ? strlen(whole) : sizeof text - 1;
    memcpy(text, whole, n);
    text[n] = 0;
    free(whole);
    return text;
}

static void refuse_unknown_keys(const struct parser *r, const struct yaml *map, const char *known, const char *in)
{
    struct buf list = {0};
    buf_text(&list, known);
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *key = map->items[i]->key;
        bool found = false;
        for (const char *at = known; at && !found; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
            found = strcspn(at, "|") == strlen(key->text) && !strncmp(at, key->text, strlen(key->text));
        if (!found)
            faults_add(r->faults, key->line, key->column, "unknown key '%s' in %s%s", key->text, in,
                       hint(&list, key->text, ""));
    }
    buf_free(&list);
}

/* The item of a key when it is of that kind; a wrong kind is a fault. */
static struct yaml *expect(const struct parser *r, const struct yaml *map, const char *key, enum yaml_kind kind)
{
    struct yaml *item = yaml_get(map, key);
    if (item && item->kind != kind) {
        faults_add(r->faults, item->line, item->column, "'%s' must be %s, not %s", key, yaml_kind_name(kind),
                   yaml_kind_name(item->kind));
        return NULL;
    }
    return item;
}

/* Is this a name that may be used? Letters, digits, - and _, no digit or - in front. */
static void check_name(const struct parser *r, const struct yaml *key)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789";
    const char *name = key->text;
    if (!*name || !strchr(first, *name) || name[strspn(name, rest)] || strlen(name) > PIPELINE_MAX_NAME)
        faults_add(r->faults, key->line, key->column,
                   "'%s' cannot be a name (letters, digits, - and _; a letter first; at most %d)", name,
                   PIPELINE_MAX_NAME);
    else if (!strcmp(name, "out"))
        faults_add(r->faults, key->line, key->column, "'out' cannot be a name (${out} is a stage's own file)");
}

/* Reads a map of names and texts. */
static void read_named(const struct parser *r, const struct yaml *map, bool paths, struct named **items, size_t *n)
{
    if (map && map->n > MAX_NAMED) {
        faults_add(r->faults, map->line, map->column, "more than %d names in one map", MAX_NAMED);
        return;
    }
    for (size_t i = 0; map && i < map->n; i++) {
        const struct yaml *item = map->items[i];
        check_name(r, item->key);
        if (item->kind != YAML_SCALAR)
            faults_add(r->faults, item->line, item->column, "'%s' must be text, not %s", item->key->text,
                       yaml_kind_name(item->kind));
        else if (paths && !*item->text)
            faults_add(r->faults, item->line, item->column, "'%s' needs the path of a file", item->key->text);
        *items = mem_grow(*items, *n + 1, sizeof **items);
        (*items)[(*n)++] = (struct named){.name = mem_copy(item->key->text),
                                          .value = mem_copy(item->text ? item->text : ""),
                                          .line = item->line,
                                          .column = item->column};
    }
}

static struct named *find_named(struct named *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(items[i].name, name))
            return &items[i];
    return NULL;
}

static int apply_settings(struct pipeline *p, char **settings, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strcspn(settings[i], "=");
        char *key = mem_copy_bytes(settings[i], length);
        struct named *item = find_named(p->params, p->n_params, key);
        if (!item)
            item = find_named(p->inputs, p->n_inputs, key);
        if (!item) {
            struct buf list = {0};
            for (size_t k = 0; k < p->n_params; k++)
                add_choice(&list, p->params[k].name);
            for (size_t k = 0; k < p->n_inputs; k++)
                add_choice(&list, p->inputs[k].name);
            err_fail(e, STATUS_MISUSED, "'%s' sets neither a param nor an input of the pipeline%s", settings[i],
                     hint(&list, key, ""));
            buf_free(&list);
            free(key);
            return -1;
        }
        free(key);
        free(item->value);
        item->value = mem_copy(settings[i] + length + (settings[i][length] == '='));
        item->given = true;
    }
    return 0;
}

/* One name must not mean two things. */
static void refuse_shared_names(const struct parser *r)
{
    struct pipeline *p = r->p;
    for (size_t i = 0; i < p->n_inputs; i++)
        if (find_named(p->params, p->n_params, p->inputs[i].name))
            faults_add(r->faults, p->inputs[i].line, p->inputs[i].column, "'%s' is a param and an input",
                       p->inputs[i].name);
    for (size_t i = 0; i < p->n_stages; i++) {
        const struct stage *s = &p->stages[i];
        bool param = find_named(p->params, p->n_params, s->name);
        if (param || find_named(p->inputs, p->n_inputs, s->name))
            faults_add(r->faults, s->line, s->column, "'%s' is %s and a stage", s->name,
                       param ? "a param" : "an input");
        for (size_t k = s->has_out; k < s->n_files + s->n_keeps; k++) {
            const struct named *f = k < s->n_files ? &s->files[k] : &s->keeps[k - s->n_files];
            if (find_named(p->params, p->n_params, f->name) || find_named(p->inputs, p->n_inputs, f->name) ||
                pipeline_stage(p, f->name) != SIZE_MAX)
                faults_add(r->faults, f->line, f->column,
                           "file '%s' of stage '%s' has the name of a param, input or stage", f->name, s->name);
            if (k >= s->n_files && find_named(s->files, s->n_files, f->name))
                faults_add(r->faults, f->line, f->column, "'%s' stands in files and in keep", f->name);
        }
    }
}

/* The origin that `name` means (an input, a stage, or stage.file); false when there is none, after a fault. */
static bool find_origin(const struct parser *r, const char *name, struct origin *origin)
{
    struct pipeline *p = r->p;
    const struct named *input = find_named(p->inputs, p->n_inputs, name);
    if (input) {
        *origin = (struct origin){ORIGIN_INPUT, (size_t)(input - p->inputs), 0};
        return true;
    }
    size_t length = strcspn(name, ".");
    char *stage_name = mem_copy_bytes(name, length);
    size_t index = pipeline_stage(p, stage_name);
    free(stage_name);
    struct buf list = {0};
    bool found = false;
    if (index != SIZE_MAX && !name[length]) {
        const struct stage *s = &p->stages[index];
        *origin = (struct origin){s->has_out ? ORIGIN_FILE : ORIGIN_STREAM, index, 0};
        found = true;
    } else if (index != SIZE_MAX) {
        const struct stage *s = &p->stages[index];
        const struct named *file = find_named(s->files, s->n_files, name + length + 1);
        for (size_t i = 0; i < s->n_files; i++)
            add_choice(&list, s->files[i].name);
        if (file)
            *origin = (struct origin){ORIGIN_FILE, index, (size_t)(file - s->files)};
        else
            faults_add(r->faults, r->line, r->column, "stage '%s' makes no file '%s'%s", s->name, name + length + 1,
                       hint(&list, name + length + 1, " (name it in its files: {...})"));
        found = file != NULL;
    } else {
        for (size_t i = 0; i < p->n_stages; i++)
            add_choice(&list, p->stages[i].name);
        for (size_t i = 0; i < p->n_inputs; i++)
            add_choice(&list, p->inputs[i].name);
        faults_add(r->faults, r->line, r->column, "there is no input or stage '%s'%s", name, hint(&list, name, ""));
    }
    buf_free(&list);
    return found;
}

static int resolve_fd(const struct parser *r, const char *name, struct part *part)
{
    struct stage *s = r->stage;
    struct origin origin;
    if (!find_origin(r, name, &origin))
        return -1;
    if (s->n_fds == PIPELINE_MAX_FDS) {
        faults_add(r->faults, r->line, r->column, "more than %d second streams", PIPELINE_MAX_FDS);
        return -1;
    }
    *part = (struct part){.kind = PART_FD, .index = s->n_fds};
    s->fds[s->n_fds++] = origin;
    return 0;
}

static void unknown_reference(const struct parser *r, const char *name)
{
    struct buf list = {0};
    struct pipeline *p = r->p;
    for (size_t i = 0; i < p->n_params; i++)
        add_choice(&list, p->params[i].name);
    for (size_t i = 0; i < p->n_inputs; i++)
        add_choice(&list, p->inputs[i].name);
    for (size_t i = 0; i < p->n_stages; i++)
        add_choice(&list, p->stages[i].name);
    for (size_t i = 0; r->stage && i < r->stage->n_files; i++)
        add_choice(&list, r->stage->files[i].name);
    faults_add(r->faults, r->line, r->column, "${%s} is no param, input, stage or file of this stage%s", name,
               hint(&list, name, " (write $${ for the characters themselves)"));
    buf_free(&list);
}

static int resolve_word(void *context, const char *name, struct part *part)
{
    struct parser *r = context;
    struct stage *s = r->stage;
    struct pipeline *p = r->p;
    if (r->faults->more)
        return -1;
    if (++r->references > MAX_REFERENCES || r->expanded > MAX_EXPANDED) {
        faults_add(r->faults, r->line, r->column, "the commands hold more than %d references or %d bytes",
                   MAX_REFERENCES, MAX_EXPANDED);
        return -1;
    }
    if (!strncmp(name, "fd:", 3))
        return resolve_fd(r, name + 3, part);
    const struct named *param = find_named(p->params, p->n_params, name);
    if (param) {
        *part = (struct part){.kind = PART_TEXT, .text = mem_copy(param->value)};
        r->expanded += strlen(param->value);
        return 0;
    }
    const struct named *own = find_named(s->files, s->n_files, name), *keep = find_named(s->keeps, s->n_keeps, name);
    if (own || keep) {
        *part = own ? (struct part){.kind = PART_OUT, .index = (size_t)(own - s->files)}
                    : (struct part){.kind = PART_KEEP, .index = (size_t)(keep - s->keeps)};
        s->writes_out |= own && s->has_out && own == s->files;
        return 0;
    }
    if (!strcmp(name, "out")) {
        faults_add(r->faults, r->line, r->column, "${out} in a stage without out (add out: FILE)");
        return -1;
    }
    size_t length = strcspn(name, ".");
    char *head = mem_copy_bytes(name, length);
    bool known = pipeline_stage(p, head) != SIZE_MAX || find_named(p->inputs, p->n_inputs, name);
    free(head);
    if (!known) {
        unknown_reference(r, name);
        return -1;
    }
    *part = (struct part){.kind = PART_FILE};
    if (!find_origin(r, name, &part->origin))
        return -1;
    if (part->origin.kind == ORIGIN_STREAM) {
        faults_add(r->faults, r->line, r->column,
                   "stage '%s' is a stream and has no file (give it out: FILE, or use ${fd:%s})", name, name);
        return -1;
    }
    return 0;
}

/* In a path only params mean something. */
static int resolve_path(void *context, const char *name, struct part *part)
{
    const struct parser *r = context;
    const struct named *param = find_named(r->p->params, r->p->n_params, name);
    if (!param) {
        faults_add(r->faults, r->line, r->column, "${%s} in a path is no param", name);
        return -1;
    }
    *part = (struct part){.kind = PART_TEXT, .text = mem_copy(param->value)};
    return 0;
}

/* Puts params into a path. */
static void fill_path(struct parser *r, struct named *item)
{
    struct word *words = NULL;
    struct buf text = {0};
    size_t n = 0;
    r->line = item->line;
    r->column = item->column;
    if (item->given || !strchr(item->value, '$'))
        return;
    words_one(item->value, item->line, item->column, resolve_path, r, &words, &n, r->faults);
    for (size_t i = 0; n && i < words[0].n; i++)
        buf_text(&text, words[0].parts[i].text);
    free(item->value);
    item->value = mem_copy(buf_string(&text));
    buf_free(&text);
    words_free(words, n);
}

static void check_path(const struct parser *r, const struct named *item)
{
    size_t length = strlen(item->value);
    if (!length || item->value[length - 1] == '/')
        faults_add(r->faults, item->line, item->column, "'%s' needs the path of a file", item->name);
}

/* Everything of a stage but what refers to others. */
static void read_stage(struct parser *r, const struct yaml *map)
{
    struct pipeline *p = r->p;
    struct stage *s = &p->stages[p->n_stages++];
    *s = (struct stage){.name = mem_copy(map->key->text), .line = map->key->line, .column = map->key->column};
    check_name(r, map->key);
    if (map->kind != YAML_MAP) {
        faults_add(r->faults, map->line, map->column, "stage '%s' must be a map (run: COMMAND ...), not %s", s->name,
                   yaml_kind_name(map->kind));
        return;
    }
    refuse_unknown_keys(r, map, "run|in|out|files|keep|early", "a stage");
    const struct yaml *out = expect(r, map, "out", YAML_SCALAR), *early = expect(r, map, "early", YAML_SCALAR);
    if (out) {
        s->files = mem_grow(NULL, 1, sizeof *s->files);
        s->files[s->n_files++] = (struct named){mem_copy("out"), mem_copy(out->text), out->line, out->column, false};
        s->has_out = true;
    }
    read_named(r, expect(r, map, "files", YAML_MAP), true, &s->files, &s->n_files);
    read_named(r, expect(r, map, "keep", YAML_MAP), true, &s->keeps, &s->n_keeps);
    for (size_t i = 0; i < s->n_files + s->n_keeps; i++) {
        struct named *item = i < s->n_files ? &s->files[i] : &s->keeps[i - s->n_files];
        fill_path(r, item);
        check_path(r, item);
    }
    s->whole = early && !strcmp(early->text, "no");
    if (early && !s->whole && strcmp(early->text, "ok"))
        faults_add(r->faults, early->line, early->column, "'early' is ok or no, not '%s'", early->text);
}

/* What of a stage refers to others: in and run. */
static void read_references(struct parser *r, const struct yaml *map, struct stage *s)
{
    const struct yaml *in = expect(r, map, "in", YAML_SCALAR), *run = yaml_get(map, "run");
    r->stage = s;
    if (in) {
        r->line = in->line;
        r->column = in->column;
        find_origin(r, in->text, &s->in);
    }
    if (map->kind != YAML_MAP)
        return;
    if (!run) {
        faults_add(r->faults, s->line, s->column, "stage '%s' has no run: COMMAND", s->name);
        return;
    }
    r->line = run->line;
    r->column = run->column;
    if (run->kind == YAML_SCALAR) {
        words_split(run->text, run->line, run->column, resolve_word, r, &s->words, &s->n_words, r->faults);
    } else if (run->kind == YAML_LIST) {
        for (size_t i = 0; i < run->n; i++) {
            const struct yaml *item = run->items[i];
            r->line = item->line;
            r->column = item->column;
            if (item->kind == YAML_SCALAR)
                words_one(item->text, item->line, item->column, resolve_word, r, &s->words, &s->n_words, r->faults);
            else
                faults_add(r->faults, item->line, item->column, "a word of run must be text, not %s",
                           yaml_kind_name(item->kind));
        }
    } else {
        faults_add(r->faults, run->line, run->column, "'run' must be text or a list of words, not a map");
        return;
    }
    const struct word *program = s->n_words ? &s->words[0] : NULL;
    if (!program || program->n != 1 || (program->parts[0].kind == PART_TEXT && !*program->parts[0].text))
        if (run->kind != YAML_LIST || run->n == s->n_words) /* else there is a fault already */
            faults_add(r->faults, run->line, run->column, "'run' names no program");
}

/* A file and who writes it (a stage) or reads it (NULL: an input). */
struct owner {
    const struct named *file;
    const char *stage;
};

static int by_path(const void *a, const void *b)
{
    const struct owner *x = a, *y = b;
    int order = strcmp(x->file->value, y->file->value);
    if (order)
        return order;
    if (!x->stage != !y->stage)
        return x->stage ? 1 : -1; /* inputs first */
    return x->file->line < y->file->line ? -1 : x->file->line > y->file->line;
}

/* Two stages must not make the same file, nor one an input. */
static void refuse_shared_files(const struct parser *r)
{
    const struct pipeline *p = r->p;
    size_t n = p->n_inputs;
    for (size_t i = 0; i < p->n_stages; i++)
        n += p->stages[i].n_files + p->stages[i].n_keeps;
    struct owner *owners = mem_get(n, sizeof *owners);
    n = 0;
    for (size_t i = 0; i < p->n_inputs; i++)
        owners[n++] = (struct owner){&p->inputs[i], NULL};
    for (size_t i = 0; i < p->n_stages; i++) {
        const struct stage *s = &p->stages[i];
        for (size_t k = 0; k < s->n_files + s->n_keeps; k++)
            owners[n++] = (struct owner){k < s->n_files ? &s->files[k] : &s->keeps[k - s->n_files], s->name};
    }
    qsort(owners, n, sizeof *owners, by_path);
    for (size_t i = 1; i < n; i++) {
        const struct named *file = owners[i].file, *before = owners[i - 1].file;
        if (!owners[i].stage || !*file->value || strcmp(before->value, file->value))
            continue;
        if (owners[i - 1].stage)
            faults_add(r->faults, file->line, file->column, "'%s' is written by stage '%s' too", file->value,
                       owners[i - 1].stage);
        else
            faults_add(r->faults, file->line, file->column, "'%s' is the input '%s'", file->value, before->name);
    }
    free(owners);
}

/* Calls visit for every stage that stage `s` takes something from. */
static void each_need(const struct stage *s, void (*visit)(void *context, size_t from), void *context)
{
    if (s->in.kind == ORIGIN_STREAM || s->in.kind == ORIGIN_FILE)
        visit(context, s->in.index);
    for (size_t i = 0; i < s->n_fds; i++)
        if (s->fds[i].kind != ORIGIN_INPUT)
            visit(context, s->fds[i].index);
    for (size_t w = 0; w < s->n_words; w++)
        for (size_t i = 0; i < s->words[w].n; i++)
            if (s->words[w].parts[i].kind == PART_FILE && s->words[w].parts[i].origin.kind == ORIGIN_FILE)
                visit(context, s->words[w].parts[i].origin.index);
}

struct walk {
    const struct parser *r;
    size_t path[PIPELINE_MAX_STAGES], n;
    enum { NEW, OPEN, DONE } state[PIPELINE_MAX_STAGES];
};

static void walk(void *context, size_t index)
{
    struct walk *w = context;
    const struct pipeline *p = w->r->p;
    if (w->state[index] == DONE)
        return;
    if (w->state[index] == OPEN) {
        struct buf text = {0};
        size_t first = w->n - 1;
        while (w->path[first] != index)
            first--;
        for (size_t i = w->n; i-- > first;)
            buf_printf(&text, "%s -> ", p->stages[w->path[i]].name);
        faults_add(w->r->faults, p->stages[index].line, p->stages[index].column, "stage '%s' needs itself: %s%s",
                   p->stages[index].name, buf_string(&text), p->stages[w->path[w->n - 1]].name);
        buf_free(&text);
        return;
    }
    w->state[index] = OPEN;
    w->path[w->n++] = index;
    each_need(&p->stages[index], walk, w);
    w->n--;
    w->state[index] = DONE;
}

static void refuse_cycles(const struct parser *r)
{
    struct walk *w = mem_get(1, sizeof *w);
    w->r = r;
    for (size_t i = 0; i < r->p->n_stages; i++)
        walk(w, i);
    free(w);
}

static void check_version(const struct parser *r, const struct yaml *root)
{
    const struct yaml *version = expect(r, root, "pipeline", YAML_SCALAR);
    int64_t number;
    if (!yaml_get(root, "pipeline"))
        faults_add(r->faults, root->line, root->column, "'pipeline: %d' is missing (the version of the format)",
                   PIPELINE_VERSION);
    else if (version && (!opt_int(version->text, 1, INT32_MAX, &number) || number > PIPELINE_VERSION))
        faults_add(r->faults, version->line, version->column,
                   "'pipeline: %s' is a format this runnel does not know (it knows %d)", version->text,
                   PIPELINE_VERSION);
}

/* The stages, in two passes: a stage may refer to one that stands below it. */
static void read_stages(struct parser *r, const struct yaml *stages)
{
    struct pipeline *p = r->p;
    if (!stages || !stages->n || stages->n > PIPELINE_MAX_STAGES) {
        if (stages && stages->n)
            faults_add(r->faults, stages->line, stages->column, "more than %d stages", PIPELINE_MAX_STAGES);
        else
            faults_add(r->faults, 0, 0, "no stages (stages: {NAME: {run: COMMAND}})");
        return;
    }
    p->stages = mem_get(stages->n, sizeof *p->stages);
    for (size_t i = 0; i < stages->n; i++)
        read_stage(r, stages->items[i]);
    for (size_t i = 0; i < stages->n; i++)
        read_references(r, stages->items[i], &p->stages[i]);
    refuse_shared_names(r);
    refuse_shared_files(r);
    refuse_cycles(r);
}

struct pipeline *pipeline_parse(const char *bytes, size_t length, char **settings, size_t n_settings,
                                struct faults *faults, struct err *e)
{
    struct yaml *root = yaml_parse(bytes, length, faults);
    struct pipeline *p = mem_get(1, sizeof *p);
    struct parser r = {.p = p, .faults = faults};
    int result = 0;
    if (root && root->kind != YAML_MAP) {
        faults_add(faults, root->line, root->column, "a pipeline is a map, not %s", yaml_kind_name(root->kind));
    } else if (root) {
        refuse_unknown_keys(&r, root, "pipeline|params|inputs|stages", "a pipeline");
        check_version(&r, root);
        read_named(&r, expect(&r, root, "params", YAML_MAP), false, &p->params, &p->n_params);
        read_named(&r, expect(&r, root, "inputs", YAML_MAP), true, &p->inputs, &p->n_inputs);
        result = apply_settings(p, settings, n_settings, e);
        for (size_t i = 0; i < p->n_inputs; i++)
            fill_path(&r, &p->inputs[i]);
        read_stages(&r, expect(&r, root, "stages", YAML_MAP));
    }
    yaml_release(root);
    faults_sort(faults);
    if (result < 0 || faults->n) {
        pipeline_free(p);
        return NULL;
    }
    return p;
}
