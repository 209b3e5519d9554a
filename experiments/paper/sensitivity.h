#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/placement.h"
#include "graphs/graph.h"

namespace placer {

/// A constant of the cluster that may be off.
struct Knob {
  std::string name, unit;
  std::function<double(const ClusterSpec&)> value;
  std::function<void(double factor, ClusterSpec&)> scale;
};
/// Rendezvous, bandwidth of the links, cost per op and rates of CPU and GPU.
[[nodiscard]] std::vector<Knob> ClusterKnobs();

/// The value that a constant would need for something to be as the paper has it, all others and the
/// placements as they are.
struct KnobFlip {
  std::string knob, unit;
  double now = 0;
  std::optional<double> needed;  ///< nothing within a factor of 1000 either way
};

/// @param excess  of the cluster: positive or negative as now, 0 where it flips
[[nodiscard]] std::vector<KnobFlip> FindFlips(const ClusterSpec& spec,
                                              const std::function<double(const Cluster&)>& excess);

/// Step time of a placement on another cluster of the same devices, in seconds, whatever memory
/// says.
[[nodiscard]] double StepSeconds(const Graph& graph, const Cluster& cluster,
                                 const Placement& placement);

}  // namespace placer
