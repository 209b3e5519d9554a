#pragma once

#include <string>
#include <vector>

#include "graphs/graph.h"

namespace placer {

enum class Optimizer : std::uint8_t { kSgd, kMomentum, kAdam };
[[nodiscard]] std::optional<Optimizer> ParseOptimizer(std::string_view name) noexcept;

struct TrainingOptions {
  Optimizer optimizer = Optimizer::kMomentum;
};

/// Turns a forward graph into a training step: a loss on its outputs, the backward op(s) of every
/// differentiable op by the rules of docs/training.md, sums where gradients meet, and an update
/// co-located with every parameter.
/// @param warnings  gets one line per op type without a backward rule
/// @throws InputError if the graph has backward or update ops already, or nothing to train
[[nodiscard]] Graph MakeTrainingGraph(const Graph& forward, const TrainingOptions& options,
                                      std::vector<std::string>* warnings = nullptr);

}  // namespace placer
