#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cost_model/placement_io.h"
#include "placer/placer.h"
#include "placer/workbench.h"

namespace placer {

/// How a plan is searched for.
struct OptimizeOptions {
  std::string method = "auto";        ///< a name of LibraryPlacers()
  Budget budget{4000, std::nullopt};  ///< seconds for annealing, a minute for what learns
  Seed seed = 1;                      ///< the same seed gives the same plan
  std::stop_token stop = {};          ///< asks for the best so far
  std::function<void(const Progress&)> progress = {};  ///< from the calling thread
};

/// What a search found. A regular value.
struct OptimizedPlan {
  /// The best placement, by names; nothing if the search ended before its first sample. It has a
  /// step time only if it fits.
  std::optional<SavedPlacement> plan;
  PlaceResult search;
  [[nodiscard]] bool fits() const noexcept {
    return plan && search.best.outcome == StepOutcome::kOk;
  }
};

/// @throws InputError for an unknown method (lists the known ones) or an impossible budget
/// @throws UnavailableError for a method that learns in a build without LibTorch
[[nodiscard]] OptimizedPlan Optimize(const Workbench& bench, const OptimizeOptions& options = {});

/// One step under a plan, with times as a caller wants them.
struct SimulatedStep {
  StepReport report;
  Placement placement;
  Trace trace;  ///< empty under the objective max-load
  /// [num_ops], seconds from the start of the step. NaN for ops that take no time, and for all ops
  /// under the objective max-load, which has no schedule.
  std::vector<double> start, end;
};

/// Simulates a step. A plan that does not fit in memory is no fault: see report.outcome.
/// @throws InputError for a plan of another graph, or with an op where it may not run
[[nodiscard]] SimulatedStep Simulate(const Workbench& bench, const SavedPlacement& plan);

}  // namespace placer
