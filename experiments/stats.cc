#include "experiments/stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace placer {
namespace {

/// From 1; equal values share the mean of their ranks.
std::vector<double> Ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) {
      ++last;
    }
    for (std::size_t i = first; i < last; ++i) {
      ranks[order[i]] = static_cast<double>(first + last + 1) / 2;
    }
  }
  return ranks;
}

}  // namespace

Sample Summarize(std::span<const double> values) {
  if (values.empty()) {
    throw std::logic_error("no values to summarise");
  }
  Sample sample;
  sample.count = values.size();
  sample.min = *std::min_element(values.begin(), values.end());
  sample.max = *std::max_element(values.begin(), values.end());
  for (const double value : values) {
    sample.mean += value;
  }
  sample.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) {
    squares += (value - sample.mean) * (value - sample.mean);
  }
  if (values.size() > 1) {
    sample.deviation = std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
  return sample;
}

std::optional<Interval> MeanInterval95(std::span<const double> values) {
  if (values.size() < 2) {
    return std::nullopt;
  }
  const Sample sample = Summarize(values);
  const auto n = static_cast<double>(values.size());
  const double half = StudentQuantile(0.975, n - 1) * sample.deviation / std::sqrt(n);
  return Interval{sample.mean, sample.mean - half, sample.mean + half};
}

double Spearman(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    throw std::logic_error("a rank correlation needs pairs");
  }
  if (a.size() < 3) {
    return 0;
  }
  const std::vector<double> ranks_a = Ranks(a);
  const std::vector<double> ranks_b = Ranks(b);
  const double mean = (static_cast<double>(a.size()) + 1) / 2;
  double both = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (ranks_a[i] - mean) * (ranks_b[i] - mean);
    of_a += (ranks_a[i] - mean) * (ranks_a[i] - mean);
    of_b += (ranks_b[i] - mean) * (ranks_b[i] - mean);
  }
  return of_a > 0 && of_b > 0 ? both / std::sqrt(of_a * of_b) : 0;
}

}  // namespace placer
