#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cost_model/placement.h"
#include "cost_model/placement_io.h"

namespace placer {

/// What two plans say differently, by op name.
struct PlanDifference {
  struct Move {
    std::string op, from, to;
    bool operator==(const Move&) const = default;
  };
  std::vector<Move> moved;  ///< in the order of the first plan
  std::vector<std::string> only_in_first, only_in_second;
  std::size_t same = 0;  ///< ops that both have on the same device
  bool operator==(const PlanDifference&) const = default;
};

[[nodiscard]] PlanDifference ComparePlans(const SavedPlacement& first,
                                          const SavedPlacement& second);

/// Bytes that leave the device where they are made: every tensor once for each other device that
/// reads it, whatever the route.
[[nodiscard]] std::int64_t CutBytes(const Graph& graph, const Placement& placement);

}  // namespace placer
