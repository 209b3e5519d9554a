#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "cost_model/cost_model.h"
#include "cost_model/placement.h"
#include "graphs/graph.h"
#include "graphs/grouping.h"

namespace placer {

/// What a picture of a placement is made of. Borrows all of it.
struct PlacedModel {
  const Graph& graph;
  const Grouping& grouping;
  const Cluster& cluster;
  const CostModel& costs;
  const Placement& placement;  ///< valid for graph and cluster
};

/// Compute time of some ops by the device that runs them. A regular value.
struct DeviceTimes {
  std::vector<Picoseconds> on_device;
  std::size_t num_ops = 0;

  explicit DeviceTimes(const Cluster& cluster) : on_device(cluster.num_devices()) {}
  void Add(const PlacedModel& model, OpId op);
  [[nodiscard]] Picoseconds total() const noexcept;
  /// The device with most of the time, ties by index; the second is the one with most of the rest.
  [[nodiscard]] std::size_t first() const noexcept;
  [[nodiscard]] std::size_t second() const noexcept;
  /// Of the total; 0 for nothing.
  [[nodiscard]] double share(std::size_t device) const noexcept;
};

/// "/gpu:0 90.1 %, /gpu:1 9.9 %; 1.234 ms in 7 ops": for tooltips. Largest share first.
[[nodiscard]] std::string Describe(const DeviceTimes& times, const Cluster& cluster);
/// All ops of the step that take time.
[[nodiscard]] DeviceTimes TimesOfStep(const PlacedModel& model);

}  // namespace placer
