#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graphs/graph.h"
#include "graphs/training.h"

namespace placer {

struct LoadOptions {
  std::optional<std::int64_t> batch;        ///< overrides the batch dimension of the model's inputs
  std::optional<TrainingOptions> training;  ///< turn an inference graph into a training step
};

/// A model as an op graph, and what the user should know about how it was read.
struct LoadedModel {
  Graph graph;
  std::vector<std::string> warnings;  ///< one line each
};

/// Reads MODEL: `zoo:NAME[?key=value&...]`, an ONNX file, or a Placer graph file; files are told
/// apart by content.
/// @throws InputError with file, node and fault; an unknown zoo name lists the known ones
[[nodiscard]] LoadedModel LoadModel(const std::string& model, const LoadOptions& options = {});

}  // namespace placer
