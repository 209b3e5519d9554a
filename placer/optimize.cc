#include "placer/optimize.h"

#include <limits>
#include <utility>

#include "graphs/base/error.h"
#include "placer/auto_placer.h"

namespace placer {

OptimizedPlan Optimize(const Workbench& bench, const OptimizeOptions& options) {
  OptimizedPlan found;
  found.search = LibraryPlacers()
                     .Make(options.method)
                     ->Place({bench.problem(), options.budget, options.seed, options.stop,
                              options.progress, /*checkpoint=*/{}});
  if (!found.search.groups) {
    return found;
  }
  found.plan = Save(bench.problem().Expand(*found.search.groups), bench.graph(), bench.cluster());
  found.plan->method = options.method;
  found.plan->seed = options.seed;
  if (found.fits()) {
    found.plan->step_time_seconds = ToSeconds(found.search.best.step_time).count();
  }
  return found;
}

SimulatedStep Simulate(const Workbench& bench, const SavedPlacement& plan) {
  SimulatedStep step;
  step.placement = Restore(plan, bench.graph(), bench.cluster());
  const std::vector<std::string> faults = bench.Faults(step.placement);
  if (!faults.empty()) {
    throw InputError("plan: " + faults.front());
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  step.start.assign(bench.graph().num_ops(), kNone);
  step.end = step.start;
  step.report = bench.runner().RunWithTrace(step.placement, &step.trace);
  for (const Trace::OpRun& run : step.trace.ops) {
    step.start[run.op.index()] = ToSeconds(run.start).count();
    step.end[run.op.index()] = ToSeconds(run.end).count();
  }
  return step;
}

}  // namespace placer
