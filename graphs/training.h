#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/graph.h"

namespace placer {

enum class Optimizer : std::uint8_t { kSgd, kMomentum, kAdam };
/// "sgd", "momentum", "adam".
[[nodiscard]] std::string_view Name(Optimizer optimizer) noexcept;
[[nodiscard]] std::optional<Optimizer> ParseOptimizer(std::string_view name) noexcept;

struct TrainingOptions {
  Optimizer optimizer = Optimizer::kMomentum;
  /// At most this many gradients that meet are added by one Sum; where more meet, the sum so far is
  /// the first addend of the next. A weight shared by 40 time steps then holds 8 gradients at a
  /// time, not 40. 0: no limit, as in TensorFlow's AddN. 1 is refused.
  std::size_t max_addends = 8;
};

/// Turns a forward graph into a training step: a loss on its outputs, the backward op(s) of every
/// differentiable op by the rules of docs/training.md, sums where gradients meet, and an update
/// co-located with every parameter.
/// @param warnings  gets one line per op type without a backward rule
/// @throws InputError if the graph has backward or update ops already, or nothing to train
[[nodiscard]] Graph MakeTrainingGraph(const Graph& forward, const TrainingOptions& options,
                                      std::vector<std::string>* warnings = nullptr);

}  // namespace placer
