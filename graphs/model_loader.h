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

/// Devices of one kind.
struct DevicePool {
  std::string kind;
  std::size_t count = 0;
  std::int64_t memory_bytes = 0;
  double flops_per_s = 0;
  bool operator==(const DevicePool&) const = default;
};

/// The devices that a workload file is about. A cluster can be made of them
/// (cost_model/model_cluster.h).
struct ModelDevices {
  std::vector<DevicePool> pools;
  double bytes_per_s = 0;  ///< between any two devices
  bool operator==(const ModelDevices&) const = default;
};

/// A model as an op graph, and what the user should know about how it was read.
struct LoadedModel {
  Graph graph;
  std::vector<std::string> warnings;    ///< one line each
  std::optional<ModelDevices> devices;  ///< if the file says which
};

/// Reads MODEL: `zoo:NAME[?key=value&...]`, or a file of one of the Importers(), told apart by
/// content.
/// @throws InputError with file, node and fault; an unknown zoo name lists the known ones
[[nodiscard]] LoadedModel LoadModel(const std::string& model, const LoadOptions& options = {});

}  // namespace placer
