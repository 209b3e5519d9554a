#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/execution.h"
#include "placer/registry.h"
#include "runner/drift.h"
#include "runner/statistics.h"

namespace placer {

/// A placement whose simulated time is held against its measured one.
struct FidelityPoint {
  std::string source;  ///< "random", "heuristic", "found"
  std::string label;   ///< "random, 30 % on cpu:1", "heft", "found 3"
  Placement placement;
  double simulated = 0;       ///< seconds
  StepTiming timing;          ///< over the rounds, as measured
  std::vector<double> times;  ///< timing.times without the machine's drift, RemoveDrift()
  [[nodiscard]] bool ok() const { return timing.outcome == StepOutcome::kOk && !times.empty(); }
  /// Seconds: the median over the rounds. Rounds are few, and one that the machine disturbed would
  /// move a mean. 0 where nothing was measured.
  [[nodiscard]] double measured() const { return ok() ? Median(times) : 0; }
  [[nodiscard]] double error() const { return simulated / measured() - 1; }
};

/// Gives the points the times of another simulator.
void Simulate(const Workbench& bench, std::span<FidelityPoint> points);

/// How much quicker (low < 0) and slower (high > 0) than on average the machine was meanwhile.
/// Shares of 1. Both 0 where that is not known, DriftFactors().
struct DriftRange {
  double low = 0;
  double high = 0;
  [[nodiscard]] bool known() const noexcept { return low < 0 || high > 0; }
};
/// Sets `times` of the points. What it goes by are measured times alone: a simulator looks no
/// better by it than it is.
/// @param measured  all measurements in the order they were made in; `item` is a point
DriftRange RemoveDrift(std::span<const TimedItem> measured, std::span<FidelityPoint> points);
/// The same points as measured, with what drifted.
[[nodiscard]] std::vector<FidelityPoint> WithDrift(std::span<const FidelityPoint> points);

/// How far a simulator is from the machine. Shares of 1.
struct FidelitySummary {
  std::size_t points = 0;
  double mape = 0;      ///< mean |simulated - measured| / measured
  double bias = 0;      ///< mean of the same with its sign
  double spearman = 0;  ///< rank correlation of simulated and measured; 0 below 3 points
  /// Mean over points and pairs of rounds of |a - b| / ((a + b) / 2), one measurement against the
  /// same again: no simulator can be closer to single measurements.
  double repeat_noise = 0;
  /// Mean rank correlation of one round with another: what the machine's noise leaves of the order
  /// of placements. 0 with a single round.
  double round_spearman = 0;
};
/// Of the points that could be measured, those of `source` or all if that is empty.
[[nodiscard]] FidelitySummary Summarize(std::span<const FidelityPoint> points,
                                        const std::string& source = {});

/// The limits of docs/measured.md: MAPE at most 10 % or 1.5 times the repeat noise, Spearman at
/// least 0.95.
[[nodiscard]] bool IsFaithful(const FidelitySummary& summary);

/// Distinct valid placements with simulated times, as different as can be in how much of the work
/// they leave to each device: about 60 % random (their device shares go evenly from all on one
/// device to all on another, in single ops, short and long runs), the heuristics, and the best of a
/// short search with what it saw on its way.
[[nodiscard]] std::vector<FidelityPoint> ChoosePlacements(const Workbench& bench, std::size_t count,
                                                          Seed seed);

}  // namespace placer
