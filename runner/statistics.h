#pragma once

#include <cstddef>
#include <span>

namespace placer {

/// P(T <= t) of Student's t distribution with `degrees` > 0 degrees of freedom, by the regularised
/// incomplete beta function (Abramowitz and Stegun 26.7.1, 26.5.8).
[[nodiscard]] double StudentCdf(double t, double degrees);
/// The t with StudentCdf(t) = probability, 0.5 <= probability < 1.
[[nodiscard]] double StudentQuantile(double probability, double degrees);

/// A mean that outliers do not move, and how well it is known.
struct RobustMean {
  std::size_t count = 0;
  double mean = 0;
  double half_width = 0;  ///< of the two-sided 95 % interval; infinite below two values
  double deviation = 0;   ///< standard deviation of the winsorised values
  [[nodiscard]] double low() const noexcept { return mean - half_width; }
  [[nodiscard]] double high() const noexcept { return mean + half_width; }
};
/// The 20 % trimmed mean: a fifth of the values, rounded down, is dropped at either end. Repeats of
/// a step have a few outliers, almost all of them slow (page faults, another process on the core):
/// they move a plain mean and its variance, while the median of few repeats throws away what the
/// others say. The interval is Tukey and McLaughlin's: the winsorised deviation and Student's t.
/// Source: Tukey and McLaughlin, Sankhya A 25, 1963; the share of 20 %: Wilcox, "Introduction to
/// Robust Estimation and Hypothesis Testing", 3rd ed. 2012, sections 3.3 and 4.3.
/// @throws std::logic_error for an empty span
[[nodiscard]] RobustMean TrimmedMean(std::span<const double> values);

/// The middle value; the mean of the two middle ones if their number is even.
/// @throws std::logic_error for an empty span
[[nodiscard]] double Median(std::span<const double> values);

}  // namespace placer
