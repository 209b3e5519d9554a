#include "graphs/detail/topological_order.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>

namespace placer {
namespace {

/// The rows the other way round: who waits for a node.
struct Dependents {
  std::vector<std::uint32_t> row_begin, after;
};

Dependents Reverse(const Dependencies& dependencies) {
  const std::size_t num_nodes = dependencies.num_rows();
  Dependents reverse;
  reverse.row_begin.assign(num_nodes + 1, 0);
  for (std::size_t node = 0; node < num_nodes; ++node) {
    for (const std::uint32_t before : dependencies.row(node)) {
      ++reverse.row_begin[before + 1];
    }
  }
  std::partial_sum(reverse.row_begin.begin(), reverse.row_begin.end(), reverse.row_begin.begin());
  reverse.after.resize(reverse.row_begin.back());
  std::vector<std::uint32_t> next(reverse.row_begin.begin(), reverse.row_begin.end() - 1);
  for (std::size_t node = 0; node < num_nodes; ++node) {
    for (const std::uint32_t before : dependencies.row(node)) {
      reverse.after[next[before]++] = static_cast<std::uint32_t>(node);
    }
  }
  return reverse;
}

}  // namespace

std::vector<std::uint32_t> TopologicalOrder(const Dependencies& dependencies) {
  const std::size_t num_nodes = dependencies.num_rows();
  const Dependents dependents = Reverse(dependencies);
  std::vector<std::size_t> waiting(num_nodes);
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::size_t node = 0; node < num_nodes; ++node) {
    waiting[node] = dependencies.row(node).size();
    if (waiting[node] == 0) {
      ready.push(static_cast<std::uint32_t>(node));
    }
  }
  std::vector<std::uint32_t> order;
  order.reserve(num_nodes);
  while (!ready.empty()) {
    const std::uint32_t node = ready.top();
    ready.pop();
    order.push_back(node);
    for (std::uint32_t i = dependents.row_begin[node]; i < dependents.row_begin[node + 1]; ++i) {
      if (--waiting[dependents.after[i]] == 0) {
        ready.push(dependents.after[i]);
      }
    }
  }
  return order;
}

std::vector<std::uint32_t> FindCycle(const Dependencies& dependencies,
                                     std::span<const std::uint32_t> order) {
  std::vector<char> blocked(dependencies.num_rows(), 1);
  for (const std::uint32_t node : order) {
    blocked[node] = 0;
  }
  // Every node left waits for another one left: walking on must return to one already seen.
  auto at =
      static_cast<std::uint32_t>(std::find(blocked.begin(), blocked.end(), 1) - blocked.begin());
  std::vector<std::uint32_t> path;
  std::vector<char> seen(blocked.size(), 0);
  while (seen[at] == 0) {
    seen[at] = 1;
    path.push_back(at);
    const auto row = dependencies.row(at);
    at = *std::find_if(row.begin(), row.end(),
                       [&blocked](std::uint32_t before) { return blocked[before] != 0; });
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  return path;
}

}  // namespace placer
