#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graphs/graph.h"

namespace placer {

/// Layer and time step in the name of an op of an unrolled model: `encoder/lstm1/t3/matmul` is
/// layer `encoder/lstm1`, step 3.
struct UnrolledName {
  std::string_view layer;
  std::size_t step = 0;
};
/// nullopt if no part of the name but the first is `t` and a number below a million.
[[nodiscard]] std::optional<UnrolledName> ParseUnrolledName(std::string_view name);

/// Where the ops of an unrolled model are: layer by time step, forward and backward apart.
struct UnrolledLayout {
  struct Cell {
    bool backward = false;            ///< backward and update ops
    std::size_t layer = 0;            ///< index into `layers`
    std::optional<std::size_t> step;  ///< nothing: ops of the layer that belong to no single step
    std::vector<OpId> ops;            ///< ascending
  };
  std::vector<std::string> layers;  ///< in the order of their first forward op
  std::size_t num_steps = 0;
  std::vector<Cell> cells;  ///< by (backward, layer, step); those of no step come last in a layer
  std::vector<OpId> rest;   ///< ops that take time and belong to no layer
};
[[nodiscard]] UnrolledLayout LayOutUnrolled(const Graph& graph);

/// Whether layer by time step is a good picture of the graph: three steps or more, and half of the
/// ops in them.
[[nodiscard]] bool IsUnrolled(const UnrolledLayout& layout);

}  // namespace placer
