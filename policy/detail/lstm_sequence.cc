#include "policy/detail/lstm_sequence.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>

#include "policy/detail/kernels.h"

namespace placer::detail {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct SequenceSize {
  std::size_t steps, batch, hidden;
};

// Tensors have no unsigned type; rows are small and not negative.
const std::uint32_t* RowsOf(const at::Tensor& table_rows) {
  return table_rows.numel() > 0
             ? reinterpret_cast<const std::uint32_t*>(table_rows.data_ptr<std::int32_t>())
             : nullptr;
}

at::Tensor Repeat(const at::Tensor& row, std::int64_t batch) {
  return row.unsqueeze(0).expand({batch, row.size(0)}).contiguous();
}

struct ForwardBuffers {
  at::Tensor states, cells, gates;  // [steps, batch, hidden or 4 hidden]
};

ForwardBuffers Forward(const SequenceSize& size, const at::Tensor& step_input,
                       const at::Tensor& table, const at::Tensor& table_rows,
                       const at::Tensor& recurrent, const at::Tensor& first_state,
                       const at::Tensor& first_cell) {
  const auto steps = static_cast<std::int64_t>(size.steps);
  const auto batch = static_cast<std::int64_t>(size.batch);
  const auto hidden = static_cast<std::int64_t>(size.hidden);
  ForwardBuffers out{at::empty({steps, batch, hidden}), at::empty({steps, batch, hidden}),
                     at::empty({steps, batch, 4 * hidden})};
  const PackedMatrix packed(recurrent.data_ptr<float>(), size.hidden, 4 * size.hidden,
                            /*transposed=*/true);
  const at::Tensor state = Repeat(first_state, batch), cell = Repeat(first_cell, batch);
  const std::size_t row_size = size.batch * size.hidden;
  const std::uint32_t* rows = RowsOf(table_rows);
  const float* state_before = state.data_ptr<float>();
  LstmStep step;
  step.batch = size.batch;
  step.hidden = size.hidden;
  step.table = table.numel() > 0 ? table.data_ptr<float>() : nullptr;
  step.cell_before = cell.data_ptr<float>();
  for (std::size_t t = 0; t < size.steps; ++t) {
    step.input = step_input.data_ptr<float>() + t * 4 * size.hidden;
    step.table_rows = rows == nullptr ? nullptr : rows + t * size.batch;
    step.gates = out.gates.data_ptr<float>() + t * 4 * row_size;
    step.cell = out.cells.data_ptr<float>() + t * row_size;
    step.state = out.states.data_ptr<float>() + t * row_size;
    packed.MultiplyInto(size.batch, state_before, step.gates);
    BestKernels().lstm_step(step);
    state_before = step.state;
    step.cell_before = step.cell;
  }
  return out;
}

struct BackwardResult {
  at::Tensor d_gates;  // [steps, batch, 4 hidden]
  at::Tensor d_first_state, d_first_cell;
};

BackwardResult Backward(const SequenceSize& size, const ForwardBuffers& saved,
                        const at::Tensor& recurrent, const at::Tensor& first_cell,
                        const at::Tensor& d_states, const at::Tensor& d_last_cell) {
  const auto batch = static_cast<std::int64_t>(size.batch);
  const std::size_t row_size = size.batch * size.hidden;
  BackwardResult result{at::empty_like(saved.gates), {}, {}};
  const PackedMatrix packed(recurrent.data_ptr<float>(), 4 * size.hidden, size.hidden,
                            /*transposed=*/false);
  const at::Tensor cell_before_first = Repeat(first_cell, batch);
  const at::Tensor d_state = at::zeros_like(cell_before_first);
  const at::Tensor d_cell =
      d_last_cell.defined() ? d_last_cell.clone() : at::zeros_like(cell_before_first);
  LstmStepGradient step;
  step.batch = size.batch;
  step.hidden = size.hidden;
  step.d_state_next = d_state.data_ptr<float>();
  step.d_cell = d_cell.data_ptr<float>();
  for (std::size_t t = size.steps; t-- > 0;) {
    const float* cells = saved.cells.data_ptr<float>();
    step.gates = saved.gates.data_ptr<float>() + t * 4 * row_size;
    step.cell = cells + t * row_size;
    step.cell_before = t == 0 ? cell_before_first.data_ptr<float>() : cells + (t - 1) * row_size;
    step.d_state = d_states.data_ptr<float>() + t * row_size;
    step.d_gates = result.d_gates.data_ptr<float>() + t * 4 * row_size;
    BestKernels().lstm_step_gradient(step);
    packed.MultiplyInto(size.batch, step.d_gates, d_state.data_ptr<float>());
  }
  result.d_first_state = d_state.sum(0);
  result.d_first_cell = d_cell.sum(0);
  return result;
}

at::Tensor TableGradient(const at::Tensor& table, const at::Tensor& table_rows,
                         const at::Tensor& d_gates) {
  at::Tensor d_table = at::zeros_like(table);
  const auto columns = static_cast<std::size_t>(table.size(1));
  const float* from = d_gates.data_ptr<float>();
  for (std::int64_t at = 0; at < table_rows.numel(); ++at) {
    float* to = d_table.data_ptr<float>() + RowsOf(table_rows)[at] * columns;
    for (std::size_t i = 0; i < columns; ++i) {
      to[i] += from[i];
    }
    from += columns;
  }
  return d_table;
}

class LstmFunction : public torch::autograd::Function<LstmFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& step_input,
                               const at::Tensor& table, const at::Tensor& recurrent,
                               const at::Tensor& first_state, const at::Tensor& first_cell,
                               const at::Tensor& table_rows, std::int64_t batch) {
    const SequenceSize size{static_cast<std::size_t>(step_input.size(0)),
                            static_cast<std::size_t>(batch),
                            static_cast<std::size_t>(recurrent.size(1))};
    ForwardBuffers buffers =
        Forward(size, step_input, table, table_rows, recurrent, first_state, first_cell);
    at::Tensor last_cell = buffers.cells[step_input.size(0) - 1].clone();
    context->save_for_backward({buffers.states, buffers.cells, buffers.gates, table, recurrent,
                                first_state, first_cell, table_rows});
    return {buffers.states, last_cell};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &states = saved[0], &table = saved[3], &recurrent = saved[4];
    const SequenceSize size{static_cast<std::size_t>(states.size(0)),
                            static_cast<std::size_t>(states.size(1)),
                            static_cast<std::size_t>(states.size(2))};
    const at::Tensor d_states =
        gradients[0].defined() ? gradients[0].contiguous() : at::zeros_like(states);
    const BackwardResult result =
        Backward(size, {states, saved[1], saved[2]}, recurrent, saved[6], d_states, gradients[1]);
    const std::int64_t steps = states.size(0), batch = states.size(1), hidden = states.size(2);
    // States before each step: the first one, then all but the last.
    const at::Tensor later_gates = result.d_gates.slice(0, 1).reshape({-1, 4 * hidden});
    const at::Tensor earlier_states = states.slice(0, 0, steps - 1).reshape({-1, hidden});
    at::Tensor d_recurrent = at::mm(later_gates.t(), earlier_states);
    d_recurrent.addr_(result.d_gates[0].sum(0), saved[5]);
    const at::Tensor d_step_input = batch == 1 ? result.d_gates.squeeze(1) : result.d_gates.sum(1);
    at::Tensor d_table;
    if (table.numel() > 0) {
      d_table = TableGradient(table, saved[7], result.d_gates);
    }
    return {d_step_input,        d_table,      d_recurrent, result.d_first_state,
            result.d_first_cell, at::Tensor(), at::Tensor()};
  }
};

class AdditiveFunction : public torch::autograd::Function<AdditiveFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& queries,
                            const at::Tensor& keys, const at::Tensor& value) {
    context->save_for_backward({queries, keys, value});
    at::Tensor scores = at::empty({queries.size(0), keys.size(0)});
    for (std::int64_t row = 0; row < queries.size(0); ++row) {
      BestKernels().additive_scores(View(queries, keys, value, row),
                                    scores.data_ptr<float>() + row * keys.size(0));
    }
    return scores;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor d_scores = gradients[0].contiguous();
    variable_list result{at::zeros_like(saved[0]), at::zeros_like(saved[1]),
                         at::zeros_like(saved[2])};
    for (std::int64_t row = 0; row < saved[0].size(0); ++row) {
      BestKernels().additive_scores_gradient(View(saved[0], saved[1], saved[2], row),
                                             d_scores.data_ptr<float>() + row * saved[1].size(0),
                                             result[0].data_ptr<float>() + row * saved[0].size(1),
                                             result[1].data_ptr<float>(),
                                             result[2].data_ptr<float>());
    }
    return result;
  }

 private:
  static AdditiveScores View(const at::Tensor& queries, const at::Tensor& keys,
                             const at::Tensor& value, std::int64_t row) {
    return {static_cast<std::size_t>(keys.size(0)), static_cast<std::size_t>(keys.size(1)),
            queries.data_ptr<float>() + row * queries.size(1), keys.data_ptr<float>(),
            value.data_ptr<float>()};
  }
};

}  // namespace

LstmSequenceOutputs RunLstm(const LstmSequenceInputs& inputs) {
  // Autograd takes no undefined tensors: no table is an empty one.
  const bool has_table = inputs.table.defined();
  const variable_list outputs = LstmFunction::apply(
      inputs.step_input.contiguous(), has_table ? inputs.table.contiguous() : at::empty({0}),
      inputs.recurrent.contiguous(), inputs.first_state.contiguous(),
      inputs.first_cell.contiguous(),
      has_table ? inputs.table_rows.contiguous() : at::empty({0}, at::kInt), inputs.batch);
  return {outputs[0], outputs[1]};
}

at::Tensor AdditiveAttentionScores(const at::Tensor& queries, const at::Tensor& keys,
                                   const at::Tensor& value) {
  return AdditiveFunction::apply(queries.contiguous(), keys.contiguous(), value.contiguous());
}

}  // namespace placer::detail
