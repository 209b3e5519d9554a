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
  /// How many placements a search gives RunBatch() at most before it looks at the time and at the
  /// user: enough to keep the runner's threads busy, few enough not to take long.
  [[nodiscard]] std::size_t preferred_batch() const noexcept { return DoPreferredBatch(); }

 protected:
  Runner(const Graph& graph, const Cluster& cluster) : graph_(graph), cluster_(cluster) {}

 private:
  [[nodiscard]] virtual StepReport DoRun(const Placement& placement) const = 0;
  virtual void DoRunBatch(std::span<const Placement> placements,
                          std::span<StepSummary> summaries) const = 0;
  [[nodiscard]] virtual std::size_t DoPreferredBatch() const noexcept { return 64; }

  const Graph& graph_;
  const Cluster& cluster_;
};

}  // namespace placer
