#pragma once

#include <cstdint>
#include <vector>

#include "cost_model/placement.h"
#include "graphs/graph.h"

namespace placer::detail {

/// A placement worked out: who waits for what, what is copied where, when memory is free. Values
/// are kept in cells: cell i is tensor i at home, further ones are copies elsewhere.
struct ReplayPlan {
  struct Copy {
    std::uint32_t tensor = 0, cell = 0;
    std::uint32_t from = 0, to = 0;        ///< devices
    std::vector<std::uint32_t> consumers;  ///< ops that wait for it, ascending
  };
  struct OpPlan {
    std::uint32_t device = 0;
    std::vector<std::uint32_t> cells;     ///< of Graph::inputs(), in order
    std::vector<std::uint32_t> releases;  ///< cells that it is done with afterwards
    std::vector<std::uint32_t> next;      ///< of its device, that wait for it; ascending
    /// Of other devices, that wait for it and not for a copy: by order alone. Ascending.
    std::vector<std::uint32_t> next_elsewhere;
    std::vector<std::uint32_t> copies;  ///< that may start when it has finished
    std::uint32_t num_waits = 0;
  };
  std::size_t num_devices = 0;
  std::vector<OpPlan> ops;  ///< by op; nothing to do for resident ones
  std::vector<Copy> copies;
  std::vector<std::uint32_t> cell_uses;  ///< after so many uses the cell is free; 0: kept
  std::vector<std::uint32_t> first_ops, first_copies;  ///< ready when the step starts
  std::size_t num_runs = 0;                            ///< ops that are not resident
};

/// @param placement  valid for the graph and these devices
[[nodiscard]] ReplayPlan MakeReplayPlan(const Graph& graph, const Placement& placement,
                                        std::size_t num_devices);

}  // namespace placer::detail
