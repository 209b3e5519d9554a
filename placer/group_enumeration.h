#pragma once

#include <cstdint>

#include "placer/problem.h"

namespace placer {

/// The best of all group placements, and how rare it is.
struct EnumerationResult {
  GroupPlacement groups;  ///< the first optimum, last group counting fastest
  StepSummary best;
  std::int64_t placements = 0;  ///< all there are
  std::int64_t optima = 0;      ///< those as good as the best
};

/// Runs every group placement of a small problem: the yardstick for searches.
/// @throws InputError if there are more than `limit` placements, or no groups
[[nodiscard]] EnumerationResult EnumerateGroupPlacements(const Problem& problem,
                                                         std::int64_t limit = 20'000'000);

}  // namespace placer
