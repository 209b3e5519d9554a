#pragma once

#include <optional>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// Which op each op of a training step belongs to. Borrows nothing; const access is thread-safe.
class ForwardOps {
 public:
  explicit ForwardOps(const Graph& graph);

  /// A forward op: itself. A backward op: the forward op whose gradient it computes. A parameter,
  /// an input, and what sums and applies a parameter's gradient: its first forward reader. An op
  /// without one: itself.
  [[nodiscard]] OpId operator()(OpId op) const { return forward_[op.index()]; }
  /// The forward op, parameter or input that the name of a backward or update op says it serves:
  /// `conv1` for `conv1/grad_weight`. Nothing for other ops and names.
  [[nodiscard]] std::optional<OpId> Named(OpId op) const { return named_[op.index()]; }

 private:
  std::vector<OpId> forward_;
  std::vector<std::optional<OpId>> named_;
};

}  // namespace placer
