#pragma once

#include <span>

#include "cost_model/cluster.h"
#include "cost_model/placement.h"
#include "graphs/graph.h"
#include "runner/step_report.h"

namespace placer {

/// Executes one step of a graph on a cluster under a placement, really or in simulation. Bound to
/// graph and cluster, which the caller keeps alive.
class Runner {
 public:
  virtual ~Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  [[nodiscard]] const Graph& graph() const noexcept { return graph_; }
  [[nodiscard]] const Cluster& cluster() const noexcept { return cluster_; }

  /// One step under `placement`. Thread-safe. Never throws for a placement that does not fit: see
  /// StepReport::outcome.
  /// @throws InputError if the placement is not valid for graph and cluster (FindFaults)
  [[nodiscard]] StepReport Run(const Placement& placement) const;
  /// Many steps; summaries[i] is that of placements[i], whatever the number of threads. Placements
  /// must be valid.
  void RunBatch(std::span<const Placement> placements, std::span<StepSummary> summaries) const;

 protected:
  Runner(const Graph& graph, const Cluster& cluster) : graph_(graph), cluster_(cluster) {}

 private:
  [[nodiscard]] virtual StepReport DoRun(const Placement& placement) const = 0;
  virtual void DoRunBatch(std::span<const Placement> placements,
                          std::span<StepSummary> summaries) const = 0;

  const Graph& graph_;
  const Cluster& cluster_;
};

}  // namespace placer
