#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graphs/graph.h"
#include "graphs/grouping.h"

namespace placer {

/// Groups along the network, forward parts above backward parts.
struct NetworkLayout {
  /// The ops of a group that are forward, or those that are backward or updates.
  struct Part {
    GroupId group{0};
    bool backward = false;
    std::size_t first = 0, last = 0;  ///< positions it spans, both included
    std::size_t lane = 0;             ///< no two parts of one band overlap in a lane
    std::vector<OpId> ops;            ///< ascending
  };
  /// A scope at the front of op names, and the positions where it prevails.
  struct Block {
    std::string name;
    std::size_t first = 0, last = 0;
  };
  std::size_t num_positions = 0;
  std::array<std::size_t, 2> num_lanes{};  ///< forward, backward
  std::vector<Part> parts;                 ///< by (backward, first position, group)
  std::vector<std::pair<std::size_t, std::size_t>>
      edges;                  ///< between parts of one band that pass tensors on; sorted, once each
  std::vector<Block> blocks;  ///< in the order of their positions
};

/// The position of an op is the number of forward ops on the longest path to it; that of a backward
/// or update op is the position of the forward op it serves.
[[nodiscard]] NetworkLayout LayOutNetwork(const Graph& graph, const Grouping& grouping);

/// `mixed_5b` of `mixed_5b/branch1x1/conv`; slashes in front are skipped. Empty for a name without
/// scopes.
[[nodiscard]] std::string_view BlockOf(std::string_view op_name);

}  // namespace placer
