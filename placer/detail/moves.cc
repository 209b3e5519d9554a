#include "placer/detail/moves.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace placer {
namespace {

/// Shares of the kinds of moves, and how they are drawn: set with the temperatures of annealing, on
/// random toy graphs, and left alone since.
constexpr double kSingleShare = 0.3;
constexpr double kSwapShare = 0.2;
constexpr double kRangeShare = 0.1;  // the rest: connected clusters
constexpr double kNeighbourTargetShare = 0.5;
constexpr double kSameDeviceShare = 0.5;

}  // namespace

MoveGenerator::MoveGenerator(const Problem& problem)
    : problem_(problem), row_begin_(problem.num_groups() + 1, 0), stamp_(problem.num_groups(), 0) {
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    if (problem.allowed_devices(GroupId(g)).size() > 1) {
      movable_.push_back(static_cast<std::uint32_t>(g));
    }
  }
  for (const Problem::GroupEdge& edge : problem.edges()) {
    ++row_begin_[edge.from.index() + 1];
    ++row_begin_[edge.to.index() + 1];
  }
  for (std::size_t g = 0; g < problem.num_groups(); ++g) {
    row_begin_[g + 1] += row_begin_[g];
  }
  neighbours_.resize(row_begin_.back());
  std::vector<std::uint32_t> next(row_begin_.begin(), row_begin_.end() - 1);
  for (const Problem::GroupEdge& edge : problem.edges()) {
    // Heavy edges tie, but do not rule out the others: sizes differ by powers of ten.
    const double weight = std::sqrt(1.0 + static_cast<double>(edge.bytes));
    const auto from = static_cast<std::uint32_t>(edge.from.index());
    const auto to = static_cast<std::uint32_t>(edge.to.index());
    neighbours_[next[from]++] = {to, weight};
    neighbours_[next[to]++] = {from, weight};
  }
}

const std::vector<MoveGenerator::Change>& MoveGenerator::Propose(const GroupPlacement& groups,
                                                                 Rng* rng) {
  do {
    changes_.clear();
    const double kind = rng->Uniform();
    if (kind < kSingleShare) {
      Single(groups, rng);
    } else if (kind < kSingleShare + kSwapShare) {
      Swap(groups, rng);
    } else if (kind < kSingleShare + kSwapShare + kRangeShare) {
      Range(groups, rng);
    } else {
      Cluster(groups, rng);
    }
  } while (changes_.empty());
  return changes_;
}

void MoveGenerator::Add(const GroupPlacement& groups, std::size_t group, DeviceId device) {
  if (groups[group] != device && problem_.allowed(GroupId(group), device)) {
    changes_.push_back({GroupId(group), device});
  }
}

/// Where a neighbour is, or any other allowed device.
DeviceId MoveGenerator::RandomTarget(const GroupPlacement& groups, std::size_t group,
                                     Rng* rng) const {
  const std::uint32_t begin = row_begin_[group];
  const std::uint32_t degree = row_begin_[group + 1] - begin;
  if (degree > 0 && rng->Uniform() < kNeighbourTargetShare) {
    const DeviceId device = groups[neighbours_[begin + rng->Below(degree)].group];
    if (device != groups[group] && problem_.allowed(GroupId(group), device)) {
      return device;
    }
  }
  const auto allowed = problem_.allowed_devices(GroupId(group));
  const DeviceId device = allowed[rng->Below(allowed.size() - 1)];
  return device == groups[group] ? allowed.back() : device;
}

/// From 2 to `limit`, every power of two as likely.
std::size_t MoveGenerator::RandomSize(std::size_t limit, Rng* rng) const {
  const double size = std::exp2(1.0 + rng->Uniform() * std::log2(static_cast<double>(limit) / 2.0));
  return std::clamp(static_cast<std::size_t>(size), std::size_t{2},
                    std::max(limit, std::size_t{2}));
}

void MoveGenerator::Single(const GroupPlacement& groups, Rng* rng) {
  const std::size_t group = RandomMovable(rng);
  Add(groups, group, RandomTarget(groups, group, rng));
}

void MoveGenerator::Swap(const GroupPlacement& groups, Rng* rng) {
  const std::size_t a = RandomMovable(rng);
  const std::size_t b = RandomMovable(rng);
  if (problem_.allowed(GroupId(a), groups[b]) && problem_.allowed(GroupId(b), groups[a])) {
    Add(groups, a, groups[b]);
    Add(groups, b, groups[a]);
  }
}

/// Groups that follow each other.
void MoveGenerator::Range(const GroupPlacement& groups, Rng* rng) {
  const std::size_t first = rng->Below(movable_.size());
  const std::size_t size = RandomSize(std::max<std::size_t>(movable_.size() / 2, 2), rng);
  const DeviceId device = RandomTarget(groups, movable_[first], rng);
  for (std::size_t i = first; i < std::min(first + size, movable_.size()); ++i) {
    Add(groups, movable_[i], device);
  }
}

void MoveGenerator::Cluster(const GroupPlacement& groups, Rng* rng) {
  const std::size_t seed = RandomMovable(rng);
  const std::size_t size = RandomSize(std::max<std::size_t>(movable_.size() / 2, 2), rng);
  const DeviceId device = RandomTarget(groups, seed, rng);
  Grow(groups, seed, size, rng->Uniform() < kSameDeviceShare, rng);
  for (const std::uint32_t group : cluster_) {
    Add(groups, group, device);
  }
}

/// Fills cluster_ with a connected set that grows from `seed` over edges drawn by weight, of groups
/// on the seed's device only if `same_device`.
void MoveGenerator::Grow(const GroupPlacement& groups, std::size_t seed, std::size_t size,
                         bool same_device, Rng* rng) {
  ++current_stamp_;
  cluster_.clear();
  frontier_.clear();
  double total = 0;
  const auto enter = [&](std::uint32_t group) {
    stamp_[group] = current_stamp_;
    cluster_.push_back(group);
    for (std::uint32_t k = row_begin_[group]; k < row_begin_[group + 1]; ++k) {
      const Neighbour& next = neighbours_[k];
      if (stamp_[next.group] != current_stamp_ &&
          (!same_device || groups[next.group] == groups[seed])) {
        frontier_.push_back(next);
        total += next.weight;
      }
    }
  };
  enter(static_cast<std::uint32_t>(seed));
  while (cluster_.size() < size && !frontier_.empty()) {
    double rest = rng->Uniform() * total;
    std::size_t chosen = 0;
    while (chosen + 1 < frontier_.size() && rest >= frontier_[chosen].weight) {
      rest -= frontier_[chosen++].weight;
    }
    const std::uint32_t group = frontier_[chosen].group;
    total -= frontier_[chosen].weight;
    frontier_[chosen] = frontier_.back();
    frontier_.pop_back();
    if (stamp_[group] != current_stamp_) {
      enter(group);
    }
  }
}

}  // namespace placer
