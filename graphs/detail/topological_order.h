#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace placer {

/// What every node waits for, a row per node; a node may be in a row several times.
class Dependencies {
 public:
  void Add(std::uint32_t before) { before_.push_back(before); }
  void EndRow() { row_begin_.push_back(static_cast<std::uint32_t>(before_.size())); }
  [[nodiscard]] std::size_t num_rows() const noexcept { return row_begin_.size() - 1; }
  [[nodiscard]] std::span<const std::uint32_t> row(std::size_t node) const {
    return std::span(before_).subspan(row_begin_[node], row_begin_[node + 1] - row_begin_[node]);
  }

 private:
  std::vector<std::uint32_t> row_begin_{0};
  std::vector<std::uint32_t> before_;
};

/// Every node after those that it waits for, of several that may come next the smallest. Nodes that
/// wait for each other, and those behind them, are left out.
[[nodiscard]] std::vector<std::uint32_t> TopologicalOrder(const Dependencies& dependencies);

/// A cycle, each node followed by one that it waits for.
/// @param order  TopologicalOrder, with nodes left out
[[nodiscard]] std::vector<std::uint32_t> FindCycle(const Dependencies& dependencies,
                                                   std::span<const std::uint32_t> order);

}  // namespace placer
