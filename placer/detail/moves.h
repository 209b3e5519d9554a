#pragma once

#include <cstdint>
#include <vector>

#include "graphs/base/rng.h"
#include "placer/problem.h"

namespace placer {

/// Random changes of a group placement, for local search. Every change keeps to the allowed
/// devices. Borrows the problem. Not thread-safe; allocates nothing once its buffers have grown.
class MoveGenerator {
 public:
  struct Change {
    GroupId group;
    DeviceId device;
    bool operator==(const Change&) const = default;
  };

  explicit MoveGenerator(const Problem& problem);

  /// False if every group has a single allowed device: there is nothing to change.
  [[nodiscard]] bool any() const noexcept { return !movable_.empty(); }
  /// Groups with a choice.
  [[nodiscard]] std::size_t num_movable() const noexcept { return movable_.size(); }
  /// A move that changes at least one group of `groups`; any() must hold. The reference is good
  /// until the next call.
  const std::vector<Change>& Propose(const GroupPlacement& groups, Rng* rng);

 private:
  struct Neighbour {
    std::uint32_t group = 0;
    double weight = 0;
  };
  [[nodiscard]] std::size_t RandomMovable(Rng* rng) const {
    return movable_[rng->Below(movable_.size())];
  }
  [[nodiscard]] DeviceId RandomTarget(const GroupPlacement& groups, std::size_t group,
                                      Rng* rng) const;
  [[nodiscard]] std::size_t RandomSize(std::size_t limit, Rng* rng) const;
  void Add(const GroupPlacement& groups, std::size_t group, DeviceId device);
  void Single(const GroupPlacement& groups, Rng* rng);
  void Swap(const GroupPlacement& groups, Rng* rng);
  void Range(const GroupPlacement& groups, Rng* rng);
  void Cluster(const GroupPlacement& groups, Rng* rng);
  void Grow(const GroupPlacement& groups, std::size_t seed, std::size_t size, bool same_device,
            Rng* rng);

  const Problem& problem_;
  std::vector<std::uint32_t> movable_;    ///< groups with a choice
  std::vector<std::uint32_t> row_begin_;  ///< of neighbours_
  std::vector<Neighbour> neighbours_;     ///< of every group, both directions
  std::vector<Change> changes_;
  std::vector<std::uint32_t> cluster_;  ///< buffers of Grow()
  std::vector<Neighbour> frontier_;
  std::vector<std::uint32_t> stamp_;
  std::uint32_t current_stamp_ = 0;
};

}  // namespace placer
