#pragma once

#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "graphs/graph.h"
#include "placer/apart.h"

namespace placer {

/// What a user demands of every plan, as written on the command line, in a config, or by a caller
/// of the library. PATTERN is a glob or `/regex/` over op names (op_pattern.h); DEVICE is the name
/// or the kind of devices of the cluster. A regular value.
struct Constraints {
  std::vector<std::string> pin;       ///< "PATTERN=DEVICE": these ops run there and nowhere else
  std::vector<std::string> forbid;    ///< "PATTERN=DEVICE": these ops never run there
  std::vector<std::string> together;  ///< "PATTERN": these ops share a device
  std::vector<std::string> apart;     ///< "A,B": no op of A shares a device with an op of B
  std::vector<std::string> headroom;  ///< "DEVICE=2GB" or "DEVICE=10%": memory to leave free
  bool whole_modules = false;         ///< units of graphs/modules.h share a device

  [[nodiscard]] bool empty() const noexcept { return *this == Constraints{}; }
  bool operator==(const Constraints&) const = default;
};

/// A problem with the constraints put in, where everything that places or judges finds them.
struct ConstrainedProblem {
  /// The same ops in the same order; pins and forbids are in `allowed_devices`, what stays together
  /// in `colocation_group`. Plans are still saved for the graph that was given.
  Graph graph;
  Cluster cluster;  ///< memory less head-room
  std::vector<ApartRule> apart;
  /// [num_ops]: ops on the same sides of the same apart rules; for GroupingOptions. Empty without
  /// rules.
  std::vector<std::uint32_t> apart_label;
};

/// @throws InputError in one line that names the constraints: one that cannot be read, matches no
/// op or device, or some that contradict each other, the model's own devices or the cluster
[[nodiscard]] ConstrainedProblem ApplyConstraints(const Graph& graph, const Cluster& cluster,
                                                  const Constraints& constraints);

/// One line for each fault of a placement (FindFaults, FindApartFaults) under the constraints, of
/// the ops whose device is known. Memory is the runner's business, on `problem.cluster`.
[[nodiscard]] std::vector<std::string> FindFaults(const KnownDevices& devices,
                                                  const ConstrainedProblem& problem);

}  // namespace placer
