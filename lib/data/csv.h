/* csv: tables of numbers as text, a row a line, fields apart by comma, semicolon or TAB (RFC 4180 as far as it goes: a
 * field may be quoted, "" in it is a quote; a line end may not stand in it). */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "data/format.h"

/* Each row is a step of an item, and becomes f32 as series.h says; an empty line, another file, or another text in the
 * column want->item_column begins an item; with want->column each row is an item. One segment, profile "vectors" unless
 * told. A first line without a number in it is a header. Empty fields, text, NaN, infinity, and lines that have not as
 * many fields as the first are STATUS_DATA and named as file:line:column, counted in bytes from 1. */
int csv_import(const struct format_want *want, char **paths, size_t n_paths, struct sink *k, struct err *e);

/* The rows of the tensor want->name, or those of the column of that name in all segments, an empty line between the
 * items where it is ragged. Reals with the fewest digits that give them back. utf8 and ranks over 2 are STATUS_DATA. */
int csv_export(const struct format_want *want, struct source *s, struct outfile *out, struct err *e);

#endif
