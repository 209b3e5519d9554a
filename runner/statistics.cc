#include "runner/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace placer {
namespace {

constexpr double kTrimmedShare = 0.2;

/// Continued fraction of the incomplete beta function by Lentz's method. It converges quickly for
/// x < (a + 1) / (a + b + 2).
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;      // keeps a vanishing denominator from dividing by zero
  constexpr double kTolerance = 1e-15;  // a little above the rounding of a double
  constexpr int kMaxTerms = 10'000;     // large degrees need about sqrt(degrees) terms
  const auto guard = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / guard(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= kMaxTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d);
    c = guard(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d);
    c = guard(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < kTolerance) {
      break;
    }
  }
  return fraction;
}

/// Regularised incomplete beta function I_x(a, b), 0 <= x <= 1.
double IncompleteBeta(double a, double b, double x) {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) {
    return front * BetaFraction(a, b, x) / a;
  }
  return 1 - front * BetaFraction(b, a, 1 - x) / b;
}

std::vector<double> Sorted(std::span<const double> values) {
  if (values.empty()) {
    throw std::logic_error("no values to average");
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

}  // namespace

double StudentCdf(double t, double degrees) {
  const double tail = 0.5 * IncompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
  return t < 0 ? tail : 1 - tail;
}

double StudentQuantile(double probability, double degrees) {
  double low = 0, high = 1;
  while (StudentCdf(high, degrees) < probability && high < 1e12) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) {
      break;
    }
    (StudentCdf(middle, degrees) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

RobustMean TrimmedMean(std::span<const double> values) {
  std::vector<double> sorted = Sorted(values);
  const std::size_t n = sorted.size();
  const auto trimmed = static_cast<std::size_t>(kTrimmedShare * static_cast<double>(n));
  const std::size_t kept = n - 2 * trimmed;
  RobustMean result;
  result.count = n;
  for (std::size_t i = trimmed; i < n - trimmed; ++i) {
    result.mean += sorted[i] / static_cast<double>(kept);
  }
  std::fill_n(sorted.begin(), trimmed, sorted[trimmed]);
  std::fill_n(sorted.rbegin(), trimmed, sorted[n - trimmed - 1]);
  double winsorised_mean = 0;
  for (const double value : sorted) {
    winsorised_mean += value / static_cast<double>(n);
  }
  double squares = 0;
  for (const double value : sorted) {
    squares += (value - winsorised_mean) * (value - winsorised_mean);
  }
  if (kept < 2) {
    result.half_width = std::numeric_limits<double>::infinity();
    return result;
  }
  result.deviation = std::sqrt(squares / static_cast<double>(n - 1));
  const double standard_error =
      result.deviation * std::sqrt(static_cast<double>(n)) / static_cast<double>(kept);
  result.half_width = StudentQuantile(0.975, static_cast<double>(kept - 1)) * standard_error;
  return result;
}

double Median(std::span<const double> values) {
  const std::vector<double> sorted = Sorted(values);
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

}  // namespace placer
