#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace placer {

/// Mean, extremes and spread of a few numbers.
struct Sample {
  std::size_t count = 0;
  double mean = 0, min = 0, max = 0;
  double deviation = 0;  ///< sample standard deviation (n - 1); 0 for one number
};
/// @throws std::logic_error for an empty span
[[nodiscard]] Sample Summarize(std::span<const double> values);

/// P(T <= t) of Student's t distribution with `degrees` > 0 degrees of freedom, by the regularised
/// incomplete beta function (Abramowitz and Stegun 26.7.1, 26.5.8).
[[nodiscard]] double StudentCdf(double t, double degrees);
/// The t with StudentCdf(t) = probability, 0.5 <= probability < 1.
[[nodiscard]] double StudentQuantile(double probability, double degrees);

struct Interval {
  double mean = 0, low = 0, high = 0;
};
/// The two-sided 95 % interval of the mean of `values` (t distribution). nullopt below two values.
[[nodiscard]] std::optional<Interval> MeanInterval95(std::span<const double> values);

}  // namespace placer
