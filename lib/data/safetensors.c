#include "data/safetensors.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "data/torch.h"

/* The format's name of each dtype; utf8 goes as the last of the U8. */
static const char *const types[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "BOOL", [DTYPE_U8] = "U8",   [DTYPE_I8] = "I8",   [DTYPE_U16] = "U16", [DTYPE_I16] = "I16",
    [DTYPE_U32] = "U32",   [DTYPE_I32] = "I32", [DTYPE_U64] = "U64", [DTYPE_I64] = "I64", [DTYPE_F16] = "F16",
    [DTYPE_BF16] = "BF16", [DTYPE_F32] = "F32", [DTYPE_F64] = "F64", [DTYPE_UTF8] = "U8",
};

/* ---- The header ---- */

struct entry {
    struct tensor tensor; /* no data yet */
    uint64_t low, high;   /* its bytes */
    bool dropped;
};

struct file {
    struct entry *entries; /* by their place in the data */
    size_t n;
    size_t *by_name; /* their indices, sorted by name */
    struct meta head;
};

static void file_free(struct file *f)
{
    for (size_t i = 0; i < f->n; i++)
        tensor_free(&f->entries[i].tensor);
    free(f->entries);
    free(f->by_name);
    meta_free(&f->head);
}

static int read_dtype(const json_t *value, struct tensor *t, struct err *e)
{
    const char *word = json_string_value(value);
    for (int d = 0; word && d < DTYPE_COUNT; d++)
        if (!strcmp(types[d], word)) {
            t->dtype = (enum dtype)d;
            return 0;
        }
    return err_fail(e, STATUS_DATA,
                    "the dtype '%.40s' has no counterpart here (BOOL, U8 .. I64, F16, BF16, F32, F64 have)",
                    word ? word : "");
}

static int read_shape(const json_t *value, struct tensor *t, struct err *e)
{
    if (!json_is_array(value))
        return err_fail(e, STATUS_DATA, "its shape is no list");
    if (json_array_size(value) > TENSOR_MAX_RANK)
        return err_fail(e, STATUS_DATA, "it has more than %d dimensions", TENSOR_MAX_RANK);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *dim = json_array_get(value, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return err_fail(e, STATUS_DATA, "its shape is not made of whole numbers");
        t->dims[t->rank++] = (uint64_t)json_integer_value(dim);
    }
    return 0;
}

static int read_range(const json_t *value, struct entry *entry, struct err *e)
{
    const json_t *low = json_array_get(value, 0), *high = json_array_get(value, 1);
    uint64_t count, bytes;
    if (json_array_size(value) != 2 || !json_is_integer(low) || !json_is_integer(high) || json_integer_value(low) < 0 ||
        json_integer_value(high) < json_integer_value(low))
        return err_fail(e, STATUS_DATA, "its data_offsets are not two rising whole numbers");
    entry->low = (uint64_t)json_integer_value(low);
    entry->high = (uint64_t)json_integer_value(high);
    if (!shape_size(entry->tensor.dtype, entry->tensor.rank, entry->tensor.dims, &count, &bytes))
        return err_fail(e, STATUS_DATA, "its shape is too large");
    if (entry->high - entry->low != bytes)
        return err_fail(e, STATUS_DATA, "its shape and dtype take %" PRIu64 " bytes, its data_offsets %" PRIu64, bytes,
                        entry->high - entry->low);
    entry->tensor.bytes = bytes;
    return 0;
}

static int read_entry(const char *name, const json_t *value, struct entry *entry, struct err *e)
{
    size_t length = strlen(name);
    if (!length || length > TENSOR_MAX_NAME || !utf8_plain(name, length))
        return err_fail(e, STATUS_DATA, "the name '%.60s' is empty, longer than %d bytes or holds control bytes", name,
                        TENSOR_MAX_NAME);
    entry->tensor.name = mem_copy(name);
    if (!json_is_object(value))
        return err_fail(e, STATUS_DATA, "'%s' is no object of dtype, shape and data_offsets", name);
    if (read_dtype(json_object_get(value, "dtype"), &entry->tensor, e) < 0 ||
        read_shape(json_object_get(value, "shape"), &entry->tensor, e) < 0 ||
        read_range(json_object_get(value, "data_offsets"), entry, e) < 0)
        return err_where(e, "'%s'", name);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    return strcmp(x->tensor.name, y->tensor.name);
}

/* The ranges follow each other from 0 on. */
static int check_ranges(const struct file *f, struct err *e)
{
    uint64_t at = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct entry *entry = &f->entries[i];
        if (entry->low < at)
            return err_fail(e, STATUS_DATA,
                            "'%s' and '%s' overlap: one begins at byte %" PRIu64 " of the data, the other "
                            "ends at %" PRIu64,
                            f->entries[i - 1].tensor.name, entry->tensor.name, entry->low, at);
        if (entry->low > at)
            return err_fail(e, STATUS_DATA,
                            "bytes %" PRIu64 " to %" PRIu64 " of the data, before '%s', belong to no tensor", at,
                            entry->low, entry->tensor.name);
        at = entry->high;
    }
    return 0;
}

static int read_entries(struct file *f, json_t *root, struct err *e)
{
    const char *name;
    json_t *value;
    f->entries = mem_get(json_object_size(root), sizeof *f->entries);
    json_object_foreach(root, name, value)
    {
        if (!strcmp(name, "__metadata__"))
            continue;
        if (read_entry(name, value, &f->entries[f->n++], e) < 0)
            return -1;
    }
    qsort(f->entries, f->n, sizeof *f->entries, by_place);
    return check_ranges(f, e);
}

/* ---- Names ---- */

static bool is_dropped(const struct format_want *want, const char *name)
{
    for (size_t i = 0; i < want->drop.n; i++)
        if (fnmatch(want->drop.items[i], name, 0) == 0)
            return true;
    return false;
}

/* The last of the --rename that fits. */
static int rename_entry(const struct format_want *want, struct tensor *t, struct err *e)
{
    for (size_t i = want->rename.n; i-- > 0;) {
        const char *old = want->rename.items[i], *equals = strchr(old, '='), *new = equals ? equals + 1 : NULL;
        size_t n = equals ? (size_t)(equals - old) : 0;
        bool beginning = n && old[n - 1] == '.';
        if (!n || (beginning ? *new &&new[strlen(new) - 1] != '.' : !*new))
            return err_fail(e, STATUS_MISUSED, "--rename '%s' is not OLD=NEW, two names or two beginnings with a dot",
                            old);
        if (strncmp(t->name, old, n) || (!beginning && t->name[n]))
            continue;
        char *name = mem_printf("%s%s", new, t->name + n);
        free(t->name);
        t->name = name;
        if (!*name || strlen(name) > TENSOR_MAX_NAME || !utf8_plain(name, strlen(name)))
            return err_fail(e, STATUS_MISUSED,
                            "--rename '%s' makes a name that is empty, too long or holds control bytes", old);
        return 0;
    }
    return 0;
}

static int by_name(const void *a, const void *b, void *entries)
{
    const struct entry *x = entries;
    return strcmp(x[*(const size_t *)a].tensor.name, x[*(const size_t *)b].tensor.name);
}

static void sort_names(struct file *f)
{
    if (!f->by_name)
        f->by_name = mem_get(f->n, sizeof *f->by_name);
    for (size_t i = 0; i < f->n; i++)
        f->by_name[i] = i;
    qsort_r(f->by_name, f->n, sizeof *f->by_name, by_name, f->entries);
}

/* --drop goes by the file's names, then --rename makes new ones. */
static int name_entries(struct file *f, const struct format_want *want, struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        f->entries[i].dropped = is_dropped(want, f->entries[i].tensor.name);
        if (rename_entry(want, &f->entries[i].tensor, e) < 0)
            return -1;
    }
    sort_names(f);
    const struct entry *last = NULL;
    for (size_t i = 0; i < f->n; i++) {
        const struct entry *entry = &f->entries[f->by_name[i]];
        if (entry->dropped)
            continue;
        if (last && !strcmp(last->tensor.name, entry->tensor.name))
            return err_fail(e, STATUS_MISUSED, "--rename: two tensors would be called '%s'", entry->tensor.name);
        last = entry;
    }
    return 0;
}

static struct tensor *find(const struct file *f, const char *name, size_t length)
{
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct tensor *t = &f->entries[f->by_name[middle]].tensor;
        int order = strncmp(t->name, name, length);
        if (!order && !t->name[length])
            return t;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Metadata ---- */

/* NAME = utf8 and NAME[KEY] are a tensor's, the rest is HEAD's. */
static void take_metadata(struct file *f, const char *key, const char *value)
{
    size_t n = strlen(key);
    struct tensor *t = find(f, key, n);
    if (t && t->dtype == DTYPE_U8 && !strcmp(value, dtype_name(DTYPE_UTF8))) {
        t->dtype = DTYPE_UTF8;
        return;
    }
    const char *bracket = n && key[n - 1] == ']' ? strchr(key, '[') : NULL;
    while (bracket && !(t = find(f, key, (size_t)(bracket - key))))
        bracket = strchr(bracket + 1, '[');
    if (bracket) {
        char *own = mem_copy_bytes(bracket + 1, n - (size_t)(bracket - key) - 2);
        meta_set(&t->meta, own, value);
        free(own);
    } else if (strncmp(key, "hop.", 4)) {
        meta_set(&f->head, key, value);
    }
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_metadata(struct file *f, const json_t *metadata, struct err *e)
{
    size_t n = json_object_size(metadata), i = 0, bytes = 0;
    const char *key;
    json_t *value;
    if (metadata && !json_is_object(metadata))
        return err_fail(e, STATUS_DATA, "__metadata__ is no object");
    const char **keys = mem_get(n, sizeof *keys);
    sort_names(f);
    json_object_foreach((json_t *)metadata, key, value)
    {
        keys[i++] = key;
        bytes += strlen(key) + (json_is_string(value) ? strlen(json_string_value(value)) : META_MAX) + 2;
        if (bytes > META_MAX) {
            err_fail(e, STATUS_DATA, "__metadata__ holds more than %d bytes, or '%.60s' in it is no text", META_MAX,
                     key);
            free(keys);
            return -1;
        }
    }
    qsort(keys, n, sizeof *keys, by_key); /* in this order a meta grows at its end */
    for (i = 0; i < n; i++)
        take_metadata(f, keys[i], json_string_value(json_object_get(metadata, keys[i])));
    free(keys);
    return 0;
}

/* Taken apart, JSON grows manifold, and most where it is all brackets. A tensor has three in no fewer than 51 bytes. */
static int check_brackets(const struct buf *text, struct err *e)
{
    size_t brackets = 0;
    bool quoted = false;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            brackets++;
    }
    return 16 * brackets > text->len + 64 ? err_fail(e, STATUS_DATA, "the header holds more brackets than tensors need")
                                          : 0;
}

static int read_header(int fd, const struct format_want *want, struct file *f, struct err *e)
{
    struct buf text = {0};
    json_error_t error;
    uint64_t length = 0;
    json_t *root = NULL;
    int result = file_take(fd, sizeof length, &text, e);
    if (result == 0) {
        memcpy(&length, text.data, sizeof length);
        buf_clear(&text);
        if (length > SAFETENSORS_MAX_HEADER)
            result = err_fail(e, STATUS_DATA,
                              "the header would be %" PRIu64 " bytes long, more than %d (is it safetensors?)", length,
                              SAFETENSORS_MAX_HEADER);
        else if (file_take(fd, length, &text, e) < 0)
            result = err_where(e, "header");
    }
    if (result == 0)
        result = check_brackets(&text, e);
    if (result == 0 && !(root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error)))
        result = err_fail(e, STATUS_DATA, "header, byte %d: %s", 8 + error.position, error.text);
    buf_free(&text);
    if (result == 0 && !json_is_object(root))
        result = err_fail(e, STATUS_DATA, "the header is no JSON object");
    if (result == 0 && (result = read_entries(f, root, e)) == 0)
        result = read_metadata(f, json_object_get(root, "__metadata__"), e);
    json_decref(root);
    return result < 0 ? -1 : name_entries(f, want, e);
}

/* ---- Import ---- */

static int check_bools(const struct tensor *t, struct err *e)
{
    const unsigned char *bytes = t->data;
    for (size_t i = 0; t->dtype == DTYPE_BOOL && i < t->bytes; i++)
        if (bytes[i] > 1)
            return err_fail(e, STATUS_DATA, "element %zu is a bool that is neither 0 nor 1", i);
    return 0;
}

/* The next tensor's data, which come as they lie in the file. */
static int read_data(int fd, struct entry *entry, struct err *e)
{
    struct buf data = {0};
    int result = file_take(fd, entry->tensor.bytes, &data, e);
    entry->tensor.data = data.data;
    if (result == 0 && !entry->dropped)
        result = check_bools(&entry->tensor, e);
    return result < 0 && e->status == STATUS_DATA ? err_where(e, "'%s'", entry->tensor.name) : result;
}

static void drop_data(struct tensor *t)
{
    free(t->data);
    t->data = NULL;
}

static int import_plain(int fd, const struct format_want *want, struct file *f, struct sink *k, struct err *e)
{
    const char *profile = want->profile ? want->profile : meta_get(&f->head, "profile");
    struct meta head = {0};
    if (want->vocab || want->prefix || want->nonlinearity != NONLINEARITY_AUTO || want->purpose != PURPOSE_AUTO)
        return err_fail(e, STATUS_MISUSED,
                        "--vocab, --prefix, --task and --nonlinearity are for recurrent networks under "
                        "PyTorch's names, and the file holds none");
    meta_copy(&head, &f->head);
    meta_set(&head, "profile", profile ? profile : "tensors");
    meta_set(&head, "hop.0000", want->hop);
    int result = format_meta(want, &head, e) < 0 ? -1 : sink_head(k, &head, e);
    for (size_t i = 0; result == 0 && i < f->n; i++) {
        struct entry *entry = &f->entries[i];
        result = read_data(fd, entry, e);
        if (result == 0 && !entry->dropped)
            result = sink_tensor(k, &entry->tensor, e);
        drop_data(&entry->tensor);
    }
    meta_free(&head);
    if (result == 0 && file_ends(fd, e) < 0)
        result = -1;
    return result < 0 ? -1 : sink_end(k, "complete", NULL, e);
}

static int import_network(int fd, const struct format_want *want, struct file *f, struct sink *k, struct err *e)
{
    struct segment network = {.head = f->head, .tensors = mem_get(f->n, sizeof *network.tensors)};
    int result = 0;
    for (size_t i = 0; result == 0 && i < f->n; i++) {
        result = read_data(fd, &f->entries[i], e);
        if (f->entries[i].dropped)
            drop_data(&f->entries[i].tensor);
        else
            network.tensors[network.n++] = f->entries[i].tensor;
    }
    if (result == 0)
        result = file_ends(fd, e) < 0 ? -1 : torch_import(want, &network, k, e);
    free(network.tensors);
    return result;
}

static bool is_network(const struct format_want *want, const struct file *f)
{
    for (size_t i = 0; want->naming == NAMING_AUTO && i < f->n; i++)
        if (!f->entries[i].dropped && torch_is_network(f->entries[i].tensor.name))
            return true;
    return want->naming == NAMING_TORCH;
}

int safetensors_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e)
{
    const char *path = n_paths ? paths[0] : NULL;
    struct file f = {0};
    if (n_paths > 1)
        return err_fail(e, STATUS_MISUSED, "'%s' is one file too many", paths[1]);
    int fd = infile_open(path, e);
    if (fd < 0)
        return -1;
    int result = read_header(fd, want, &f, e);
    if (result == 0)
        result = (is_network(want, &f) ? import_network : import_plain)(fd, want, &f, k, e);
    if (result < 0 && e->status == STATUS_DATA)
        err_where(e, "%s", infile_label(path));
    if (fd != STDIN_FILENO)
        close(fd);
    file_free(&f);
    return result;
}

/* ---- Export ---- */

static bool add_text(json_t *object, const char *key, const char *value)
{
    return json_object_set_new(object, key, json_string(value)) == 0;
}

/* __metadata__; NULL when there is text that is not UTF-8, which JSON cannot hold. */
static json_t *metadata_of(const struct segment *segment)
{
    json_t *all = json_object();
    bool good = true;
    for (size_t i = 0; i < segment->head.n; i++)
        if (strncmp(segment->head.pairs[i].key, "hop.", 4))
            good &= add_text(all, segment->head.pairs[i].key, segment->head.pairs[i].value);
    for (size_t i = 0; i < segment->n; i++) {
        const struct tensor *t = &segment->tensors[i];
        if (t->dtype == DTYPE_UTF8)
            good &= add_text(all, t->name, dtype_name(DTYPE_UTF8));
        for (size_t m = 0; m < t->meta.n; m++) {
            char *key = mem_printf("%s[%s]", t->name, t->meta.pairs[m].key);
            good &= add_text(all, key, t->meta.pairs[m].value);
            free(key);
        }
    }
    if (good)
        return all;
    json_decref(all);
    return NULL;
}

static json_t *entry_of(const struct tensor *t, uint64_t at)
{
    json_t *shape = json_array();
    for (unsigned d = 0; d < t->rank; d++)
        json_array_append_new(shape, json_integer((json_int_t)t->dims[d]));
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", types[t->dtype], "shape", shape, "data_offsets", (json_int_t)at,
                     (json_int_t)(at + t->bytes));
}

/* Indices of the tensors, larger elements first. */
static size_t *in_order(const struct segment *segment)
{
    size_t *order = mem_get(segment->n, sizeof *order), n = 0;
    for (size_t size = 8; size; size /= 2)
        for (size_t i = 0; i < segment->n; i++)
            if (dtype_size(segment->tensors[i].dtype) == size)
                order[n++] = i;
    return order;
}

static int write_header(const struct segment *segment, const size_t *order, struct outfile *out, struct err *e)
{
    json_t *root = json_object(), *metadata = metadata_of(segment);
    uint64_t at = 0;
    int result = metadata ? 0 : err_fail(e, STATUS_DATA, "there is metadata that is not UTF-8, which JSON cannot hold");
    if (metadata && json_object_size(metadata))
        json_object_set(root, "__metadata__", metadata);
    for (size_t i = 0; result == 0 && i < segment->n; at += segment->tensors[order[i++]].bytes) {
        const struct tensor *t = &segment->tensors[order[i]];
        if (json_object_get(root, t->name) || !strcmp(t->name, "__metadata__"))
            result = err_fail(e, STATUS_DATA, "two things would be called '%s'", t->name);
        else if (json_object_set_new(root, t->name, entry_of(t, at)) < 0)
            result = err_fail(e, STATUS_DATA, "the name '%s' cannot stand in JSON", t->name);
    }
    char *text = result == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
    if (result == 0 && !text)
        mem_exhausted(segment->n);
    if (text) {
        struct buf header = {0};
        uint64_t length = (strlen(text) + 7) / 8 * 8;
        buf_add(&header, &length, sizeof length);
        buf_printf(&header, "%-*s", (int)length, text);
        result = length > SAFETENSORS_MAX_HEADER
                     ? err_fail(e, STATUS_DATA, "the header is longer than the format allows")
                     : outfile_write(out, header.data, header.len, e);
        buf_free(&header);
    }
    free(text);
    json_decref(metadata);
    json_decref(root);
    return result;
}

static int write_segment(const struct segment *segment, struct outfile *out, struct err *e)
{
    size_t *order = in_order(segment);
    int result = write_header(segment, order, out, e);
    for (size_t i = 0; result == 0 && i < segment->n; i++)
        result = outfile_write(out, segment->tensors[order[i]].data, segment->tensors[order[i]].bytes, e);
    free(order);
    return result;
}

/* The stream's one segment, to its end. */
static int read_segment(struct source *s, struct segment *segment, struct err *e)
{
    struct segment more = {0};
    struct batch batch = {0};
    int got = source_segment(s, segment, e);
    if (got > 0 && (got = source_batch(s, &batch, e)) > 0)
        got = err_fail(e, STATUS_DATA,
                       "%s: it has items, and safetensors holds no columns (tns export --format npy or csv, "
                       "or drop the columns)",
                       source_label(s));
    if (got == 0 && (got = source_segment(s, &more, e)) > 0)
        got = err_fail(e, STATUS_DATA, "%s: it has more than one segment", source_label(s));
    batch_free(&batch);
    segment_free(&more);
    return got;
}

int safetensors_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e)
{
    struct segment segment = {0}, network = {0};
    int result = read_segment(s, &segment, e);
    bool torch = want->naming == NAMING_TORCH ||
                 (want->naming == NAMING_AUTO && !strcmp(segment_profile(&segment), "model/rnn"));
    if (result == 0 && want->prefix && !torch)
        result = err_fail(e, STATUS_MISUSED, "--prefix is for recurrent networks under PyTorch's names");
    if (result == 0 && torch && (result = torch_export(want, &segment, &network, e)) < 0 && e->status == STATUS_DATA)
        err_where(e, "%s", source_label(s));
    if (result == 0)
        result = write_segment(torch ? &network : &segment, out, e);
    segment_free(&segment);
    segment_free(&network);
    return result;
}
