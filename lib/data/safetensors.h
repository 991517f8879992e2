/* safetensors: named arrays in one file (github.com/huggingface/safetensors, format of version 0.3 on).
 *
 *     u64 n, little-endian | n bytes of JSON | data
 *
 * The JSON is {"NAME": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ..., "__metadata__": {"KEY":
 * "VALUE"}}; offsets count from the first byte of the data. The ranges cover the data without overlap or hole. bool, u8
 * .. i64, f16, bf16, f32 and f64 exist on both sides; 8-bit floats and complex numbers are refused.
 *
 * Under plain names a stream goes there and back: TENSORs are arrays; HEAD's metadata, its hops apart, is __metadata__;
 * the metadata of a tensor stands there as NAME[KEY]; utf8 is U8 with the entry "NAME": "utf8". Recurrent networks
 * under PyTorch's names are torch.h's. */
#ifndef DATA_SAFETENSORS_H
#define DATA_SAFETENSORS_H

#include "data/format.h"

enum { SAFETENSORS_MAX_HEADER = 100 * 1000 * 1000 };

/* One file to one segment; what it is called and where it goes, want->naming, rename and drop say. Memory grows as
 * bytes arrive, and holds the header and one tensor, or a network whole. Refused as STATUS_DATA: a file that is cut or
 * longer than it says, a header that is too long or no such JSON, doubled names, ranges that are not as long as their
 * shapes, overlap or leave holes, unknown types; NaN in a network. */
int safetensors_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);

/* The TENSORs of one segment; a stream of profile model/rnn under PyTorch's names unless want->naming says plain.
 * Larger elements come first, so that every array is aligned. Batches are refused. */
int safetensors_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

#endif
