#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace placer::detail {

/// Inputs of an LSTM that runs over `steps` positions for `batch` sequences at once. What the step
/// reads besides its own state comes as two sums that need no [steps, batch] products: one row per
/// step, shared by the batch, and one row of a small table per (step, sequence).
struct LstmSequenceInputs {
  at::Tensor step_input;               ///< float [steps, 4 hidden]; includes the bias
  at::Tensor table;                    ///< float [rows, 4 hidden], or undefined
  at::Tensor table_rows;               ///< int32 [steps, batch], or undefined
  at::Tensor recurrent;                ///< float [4 hidden, hidden]; gates in order i, f, g, o
  at::Tensor first_state, first_cell;  ///< float [hidden], shared by the batch
  std::int64_t batch = 1;
};

struct LstmSequenceOutputs {
  at::Tensor states;     ///< [steps, batch, hidden]
  at::Tensor last_cell;  ///< [batch, hidden]
};

/// Runs the LSTM; differentiable once in all tensors. The recurrent products and gates use Kernels,
/// the gradient of `recurrent` is one product over all steps.
[[nodiscard]] LstmSequenceOutputs RunLstm(const LstmSequenceInputs& inputs);

/// Scores value . tanh(queries[i] + keys[j]) of additive attention; differentiable once. Memory is
/// [rows, positions], not [rows, positions, hidden]: the backward pass computes the tanh again.
/// @param queries  [rows, hidden]
/// @param keys     [positions, hidden]
/// @param value    [hidden]
/// @return         [rows, positions]
/// Source: Bahdanau, Cho, Bengio 2015, arXiv 1409.0473, appendix A.1.2.
[[nodiscard]] at::Tensor AdditiveAttentionScores(const at::Tensor& queries, const at::Tensor& keys,
                                                 const at::Tensor& value);

}  // namespace placer::detail
