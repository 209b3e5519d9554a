#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "runner/statistics.h"

namespace placer {

/// Mean, extremes and spread of a few numbers.
struct Sample {
  std::size_t count = 0;
  double mean = 0, min = 0, max = 0;
  double deviation = 0;  ///< sample standard deviation (n - 1); 0 for one number
};
/// @throws std::logic_error for an empty span
[[nodiscard]] Sample Summarize(std::span<const double> values);

struct Interval {
  double mean = 0, low = 0, high = 0;
};
/// The two-sided 95 % interval of the mean of `values` (t distribution). nullopt below two values.
[[nodiscard]] std::optional<Interval> MeanInterval95(std::span<const double> values);

/// Spearman's rank correlation, ties sharing their mean rank; 0 below three pairs or without
/// spread. @throws std::logic_error if the spans differ in size
[[nodiscard]] double Spearman(std::span<const double> a, std::span<const double> b);

}  // namespace placer
