#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "graphs/model_loader.h"

namespace placer {

class ModelFile;

/// Workloads of "Efficient Algorithms for Device Placement of DNN Graph Operators" (Tarnawski et
/// al., NeurIPS 2020): JSON with a time per kind of device, memory, colour classes and the cost of
/// moving each output. docs/importers.md says what becomes of each field.

/// The kinds of devices, in the words of clusters.
inline constexpr std::string_view kAcceleratorKind = "accelerator";
inline constexpr std::string_view kCpuKind = "cpu";

[[nodiscard]] bool IsPartitioningFile(const ModelFile& file);
/// @throws InputError naming file, node or edge, and field
[[nodiscard]] LoadedModel ImportPartitioning(const ModelFile& file,
                                             std::optional<std::int64_t> batch = std::nullopt);

/// Which nodes a device of a split holds, in the split's order.
struct PartitioningShare {
  std::string_view kind;
  std::size_t index = 0;  ///< among the devices of its kind
  std::vector<OpId> ops;
};

/// A split in the workloads' own format, {"fpgas": [{"nodes": [...]}], "cpus": [...]}: accelerators
/// first. Every op of the graph is in exactly one share.
/// @throws InputError naming the file and the node that is missing, unknown or given twice
[[nodiscard]] std::vector<PartitioningShare> ReadPartitioningSplit(
    const std::filesystem::path& path, const Graph& graph);

/// What the paper minimises the maximum of, in milliseconds as the file has them, not rounded:
/// times of a device's ops, and once each the cost of outputs that leave it and of outputs that
/// come to it. A CPU pays no transfers. One value per share.
[[nodiscard]] std::vector<double> SplitLoadsMs(const std::vector<PartitioningShare>& split,
                                               const Graph& graph);

}  // namespace placer
