// The backward ops of one forward op, by the rows of the gradient table.
#include <algorithm>

#include "graphs/base/error.h"
#include "graphs/detail/training_graph_maker.h"

namespace placer {
namespace {

using Of = GradientTerm::Of;

std::int64_t Twice(std::int64_t value, const std::string& op) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(value, 2, &result)) {
    throw InputError("op '" + op + "': the cost of its gradient is beyond 64 bits");
  }
  return result;
}

}  // namespace

void TrainingGraphMaker::AddBackward(OpId op) {
  bool reached = false;
  for (std::size_t o = 0; o < forward_.num_outputs(op); ++o) {
    reached |= !gradients_[forward_.first_output(op).index() + o].addends.empty();
  }
  if (!reached) {
    return;
  }
  if (!GradientRowsOf(forward_.op(op).type)) {
    ++unknown_types_[forward_.op(op).type];
  }
  for (const GradientRow& row : RowsOf(op)) {
    AddRow(op, row);
  }
}

void TrainingGraphMaker::AddRow(OpId op, const GradientRow& row) {
  const std::vector<std::size_t> targets = Targets(op, row);
  if (targets.empty()) {
    return;
  }
  if (ParseGradientTerms(row.gives).front().index != GradientTerm::kEach) {
    AddBackwardOp(op, row, std::string(row.suffix), 0, targets);
    return;
  }
  for (const std::size_t target : targets) {
    AddBackwardOp(op, row, std::string(row.suffix) + std::to_string(target),
                  static_cast<int>(target), {target});
  }
}

std::vector<TensorId> TrainingGraphMaker::Reads(OpId op, const GradientRow& row, int each) {
  const auto inputs = forward_.inputs(op);
  std::vector<TensorId> outputs;
  for (std::size_t o = 0; o < forward_.num_outputs(op); ++o) {
    outputs.emplace_back(forward_.first_output(op).index() + o);
  }
  std::vector<TensorId> reads;
  for (const GradientTerm& term : ParseGradientTerms(row.reads)) {
    if (term.of == Of::kGradient) {
      for (const TensorId output : outputs) {
        if (const auto gradient = GradientOf(output)) {
          reads.push_back(*gradient);
        }
      }
      continue;
    }
    const std::span<const TensorId> from =
        term.of == Of::kInput ? inputs : std::span<const TensorId>(outputs);
    const int index = term.index == GradientTerm::kEach ? each : term.index;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (index == GradientTerm::kAll || static_cast<std::size_t>(index) == i) {
        reads.push_back(from[i]);
      }
    }
  }
  return reads;
}

/// A look-up along the first dimension of a parameter itself touches few of its rows.
bool TrainingGraphMaker::IsSparseLookUp(OpId op) const {
  const auto inputs = forward_.inputs(op);
  if (inputs.size() != 2 || forward_.num_outputs(op) != 1) {
    return false;
  }
  const Tensor& table = forward_.tensor(inputs[0]);
  std::vector<std::int64_t> rows = forward_.tensor(inputs[1]).shape;
  if (forward_.op(table.producer).role != OpRole::kParameter || table.shape.empty()) {
    return false;
  }
  rows.insert(rows.end(), table.shape.begin() + 1, table.shape.end());
  return rows == forward_.tensor(forward_.first_output(op)).shape;
}

TensorSpec TrainingGraphMaker::GradientSpec(OpId op, const GradientRow& row, std::size_t input,
                                            const std::vector<TensorId>& reads) const {
  const Tensor& like = forward_.tensor(forward_.inputs(op)[input]);
  if (row.kind == GradientKind::kElementwise) {
    return {.dtype = like.dtype, .shape = forward_.tensor(forward_.first_output(op)).shape};
  }
  TensorSpec spec{.dtype = like.dtype, .shape = like.shape, .bytes = like.bytes};
  if (row.kind == GradientKind::kLookUp && IsSparseLookUp(op)) {
    spec.bytes = BytesUpTo(like.bytes, reads);
  }
  return spec;
}

TensorId TrainingGraphMaker::PassOn(OpId op, const GradientRow& row, const std::string& suffix,
                                    TensorId gradient, TensorId input) {
  const Tensor& like = forward_.tensor(input);
  if (row.kind == GradientKind::kPass) {
    return Unbroadcast(op, suffix, gradient, input);
  }
  if (builder_.tensor(gradient).shape == like.shape) {
    return gradient;
  }
  return builder_.Output(AddOp(forward_.op(op).name + "/" + suffix, "Reshape", OpRole::kBackward,
                               {gradient},
                               {{.dtype = like.dtype, .shape = like.shape, .aliases_input = 0}}));
}

void TrainingGraphMaker::AddBackwardOp(OpId op, const GradientRow& row, const std::string& suffix,
                                       int each, const std::vector<std::size_t>& targets) {
  const auto inputs = forward_.inputs(op);
  const std::vector<TensorId> reads = Reads(op, row, each);
  if (row.kind == GradientKind::kPass || row.kind == GradientKind::kView) {
    for (const std::size_t target : targets) {
      Arrive(inputs[target], PassOn(op, row, suffix, reads.front(), inputs[target]));
    }
    return;
  }
  std::vector<TensorSpec> outputs;
  outputs.reserve(targets.size());
  for (const std::size_t target : targets) {
    outputs.push_back(GradientSpec(op, row, target, reads));
  }
  const Op& source = forward_.op(op);
  const std::string type = row.type.empty() ? source.type + "Grad" : std::string(row.type);
  const OpId backward = AddOp(source.name + "/" + suffix, type, OpRole::kBackward, reads,
                              std::move(outputs), WindowOf(op));
  if (row.cost != GradientCost::kTable) {
    const bool twice = row.cost == GradientCost::kTwiceForward;
    Op& made = builder_.mutable_op(backward);
    made.op_class = source.op_class;
    made.flops = twice ? Twice(source.flops, source.name) : source.flops;
    made.traffic_bytes = twice ? Twice(source.traffic_bytes, source.name) : source.traffic_bytes;
    made.workspace_bytes = source.workspace_bytes;
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    TensorId gradient = builder_.Output(backward, t);
    if (row.kind == GradientKind::kElementwise) {
      gradient = Unbroadcast(op, suffix + "_sum", gradient, inputs[targets[t]]);
    }
    Arrive(inputs[targets[t]], gradient);
  }
}

/// Elements of a pooling op's window, from its flops; 1 for other ops.
std::int64_t TrainingGraphMaker::WindowOf(OpId op) const {
  const std::int64_t elements = NumElements(forward_.tensor(forward_.first_output(op)).shape);
  return forward_.op(op).op_class == OpClass::kPooling && elements > 0
             ? std::max<std::int64_t>(1, forward_.op(op).flops / elements)
             : 1;
}

std::int64_t TrainingGraphMaker::BytesUpTo(std::int64_t limit,
                                           const std::vector<TensorId>& tensors) const {
  std::int64_t room = limit;
  for (const TensorId tensor : tensors) {
    room -= std::min(room, BytesOf(builder_.tensor(tensor)));
  }
  return limit - room;
}

TensorId TrainingGraphMaker::Unbroadcast(OpId op, const std::string& suffix, TensorId gradient,
                                         TensorId like) {
  const Tensor& target = forward_.tensor(like);
  if (builder_.tensor(gradient).shape == target.shape) {
    return gradient;
  }
  return builder_.Output(AddOp(forward_.op(op).name + "/" + suffix, "ReduceSum", OpRole::kBackward,
                               {gradient}, {{.dtype = target.dtype, .shape = target.shape}}));
}

}  // namespace placer
