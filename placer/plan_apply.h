#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cost_model/placement.h"
#include "cost_model/placement_io.h"

namespace placer {

/// How the ops of a graph came by their devices when a plan for another graph was put on it.
struct AppliedPlan {
  Placement placement;
  std::vector<std::string> kept;  ///< in the plan under the same name
  /// {op, name in the plan}: the same but for case and punctuation, or the op's source name.
  std::vector<std::pair<std::string, std::string>> matched;
  std::vector<std::string> followed;  ///< not in the plan: with most of what they read and feed
  /// Not in the plan, and nothing to follow: no neighbour is placed where they may be. On the first
  /// device that they may use.
  std::vector<std::string> alone;
  /// In the plan, but not where it says: the device is not there or not allowed, or the op now
  /// shares a device with others.
  std::vector<std::string> moved;
  std::vector<std::string> dropped;  ///< of the plan, not in the graph
};

/// Puts a plan on a changed graph by names. Ops that must share a device go where most of them
/// were. An op that the plan does not know goes where most bytes come from or go to among what is
/// placed already; one without such a neighbour to its first allowed device.
/// @throws InputError if an op has no allowed device on the cluster, or no name fits at all
[[nodiscard]] AppliedPlan ApplyPlan(const SavedPlacement& saved, const Graph& graph,
                                    const Cluster& cluster);

}  // namespace placer
