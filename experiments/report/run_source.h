#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cost_model/placement_io.h"
#include "experiments/experiment_config.h"
#include "experiments/report/report_model.h"

namespace placer {

/// A run as it is stored: one method on one problem.
struct StoredRun {
  ExperimentConfig config;
  std::vector<ReportSource> sources;  ///< without their methods
  bool of_sweep = false;
  ReportMethod method;  ///< its trials are those seeds that have found anything
  /// Reads the plan of each trial; empty: there is none.
  std::vector<std::function<SavedPlacement()>> plans;
};

/// A run directory (run_directory.h), whether complete, stopped or still running. Nothing in it is
/// changed. @throws InputError for a damaged file
[[nodiscard]] StoredRun ReadRun(const std::filesystem::path& path);

/// The trials of a sweep (sweep/sweep_store.h) that have a result, as one run per method, budget
/// and problem, in the order of the sweep. @param path  the store or its folder. @throws InputError
[[nodiscard]] std::vector<StoredRun> ReadSweepRuns(const std::filesystem::path& path);

/// The sweep or the run in `path`, or else all of them in the folders below, in the order of their
/// paths. Stores of sweeps in such folders (`*.db`, one per shard) count too; what is no store is
/// passed over, and so is one without results.
/// @throws InputError if there are none
[[nodiscard]] std::vector<StoredRun> FindRuns(const std::filesystem::path& path);

/// Makes one of the runs of sweeps that have the same problem, method and budget: a sweep may have
/// a store per shard. Its seeds ascend; what several have of a seed is taken from the first. Other
/// runs stay as they are, and all stay in their order.
[[nodiscard]] std::vector<StoredRun> MergeSweepRuns(std::vector<StoredRun> runs);

/// Whether two runs are about the same problem: the same text but for what belongs to the method
/// and its budget.
[[nodiscard]] std::string ProblemKey(const ExperimentConfig& config);

}  // namespace placer
