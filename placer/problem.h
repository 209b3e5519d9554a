#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cost_model/bound.h"
#include "cost_model/cost_model.h"
#include "graphs/grouping.h"
#include "placer/apart.h"
#include "runner/runner.h"

namespace placer {

/// A device per group: what every method decides.
using GroupPlacement = std::vector<DeviceId>;

/// What all methods of one comparison share: graph, cluster, costs, groups, and the runner that
/// judges. Borrows everything but the grouping; const access is thread-safe.
class Problem {
 public:
  /// An edge of the group graph: bytes moved once if the two groups are on different devices.
  struct GroupEdge {
    GroupId from, to;
    std::int64_t bytes = 0;  ///< each tensor counted once per reading group
    bool operator==(const GroupEdge&) const = default;
  };

  /// @param apart  which ops must not share a device
  /// @throws InputError if a group's ops have no allowed device in common, or `apart` cannot hold
  /// @throws std::logic_error if the parts are not those of one graph and cluster
  Problem(const CostModel& costs, const Runner& runner, Grouping grouping,
          std::span<const ApartRule> apart = {});
  /// The same problem judged by another runner for the same graph and cluster.
  Problem(const Problem& other, const Runner& runner);

  [[nodiscard]] const Graph& graph() const noexcept { return runner_.graph(); }
  [[nodiscard]] const Cluster& cluster() const noexcept { return runner_.cluster(); }
  [[nodiscard]] const CostModel& costs() const noexcept { return costs_; }
  [[nodiscard]] const Runner& runner() const noexcept { return runner_; }
  [[nodiscard]] const Grouping& grouping() const noexcept { return grouping_; }
  [[nodiscard]] std::size_t num_groups() const noexcept { return grouping_.num_groups(); }
  [[nodiscard]] std::size_t num_devices() const noexcept { return cluster().num_devices(); }

  /// Devices that every op of the group may run on, ascending; never empty.
  [[nodiscard]] std::span<const DeviceId> allowed_devices(GroupId group) const {
    return allowed_[group.index()];
  }
  [[nodiscard]] bool allowed(GroupId group, DeviceId device) const {
    return group_time_[group.index() * num_devices() + device.index()] >= 0;
  }
  /// Sum of the group's op times on an allowed device.
  [[nodiscard]] Picoseconds group_time(GroupId group, DeviceId device) const {
    return Picoseconds(group_time_[group.index() * num_devices() + device.index()]);
  }
  /// Bytes the group holds for the whole step (parameters, inputs, persistent).
  [[nodiscard]] std::int64_t resident_bytes(GroupId group) const {
    return resident_bytes_[group.index()];
  }
  /// All bytes the group's ops produce, resident ones included; aliases take none.
  [[nodiscard]] std::int64_t output_bytes(GroupId group) const {
    return output_bytes_[group.index()];
  }
  /// Which groups must not share a device. Methods need not look: a SearchSession evaluates, and
  /// keeps, placements as repaired by it.
  [[nodiscard]] const Separation& separation() const noexcept { return separation_; }
  /// Edges between different groups, sorted by (from, to), each pair once; a control edge has 0
  /// bytes.
  [[nodiscard]] std::span<const GroupEdge> edges() const noexcept { return edges_; }

  /// Fingerprints of graph, cluster, groups and what must be apart, in one line.
  [[nodiscard]] std::string Identity() const;

  /// @throws std::logic_error if there is not one device per group
  [[nodiscard]] Placement Expand(std::span<const DeviceId> device_of_group) const;
  /// The group placement of an op placement. @throws InputError if a group's ops are on different
  /// devices
  [[nodiscard]] GroupPlacement Collapse(const Placement& placement) const;

 private:
  void ComputeGroups();
  [[nodiscard]] Separation Separate(std::span<const ApartRule> apart) const;
  void AddBytes(OpId op, std::size_t group);

  const CostModel& costs_;
  const Runner& runner_;
  Grouping grouping_;
  std::vector<std::vector<DeviceId>> allowed_;
  std::vector<std::int64_t> group_time_;  ///< [num_groups, num_devices], -1 where not allowed
  std::vector<std::int64_t> resident_bytes_, output_bytes_;
  std::vector<GroupEdge> edges_;
  Separation separation_;
};

}  // namespace placer
