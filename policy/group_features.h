#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graphs/graph.h"
#include "graphs/grouping.h"

namespace placer {

/// What the policy sees of a graph: one row per group, in group order. No device speeds and no
/// times: those reach the policy only through the reward. A regular value.
struct GroupFeatures {
  /// Log-scaled sizes, position and shapes of a group; see group_features.cc for the columns.
  static constexpr std::size_t kDense = 32;

  struct Edge {
    std::uint32_t from = 0, to = 0;
    float weight = 0;  ///< log-scaled bytes
    bool operator==(const Edge&) const = default;
  };

  std::size_t num_groups = 0;
  std::size_t num_devices = 0;
  std::vector<std::uint32_t> type_begin;  ///< [num_groups + 1], rows of the two below
  std::vector<std::uint32_t> type_ids;    ///< in [0, kNumOpTypeIds)
  std::vector<float> type_weights;        ///< share of the group's ops; a row sums to 1
  std::vector<float> dense;               ///< [num_groups, kDense]
  std::vector<Edge> edges;                ///< between different groups, sorted
  std::vector<std::uint8_t>
      allowed;  ///< [num_groups, num_devices], 1 if the group may run there; no row is all 0
  bool operator==(const GroupFeatures&) const = default;
};

/// Ids of op types: a fixed list of known types first, then hash buckets for all others.
inline constexpr std::size_t kNumOpTypeIds = 256;
[[nodiscard]] std::uint32_t OpTypeId(std::string_view op_type) noexcept;

/// @param allowed  [num_groups, num_devices]
[[nodiscard]] GroupFeatures MakeGroupFeatures(const Graph& graph, const Grouping& grouping,
                                              std::size_t num_devices,
                                              std::span<const std::uint8_t> allowed);

}  // namespace placer
