#include "graphs/forward_ops.h"

#include <optional>
#include <string_view>

namespace placer {
namespace {

OpId FirstReader(const Graph& graph, OpId op) {
  std::optional<OpId> first;
  for (std::size_t k = 0; k < graph.num_outputs(op); ++k) {
    for (const OpId reader : graph.consumers(TensorId(graph.first_output(op).index() + k))) {
      if (graph.op(reader).role == OpRole::kForward && (!first || reader < *first)) {
        first = reader;
      }
    }
  }
  return first.value_or(op);
}

std::optional<OpId> NamedAbove(const Graph& graph, OpId op) {
  std::string_view name = graph.op(op).name;
  for (std::size_t slash = name.rfind('/'); slash != std::string_view::npos;
       slash = name.rfind('/')) {
    name = name.substr(0, slash);
    const std::optional<OpId> found = graph.FindOp(name);
    if (found && (*found < op || graph.is_resident(*found))) {
      return found;
    }
  }
  return std::nullopt;
}

/// The last in op order of what the inputs belong to.
OpId LastAmongInputs(const Graph& graph, OpId op, const std::vector<OpId>& forward) {
  std::optional<OpId> last;
  for (const TensorId input : graph.inputs(op)) {
    const OpId candidate = forward[graph.tensor(input).producer.index()];
    if (!last || *last < candidate) {
      last = candidate;
    }
  }
  return last.value_or(op);
}

}  // namespace

ForwardOps::ForwardOps(const Graph& graph) : named_(graph.num_ops()) {
  forward_.reserve(graph.num_ops());
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    forward_.push_back(graph.is_resident(OpId(i)) ? FirstReader(graph, OpId(i)) : OpId(i));
  }
  for (std::size_t i = 0; i < graph.num_ops(); ++i) {
    const OpId op(i);
    if (!graph.is_resident(op) && graph.op(op).role != OpRole::kForward) {
      named_[i] = NamedAbove(graph, op);
      forward_[i] = named_[i] ? forward_[named_[i]->index()] : LastAmongInputs(graph, op, forward_);
    }
  }
}

}  // namespace placer
