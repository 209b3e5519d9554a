#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "experiments/console.h"
#include "experiments/report/report_model.h"
#include "experiments/report/run_source.h"

namespace placer {

struct ReportOptions {
  /// Methods that are run for the report where no run has them, with the runs' seeds and samples;
  /// nullopt: all heuristics and `annealing`. Empty: none.
  std::optional<std::vector<std::string>> baselines;
  int jobs = 1;
};

/// How many plans the next problem of a report may show: up to four, fewer where many problems are
/// to come, so that the page stays small. @param shown  on the problems before
/// @param problems_left  with the next one
[[nodiscard]] std::size_t PlansOfNextProblem(std::size_t shown, std::size_t problems_left) noexcept;

/// Loads the model of every problem that the runs are about, runs the baselines, and simulates the
/// best placement of every method. What cannot be had (the model has gone or is another one now, a
/// damaged plan) becomes a note of the problem, and a warning on console.err. Stops early, with
/// what there is, when the user asks for it.
/// @param runs  at least one
[[nodiscard]] ReportModel BuildReport(const std::vector<StoredRun>& runs,
                                      const ReportOptions& options, const Console& console);

}  // namespace placer
