#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/progress.h"
#include "placer/placer.h"
#include "placer/registry.h"

namespace placer {

/// One seed of one method.
struct TrialSpec {
  std::string method;
  Budget budget;
  Seed seed = 1;
  std::filesystem::path checkpoint;  ///< see PlaceRequest
};

struct TrialOptions {
  int jobs = 1;  ///< trials at a time, each on a thread of its own
  /// When set, every trial stops here, whatever its own budget says.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token stop;
  /// Makes the method of a trial; default: from the registry by name.
  std::function<std::unique_ptr<Placer>(std::size_t)> make;
  /// Called from the trial's thread, with the trial's index.
  std::function<void(std::size_t)> on_start;
  std::function<void(std::size_t, const Progress&)> on_progress;
  std::function<void(std::size_t, const PlaceResult&)> on_finish;
};

/// Runs every trial; results[i] is that of trials[i] and does not depend on `jobs` (unless time is
/// what stops a trial). Every trial runs on one thread, so that wall times compare. Trials that had
/// not started when the user asked to stop are empty and `interrupted`.
/// @throws what a method throws, that of the first trial in the list
[[nodiscard]] std::vector<PlaceResult> RunTrials(const Problem& problem,
                                                 const PlacerRegistry& registry,
                                                 std::span<const TrialSpec> trials,
                                                 const TrialOptions& options,
                                                 ProgressMeter& progress);

/// Number of cores, at least one.
[[nodiscard]] int DefaultJobs();

}  // namespace placer
