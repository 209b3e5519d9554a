#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cost_model/placement.h"

namespace placer {

/// A plan as stored: names instead of ids, so that it can be read without the graph, and what it
/// was made for (cost_model/placement.proto).
struct SavedPlacement {
  std::string graph_name, cluster_name;
  std::uint64_t graph_fingerprint = 0, cluster_fingerprint = 0;
  std::string method;
  std::uint64_t seed = 0;
  std::optional<double> step_time_seconds;
  std::vector<std::pair<std::string, std::string>>
      device_of_op;  ///< op name -> device name, in op order
  bool operator==(const SavedPlacement&) const = default;
};

[[nodiscard]] SavedPlacement Save(const Placement& placement, const Graph& graph,
                                  const Cluster& cluster);
/// The device's name for every op of the graph, in op order. @throws InputError if an op of the
/// graph is missing, an op is unknown or placed twice, or the fingerprint is another graph's
[[nodiscard]] std::vector<std::string> DevicesOfOps(const SavedPlacement& saved,
                                                    const Graph& graph);
/// @throws InputError as DevicesOfOps(), and if a device is unknown
[[nodiscard]] Placement Restore(const SavedPlacement& saved, const Graph& graph,
                                const Cluster& cluster);

/// .pb, .txtpb, .json by content. @throws InputError
[[nodiscard]] SavedPlacement ReadPlacement(const std::filesystem::path& path);
/// .pb, .txtpb, .json, .csv by suffix; by rename. @throws InputError
void WritePlacement(const SavedPlacement& saved, const std::filesystem::path& path);

/// The content of a .pb file. Equal plans give equal bytes.
[[nodiscard]] std::string PlacementToBytes(const SavedPlacement& saved);
/// @param where  put in front of faults. @throws InputError
[[nodiscard]] SavedPlacement PlacementFromBytes(std::string_view bytes, const std::string& where);

}  // namespace placer
