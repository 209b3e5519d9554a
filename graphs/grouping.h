#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "graphs/graph.h"

namespace placer {

struct GroupingOptions {
  /// Ops that must share a device are always one group. With `chains`, an op whose outputs all go
  /// to one op joins it (arXiv 1706.04972, section 3.1).
  bool chains = true;
  /// Where several ops would join one op that way (the ends of parallel branches at a
  /// concatenation), the one that sends most does, and of the others those whose work is not worth
  /// sending the result, so that branches stay free to run at the same time. False: all join, as in
  /// the paper.
  bool keep_branches = true;
  /// Instead of chains: what op names say belongs together, as the paper's authors did by hand. An
  /// unrolled step (`lstm0/t12/...`) is one group, so is a branch (`mixed_5b/branch5x5/...`), else
  /// a layer's scope; backward ops go with the op whose gradient they compute, as with TensorFlow's
  /// `colocate_gradients_with_ops`.
  bool scopes = false;
  /// Neighbours are merged until at most this many groups are left; 0: no cap. Groups with
  /// different `allowed_devices` are never merged, so that more may be left if these differ much.
  std::size_t max_groups = 0;
  /// [num_ops] or empty: ops with different labels are never in one group, unless they must share a
  /// device.
  std::vector<std::uint32_t> label_of_op;
};

/// Which ops are decided together: op -> group. Groups are numbered by their smallest op. A group
/// graph may have cycles. A regular value.
class Grouping {
 public:
  Grouping() = default;
  /// @param label_of_op  any labels; equal labels make a group. @throws InputError if ops that must
  /// share a device differ
  Grouping(const Graph& graph, std::span<const std::uint32_t> label_of_op);

  [[nodiscard]] std::size_t num_groups() const noexcept {
    return begin_.empty() ? 0 : begin_.size() - 1;
  }
  [[nodiscard]] std::size_t num_ops() const noexcept { return group_of_op_.size(); }
  [[nodiscard]] GroupId group(OpId op) const { return group_of_op_[op.index()]; }
  [[nodiscard]] std::span<const GroupId> group_of_op() const noexcept { return group_of_op_; }
  /// Ops of a group, ascending.
  [[nodiscard]] std::span<const OpId> ops(GroupId group) const {
    return std::span<const OpId>(ops_).subspan(begin_[group.index()],
                                               begin_[group.index() + 1] - begin_[group.index()]);
  }
  bool operator==(const Grouping&) const = default;

 private:
  std::vector<GroupId> group_of_op_;
  std::vector<OpId> ops_;
  std::vector<std::uint32_t> begin_;
};

/// Groups by co-location, then chains or scopes, then merging neighbours down to the cap.
[[nodiscard]] Grouping GroupOps(const Graph& graph, const GroupingOptions& options = {});

/// One group per co-location class: every op is decided by itself as far as semantics allow
/// (`--space ops`).
[[nodiscard]] Grouping GroupByColocation(const Graph& graph);

}  // namespace placer
