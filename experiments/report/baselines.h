#pragma once

#include <vector>

#include "cost_model/placement.h"
#include "experiments/report/report_builder.h"
#include "experiments/workbench.h"

namespace placer {

/// A plan that a baseline found.
struct ComputedPlan {
  std::size_t method = 0;  ///< index into ReportProblem::methods
  Seed seed = 1;
  Seconds step_time{0};
  Placement placement;
};

/// Runs the baselines that no method of the problem is yet, with the seeds of its methods and each
/// of their budgets (heuristics, which do not spend it: the largest), and appends them, marked as
/// computed here. Stopped by the user, it leaves out what is not complete, with a note.
/// @return the best feasible plan of each
[[nodiscard]] std::vector<ComputedPlan> AddBaselines(const Workbench& bench,
                                                     const ReportOptions& options,
                                                     const Console& console,
                                                     ReportProblem& problem);

}  // namespace placer
