#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cost_model/cluster.h"
#include "runner/statistics.h"
#include "runner/step_report.h"
#include "runner/step_worker.h"

namespace placer {

/// How often a step is repeated before its time is believed.
struct TimingOptions {
  /// Steps before the first that counts, after every change of plan: they allocate and touch pages.
  int warmup = 1;
  int min_repeats = 3;
  int max_repeats = 12;
  /// The interval is narrow enough: half its width is below this share of the mean. Below what
  /// placements differ by that a search has to tell apart, about the noise of a quiet machine.
  double narrow = 0.01;
  /// A placement whose first repeat is this much above the best is given up: outliers of that size
  /// are rarer than such placements.
  double hopeless = 1.5;
};

/// The time of one step, measured.
struct StepTiming {
  StepOutcome outcome = StepOutcome::kOk;
  std::string reason;                    ///< one line if outcome is not kOk
  RobustMean time;                       ///< seconds, TrimmedMean() of `times`
  std::vector<double> times;             ///< seconds, every repeat that counts, in order
  std::vector<std::int64_t> peak_bytes;  ///< per device
  bool cut = false;                      ///< given up early: `time` is only roughly known
};

/// Repeats the step until its interval is narrow, or apart from `best`, or the repeats are used up.
/// Whatever fails, a worker that cannot be started anew included, is the timing's outcome.
/// @param best  seconds of the best placement so far: hopeless ones are given up after one repeat
/// @throws WorkerError if interrupted, no other
[[nodiscard]] StepTiming TimeStep(StepWorker& worker, const StepPlan& plan,
                                  const TimingOptions& options,
                                  std::optional<double> best = std::nullopt);

/// A step that ran though a device held more than it has, as it does where devices share the memory
/// of a machine, does not fit: its outcome becomes kOutOfMemory, with the reason.
/// @return those devices; empty if the step did not run
std::vector<MemoryShortage> HoldAgainstMemory(const Cluster& cluster, StepTiming& timing);

/// Plans that were measured in turns.
struct InterleavedTimings {
  std::vector<StepTiming> timings;  ///< [num_plans]
  /// By the user. Timings have the repeats so far, and the outcome kInterrupted if there are none.
  bool interrupted = false;
};

/// Measures several plans in turns, so that what changes on the machine meanwhile hits all of them
/// alike. In each round every plan runs options.warmup + 1 times; what fails is left out of later
/// rounds, and so is what is hopeless after the first, if `give_up`.
/// @param on_round  called after every round with the number of rounds done
[[nodiscard]] InterleavedTimings TimeInterleaved(StepWorker& worker,
                                                 std::span<const StepPlan> plans, int rounds,
                                                 const TimingOptions& options, bool give_up = false,
                                                 const std::function<void(int)>& on_round = {});

}  // namespace placer
