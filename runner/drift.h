#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace placer {

/// One of several measurements of an item, such as a placement.
struct TimedItem {
  std::size_t item = 0;
  double seconds = 0;
};

/// How much slower than on average the machine was at each of these measurements, which were made
/// one after another: [measured.size()], mean 1. Clock rates drift over seconds and minutes, by
/// more than many placements differ.
///
/// A factor is the median, over the ten measurements before and the ten after, of what each took
/// against the mean of its own item. The measurement itself is left out of that median, so that
/// dividing by it takes away no noise but what neighbours share. Items must have been measured
/// several times, in an order drawn anew for each round: else drift and items cannot be told apart.
/// Fewer than 40 items: fewer neighbours, so that they are of the same round. With fewer than 12,
/// or one measurement of each, drift is not known and all factors are 1.
[[nodiscard]] std::vector<double> DriftFactors(std::span<const TimedItem> measured);

}  // namespace placer
