#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "experiments/stats.h"
#include "placer/placer.h"

namespace placer {

/// All seeds of one method; results[s] belongs to seed s, the same for every method.
struct MethodTrials {
  std::string method;
  bool uses_budget = false;
  std::vector<PlaceResult> results;
};

/// A method over its seeds. Step times in seconds; infeasible trials are counted, and left out of
/// the times.
struct MethodSummary {
  std::string method;
  std::size_t trials = 0, feasible = 0;
  std::optional<Sample> step_seconds;        ///< nothing if no trial is feasible
  std::optional<Sample> equal_wall_seconds;  ///< best by the equal wall time; only if every
                                             ///< trial had something feasible by then
  double mean_samples = 0, mean_unique = 0, mean_wall_seconds = 0;
  /// Step time / that of the best heuristic at the same seed - 1, averaged; nothing unless all
  /// trials of both are feasible.
  std::optional<double> change;
  std::optional<Interval> change_interval;  ///< 95 %, from five seeds on
};

struct Comparison {
  std::vector<MethodSummary> methods;         ///< in the given order
  std::optional<std::size_t> best_heuristic;  ///< the one of the smallest mean; ties: the first
  std::optional<Seconds>
      equal_wall;  ///< mean wall time of the quickest method that uses its budget
};

/// Seeds below this number give no interval.
inline constexpr std::size_t kMinSeedsForInterval = 5;

/// Step time / that of a reference at the same seed - 1, over the seeds.
struct Change {
  double mean = 0;
  std::optional<Interval> interval;  ///< 95 %, from kMinSeedsForInterval on
};
/// @param times, reference  of the same seeds in the same order, at least one; any unit
[[nodiscard]] Change PairedChange(std::span<const double> times, std::span<const double> reference);

[[nodiscard]] Comparison CompareMethods(const std::vector<MethodTrials>& methods);

/// The best placement known by `wall`, from the curve. nullopt if there was no feasible one yet.
[[nodiscard]] std::optional<Picoseconds> BestBy(const PlaceResult& result, Seconds wall);

}  // namespace placer
