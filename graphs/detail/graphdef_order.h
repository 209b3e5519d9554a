#pragma once

#include <string>
#include <vector>

#include "graphs/detail/graphdef.pb.h"

namespace placer::graphdef {

/// The nodes of a GraphDef as they become ops: each by itself, or, where nodes wait for each other
/// as those of a v1 while loop do, all of them together.
struct NodeOrder {
  struct Unit {
    std::vector<int> nodes;  ///< in file order; one, unless it is a loop
    std::string name;        ///< of its op
    bool loop = false;
  };
  /// What comes first is read by what comes later; in file order where that allows.
  std::vector<Unit> units;
  std::vector<std::size_t> unit_of_node;
};

/// @throws InputError for nodes without name or with the same one, and inputs that no node makes
[[nodiscard]] NodeOrder OrderNodes(const tf::GraphDef& graph);

}  // namespace placer::graphdef
