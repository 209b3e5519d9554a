#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/torch/detail/model_step.h"
#include "runner/torch/detail/program.h"
#include "runner/torch/detail/replay_engine.h"

namespace placer::detail {

struct CapturedState {
  std::unique_ptr<ModelStep> step;
  Program program;
  Graph graph;
  std::vector<std::string> warnings;
};

/// How two tensors differ, in words that follow a name; empty if no value is further from the
/// expected one than `tolerance` of the largest finite value expected. A nan is equal to a nan.
[[nodiscard]] std::string DifferenceOf(const at::Tensor& found, const at::Tensor& expected,
                                       double tolerance);

/// Compares what a step left with what the original step left: outputs, gradients, everything that
/// the step writes to. Names the first op that differs, or if tolerant the one that made what does.
/// @param tolerant  compare values, not bits
[[nodiscard]] std::optional<StepMismatch> FindMismatch(const CapturedState& captured,
                                                       const StepContent& content, bool tolerant);

}  // namespace placer::detail
