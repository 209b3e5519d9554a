#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graphs/graph.h"

namespace placer::detail {

/// Labels numbered in the order in which they first occur.
[[nodiscard]] std::vector<std::uint32_t> NumberByFirst(std::span<const std::uint32_t> labels);

/// An estimate of an op's time, whatever the device, in flop; 0 for resident ops.
[[nodiscard]] double EstimatedWork(const Graph& graph, OpId id);

/// Which ops have the same `allowed_devices`, those of their co-location class included. Names and
/// kinds are only resolved by a cluster, so that sets that are written differently count as
/// different.
class AllowedSets {
 public:
  /// @param label_of_op  [num_ops] or empty: ops count as different where these differ
  explicit AllowedSets(const Graph& graph, std::span<const std::uint32_t> label_of_op = {});
  [[nodiscard]] std::uint32_t set(OpId id) const { return set_of_op_[id.index()]; }
  [[nodiscard]] bool Same(OpId a, OpId b) const { return set(a) == set(b); }

 private:
  std::vector<std::uint32_t> set_of_op_;
};

/// Merges groups of ops (labels 0..n-1, each used) until at most `max_groups` are left: in rounds
/// with a growing limit on a group's work, the pair first that exchanges most for the work of its
/// smaller half. As the coarsening of multilevel graph partitioners (Karypis and Kumar, SIAM J.
/// Sci. Comput. 20(1), 1998). O(E log E) per round, about ten rounds.
void MergeGroups(const Graph& graph, const AllowedSets& allowed, std::size_t max_groups,
                 std::vector<std::uint32_t>& labels);

}  // namespace placer::detail
