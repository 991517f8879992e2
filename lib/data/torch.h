/* torch: recurrent networks under PyTorch's names (torch.nn.LSTM, GRU, RNN) as models, and back.
 *
 *     PREFIXweight_ih_lL  [G*H,I]    rnn.L.input        (layer L; backward: _reverse, rnn.L.reverse.input)
 *     PREFIXweight_hh_lL  [G*H,H]    rnn.L.recurrent
 *     PREFIXbias_ih_lL    [G*H]      rnn.L.bias         bias_ih + bias_hh; of a GRU [4H]: r and u the sums, n that of
 *     PREFIXbias_hh_lL    [G*H]                         bias_ih, m that of bias_hh, which r multiplies
 *     embedding.weight    [V,D]      embedding
 *     out.weight, out.bias           out.weight [K,H or 2H], out.bias [K]
 *
 * The order of the gates is the same on both sides (i f g o; r u n, where PyTorch writes z for u). G tells the cell: 4
 * lstm, 3 gru-reset-after, 1 elman. */
#ifndef DATA_TORCH_H
#define DATA_TORCH_H

#include "data/format.h"

/* Is a name that of layer 0's input weights, so that a network is there? */
bool torch_is_network(const char *name);

/* Writes the network in `file`, whose head holds the file's metadata, as a segment of profile model/rnn, HEAD to END.
 * Embedding and head are found by their shapes and usual names, or are called embedding.weight, out.weight and
 * out.bias. Refused as STATUS_DATA: a layer that is not whole or fits no cell, several networks or heads to choose
 * from, tensors that have no place, projections (proj_size), values that are not finite. */
int torch_import(const struct format_want *want, const struct segment *file, struct sink *k, struct err *e);

/* The tensors of a model under PyTorch's names into an empty segment, which is the caller's. bias_ih gets the bias,
 * bias_hh zeros, so that torch_import gives the same bits again. Vocabulary and the state of training stay out. Refused
 * as STATUS_DATA: cells and tensors that PyTorch has no counterpart of. */
int torch_export(const struct format_want *want, const struct segment *model, struct segment *out, struct err *e);

#endif
